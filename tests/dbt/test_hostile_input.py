"""Every hostile line ends where the contract says, with its reason, and takes no other with it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from ingestion.contract.topics import TOPICS
from ingestion.lake.object_keys import object_key
from orchestration.warehouse.load import load
from orchestration.warehouse.load_report import LoadReport
from tests.harness.given import packed
from tests.harness.hostile_lines import CASES, CATALOG, CLICKS, LOADED, STOCK, Case, changed
from tests.harness.pipeline import Pipeline
from tests.harness.referee import Delivery
from tests.harness.referee_lines import Event, Placed, place, verify

OPENED = datetime(2026, 11, 2, 10, tzinfo=UTC)
BY_TOPIC = {topic: [case for case in CASES if case.topic == topic] for topic in TOPICS}
KEYS = {topic: object_key(topic, OPENED, 0, 0) for topic in TOPICS}
STAGED = {
    CLICKS: "stg_clickstream__events",
    STOCK: "stg_availability__stock_changes",
    CATALOG: "stg_catalog__skus",
}


class Loaded:
    """A warehouse with one load of all hostile lines, an object for each topic."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        bodies = {topic: packed(*(case.raw for case in own)) for topic, own in BY_TOPIC.items()}
        pipeline.deliver([Delivery(KEYS[topic], body) for topic, body in bodies.items()])
        self.report = self.load()
        self.audit = pipeline.query(
            "select topic, status, lines, loaded, duplicates, late, quarantined "
            "from twist.audit.landed_objects"
        )
        self.quarantined = {
            (topic, number): (reason, raw, offset)
            for topic, number, reason, raw, offset in pipeline.query(
                "select topic, line_number, reason, raw_line, kafka_offset "
                "from twist.audit.quarantined_lines"
            )
        }
        self.staged = {
            topic: {
                offset
                for (offset,) in pipeline.query(f"select kafka_offset from twist.staging.{t}")
            }
            for topic, t in STAGED.items()
        }

    def load(self) -> LoadReport:
        return load(self.pipeline.settings, self.pipeline.dbt, lambda _: None, compute=False)

    def outcome(self, case: Case) -> str:
        number = BY_TOPIC[case.topic].index(case) + 1
        found = self.quarantined.get((case.topic, number))
        if found:
            return str(found[0])
        offset = judged(case)
        assert isinstance(offset, Event)
        return LOADED if offset.position.offset in self.staged[case.topic] else "nowhere"

    def column(self, case: Case, column: str) -> Any:
        """A column of the staged row of a line."""
        event = judged(case)
        assert isinstance(event, Event)
        ((value,),) = self.pipeline.query(
            f"select {column} from twist.staging.{STAGED[case.topic]} "
            f"where kafka_offset = {event.position.offset}"
        )
        return value


def judged(case: Case) -> object:
    """The referee's verdict on a line."""
    placed = place(case.topic, case.raw, datetime.now(UTC).replace(tzinfo=None))
    return verify(placed) if isinstance(placed, Placed) else placed


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    pipeline = Pipeline(tmp_path_factory.mktemp("hostile") / "p")
    yield Loaded(pipeline)
    pipeline.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.topic}: {case.name}")
def test_a_hostile_line_ends_where_the_contract_says(loaded: Loaded, case: Case) -> None:
    outcome = loaded.outcome(case)
    assert outcome.startswith(case.outcome)
    assert isinstance(judged(case), Event) == (case.outcome == LOADED), "the referee disagrees"


def test_the_audit_balances_and_every_line_is_somewhere(loaded: Loaded) -> None:
    assert {row[0]: row[1:] for row in loaded.audit} == {
        topic: (
            "loaded",
            len(own),
            sum(case.outcome == LOADED for case in own),
            0,
            0,
            sum(case.outcome != LOADED for case in own),
        )
        for topic, own in BY_TOPIC.items()
    }
    assert loaded.report.lines == len(CASES)
    assert loaded.report.unreadable == ()


def test_a_quarantined_line_keeps_its_text_and_if_it_has_one_its_offset(loaded: Loaded) -> None:
    for topic, own in BY_TOPIC.items():
        for number, case in enumerate(own, start=1):
            if case.outcome == LOADED:
                continue
            reason, raw, offset = loaded.quarantined[topic, number]
            assert raw == case.text
            assert (offset is None) == str(reason).startswith(("not JSON", "no position"))


def test_a_second_load_finds_nothing_to_do(loaded: Loaded) -> None:
    before = loaded.pipeline.query("select count(*) from twist.audit.quarantined_lines")
    assert loaded.load().objects == 0
    assert loaded.pipeline.query("select count(*) from twist.audit.quarantined_lines") == before


def test_no_empty_table_is_without_statistics(loaded: Loaded) -> None:
    """DuckLake would look for them at every mention of the table."""
    loaded.load()
    assert loaded.pipeline.query("select count(*) from twist.audit.accepted_offsets") == [(0,)]
    catalog = "__ducklake_metadata_twist"
    without = f"""
        select table_name from {catalog}.ducklake_table
        where end_snapshot is null
            and table_id not in (select table_id from {catalog}.ducklake_table_stats)
    """
    assert loaded.pipeline.query(without) == []


def case_with(name: str) -> Case:
    (found,) = [case for case in CASES if name in case.name and case.outcome == LOADED]
    return found


def test_texts_arrive_as_they_were_written(loaded: Loaded) -> None:
    digits = case_with("sku_id '12345', store_id")
    assert loaded.column(digits, "sku_id") == "12345"
    assert loaded.column(digits, "store_id") == "007"
    assert loaded.column(digits, "channel") == "true"
    assert loaded.column(case_with("sku_id '1e5'"), "store_id") == "-0.0"
    assert loaded.column(case_with("nö"), "style_id") == 'nö 衣 😀 \\ " / \u2028 \x7f'
    assert loaded.column(case_with("two"), "style_id") == "one\ntwo\ttabs"


def test_a_long_address_is_cut_and_not_refused(loaded: Loaded) -> None:
    url = loaded.column(case_with("url 'https"), "url")
    assert url == ("https://shop.example/?" + "é" * 5000)[:2048]


def test_a_bot_is_known_by_a_word_behind_the_cut(loaded: Loaded) -> None:
    bot = changed(CLICKS, LOADED, user_agent="x" * 4000 + " GoogleBot/2")
    human = changed(CLICKS, LOADED, user_agent="x" * 5000)
    key = object_key(CLICKS, OPENED, 0, 999_999)
    loaded.pipeline.deliver([Delivery(key, packed(bot.raw, human.raw))])
    loaded.load()
    for case, is_human in ((bot, 0), (human, 1)):
        assert loaded.column(case, "is_human") == is_human
        assert loaded.column(case, "user_agent") == "x" * 2048 if is_human else True
