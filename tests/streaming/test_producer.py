"""The producer's clock and books, without a broker; with one in test_broker.py."""

import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from ingestion.simulation import producer
from ingestion.simulation.producer import Deliveries, at_the_wall_clock, paced
from ingestion.simulation.retailer.config import HOUR, RetailerConfig, slices
from ingestion.simulation.simulator import Record, events

START = 1_000_000


def records(*milliseconds: int) -> list[Record]:
    return [Record("clickstream", "k", b"{}", START + at) for at in milliseconds]


def test_records_are_due_in_time_order_at_the_pace_of_life() -> None:
    began = time.monotonic()
    groups = list(paced(iter([records(0, 5, 1000), records(2500)]), START, 1.0, 0.0))
    due = [round(at - began, 1) for at, _ in groups]
    assert due == [0.0, 1.0, 2.5]
    assert [len(group) for _, group in groups] == [2, 1, 1]


def test_a_replay_runs_faster_than_life() -> None:
    began = time.monotonic()
    ((at, _),) = paced(iter([records(60_000)]), START, 60.0, 0.0)
    assert round(at - began, 1) == 1.0


def test_speed_nought_is_all_at_once() -> None:
    groups = list(paced(iter([records(0, 60_000), records(120_000)]), START, 0.0, 0.0))
    assert all(at <= time.monotonic() for at, _ in groups)
    assert [len(group) for _, group in groups] == [2, 1]


def test_a_burst_holds_records_back_and_sends_them_together() -> None:
    began = time.monotonic()
    groups = list(paced(iter([records(*range(0, 20_000, 100))]), START, 1.0, 10.0))
    assert [len(group) for _, group in groups] == [100, 100]
    assert [round(at - began) for at, _ in groups] == [10, 20]


@pytest.mark.parametrize("rate", [20.0, 400.0])
def test_the_rate_is_that_of_this_time_of_the_day(rate: float) -> None:
    config = at_the_wall_clock(RetailerConfig(), rate)
    hour = [piece for piece in slices(config) if 0 <= piece.begin < HOUR]
    views = sum(piece.human_views + piece.bot_views for piece in hour)
    seconds = hour[-1].end / HOUR * 3600
    assert abs(views / seconds * producer.EVENTS_PER_VIEW / rate - 1) < 0.05
    assert abs(datetime.now(UTC) - config.start) < timedelta(minutes=1)
    assert config.hours == producer.A_YEAR


@pytest.mark.parametrize(("in_progress", "least"), [(True, 0.9), (False, 0.0)])
def test_traffic_is_what_was_asked_for_from_the_first_minute_on(
    in_progress: bool, least: float
) -> None:
    noon = datetime(2026, 11, 1, 12, tzinfo=UTC)
    config = RetailerConfig(start=noon, hours=1, views=30_000, visits_in_progress=in_progress)
    clicks = [
        record.timestamp - config.start_us // 1000
        for chunk in events(config)
        for record in chunk
        if record.topic == "clickstream"
    ]
    assert min(clicks) >= 0
    first, later = (sum(minute <= at / 60_000 < minute + 5 for at in clicks) for minute in (0, 30))
    assert least <= first / later < (1.1 if in_progress else 0.85)


def test_two_runs_on_a_day_share_no_event() -> None:
    ids = []
    for hour in (0, 6):
        start = datetime(2026, 11, 1, hour, tzinfo=UTC)
        config = RetailerConfig(start=start, hours=2, views=300, styles=10, locations=5)
        sent = (record.value for chunk in events(config) for record in chunk)
        ids.append({value[:40] for value in sent if value.startswith(b'{"event_id"')})
    assert ids[0]
    assert not ids[0] & ids[1]


def test_the_report_counts_what_failed_and_what_is_missing() -> None:
    good = Deliveries(Counter(a=3), Counter(a=3))
    assert good.complete
    assert str(good) == "3 sent, 3 delivered (a 3)"
    bad = Deliveries(Counter(a=5), Counter(a=2), Counter({"too large": 1}), 2)
    assert not bad.complete
    assert str(bad) == "5 sent, 2 delivered (a 2); 1 failed: too large; 2 not delivered"
