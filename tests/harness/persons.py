"""A shop in which a person is in every place that a store has, and what is counted there."""

import gzip
import hashlib
import json
import shutil
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from ingestion.lake.object_keys import object_key
from ingestion.settings import Settings
from orchestration.erasure.days import PERSONAL
from orchestration.history.export import export_all
from orchestration.pages.overview.publish import publish
from orchestration.warehouse.swap import STAMP, replaced
from tests.harness import tables
from tests.harness.given import Line, load, packed, sku, stock, view
from tests.harness.pipeline import Pipeline
from tests.harness.referee import Delivery

PERSON, LEAST, MOST = "visitor-7f3a1", "AA-visitor-7f3a2", "zz-visitor-7f3a3"
"""Between, before and behind all others: in statistics, the least and the greatest."""
PERSONS = (PERSON, LEAST, MOST)
OTHERS = ("visitor-7f3a12", "visitor-0001", "visitor-7f3a")
"""Whose ids are like theirs."""
BOT, HUMAN = "Mozilla/5.0 (compatible; Googlebot/2.1)", "Mozilla/5.0 (X11)"
NAMELESS = b"no JSON at all, by "
"""How a text begins that no load can tell a person in: only a search for the id finds it."""
LETTER = "topics/dead_letters/dt=2026-11-02/hour=10/dead_letters+0+0000000000.json.gz"


def of(person: str, **more: Any) -> dict[str, Any]:
    """A person's fields."""
    return {
        "visitor_id": person,
        "session_id": f"{person}:s1",
        "url": f"https://shop.example/?who={person}&n=1",
        "referrer": f"https://mail.example/{person}",
        "user_agent": HUMAN,
    } | more


def lines() -> list[Line]:
    """Views and purchases of everybody, and each fault that a line of a person can have."""
    found = [sku("a"), stock("01 08:00", "a", 3), stock("02 12:00", "a", 0)]
    for number, who in enumerate((*PERSONS, *OTHERS)):
        found += [
            view("02 10:00", "a", **of(who)),
            view("02 13:00", **of(who)),
            view("03 10:00", "a", **of(who, user_agent=BOT)),
            view("03 11:00", "a", **of(who, user_agent="CUBOT bot", customer={"mail": who})),
            view("03 12:00", "a", **of(who, event_type="purchase", order_id=f"{who}-{number}")),
            view("02 10:00", "a", arrival="09 10:00", **of(who)),  # late
        ]
    mine = of(PERSON)
    twice = view("02 10:00", "a", offset=8001, event_id="twice", **mine)
    found += [
        twice,
        view("02 10:00", "a", offset=8002, event_id="twice", **of(PERSON, url="other")),
    ]
    wrongs: tuple[dict[str, Any], ...] = (
        {"session_id": 5}, {"url": ["x"]}, {"order_id": "o" * 129}, {"style_id": ""},
        {"user_agent": {}}, {"referrer": 1.5, "event_ts": "yesterday"}, {"quantity": "2"},
    )  # fmt: skip
    for wrong in wrongs:
        found.append(view("02 14:00", "a", **{**mine, **wrong}))
    text = view("02 15:00", "a", **mine)[1].decode()
    found += [
        (found[0][0].replace("product_catalog", "clickstream"), each.encode())
        for each in (
            text[:-9],  # cut
            text.replace('"channel"', '"visitor_id": "visitor-0001", "channel"'),  # a key twice
            text.replace('"web"', '"\\ud800"'),
            text.replace("https://shop", "https:\\u002f\\u002fshop"),
            text.replace('"visitor_id"', '"visitor\\u005fid"').replace('_offset": ', '_offset": 9'),
            text.replace('"_topic": "clickstream"', '"_topic": "other"'),
            f"{NAMELESS.decode()}{PERSON} of the shop",
            f'{{"visitor_id": "{PERSON}',
        )
    ]
    return found


def letter(*, nameless: bool = True) -> Delivery:
    """A record of the person that Connect could not write, and one of nobody."""
    records = [
        (7, json.dumps(of(PERSON, event_id="l1", channel="web"))),
        (8, '{"sku_id": "a"'),
        *([(9, f"visitor_id={PERSON}")] if nameless else []),
    ]
    found = [
        {
            "origin_topic": "clickstream", "origin_partition": 3, "origin_offset": offset,
            "reason": f"VALUE_CONVERTER: cannot read {text}", "raw_value": text,
            "event_ts": "2026-11-02T10:00:00Z", "_topic": "dead_letters", "_partition": 0,
            "_offset": offset, "_timestamp": 1_793_613_600_000,
        }
        for offset, text in records
    ]  # fmt: skip
    return Delivery(LETTER, packed(*(json.dumps(each).encode() for each in found)))


def fill(root: Path, **places: object) -> Pipeline:
    """The shop: loaded, loaded again in part, exported, published, and once replaced.

    `places` are settings, for stores elsewhere than in folders.
    """
    pipeline = Pipeline(root, slack_hours=48)
    pipeline.settings = pipeline.dbt.settings = pipeline.settings.model_copy(
        update={"history": str(root / "history"), **places}
    )
    given = lines()
    pipeline.deliver([*load(*given), letter()])
    pipeline.load()
    again = [each[1] for each in given if each[0] == "clickstream"][:4]
    pipeline.deliver(
        [Delivery(object_key("clickstream", datetime(2026, 11, 3), 0, 1), packed(*again))]
    )
    pipeline.deliver(load(view("14 10:00", "a"), stock("14 10:00", "b", 1)))
    pipeline.load()
    list(export_all(pipeline.settings, lambda _: None))
    publish(pipeline.settings, lambda: pipeline.dbt)
    old = replaced(pipeline.settings.warehouse_root) / datetime(2026, 11, 1).strftime(STAMP)
    shutil.copytree(pipeline.settings.warehouse_root, old)
    return pipeline


def counted(settings: Settings) -> dict[str, str]:
    """A checksum of everything that is counted: marts without their persons, and the audit."""
    marts = {
        name: columns.replace("(state_from", f"({', '.join(PERSONAL)}, state_from")
        for name, columns in (tables.MARTS | {"dim_location": "* exclude (load_id)"}).items()
    }
    sql = {
        name: f"select {columns} from {tables.mart_of(name, 'marts')} "
        f"where {tables.NOT_ZERO.get(name, '1 = 1')}"
        for name, columns in marts.items()
    } | {
        "objects": "select object_key, status, lines, loaded, duplicates, late, quarantined "
        "from audit.landed_objects",
        "late": "select topic, kafka_partition, kafka_offset, arrived_at, event_id, replayed_at "
        "is null from audit.late_events",
        "quarantined": "select topic, object_key, line_number, kafka_partition, kafka_offset, "
        "arrived_at from audit.quarantined_lines",
        "letters": "select topic, kafka_partition, kafka_offset, failed_at from audit.dead_letters",
        "staged": "select event_id, event_ts, event_type, is_human, style_id, sku_id, channel, "
        "kafka_partition, kafka_offset, arrived_at from staging.stg_clickstream__events",
    }  # fmt: skip
    found = tables.queries(settings, *sql.values())
    return {
        name: hashlib.sha256(repr(sorted(Counter(rows).items(), key=repr)).encode()).hexdigest()
        for name, rows in zip(sql, found, strict=True)
    }


def inflated(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())
