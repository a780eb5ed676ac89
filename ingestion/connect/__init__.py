"""Kafka and Kafka Connect: topics, connectors and dead letters."""
