"""The landed topics: external assets, keyed as the dbt sources that name them."""

from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg

from ingestion.lake.object_keys import DEAD_LETTERS, TOPICS, topic_prefix
from orchestration.warehouse.load_report import TopicCounts

DESCRIPTIONS = {
    "clickstream": "What customers did: product views, bags, purchases, searches.",
    "sku_availability": "Absolute stock levels by SKU and location, as they change.",
    "product_catalog": "The current row of each SKU; compacted.",
    DEAD_LETTERS: "What Kafka Connect could not write of the others, with its reason.",
}


def topic_key(topic: str) -> dg.AssetKey:
    """`clickstream` → landing/landing_clickstream, the dbt source's key."""
    return dg.AssetKey(["landing", f"landing_{topic}"])


def topic_specs() -> list[dg.AssetSpec]:
    """One asset for each topic. Kafka Connect lands them; a load reports what it found."""
    return [
        dg.AssetSpec(
            topic_key(topic),
            group_name="landing",
            description=f"{DESCRIPTIONS[topic]} JSON lines, gzip, under {topic_prefix(topic)}/.",
            owners=["team:data-platform"],
            kinds={"kafka", "json"},
        )
        for topic in (*TOPICS, DEAD_LETTERS)
    ]


def topic_events(topics: Iterable[TopicCounts]) -> Iterator[dg.AssetMaterialization]:
    """What a load found of each topic, as materializations of the external assets."""
    for topic in topics:
        metadata: dict[str, Any] = {
            "dagster/partition_row_count": topic.lines,
            "objects": topic.objects,
            "bytes": topic.bytes,
            "loaded": topic.loaded,
            "duplicates": topic.duplicates,
            "late": topic.late,
            "quarantined": topic.quarantined,
            "newest folder": f"{topic.newest_folder:%Y-%m-%d %H}:00Z"
            if topic.newest_folder
            else "",
        }
        yield dg.AssetMaterialization(topic_key(topic.topic), metadata=metadata)
