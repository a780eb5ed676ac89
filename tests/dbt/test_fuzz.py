"""Hostile objects and names, made at random: no load fails, and the good lines beside them load."""

import gzip
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from ingestion.contract.topics import LANDED_TOPICS
from ingestion.lake.object_keys import hour_folder, object_key
from orchestration.warehouse.load import load as load_all
from tests.dbt.test_plain_proof import mutants
from tests.harness.given import CLICKS, STOCK, packed, view
from tests.harness.pipeline import Pipeline
from tests.harness.referee import Delivery

OPENED = datetime(2026, 11, 2, 12, tzinfo=UTC)
ROUND = 12
"""Hostile files between two loads."""
Make = Callable[[Random], bytes]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Pipeline]:
    pipeline = Pipeline(tmp_path / "shop", slack_hours=2)
    yield pipeline
    pipeline.close()


def noise(rng: Random) -> bytes:
    return rng.randbytes(rng.choice([0, 1, 10, 3_000]))


def zipped_noise(rng: Random) -> bytes:
    text = rng.randbytes(rng.choice([1, 50, 5_000]))
    return gzip.compress(text.replace(b"\xff", b"\n"), mtime=0)


def mutated_lines(rng: Random) -> bytes:
    lines = mutants(rng.choice([CLICKS, STOCK]), rng.randrange(1 << 30))
    body = packed(*(next(lines).encode() for _ in range(rng.choice([1, 30]))))
    return body * rng.choice([1, 1, 2, 300])


def damaged(rng: Random) -> bytes:
    body = bytearray(mutated_lines(rng))
    for _ in range(rng.choice([1, 3, 50])):
        body[rng.randrange(len(body))] = rng.randrange(256)
    return bytes(body[: rng.randint(1, len(body))] if rng.random() < 0.3 else body)


def repeated(rng: Random) -> bytes:
    unit = rng.choice(
        [b"\n", b" ", b"[", b'{"a":', b'"', b"\\", b"\0", b"\xff", b'{"a":1}\n', b"\r\n"]
    )
    return gzip.compress(unit * rng.choice([1_000, 100_000, 9_000_000 // len(unit)]), mtime=0)


BODIES: list[Make] = [noise, zipped_noise, mutated_lines, mutated_lines, damaged, damaged, repeated]
NAMES = [
    "x\x01",
    "\n",
    "a b",
    "é",
    "%00",
    "..\\",
    "+++",
    "'; drop table x; --",
    '"',
    "{{ 1 }}",
    "$HOME",
]


def hostile_file(rng: Random, root: Path) -> None:
    """A file, pipe, link or folder somewhere in the lake."""
    hour = OPENED + timedelta(hours=rng.randrange(-3, 3))
    folder = hour_folder(rng.choice(LANDED_TOPICS), hour)
    if rng.random() < 0.1:
        folder = folder.replace(
            "2026-11-02", rng.choice(["0001-01-01", "9999-12-31", "2026-02-30", "x"])
        )
    name = (
        rng.choice(NAMES)
        if rng.random() < 0.2
        else f"n+{rng.randrange(3)}+{rng.randrange(40):010d}"
    )
    path = root / folder / f"{name}.json.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = rng.random()
    if os.path.lexists(path) and not path.is_file():
        return
    if kind < 0.03:
        path.unlink(missing_ok=True)
        os.mkfifo(path)
    elif kind < 0.06:
        path.unlink(missing_ok=True)
        path.symlink_to(rng.choice([path, root, Path("/etc/hostname"), Path("..")]))
    elif kind < 0.08:
        path.unlink(missing_ok=True)
        path.mkdir()
    else:
        path.write_bytes(rng.choice(BODIES)(rng))


def attack(shop: Pipeline, seed: int, seconds: float) -> int:
    """Land hostile files and a good one, and load; return how many rounds there were."""
    rng, deadline, rounds = Random(seed), time.monotonic() + seconds, 0
    good = "select count(*) from twist.staging.stg_clickstream__events where event_id like 'good%'"
    while time.monotonic() < deadline or rounds < 2:
        rounds += 1
        for _ in range(ROUND):
            hostile_file(rng, shop.root / "landing")
        line = view("02 12:00", event_id=f"good{rounds}", partition=77, offset=rounds)[1]
        shop.deliver([Delivery(object_key(CLICKS, OPENED, 77, rounds), packed(line))])
        load_all(shop.settings, shop.dbt, lambda _: None, compute=False)
        assert shop.query(good) == [(rounds,)], f"seed {seed}, round {rounds}"
    unbalanced = (
        "select count(*) from twist.audit.landed_objects "
        "where lines <> loaded + duplicates + late + quarantined"
    )
    assert shop.query(unbalanced) == [(0,)]
    return rounds


def test_hostile_objects_stop_no_load(shop: Pipeline) -> None:
    assert attack(shop, seed=20, seconds=15) >= 2


@pytest.mark.long
@pytest.mark.parametrize("seed", range(5))
def test_ten_minutes_of_hostile_objects_stop_no_load(shop: Pipeline, seed: int) -> None:
    assert attack(shop, seed, seconds=120) >= 2
