"""A seeded retailer simulator: its events as Kafka records, or as files of a landing lake.

`python -m ingestion.simulation.simulator --out FOLDER` writes the day of a small
retailer. The retailer itself is in `retailer/`, its knobs are those of `RetailerConfig`.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, fields
from datetime import UTC, datetime
from pathlib import Path

from ingestion.simulation.landing_writer import describe, land, refuse_landing
from ingestion.simulation.retailer.arrivals import Arrivals
from ingestion.simulation.retailer.config import RetailerConfig, slices
from ingestion.simulation.retailer.shop import Shop
from ingestion.simulation.sink import Record, Summary, Write

__all__ = ["Record", "RetailerConfig", "Summary", "Write", "events", "main", "write_landing"]


def events(config: RetailerConfig) -> Iterator[list[Record]]:
    """All records of the period in timestamp order, in chunks (any of which may be empty).

    Includes what producers do wrong (`retry_rate`, `late_rate`, `too_late_rate`, `disorder`), not
    what happens on the way to the lake. The timestamp is the arrival, by the simulated clock.
    """
    shop, arrivals = Shop(config), Arrivals(config)
    for batch in shop.open():
        arrivals.add(batch)
    for piece in slices(config):
        for batch in shop.play(piece):
            arrivals.add(batch)
        yield arrivals.until(piece.end)
    yield arrivals.rest()


def write_landing(
    config: RetailerConfig, root: Path, on_write: Callable[[Write], None] | None = None
) -> Summary:
    """Writes the period as landing files under `root`; `on_write` is called after each of them,
    with `final` False after the shorter version of a key that is rewritten later.
    """
    return land(events(config), config, root, on_write)


def _parse(argv: Sequence[str] | None) -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    parser = argparse.ArgumentParser(
        prog="python -m ingestion.simulation.simulator",
        description="Writes a simulated period of a retailer as a landing lake.",
        epilog="Every knob is explained in ingestion/simulation/retailer/config.py.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the new landing lake")
    for knob in fields(RetailerConfig):
        assert knob.default is not MISSING
        kind = _instant if knob.name == "start" else type(knob.default)
        flag = f"--{knob.name.replace('_', '-')}"
        parser.add_argument(flag, type=kind, default=knob.default, help=" ")
    return parser, parser.parse_args(argv)


def _instant(text: str) -> datetime:
    """An ISO 8601 instant; UTC where it names no time zone."""
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def main(argv: Sequence[str] | None = None) -> int:
    """Writes a landing lake and prints one line about it. Exit status 2: wrong arguments."""
    parser, arguments = _parse(argv)
    knobs = vars(arguments)
    out: Path = knobs.pop("out")
    began = time.monotonic()
    try:
        config = RetailerConfig(**knobs)
        refuse_landing(out)
    except (ValueError, FileExistsError) as error:
        parser.error(str(error))
    summary = write_landing(config, out)
    print(describe(summary, out, time.monotonic() - began))
    return 0


if __name__ == "__main__":
    sys.exit(main())
