"""What the data must look like at the boundaries: raw in, facts out (Great Expectations)."""
