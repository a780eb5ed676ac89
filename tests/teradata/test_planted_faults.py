"""A fault planted into any macro that only Teradata has is noticed."""

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ingestion.settings import Settings as TwistSettings
from orchestration.warehouse import dbt_runner as dbt_module
from orchestration.warehouse.dbt_runner import PROJECT, Dbt, DbtFailed, environment
from tests.harness.given import CLICKS, line, load, sku, stock, view
from tests.harness.referee import Delivery
from tests.teradata import emulator
from tests.teradata.emulator import Fault
from tests.teradata.warehouse import Rows, Teradata, differences


class Plant(NamedTuple):
    """In a macro file, the text that is replaced."""

    file: str
    old: str
    new: str


PLANTS = [
    Plant("cross_engine/epoch_milliseconds", "bigint) mod 86400000", "bigint) mod 8640000"),
    Plant("cross_engine/epoch_milliseconds", "* 0.001", "* 0.01"),
    Plant("cross_engine/hour_start", "extract(hour from", "extract(minute from"),
    Plant("cross_engine/iso_timestamp", "'c') = 1", "'c') = 0"),
    Plant("cross_engine/iso_timestamp", "timestamp(6)) end", "timestamp(0)) end"),
    Plant("cross_engine/text_type", " character set unicode", ""),
    Plant("cross_engine/column_type", "' character set unicode'", "''"),
    Plant("cross_engine/try_number", "{0,18}", "{0,3}"),
    Plant("cross_engine/try_number", " + 0.0000005", " + 0.0"),
    Plant("cross_engine/try_number", "double precision) > 0", "double precision) >= 0"),
    Plant("cross_engine/whole_quotient", 'bigint) / cast("', 'decimal(18, 2)) / cast("'),
    Plant("cross_engine/physical_design", "'primary index ('", "'unique primary index ('"),
    Plant("cross_engine/physical_design", "' each interval '1' day, no range or unknown)", "')"),
    Plant("cross_engine/physical_design", "(['partition'] if", "(['partitions'] if"),
    Plant("guards/init_warehouse", "create multiset table", "create set table"),
    Plant("incremental/watermarks", "(model.name, 0)", "(model.name, stamps()['this run'])"),
    Plant("load/foreign_table", "'$dt', '$hour'", "'$hour', '$dt'"),
    Plant("load/foreign_table", "storedas('TEXTFILE')", "storedas('PARQUET')"),
    Plant("load/landed_listing", "'/dt=' in object_key) + 4", "'/dt=' in object_key) + 5"),
    Plant("load/landed_listing", "returntype('NOSREAD_KEYS')", "returntype('NOSREAD_RECORD')"),
    Plant("load/teradata_landed_lines", "when is_ambiguous = 1", "when is_ambiguous = 2"),
    Plant("load/teradata_landed_lines", "when is_object = 0", "when is_object = 2"),
    Plant("load/teradata_landed_lines", "['file', 4]", "['file', 3]"),
    Plant("load/teradata_landed_lines", "at is not null\n{%- endmacro", "at is null\n{%- endmacro"),
    Plant("load/teradata_landed_lines", "in ('true', 'false')", "in ('true')"),
    Plant("load/objects_read", "is null and batch", "is not null and batch"),
    Plant("load/teradata_json", "from 2 for", "from 1 for"),
    Plant("load/teradata_json", ") = 'OK'", ") <> 'OK'"),
    Plant("load/teradata_json", "teradata_nested(20, '*?')", "teradata_nested(1, '*?')"),
    Plant("load/teradata_json", "document.jsonextract('", "document.jsonextractvalue('"),
    Plant("load/teradata_json", "trim(trailing from", "("),
    Plant("load/teradata_json", "[eE][-+]?[0-9]+", "[eE][0-9]+"),
]  # fmt: skip
"""`('[eE]…')` and a few more need the odd lines below."""


