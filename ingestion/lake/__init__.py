"""The landing lake: object keys, listing and reading."""
