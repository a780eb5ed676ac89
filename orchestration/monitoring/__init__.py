"""Freshness and quality of the data: freshness rules, check results, alerts."""
