"""Each check leads to its entry in the run book, and the entries are there."""

import re
from collections.abc import Iterable

import dagster as dg
import pytest

from ingestion.settings import (
    DAMAGED,
    LOCKED,
    NO_PERMISSION,
    NOTHING_READ,
    REFUSED,
    ROOT,
    UNAVAILABLE,
    WRITE_FAILED,
)
from orchestration.definitions import defs
from orchestration.failures import RUNBOOK
from orchestration.monitoring.runbook import headings
from tests.dbt.test_make import RUN_ELSEWHERE, RUN_HERE

CURES = {
    "arrivals_are_fresh: the loader has stopped": (
        "orchestration/test_freshness.py::test_landed_objects_that_nobody_loads_are_the_loaders_fault",
        "orchestration/test_freshness.py::test_on_a_real_lake_each_standstill_is_told_from_the_others",
    ),
    "arrivals_are_fresh: Kafka Connect has stopped": (
        "streaming/test_connect.py::test_restart_asks_for_what_failed_and_waits",
        "streaming/test_connect.py::test_status_tells_what_runs_from_what_does_not",
    ),
    "arrivals_are_fresh: the producer has stopped": (
        "orchestration/test_freshness.py::test_nothing_lands_and_connect_runs_so_the_producer_has_stopped",
    ),
    "arrivals_are_fresh: a backlog": (
        "orchestration/test_freshness.py::test_objects_land_with_old_arrivals",
    ),
    "lag_is_small": (
        "orchestration/test_freshness.py::test_the_lag_is_judged_by_the_clickstreams_limit_and_names_its_cause",
    ),
    "twist_is_in_its_band": (
        "orchestration/test_band.py::test_a_brand_and_its_channel_below_every_day_before_are_named_and_recover",
    ),
    "A stale asset": (
        "orchestration/test_alerts.py::test_a_stale_asset_is_posted_and_its_recovery",
    ),
    "no_object_is_unreadable": (
        "dbt/test_unreadable_objects.py::test_each_is_named_with_its_reason_blocks_no_other_and_loads_when_it_is_repaired",
        "dbt/test_field_faults.py::test_names_that_cannot_be_keys_are_passed_over_and_said",
    ),
    "Keys that are not read": (
        "dbt/test_cures.py::test_keys_that_are_not_read_are_moved_into_the_layout_and_swept",
    ),
    "no_record_became_a_dead_letter": (
        "streaming/test_dead_letters.py::test_letters_land_where_the_loader_finds_them_and_are_told_from_rubbish",
    ),
    "no_offset_is_missing": (
        "dbt/test_missing_offsets.py::test_a_gap_between_objects_is_listed_with_the_objects_beside_it_until_it_lands",
        "dbt/test_missing_offsets.py::test_a_range_that_was_accepted_stays_listed_with_the_reason_and_through_a_rebuild",
    ),
    "no_offsets_start_again": ("dbt/test_missing_offsets.py::test_a_check_warns_of_them",),
    "copies_of_an_event_are_equal": ("dbt/test_missing_offsets.py::test_a_check_warns_of_them",),
    "every_landed_line_is_accounted_for": (
        "dbt/test_cures.py::test_rows_that_were_deleted_by_hand_come_back_with_a_rebuild",
    ),
    "A damaged table": (
        "orchestration/test_runs.py::test_days_computed_anew_mend_what_was_damaged_in_them_only",
    ),
    "An expectation": ("orchestration/test_expectations.py::test_good_data_passes",),
    "A run: no sign of life": (
        "orchestration/test_heartbeat.py::test_a_run_without_a_sign_of_life_is_failed_and_says_why",
        "orchestration/test_ui.py::test_twenty_kills_in_live_mode_change_nothing",
    ),
    "A failed load": (
        "dbt/test_crashes.py::test_a_model_that_fails_leaves_every_mart_as_it_was_and_the_lines_loaded",
    ),
    "A damaged warehouse": (
        "dbt/test_cures.py::test_a_damaged_warehouse_is_put_back_from_a_backup",
        "dbt/test_rebuild.py::test_a_warehouse_whose_catalog_is_gone_or_damaged_is_rebuilt_with_its_decisions",
        "dbt/test_failures.py::test_missing_parquet_files",
    ),
    "A store that refuses": (
        "dbt/test_aws.py::test_a_refusal_is_one_sentence",
        "dbt/test_s3_rights.py::test_a_key_is_changed_as_the_procedure_says_and_nothing_is_lost",
    ),
    "A run of twist_overview": (
        "dbt/test_cures.py::test_an_overview_that_cannot_be_written_is_published_once_it_can",
    ),
    "A run of twist_export": (
        "orchestration/test_history_doors.py::test_an_export_finds_damage_and_exports_the_day_again",
        "orchestration/test_history_doors.py::test_a_damaged_day_that_the_warehouse_no_longer_has_is_named",
    ),
    "closed_days_are_exported": (
        "orchestration/test_history_sensor.py::test_a_day_that_is_due_for_more_than_a_day_is_red_until_it_is_exported",
    ),
    "A run: cannot be computed": (
        "orchestration/test_expectations.py::test_a_broken_expectation_is_an_error_and_no_failure_of_the_data",
    ),
    "Forget a visitor": (
        "dbt/test_forget.py::test_an_erasure_that_ends_anywhere_is_completed_by_the_next",
        "dbt/test_forget.py::test_what_no_load_reads_is_named",
    ),
    "Restore a day": ("orchestration/test_history.py::test_damage_is_undone_row_for_row",),
    "Rebuild": (
        "dbt/test_rebuild.py::test_a_lake_that_lost_objects_is_refused_with_numbers_until_a_person_says_yes",
        "dbt/test_cures.py::test_a_replaced_warehouse_takes_its_place_again",
    ),
    "Replay late events": (
        "orchestration/test_runs.py::test_late_events_are_replayed_and_maintenance_runs_as_jobs",
        "orchestration/test_history.py::test_a_replayed_event_exports_the_day_again_and_the_old_files_go",
    ),
    "Accept an object": ("dbt/test_make.py::test_the_commands_work_one_after_the_other",),
    "A killed process": (
        "dbt/test_crashes.py::test_thirty_kills_change_nothing",
        "dbt/test_rebuild.py::test_maintenance_removes_what_killed_rebuilds_and_exports_have_left",
    ),
    "A held writer lock": ("dbt/test_cures.py::test_a_held_lock_is_free_once_its_process_ends",),
    "A full disk": (
        "dbt/test_failures.py::test_a_full_disk_and_room_again",
        "dbt/test_cures.py::test_a_full_folder_gets_room_from_maintenance",
    ),
    "Permissions": ("dbt/test_failures.py::test_permission_to_read_is_enough_to_ask",),
    "Settings changed": (
        "dbt/test_wrong_settings.py::test_changed_settings_are_refused_until_a_rebuild_applies_them",
    ),
    "Move a warehouse": ("dbt/test_cures.py::test_a_warehouse_that_was_moved_whole_goes_on",),
    "Keep it small": (
        "dbt/test_concurrency.py::test_maintenance_merges_small_files_and_leaves_large_ones",
    ),
}
"""The tests that bring about what an entry describes, and run what it says to do."""
ENTRY = re.compile(rf"{re.escape(RUNBOOK)}#([\w-]+)")


