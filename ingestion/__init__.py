"""From the retailer's events to the landing lake, and from there to DuckDB."""
