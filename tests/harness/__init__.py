"""Shared by the tests: the pipeline under test, the referee, and input generators."""
