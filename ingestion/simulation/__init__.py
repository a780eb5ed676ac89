"""A simulated retailer and replayed public data: for demos, tests and benchmarks only."""
