"""What Connect could not write is landed with its reason, and ends in audit.dead_letters."""

import gzip
import json
import time
from pathlib import Path

import pytest
from obstore.store import LocalStore

from ingestion.connect import dead_letters
from ingestion.contract.strict_json import json_problem
from ingestion.lake import object_keys
from ingestion.settings import Settings
from orchestration.warehouse.dbt_runner import DbtFailed
from tests.harness.landed_lines import Line, problem
from tests.harness.pipeline import Pipeline

STAMP = 1_793_534_400_123  # 2026-11-01 12:00:00.123


class Message:
    """What a consumer gives."""

    def __init__(self, value: bytes | None, offset: int, headers: dict[str, str]) -> None:
        self._value, self._offset = value, offset
        self._headers = [
            (f"__connect.errors.{k}", v.encode(errors="surrogateescape"))
            for k, v in headers.items()
        ]

    def headers(self) -> list[tuple[str, bytes]]:
        return self._headers

    def value(self) -> bytes | None:
        return self._value

    def timestamp(self) -> tuple[int, int]:
        return 1, STAMP

    def topic(self) -> str:
        return "dead_letters"

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self._offset

    def error(self) -> None:
        return None

    def __len__(self) -> int:
        return len(self._value or b"")


WHY = {
    "topic": "clickstream",
    "partition": "3",
    "offset": "7",
    "stage": "VALUE_CONVERTER",
    "exception.message": "no JSON",
}


def failed(value: bytes | None, offset: int = 0, origin: int = 7) -> Message:
    return Message(value, offset, {**WHY, "offset": str(origin)})


def test_a_letter_says_where_the_record_stood_why_it_failed_and_what_it_says() -> None:
    assert dead_letters.letter(failed(b"{cut", 41)) == {
        "origin_topic": "clickstream",
        "origin_partition": 3,
        "origin_offset": 7,
        "reason": "VALUE_CONVERTER: no JSON",
        "raw_value": "{cut",
        "event_ts": "2026-11-01T12:00:00.123000Z",
        "_topic": "dead_letters",
        "_partition": 0,
        "_offset": 41,
        "_timestamp": STAMP,
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"\xff\x00\n", "\\xff\\x00\n"),
        (None, ""),
        ("é😀".encode(), "é😀"),
        (b"x" * 50_000, "x" * 32_000),
        (("x" + "😀" * 40_000).encode(), "x" + "😀" * 31_999),
        (b"\xff" * 50_000, "\\xff" * 8_000),
    ],
    ids=["no text", "tombstone", "text", "long", "long, of four bytes each", "long, no text"],
)
def test_any_value_becomes_text(value: bytes | None, text: str) -> None:
    assert dead_letters.letter(failed(value))["raw_value"] == text


