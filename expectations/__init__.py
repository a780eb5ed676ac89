"""Great Expectations at the boundaries of the pipeline: raw data in, facts out."""
