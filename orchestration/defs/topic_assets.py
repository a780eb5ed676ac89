"""The landed topics: external assets, keyed as the dbt sources that name them."""

from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg

from ingestion.contract.strict_json import schema
from ingestion.contract.topics import LANDED_TOPICS
from ingestion.lake.object_keys import topic_prefix
from orchestration.warehouse.load_report import TopicCounts


def topic_key(topic: str) -> dg.AssetKey:
    """`clickstream` → landing/landing_clickstream, the dbt source's key."""
    return dg.AssetKey(["landing", f"landing_{topic}"])


def topic_specs() -> list[dg.AssetSpec]:
    """One asset for each topic. Kafka Connect lands them; a load reports what it found."""
    return [
        dg.AssetSpec(
            topic_key(topic),
            group_name="landing",
            description=f"{schema(topic)['description']} JSON lines, gzip, under "
            f"{topic_prefix(topic)}/.",
            owners=["team:data-platform"],
            kinds={"kafka", "json"},
        )
        for topic in LANDED_TOPICS
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
