"""Replays public data sets of real visitors into the landing layout.

- OTTO (https://github.com/otto-de/recsys-dataset, CC BY 4.0): clicks, carts and orders, from a
  Parquet file with `session_id, seq, ts_ms, item_id, event`. It knows neither sizes nor stock, so
  all of its traffic is unknown, and TWIST reports it as such.
- RetailRocket (https://www.kaggle.com/datasets/retailrocket/ecommerce-dataset, CC BY-NC-SA 4.0):
  views, carts and purchases, and weekly snapshots of item properties, one of which is whether the
  item is available. An item becomes a style of one SKU, its availability a stock level of 0 or 1.

Ids are derived from the data, so a replay gives the same bytes each time; an event arrives when it
happened. Both are read in order of time and never held in memory entirely.
"""

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from ingestion.extensions import quoted
from ingestion.simulation.retailer.render import stamps
from ingestion.simulation.sink import Record

CHUNK_ROWS = 20_000
MEMORY_LIMIT = "1GB"
"""What DuckDB may use to sort; it spills the rest to a temporary folder."""

CHANNEL = "web"
NETWORK = "network"
"""The one location of a data set that does not record where its stock is."""

OTTO_TYPES = {"clicks": "product_view", "carts": "add_to_bag", "orders": "purchase"}
RETAILROCKET_TYPES = {"view": "product_view", "addtocart": "add_to_bag", "transaction": "purchase"}
RETAILROCKET_FILES = (
    "events.csv",
    "item_properties_part1.csv",
    "item_properties_part2.csv",
    "category_tree.csv",
)


class ReplayError(Exception):
    """The data set is not there, or is not what it should be; the message says what to do."""


def otto(path: Path) -> Iterator[list[Record]]:
    """The records of an OTTO Parquet file in timestamp order, in chunks.

    A click sees an item's page, so it names the style only; carts and orders name the SKU as well.
    """
    if not path.is_file():
        raise ReplayError(f"{path} is missing: name the Parquet file of OTTO events")
    query = """
        select ts_ms, session_id, seq, item_id, event
        from read_parquet(getvariable('path'))
        order by ts_ms, session_id, seq
    """

    def record(row: tuple[Any, ...], at: str) -> Record:
        ts_ms, session, seq, item, event = row
        fields = {
            "event_id": f"{session}-{seq}",
            "event_type": OTTO_TYPES.get(event, event),
            "event_ts": at,
            "session_id": f"{session}",
            "visitor_id": f"{session}",
            "channel": CHANNEL,
            "style_id": f"{item}",
        }
        if event != "clicks":
            fields["sku_id"] = f"{item}"
        return Record("clickstream", f"{session}", _json(fields), ts_ms)

    yield from _records(query, {"path": str(path)}, record)


def retailrocket(folder: Path) -> Iterator[list[Record]]:
    """The records of a folder with the four RetailRocket files in timestamp order, in chunks.

    An item enters the catalog when its first property is known, with the first category it has; its
    department is the root of that category. At one instant the catalog comes before the stock, and
    the stock before the visitors.
    """
    missing = [name for name in RETAILROCKET_FILES if not (folder / name).is_file()]
    if missing:
        raise ReplayError(
            f"{folder} lacks {', '.join(missing)}: unpack the Kaggle data set"
            " retailrocket/ecommerce-dataset there"
        )
    files = {name.split(".")[0]: str(folder / name) for name in RETAILROCKET_FILES}
    roots = _roots(files.pop("category_tree"))

    def record(row: tuple[Any, ...], at: str) -> Record:
        ts_ms, kind, item, visitor, text, number = row
        product = {"style_id": f"{item}", "sku_id": f"{item}"}
        if kind == "0 catalog":
            fields = product | {"is_active": True, "event_ts": at}
            if text is not None:
                fields |= {"category": text, "department": roots.get(text, text)}
            return Record("product_catalog", f"{item}", _json(fields), ts_ms)
        if kind == "1 stock":
            fields = {
                "event_id": f"{item}-{ts_ms}",
                "sku_id": f"{item}",
                "location_id": NETWORK,
                "available_qty": number,
                "event_ts": at,
                "reason": "snapshot",
            }
            return Record("sku_availability", f"{item}", _json(fields), ts_ms)
        fields = {
            "event_id": f"{visitor}-{ts_ms}-{text}-{item}-{number}",
            "event_type": RETAILROCKET_TYPES.get(text, text),
            "event_ts": at,
            "visitor_id": f"{visitor}",
            "channel": CHANNEL,
        }
        return Record("clickstream", f"{visitor}", _json(fields | product), ts_ms)

    yield from _records(_RETAILROCKET, files, record)


