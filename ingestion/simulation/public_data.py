"""Replays public data sets of real visitors into the landing layout.

- OTTO (https://github.com/otto-de/recsys-dataset, CC BY 4.0): clicks, carts and orders, from a
  Parquet file with `session_id, seq, ts_ms, item_id, event`. It knows neither sizes nor stock, so
  TWIST reports all of its traffic as unknown.
- RetailRocket (https://www.kaggle.com/datasets/retailrocket/ecommerce-dataset, CC BY-NC-SA 4.0):
  views, carts and purchases, and weekly snapshots of item properties, one of which is whether the
  item is available. An item becomes a style of one SKU, its availability a stock level of 0 or 1.

Ids are derived from the data, so a replay gives the same bytes each time; an event arrives when it
happened.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from ingestion.extensions import quoted
from ingestion.settings import SettingsError
from ingestion.simulation.dirt import compact
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


def otto(path: Path) -> Iterator[list[Record]]:
    """The records of an OTTO Parquet file in timestamp order, in chunks.

    A click sees an item's page, so it names the style only; carts and orders name the SKU as well.
    """
    if not path.is_file():
        raise SettingsError(f"{path} is missing: name the Parquet file of OTTO events")
    query = f"""
        select ts_ms, session_id, seq, item_id, event from read_parquet({quoted(str(path))})
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
        return Record("clickstream", f"{session}", compact(fields), ts_ms)

    yield from _records(query, [path], record)


def retailrocket(folder: Path) -> Iterator[list[Record]]:
    """The records of a folder with the four RetailRocket files in timestamp order, in chunks.

    An item enters the catalog when its first property is known, with the first category it has; its
    department is the root of that category. At one instant the catalog comes before the stock, and
    the stock before the visitors.
    """
    missing = [name for name in RETAILROCKET_FILES if not (folder / name).is_file()]
    if missing:
        raise SettingsError(
            f"{folder} lacks {', '.join(missing)}: unpack the Kaggle data set"
            " retailrocket/ecommerce-dataset there"
        )
    *data, tree = (folder / name for name in RETAILROCKET_FILES)
    roots = _roots(tree)

    def record(row: tuple[Any, ...], at: str) -> Record:
        ts_ms, kind, item, visitor, text, number = row
        product = {"style_id": f"{item}", "sku_id": f"{item}"}
        if kind == "0 catalog":
            fields = product | {"is_active": True, "event_ts": at}
            if text is not None:
                fields |= {"category": text, "department": roots.get(text, text)}
            return Record("product_catalog", f"{item}", compact(fields), ts_ms)
        if kind == "1 stock":
            fields = {
                "event_id": f"{item}-{ts_ms}",
                "sku_id": f"{item}",
                "location_id": NETWORK,
                "available_qty": number,
                "event_ts": at,
                "reason": "snapshot",
            }
            return Record("sku_availability", f"{item}", compact(fields), ts_ms)
        fields = {
            "event_id": f"{visitor}-{ts_ms}-{text}-{item}-{number}",
            "event_type": RETAILROCKET_TYPES.get(text, text),
            "event_ts": at,
            "visitor_id": f"{visitor}",
            "channel": CHANNEL,
        }
        return Record("clickstream", f"{visitor}", compact(fields | product), ts_ms)

    yield from _records(_retailrocket_query(*data), data, record)


def _retailrocket_query(events: Path, *properties: Path) -> str:
    visits = _csv(
        [events],
        timestamp="bigint",
        visitorid="bigint",
        event="varchar",
        itemid="bigint",
        transactionid="bigint",
    )
    facts = _csv(
        properties, timestamp="bigint", itemid="bigint", property="varchar", value="varchar"
    )
    # Equal rows of events.csv are distinguished by their number, in arbitrary order.
    return f"""
        with properties as (select * from {facts})
        select
            min(timestamp) as ts_ms, '0 catalog' as kind, itemid, null::bigint as visitorid,
            arg_min(value, (timestamp, value)) filter (where property = 'categoryid') as text,
            null::bigint as number
        from properties
        group by itemid
        union all
        select timestamp, '1 stock', itemid, null, null, max(value::bigint)
        from properties
        where property = 'available' and value in ('0', '1')
        group by timestamp, itemid
        union all
        select
            timestamp, '2 click', itemid, visitorid, event,
            row_number() over (partition by timestamp, visitorid, event, itemid)
        from {visits}
        order by ts_ms, kind, itemid, visitorid, text, number
    """


def _csv(paths: Sequence[Path], **types: str) -> str:
    """A table of these files in SQL."""
    names = ", ".join(quoted(str(path)) for path in paths)
    how = "header = true, delim = ',', auto_detect = false"
    return f"read_csv([{names}], {how}, columns = {types})"


def _records(
    query: str, files: Sequence[Path], record: Callable[[tuple[Any, ...], str], Record]
) -> Iterator[list[Record]]:
    """Streams a query whose first column is the time, in milliseconds since the epoch."""
    for rows in _rows(query, files):
        times = stamps(np.array([row[0] for row in rows], np.int64) * 1000)
        yield [record(row, at) for row, at in zip(rows, times, strict=True)]


def _rows(query: str, files: Sequence[Path]) -> Iterator[list[Any]]:
    with tempfile.TemporaryDirectory() as spill, duckdb.connect() as connection:
        connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        connection.execute(f"set temp_directory = {quoted(spill)}")
        try:
            cursor = connection.execute(query)
            while rows := cursor.fetchmany(CHUNK_ROWS):
                yield rows
        except duckdb.Error as error:
            names, reason = ", ".join(map(str, files)), str(error).splitlines()[0]
            raise SettingsError(f"{names}: not the expected data: {reason}") from error


def _roots(tree: Path) -> dict[str, str]:
    """The topmost ancestor of each category."""
    query = f"from {_csv([tree], categoryid='varchar', parentid='varchar')}"
    parents: dict[str, str | None] = dict(chain.from_iterable(_rows(query, [tree])))

    def root(category: str) -> str:
        seen = {category}
        while (parent := parents.get(category)) and parent not in seen:
            seen.add(parent)
            category = parent
        return category

    return {category: root(category) for category in parents}


READERS: dict[str, Callable[[Path], Iterator[list[Record]]]] = {
    "otto": otto,
    "retailrocket": retailrocket,
}
