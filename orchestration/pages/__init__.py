"""Static pages: the overview and the docs site."""
