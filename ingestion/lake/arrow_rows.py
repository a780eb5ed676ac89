"""Listed objects as Arrow, for DuckDB."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from ingestion.lake.landed_objects import LandedObject

OBJECT = pa.struct(
    [
        ("topic", pa.string()),
        ("folder_hour", pa.timestamp("us")),
        ("object_key", pa.string()),
        ("object_size", pa.int64()),
        ("etag", pa.string()),
        ("list_error", pa.string()),
    ]
)
OBJECTS_SQL = (
    "struct(topic varchar, folder_hour timestamp, object_key varchar, "
    "object_size bigint, etag varchar, list_error varchar)[]"
)
"""A list of such objects, as DuckDB names the type."""


def object_rows(objects: "Iterable[LandedObject]") -> list[dict[str, Any]]:
    """Each object as a row of `OBJECT`; times are UTC without a zone."""
    return [
        {
            "topic": found.topic,
            "folder_hour": found.folder_hour.replace(tzinfo=None),
            "object_key": found.key,
            "object_size": found.size,
            "etag": found.etag,
            "list_error": found.error,
        }
        for found in objects
    ]


def object_table(objects: "Iterable[LandedObject]") -> pa.Table:
    """The objects as a table."""
    return pa.Table.from_pylist(object_rows(objects), pa.schema(list(OBJECT)))
