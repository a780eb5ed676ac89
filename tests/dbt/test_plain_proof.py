"""Most lines are judged by their shape alone, which must never let a bad one pass.

Lines are mutated at random; each that the strict parser objects to must have a problem in the load.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from ingestion.contract.strict_json import json_problem, schema
from ingestion.lake.object_keys import object_key
from orchestration.warehouse.engines import engine_of
from tests.harness.given import packed
from tests.harness.hostile_lines import CASES, CLICKS, STOCK, compact, good
from tests.harness.pipeline import Pipeline
from tests.harness.referee import Delivery

OPENED = datetime(2026, 11, 2, 10, tzinfo=UTC)
LINES = 6_000
VALUES = [
    b"5", b"-5", b"5.0", b"5e0", b"05", b"+5", b"-0", b'"5"', b'"5.0"', b'"-"', b'"+1e5"', b'"nan"',
    b"true", b"True", b'"true"', b"null", b"NULL", b'"null"', b"NaN", b"nan", b"Infinity", b"inf",
    b"-Infinity", b'"NaN"', b'"Infinity"', b"[]", b"[1]", b"[1,]", b'"[1]"', b"{}", b'{"a":1}',
    b'{"a":1,"a":2}', b'"{"', b'""', b'" "', b'"x"', b'"\\u0000"', b'"\\ud800"', b'"\\u0041"',
    b'"\xc3\xa9"', b'"\\\\"', b'"\\""', b"'x'", b"1e400", b"9" * 25, b"-", b"", b'"t', b'"[x"',
    b'"NaN', b"123456789012345678901234567890", b"0.1e-5", b'"1e"', b'"tr"', b'"\x7f"',
    b'"\t"', b'"\x00"',
]  # fmt: skip
"""What may stand in the place of a value."""
TOKENS = [b",", b":", b"{", b"}", b"[", b"]", b'"', b"\\", b" ", b"\t", b"\r", b"-", b"0", b"5"]
TOKENS += [b".", b"e", b"/**/", b"//", b"null", b"NaN", b"\x00", b"\x1f", b"\xc3\xa9", b"\\u0022"]

Mutate = Callable[[Random, bytes, str], bytes]


def _other_value(rng: Random, raw: bytes, topic: str) -> bytes:
    """Another value in the place of one."""
    name = rng.choice([*schema(topic)["properties"], "_topic", "_partition", "_offset"]).encode()
    start = raw.find(b'"' + name + b'":')
    if start < 0:
        return raw
    start += len(name) + 3
    end = raw.find(b',"', start)
    return raw[:start] + rng.choice(VALUES) + raw[end if end >= 0 else len(raw) - 1 :]


def _another_member(rng: Random, raw: bytes, topic: str) -> bytes:
    """One more member, known, repeated or unknown, at the front or the end."""
    name = rng.choice([*schema(topic)["properties"], "_offset", "_topic", "x", ""]).encode()
    member = b'"' + name + b'":' + rng.choice(VALUES)
    if rng.random() < 0.5:
        return b"%b%b,%b" % (raw[:1], member, raw[1:])
    return b"%b,%b%b" % (raw[:-1], member, raw[-1:])


def _inserted(rng: Random, raw: bytes, _: str) -> bytes:
    place = rng.randrange(len(raw) + 1)
    return raw[:place] + rng.choice(TOKENS) + raw[place:]


def _deleted(rng: Random, raw: bytes, _: str) -> bytes:
    place = rng.randrange(len(raw))
    return raw[:place] + raw[place + rng.randint(1, 3) :]


def _replaced(rng: Random, raw: bytes, _: str) -> bytes:
    place = rng.randrange(len(raw))
    return raw[:place] + rng.choice(TOKENS) + raw[place + 1 :]


def _member_removed(rng: Random, raw: bytes, _: str) -> bytes:
    members = raw[1:-1].split(b',"')
    del members[rng.randrange(len(members))]
    return raw[:1] + b',"'.join(members) + raw[-1:]


MUTATIONS: list[Mutate] = [
    _other_value,
    _other_value,
    _another_member,
    _another_member,
    _inserted,
    _deleted,
    _replaced,
    _member_removed,
]


def mutants(topic: str, seed: int) -> Iterator[str]:
    """Lines that went through one to four mutations, and are text still."""
    rng = Random(seed)
    hostile = [case.raw for case in CASES if case.topic == topic and len(case.raw) < 2_000]
    for _ in range(LINES):
        well = compact(good(topic, **({"sku_id": "12"} if rng.random() < 0.5 else {})))
        raw = rng.choice(hostile) if rng.random() < 0.1 else well
        for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 4])):
            raw = rng.choice(MUTATIONS)(rng, raw or b"{}", topic)
        raw = raw.replace(b"\n", b"")
        try:
            yield raw.decode()
        except UnicodeDecodeError:
            continue


@pytest.mark.parametrize("topic", [CLICKS, STOCK])
def test_no_line_that_the_strict_parser_objects_to_is_loaded(topic: str, tmp_path: Path) -> None:
    lines = list(mutants(topic, seed=1))
    pipeline = Pipeline(tmp_path / "p")
    key = object_key(topic, OPENED, 0, 0)
    pipeline.deliver([Delivery(key, packed(*(line.encode() for line in lines)))])
    model = {CLICKS: "load_clickstream", STOCK: "load_availability"}[topic]
    engine_of(pipeline.settings).prepare(pipeline.dbt)
    pipeline.dbt.run("run", "--select", "load_listing", "load_objects", model)
    found = dict(pipeline.query(f"select line_number, problem from temp.main.{model}"))
    pipeline.close()
    assert len(found) == len(lines)
    strict = [json_problem(line, topic) for line in lines]
    assert [
        (line, why, found[number])
        for number, (line, why) in enumerate(zip(lines, strict, strict=True), start=1)
        if not agrees(why, found[number])
    ] == []
    good_lines = strict.count(None)
    assert LINES / 5 < good_lines < LINES * 4 / 5, "the mutations are too tame or too wild"


def agrees(strict: str | None, sql: str | None) -> bool:
    """Whether the load saw what the strict parser saw; a missing position comes before types."""
    if strict is None:
        return sql is None or not (sql.startswith("not JSON") or " is of type " in sql)
    by_duckdb = "not JSON: a number or an escape is malformed"
    return sql in (strict, by_duckdb) or (sql or "").startswith("no position")


def test_mutants_are_of_many_kinds() -> None:
    problems = [json_problem(line, CLICKS) for line in mutants(CLICKS, seed=2)]
    kinds = {(problem or "none")[:24] for problem in problems}
    assert {"none", "not JSON: duplicate key ", "not JSON: NUL character"} <= kinds
    assert len(kinds) > 30
    assert json.loads(next(mutants(CLICKS, seed=2)))
