"""Whether TWIST itself fell: a channel, department or brand below its band of 14 days."""

from typing import Any

from ingestion.settings import Settings
from orchestration.monitoring.freshness import Verdict
from orchestration.warehouse.engines import engine_of

COLUMNS = "breakdown, member_name, view_hour, known_views, twist_rate, low_rate, band_days"
MOST_NAMED = 5


def fallen(settings: Settings) -> list[dict[str, Any]]:
    """The rows of marts.twist_below_band, the largest fall first.

    Raises:
        SettingsError: there is no warehouse yet.
    """
    engine = engine_of(settings)
    with engine.reader() as query:
        found = query(f"select {COLUMNS} from {engine.relation('marts', 'twist_below_band')}").rows
    rows = [dict(zip(COLUMNS.split(", "), row, strict=True)) for row in found]
    return sorted(rows, key=lambda row: (row["twist_rate"] - row["low_rate"], row["member_name"]))


def judge_band(rows: list[dict[str, Any]]) -> Verdict:
    """Red while any row is below its band; the sentence names the largest falls."""
    if not rows:
        return Verdict("green", "usual", "every channel, department and brand is in its usual band")
    falls = [
        f"{row['breakdown']} {row['member_name']} at {row['twist_rate']:.1%} of "
        f"{row['known_views']:,.0f} views (the {row['band_days']} days before: "
        f"{row['low_rate']:.1%} and more)"
        for row in rows[:MOST_NAMED]
    ]
    more = f", and {len(rows) - MOST_NAMED} more" if len(rows) > MOST_NAMED else ""
    return Verdict(
        "red",
        "fallen",
        f"TWIST fell in the hour from {rows[0]['view_hour']:%H:%M} UTC: {'; '.join(falls)}{more}; "
        "see the stock-outs on the overview for the causes",
    )