def test_each_entry_of_the_run_book_has_a_test_that_runs_its_cure() -> None:
    titles = re.findall(r"(?m)^### (.+)$", (ROOT / RUNBOOK).read_text())
    assert set(titles) == set(CURES)
    for test in (each for tests in CURES.values() for each in tests):
        file, _, name = test.partition("::")
        assert f"\ndef {name}(" in (ROOT / "tests" / file).read_text(), test


def test_each_command_of_the_run_book_is_run_by_a_test() -> None:
    text = (ROOT / RUNBOOK).read_text()
    blocks = "".join(re.findall(r"(?ms)^```\n(.*?)^```", text))
    code = blocks + "\n".join(re.findall(r"`(?:[A-Z_]+=\S+ )?(make [^`]+|\S+ -m [^`]+)`", text))
    targets = set(re.findall(r"\bmake ([a-z][a-z-]*)", code))
    assert len(targets) > 10
    assert targets - {"logs"} <= {*RUN_HERE, *RUN_ELSEWHERE}  # docker compose logs
    own = set(re.findall(r"-m orchestration ([a-z-]+)", code))
    assert own <= {"load", "connectors"}, "run in tests/streaming/test_connect.py"


def test_each_exit_status_that_has_an_entry_leads_to_it() -> None:
    text = (ROOT / RUNBOOK).read_text()
    rows = dict(re.findall(r"(?m)^\| (\d+) \| (.+) \|$", text))
    statuses = (REFUSED, DAMAGED, NOTHING_READ, UNAVAILABLE, WRITE_FAILED, LOCKED, NO_PERMISSION)
    assert {str(each) for each in statuses} <= set(rows)
    assert "(#a-store-that-refuses)" in rows[str(UNAVAILABLE)]


def test_refused_credentials_of_connect_lead_to_their_procedure() -> None:
    text = (ROOT / RUNBOOK).read_text()
    entry = text.partition("### arrivals_are_fresh: Kafka Connect")[2].partition("\n### ")[0]
    page = "ingestion/connect/connectors/README.md"
    assert f"{page}#changing-credentials" in entry
    assert "\n### Changing credentials\n" in (ROOT / page).read_text()


def checks() -> Iterable[dg.AssetCheckSpec]:
    graph = defs.resolve_asset_graph()
    return [graph.get_check_spec(key) for key in graph.asset_check_keys]


def test_each_check_names_an_entry_of_the_run_book() -> None:
    found = {spec.name: ENTRY.findall(spec.description or "") for spec in checks()}
    assert len(found) > 20
    assert {name for name, entries in found.items() if len(entries) != 1} == set()
    assert {entry for entries in found.values() for entry in entries} <= set(headings())
    own = {"no_object_is_unreadable", "no_offset_is_missing", "no_record_became_a_dead_letter"}
    assert {name: found[name] for name in own} == {name: [name] for name in own}


@pytest.mark.parametrize("path", ["orchestration", "ingestion"])
def test_sentences_name_entries_that_exist(path: str) -> None:
    named = set()
    for file in (ROOT / path).rglob("*.py"):
        named |= set(re.findall(r"\{RUNBOOK\}#([a-z-]+)", file.read_text()))
        for words in re.findall(r"\(RUNBOOK, ([a-z :]+)\)", file.read_text()):
            named.add(words.replace(":", "").replace(" ", "-"))
    assert named <= set(headings())
    assert path == "ingestion" or "a-damaged-warehouse" in named
