"""The topics, listed once.

SQL has the same list in the macro landed_topics, Kafka Connect in connectors/*.json;
tests/unit/test_topics.py compares them.
"""

TOPICS = ("clickstream", "sku_availability", "product_catalog")
DEAD_LETTERS = "dead_letters"
"""Also a topic: the records of the others that Kafka Connect could not write."""
LANDED_TOPICS = (*TOPICS, DEAD_LETTERS)
STAGED = {
    "clickstream": "stg_clickstream__events",
    "sku_availability": "stg_availability__stock_changes",
    "product_catalog": "stg_catalog__skus",
}
"""The staging table of each topic."""