def test_odd_headers_and_timestamps_do_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    found = dead_letters.letter(Message(b"1", 5, {**WHY, "offset": "x", "partition": "-1"}))
    assert (found["origin_partition"], found["origin_offset"]) == (0, 5)
    for stamp in (STAMP * 1000, STAMP // 1000, -1, 0, 2**62):
        monkeypatch.setattr(Message, "timestamp", lambda _, stamp=stamp: (1, stamp))
        found = dead_letters.letter(failed(b"1"))
        assert abs(found["_timestamp"] / 1000 - time.time()) < 60


HOSTILE: dict[str, tuple[dict[str, str], str, str | int]] = {
    "NUL in the reason": (
        {"exception.message": "no \0JSON"},
        "reason",
        "VALUE_CONVERTER: no \\x00JSON",
    ),
    "NUL in the stage": ({"stage": "a\0"}, "reason", "a\\x00: no JSON"),
    "no text": ({"exception.message": "\udcff"}, "reason", "VALUE_CONVERTER: \\xff"),
    "a long reason": ({"exception.message": "x" * 9000}, "reason", f"VALUE_CONVERTER: {'x' * 495}"),
    "NUL in the topic": ({"topic": "a\0"}, "origin_topic", "a\\x00"),
    "a long topic": ({"topic": "t" * 249}, "origin_topic", "t" * 64),
    "the last partition": ({"partition": "2147483647"}, "origin_partition", 2**31 - 1),
    "a partition beyond it": ({"partition": "2147483648"}, "origin_partition", 0),
    "the last offset": ({"offset": str(2**63 - 1)}, "origin_offset", 2**63 - 1),
    "an offset beyond it": ({"offset": str(2**63)}, "origin_offset", 5),
    "digits without an end": ({"offset": "9" * 9000}, "origin_offset", 5),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_letter_keeps_to_the_contract_whatever_its_headers_say(case: str) -> None:
    headers, field, value = HOSTILE[case]
    letter = dead_letters.letter(Message(b"1", 5, {**WHY, **headers}))
    assert letter[field] == value
    line = json.dumps(letter, ensure_ascii=False)
    assert json_problem(line, "dead_letters") is None
    assert problem(Line("topics/dead_letters/x", line.encode())) is None


def test_a_record_without_headers_is_its_own_origin() -> None:
    found = dead_letters.letter(Message(b"1", 5, {}))
    assert (found["origin_topic"], found["origin_offset"]) == ("dead_letters", 5)
    assert found["reason"] == "unknown stage: no reason was given"


class Consumer:
    """What a broker with these messages would give, one by one."""

    def __init__(self, messages: list[Message]) -> None:
        self._messages = messages

    def poll(self, _: float) -> Message | None:
        return self._messages.pop(0) if self._messages else None

    def commit(self, asynchronous: bool) -> None:
        assert not asynchronous


def test_large_letters_are_landed_before_more_of_them_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_letters, "MOST_BYTES", 1_000_000)
    drain = dead_letters.Drain(Settings(_env_file=None, landing=str(tmp_path)), lambda _: None)
    drain._consumer = Consumer([failed(b"x" * 600_000, number) for number in range(5)])
    assert [drain._once(0.1) for _ in range(4)] == [2, 2, 1, 0]


def test_letters_land_where_the_loader_finds_them_and_are_told_from_rubbish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = Pipeline(tmp_path)
    store = LocalStore(pipeline.settings.landing_root)
    hostile = Message(b"1", 5, {**WHY, "exception.message": "\0", "partition": str(2**31)})
    sent = [failed(b"{cut", 1), failed(b"\x00\xfe", 2, origin=8), failed(b"{cut", 4), hostile]
    (key,) = dead_letters.land(store, sent)
    assert object_keys.is_landed(key)
    again = key.replace("+0000000001", "+0000000002")
    text = gzip.decompress((tmp_path / "landing" / key).read_bytes()).decode().splitlines()
    broken = json.loads(text[0]) | {"_offset": 3, "reason": None}
    lines = [text[1], json.dumps(broken)]
    (tmp_path / "landing" / again).write_bytes(gzip.compress("\n".join(lines).encode()))
    try:
        report = pipeline.load()
        assert (report.dead_letters, report.duplicates, report.quarantined) == (3, 2, 1)
        assert "3 dead letters" in str(report)
        rows = pipeline.query(
            "select topic, kafka_partition, kafka_offset, reason, raw_line, letter_offset "
            "from twist.audit.dead_letters order by letter_offset"
        )
        assert rows == [
            ("clickstream", 3, 7, "VALUE_CONVERTER: no JSON", "{cut", 1),
            ("clickstream", 3, 8, "VALUE_CONVERTER: no JSON", "\\x00\\xfe", 2),
            ("clickstream", 0, 7, "VALUE_CONVERTER: \\x00", "1", 5),
        ]
        assert pipeline.query("select topic, reason from twist.audit.quarantined_lines") == [
            ("dead_letters", "reason is missing")
        ]
        dead_letters.land(store, [failed(b"{cut", 9)])  # Connect has started over
        report = pipeline.load()
        assert (report.lines, report.duplicates, report.dead_letters) == (1, 1, 0)
        quiet = pipeline.load()
        assert (quiet.objects, quiet.dead_letters) == (0, 0)
        assert "dead letters" not in str(quiet)
        check = ("test", "--select", "no_record_became_a_dead_letter")
        pipeline.dbt.run(*check)  # these are of another day
        now = (1, int(time.time() * 1000))
        monkeypatch.setattr(Message, "timestamp", lambda _: now)
        dead_letters.land(store, [failed(b"{cut", 10, origin=99)])
        assert pipeline.load().dead_letters == 1
        with pytest.raises(DbtFailed, match="no_record_became_a_dead_letter"):
            pipeline.dbt.run(*check)
    finally:
        pipeline.remove()
