"""How much is measured: the sizes of `make bench`."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from ingestion.simulation.simulator import RetailerConfig

DAY = datetime(2026, 11, 1, tzinfo=UTC)
"""The day that is measured."""
PEAK_HOUR = 19
"""The evening hour whose arrivals the steps take; the stores are still open."""
HISTORY_DAYS = 30


@dataclass(frozen=True)
class Size:
    """One size: a retailer's day, and how long the steps and the live rows are."""

    name: str
    day: RetailerConfig
    history_views: int
    """Product views on each day behind: few, so that many days can be made. Stock is in full."""
    step_seconds: int
    """Arrivals of the evening that make up a 5-minute step; a 1-minute step is a fifth of them."""
    steps: int
    """Steps of each kind; the median counts."""
    floor_runs: int
    """The least of so many counts; loads into staging are repeated as often."""
    live_seconds: int
    live_rates: tuple[int, ...]
    """Events a second of the live rows; each takes a minute and a half more than its seconds."""
    days_behind: tuple[int, ...] = (2, 10, HISTORY_DAYS)
    memory_limits: tuple[str, ...] = ("4GB", "1GB")
    """Beside the default, 2GB, under which `ours` runs."""
    object_lines: int = 2_000_000
    """Lines of the row `ours_object`."""

    @property
    def past(self) -> RetailerConfig:
        """The days behind the steps."""
        return replace(
            self.day,
            start=DAY - timedelta(days=HISTORY_DAYS),
            hours=24 * HISTORY_DAYS,
            views=self.history_views * HISTORY_DAYS,
            late_rate=0.0,  # nothing of the past arrives on the day
            retry_rate=0.0,
            duplicate_rate=0.0,
        )

    @property
    def evening(self) -> RetailerConfig:
        """The day of the steps, and the first hour of the next one."""
        return replace(self.day, hours=25)


def _day(views: int, styles: int, coverage: float) -> RetailerConfig:
    """A day: 60 % of the views name a style only, a stock change for each five
    views; a hundredth is sent twice, some lines land twice, some events are late.
    """
    return RetailerConfig(
        start=DAY,
        views=round(views / 0.94),  # the others are bots'
        styles=styles,
        coverage=coverage,
        stock_changes=0.19,
        retry_rate=0.01,
        duplicate_rate=0.005,
        late_rate=0.001,
    )


SIZES = {
    size.name: size
    for size in (
        Size("tiny", _day(6_000, 20, 0.03), 200, 220, 1, 1, 10, (), (2, 7), ("1GB",), 20_000),
        Size(
            "small", _day(300_000, 300, 0.1), 3_000, 220, 3, 3, 20, (), (2, HISTORY_DAYS), ("1GB",)
        ),
        Size("day", _day(10_000_000, 8_000, 0.055), 200_000, 220, 3, 1, 120, (500, 2000)),
    )
}