# Equal rows of events.csv are distinguished by their number, in arbitrary order.
_RETAILROCKET = """
    with properties as (
        select *
        from read_csv(
            [getvariable('item_properties_part1'), getvariable('item_properties_part2')],
            header = true, delim = ',', auto_detect = false,
            columns = {
                'timestamp': 'bigint', 'itemid': 'bigint', 'property': 'varchar', 'value': 'varchar'
            }
        )
    ),

    visits as (
        select *
        from read_csv(
            getvariable('events'),
            header = true, delim = ',', auto_detect = false,
            columns = {
                'timestamp': 'bigint', 'visitorid': 'bigint', 'event': 'varchar',
                'itemid': 'bigint', 'transactionid': 'bigint'
            }
        )
    ),

    catalog as (
        select
            min(timestamp) as ts_ms,
            '0 catalog' as kind,
            itemid,
            null::bigint as visitorid,
            arg_min(value, (timestamp, value)) filter (where property = 'categoryid') as text,
            null::bigint as number
        from properties
        group by itemid
    ),

    stock as (
        select
            timestamp as ts_ms, '1 stock' as kind, itemid, null as visitorid, null as text,
            max(value::bigint) as number
        from properties
        where property = 'available' and value in ('0', '1')
        group by timestamp, itemid
    ),

    clicks as (
        select
            timestamp as ts_ms, '2 click' as kind, itemid, visitorid, event as text,
            row_number() over (partition by timestamp, visitorid, event, itemid) as number
        from visits
    )

    select * from catalog
    union all
    select * from stock
    union all
    select * from clicks
    order by ts_ms, kind, itemid, visitorid, text, number
"""


def _records(
    query: str, files: dict[str, str], record: Callable[[tuple[Any, ...], str], Record]
) -> Iterator[list[Record]]:
    """Streams a query whose first column is the time, in milliseconds since the epoch."""
    for rows in _rows(query, files):
        times = stamps(np.array([row[0] for row in rows], np.int64) * 1000)
        yield [record(row, at) for row, at in zip(rows, times, strict=True)]


def _rows(query: str, files: dict[str, str]) -> Iterator[list[Any]]:
    with tempfile.TemporaryDirectory() as spill, duckdb.connect() as connection:
        connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        connection.execute(f"set temp_directory = {quoted(spill)}")
        # Not as parameters of the query: to bind one, DuckDB imports pandas, which takes seconds.
        for name, path in files.items():
            connection.execute(f"set variable {name} = {quoted(path)}")
        try:
            cursor = connection.execute(query)
            while rows := cursor.fetchmany(CHUNK_ROWS):
                yield rows
        except duckdb.Error as error:
            names, reason = ", ".join(files.values()), str(error).splitlines()[0]
            raise ReplayError(f"{names}: not the expected data: {reason}") from error


def _roots(path: str) -> dict[str, str]:
    """The topmost ancestor of each category, from `category_tree.csv`."""
    query = """
        select categoryid, parentid
        from read_csv(
            getvariable('path'), header = true, delim = ',', auto_detect = false,
            columns = {'categoryid': 'varchar', 'parentid': 'varchar'}
        )
    """
    parents: dict[str, str | None] = {}
    for rows in _rows(query, {"path": path}):
        parents |= dict(rows)

    def root(category: str) -> str:
        seen = {category}
        while (parent := parents.get(category)) and parent not in seen:
            seen.add(parent)
            category = parent
        return category

    return {category: root(category) for category in parents}


def _json(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()


READERS: dict[str, Callable[[Path], Iterator[list[Record]]]] = {
    "otto": otto,
    "retailrocket": retailrocket,
}
