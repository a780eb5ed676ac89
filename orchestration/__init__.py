"""What runs TWIST: the loader, the commands behind `make`, and Dagster's definitions."""
