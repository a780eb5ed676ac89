"""Dagster's assets, checks, jobs and sensors, by subject."""
