"""The commands around Kafka and the landing lake; orchestration/cli.py adds them to the others."""

import signal
import time
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from ingestion.settings import SettingsError, load_settings

DAY = click.DateTime(["%Y-%m-%d"])
FOLDER = click.Path(path_type=Path)
say = partial(print, flush=True)
"""Progress and reports, at once even into a pipe."""


@click.command()
def topics() -> None:
    """Create the Kafka topics, or update their settings."""
    from ingestion.connect.kafka_topics import apply

    say("\n".join(apply(load_settings())) or "the topics are up to date")


@click.group()
def connectors() -> None:
    """Kafka Connect's connectors, as ingestion/connect/connectors describes them."""


@connectors.command("apply")
def apply_connectors() -> None:
    """Create or update them, and wait until all tasks run."""
    from ingestion.connect.connect_client import apply

    apply(load_settings(), say)


@connectors.command("status")
def connector_status() -> int:
    """Print the state of each; the exit status is 1 when a task does not run."""
    from ingestion.connect.connect_client import status

    found = status(load_settings())
    for each in found:
        say("\n".join((str(each), *each.traces)))
    return 0 if all(each.runs for each in found) else 1


@connectors.command("restart")
def restart_connectors() -> None:
    """Restart the tasks that failed, and wait until they run."""
    from ingestion.connect.connect_client import restart

    restart(load_settings(), say)


@connectors.command("worker")
def worker() -> None:
    """Print the Connect worker's settings, those of the overlay included."""
    from ingestion.connect.connector_files import worker_properties

    for name, value in worker_properties(load_settings()).items():
        say(f"{name}={value}")


@click.command("dead-letters")
@click.option("--seconds", default=5.0, help="Interval between two objects.")
def dead_letters(seconds: float) -> None:
    """Land what Kafka Connect could not write, until stopped."""
    from ingestion.connect.dead_letters import Drain

    drain = Drain(load_settings(), say)
    _stop_by_signal(drain.stop)
    say(f"{drain.run(seconds):,} dead letters landed")


def _stop_by_signal(stop: Callable[..., None], seconds: float | None = None) -> None:
    """Call `stop` on Ctrl-C, on SIGTERM, and after this many seconds."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
        signal.signal(number, stop)
    if seconds:
        signal.setitimer(signal.ITIMER_REAL, seconds)


# --- The simulated retailer and public data ---


@click.command()
@click.option("--rate", default=50.0, help="Events a second, about.")
@click.option("--burst", default=0.0, help="Send only once every this many seconds.")
@click.option("--seconds", type=float, help="Stop after this many seconds.")
@click.option("--replay", type=DAY, help="Send this past day instead of now.")
@click.option("--speed", default=1.0, help="Speed of a replay; 0: as fast as possible.")
@click.option("--views", default=200_000, help="Views of a replayed day.")
@click.option("--seed", default=1)
@click.option("--retry-rate", default=0.0, help="Share of events sent twice.")
@click.option("--late-rate", default=0.0, help="Share of events that are hours late.")
def produce(
    rate: float,
    burst: float,
    seconds: float | None,
    replay: datetime | None,
    speed: float,
    views: int,
    **knobs: Any,
) -> int:
    """Send the simulated retailer's events to Kafka until stopped.

    The exit status is 1 when a record was not delivered.
    """
    from ingestion.simulation.producer import Feed, at_the_wall_clock, paced
    from ingestion.simulation.retailer.config import RetailerConfig
    from ingestion.simulation.simulator import events

    settings = load_settings()
    try:
        config = RetailerConfig(**knobs)
        if replay:
            config = replace(config, start=replay.replace(tzinfo=UTC), views=views)
        else:
            config = at_the_wall_clock(config, rate)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    feed = Feed(settings, say)
    _stop_by_signal(feed.stop, seconds)
    say(f"producing to {settings.kafka} from {config.start:%Y-%m-%d %H:%M}Z on; stop with Ctrl-C")
    speed = speed if replay else 1.0
    deliveries = feed.run(paced(events(config), config.start_us // 1000, speed, burst))
    say(deliveries)
    return 0 if deliveries.complete else 1


class Simulate(click.Command):
    """Takes every field of `RetailerConfig` as an option."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:  # noqa: D102
        from ingestion.simulation.retailer.config import RetailerConfig

        knobs = [
            click.Option(
                [f"--{knob.name.replace('_', '-')}"],
                type=click.DateTime() if knob.name == "start" else type(knob.default),
                default=knob.default,
                show_default=True,
            )
            for knob in fields(RetailerConfig)
        ]
        return [*knobs, *super().get_params(ctx)]


@click.command(cls=Simulate)
@click.option("--out", type=FOLDER, required=True, help="Folder of the new landing lake.")
def simulate(out: Path, start: datetime, **knobs: Any) -> None:
    """Write a period of the simulated retailer as a landing lake.

    Every option is explained in ingestion/simulation/retailer/config.py.
    """
    from ingestion.simulation.landing_writer import describe, refuse_landing
    from ingestion.simulation.simulator import RetailerConfig, write_landing

    began = time.monotonic()
    try:
        config = RetailerConfig(start=start if start.tzinfo else start.replace(tzinfo=UTC), **knobs)
        refuse_landing(out)
    except (ValueError, FileExistsError) as error:
        raise click.UsageError(str(error)) from None
    say(describe(write_landing(config, out), out, time.monotonic() - began))


@click.command("land-dataset")
@click.argument("dataset", type=click.Choice(["otto", "retailrocket"]))
@click.option("--from", "source", type=FOLDER, required=True, help="The Parquet file, or folder.")
@click.option("--out", type=FOLDER, required=True, help="Folder of the new landing lake.")
@click.option("--partitions", default=1, help="Partitions of each topic.")
@click.option("--file-minutes", default=60, help="Arrivals in one file.")
def land_dataset(dataset: str, source: Path, out: Path, **sink: int) -> None:
    """Write a public data set as a landing lake."""
    from ingestion.simulation.landing_writer import describe, land, refuse_landing
    from ingestion.simulation.public_data import READERS
    from ingestion.simulation.sink import SinkConfig

    began = time.monotonic()
    try:
        config = SinkConfig(**sink)
        refuse_landing(out)
        summary = land(READERS[dataset](source), config, out)
    except (FileExistsError, ValueError) as error:
        raise SettingsError(str(error)) from None
    say(describe(summary, out, time.monotonic() - began))


COMMANDS = (topics, connectors, dead_letters, produce, simulate, land_dataset)
