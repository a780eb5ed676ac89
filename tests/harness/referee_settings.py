"""The settings that the referee follows."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Settings:
    """The settings stored with a warehouse, and the loader's clock."""

    late_days: int = 3
    bot_patterns: tuple[str, ...] = ("bot", "crawl", "spider", "headless")
    min_sellable_qty: int = 1
    min_pickup_qty: int = 1
    bot_exceptions: tuple[str, ...] = ("cubot",)
    time_zone: str = "UTC"
    conversion_min_units: int = 30
    now: datetime = datetime(2026, 11, 22)
