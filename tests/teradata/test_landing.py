"""The lake through NOS: what is listed, what is read, and what NOS skips without a word."""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingestion.lake.object_keys import object_key
from tests.harness.given import view
from tests.harness.referee import Delivery
from tests.teradata.warehouse import Teradata

NOW = datetime.now(UTC)
TODAY = f"dt={NOW:%Y-%m-%d}/"


def landed(offset: int, body: bytes | None = None, opened: datetime = NOW) -> Delivery:
    """A file of one view, with this body if not its own."""
    _, line = view("02 10:00", offset=offset)
    whole = gzip.compress(line + b"\n") if body is None else body
    return Delivery(object_key("clickstream", opened, 0, offset), whole)


@pytest.fixture
def teradata(tmp_path: Path) -> Teradata:
    return Teradata(tmp_path / "landing", slack_hours=2)


def statuses(teradata: Teradata) -> list[tuple[str, int]]:
    rows = teradata.rows("audit.landed_objects", "status, lines, object_key")
    return [(status, lines) for status, lines, _ in sorted(rows, key=lambda row: str(row[2]))]


@pytest.mark.long
def test_each_new_object_is_listed_by_its_day_and_read_once(teradata: Teradata) -> None:
    old, first = landed(1, opened=NOW - timedelta(days=40)), landed(2)
    teradata.deliver([old, first])
    teradata.load()
    assert sorted(teradata.system.store.reads) == sorted([old.key, first.key])
    teradata.system.store.reads.clear()
    teradata.system.requests.clear()
    late_in_an_old_folder, second = landed(3, opened=NOW - timedelta(days=30)), landed(4)
    teradata.deliver([late_in_an_old_folder, second])
    teradata.load()
    assert teradata.system.store.reads == [second.key]
    listings = [sql for sql in teradata.system.requests if "topics/clickstream/dt=" in sql]
    assert any(f"topics/clickstream/{TODAY}'" in sql for sql in listings)
    assert not any("topics/clickstream/'" in sql for sql in listings)
    teradata.close()


@pytest.mark.long
def test_what_nos_skips_is_unreadable_until_it_is_landed_again(teradata: Teradata) -> None:
    whole = landed(1).body
    teradata.deliver(
        [
            landed(1, whole[:-9]),
            landed(2, b""),
            landed(3, b"no gzip"),
            landed(4, gzip.compress(b"")),
        ]
    )
    report = teradata.load()
    assert statuses(teradata) == [("unreadable", 0)] * 3 + [("loaded", 0)]
    assert len(report.unreadable) == 3
    odd = [
        view("02 10:00", offset=n, user_agent='27" wide' if n in (6, 7) else "x")
        for n in range(5, 9)
    ]
    teradata.deliver([landed(1), landed(5, gzip.compress(b"\n".join(line for _, line in odd)))])
    report = teradata.load()
    assert [key for key, _ in report.unreadable] == [landed(2).key, landed(3).key]
    assert ("loaded", 1) in statuses(teradata)
    assert ("superseded", 0) in statuses(teradata)
    missing = teradata.rows("audit.missing_offsets", "first_offset, last_offset, before_object")
    assert missing == [(2, 4, landed(1).key), (6, 7, landed(5).key)]
    teradata.close()


@pytest.mark.long
def test_a_name_with_a_quote_and_reasons_with_any_character_stop_nothing(
    teradata: Teradata,
) -> None:
    plain, broken = landed(1), landed(2, b"no gzip")
    named = Delivery(plain.key.replace("clickstream+", "o'clickstream+"), plain.body)
    teradata.deliver([named, broken, landed(5)])
    assert len(teradata.load().unreadable) == 1
    assert sorted(statuses(teradata)) == [("loaded", 1), ("loaded", 1), ("unreadable", 0)]
    why = """it's "gone" from C:\\new, 50 %"""
    for key in (broken.key, "clickstream/0/2-4"):
        assert teradata.accept(key, why) == 1
    assert teradata.rows("audit.landed_objects", "accepted_why", "status = 'accepted'") == [(why,)]
    accepted = teradata.rows(
        "audit.missing_offsets", "era, first_offset, last_offset, accepted_why"
    )
    assert accepted == [(1, 2, 4, why)]
    teradata.close()