def odd_files() -> list[Delivery]:
    """What each of the plants needs to show."""
    topic, whole = view("02 10:02", "a")
    nested = topic, whole[:-1] + b', "extra": {"a": {"b": [1]}}, "channel": "app"}'
    twice = topic, whole[:-1] + b', "channel": "app"}'
    exponent = sku("x", "01 01:00", price=-1)[1].replace(b'"price": -1', b'"price": 1e-2')
    broken = CLICKS, b'{"event_id": '
    too_late = view("01 10:00", "a", arrival="09 10:00")
    return load(
        sku("a", size_share=0.1234567), sku("b", is_active=False), sku("d", size_share=0),
        ("product_catalog", exponent), stock("02 08:00", "a", 3), stock("02 08:30:01", "b", 12345),
        view("02 10:00:00.123456", "a", channel="app "), view("02 10:59", "é\n"), view("02 11:30"),
        twice, nested, broken, too_late,
        line(CLICKS, {"event_id": "y", "event_ts": "2026-11-02T10:00:00Z", "event_type": 5},
             "02 10:00", 0, 0),
    )  # fmt: skip


def work(landing: Path, runner: Any) -> tuple[Teradata, dict[str, Rows]]:
    """Two loads, a replay, and a rebuild whose second statement fails at first."""
    teradata = Teradata(landing)
    teradata.dbt = Dbt(teradata.settings, runner=runner)
    teradata.load()
    teradata.replay()
    inserts = 'insert into "twist_marts"'
    teradata.system.fault = Fault(2646, strikes=lambda sql: inserts in sql.lower())
    with suppress(DbtFailed):
        teradata.run("run", "--full-refresh", "--select", "fct_twist_hourly")
    teradata.load()
    reasons = Counter(teradata.rows("audit.quarantined_lines", "raw_line, reason"))
    return teradata, teradata.tables() | {"reasons": reasons}


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Rows]]]:
    """The landing files, and what the project as it is makes of them."""
    landing = tmp_path_factory.mktemp("shop") / "landing"
    for delivery in odd_files():
        (landing / delivery.key).parent.mkdir(parents=True, exist_ok=True)
        (landing / delivery.key).write_bytes(delivery.body)
    teradata, tables = work(landing, runner_of(PROJECT))
    assert all(tables[name] for name in ("fct_twist", "quarantined_lines", "late_events"))
    yield landing, tables
    teradata.close()


def runner_of(project: Path) -> Any:
    """dbt, parsed from another folder; parsing imports the driver."""
    emulator.install()
    settings = TwistSettings(_env_file=None, target="teradata")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(settings).items():
            patch.setenv(name, value)
        patch.setattr(dbt_module, "COMMON", in_folder(project))
        return Dbt(settings).warm_up()


def in_folder(project: Path) -> tuple[str, ...]:
    return tuple(str(project) if word == str(PROJECT) else word for word in dbt_module.COMMON)


def test_every_plant_is_somewhere_in_its_file() -> None:
    assert len(PLANTS) >= 20
    for plant in PLANTS:
        assert plant.old in (PROJECT / "macros" / f"{plant.file}.sql").read_text(), plant


@pytest.mark.long
@pytest.mark.parametrize("plant", PLANTS, ids=lambda p: f"{p.file.split('/')[1]}: {p.old.strip()}")
def test_a_planted_fault_is_noticed(
    plant: Plant, healthy: tuple[Path, dict[str, Rows]], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    project = tmp_path / "dbt_project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    file = project / "macros" / f"{plant.file}.sql"
    file.write_text(file.read_text().replace(plant.old, plant.new))
    landing, expected = healthy
    runner = runner_of(project)
    monkeypatch.setattr(dbt_module, "COMMON", in_folder(project))
    try:
        _, tables = work(landing, runner)
    except DbtFailed:
        return
    except Exception as error:
        assert "Teradata Database" in str(error)
        return
    assert differences(expected, tables)
