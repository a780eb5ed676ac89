"""A seeded retailer simulator: its events as Kafka records, or as files of a landing lake.

The retailer itself is in `retailer/`; its settings are those of `RetailerConfig`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from ingestion.simulation.landing_writer import land
from ingestion.simulation.retailer.arrivals import Arrivals
from ingestion.simulation.retailer.config import RetailerConfig, slices
from ingestion.simulation.retailer.shop import Shop
from ingestion.simulation.sink import Record, Summary, Write

__all__ = ["Record", "RetailerConfig", "Summary", "Write", "events", "write_landing"]


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
    yield arrivals.until()


def write_landing(
    config: RetailerConfig, root: Path, on_write: Callable[[Write], None] | None = None
) -> Summary:
    """Writes the period as landing files under `root`; see `land`."""
    return land(events(config), config, root, on_write)
