"""The history lake: closed days as Parquet, exported, verified and restored."""
