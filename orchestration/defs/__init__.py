"""Dagster's assets, checks, jobs and sensors, by what they are about."""
