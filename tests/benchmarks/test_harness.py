"""The benchmark measures what it says, tells a regression, and compares engines row by row."""

import json
import os
import shutil
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.contract.topics import TOPICS
from ingestion.settings import Settings
from orchestration.warehouse import writer_lock
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.engines import open_reader
from orchestration.warehouse.load import load
from tests.benchmarks import by_hand, data, equality, floor, report, results
from tests.benchmarks.bench import SPARK_PYTHON, Bench, NotEqual
from tests.benchmarks.measured import CommandFailed, Usage, measure
from tests.benchmarks.results import Row, Run
from tests.benchmarks.sizes import DAY, PEAK_HOUR, SIZES

pytestmark = pytest.mark.ci

SPIN = "import time\nwhile time.process_time() < {}: pass\n"
TINY = SIZES["tiny"]


def cost_of(program: str, log: Path) -> Usage:
    return measure([sys.executable, "-c", program], os.environ, log)


def test_cpu_of_children_and_of_orphans_counts(tmp_path: Path) -> None:
    spin = f"[sys.executable, '-c', {SPIN.format(0.3)!r}]"
    child = f"import subprocess, sys\nsubprocess.run({spin})"
    orphan = child.replace("subprocess.run", "subprocess.Popen")
    for program in (child, orphan):
        usage = cost_of(program, tmp_path / "log")
        assert 0.3 <= usage.cpu < 3
        assert usage.wall > 0.2


def test_memory_is_that_of_the_tree_at_its_largest(tmp_path: Path) -> None:
    holds = "import time; held = bytearray(80_000_000); time.sleep(1)"
    two = (
        "import subprocess, sys\n"
        f"both = [subprocess.Popen([sys.executable, '-c', '{holds}']) for _ in range(2)]\n"
        "[each.wait() for each in both]"
    )
    ours = bytearray(500_000_000)
    assert 160e6 < cost_of(two, tmp_path / "log").peak < 400e6, f"not our own {len(ours)} bytes"


def test_a_command_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"ended with 3 .*\n.*no bread"):
        cost_of("import sys; print('no bread'); sys.exit(3)", tmp_path / "log")


def test_a_row_that_fails_is_named_and_the_others_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: Bench) -> None:
        raise CommandFailed("no sink")

    monkeypatch.setattr(data, "day_landing", lambda *_: tmp_path)
    monkeypatch.setattr(Bench, "measure_live", fails)
    bench = Bench(TINY, tmp_path)
    bench.measure_all({"live"})
    assert (bench.failed, bench.skipped) == (["live"], {"live": "no sink"})
    monkeypatch.setattr(Bench, "measure_ours", lambda self: None)
    monkeypatch.setattr(Bench, "measure_steps", fails)
    bench.measure_all({"storage"})
    assert bench.skipped == {"live": "no sink", "steps": "no sink", "storage": "needs steps"}
    monkeypatch.setattr(Bench, "measure_floor", fails)
    with pytest.raises(CommandFailed, match="no sink"):
        bench.measure_all({"floor"})


def test_the_wide_row_is_the_least_of_its_runs_by_its_own_floor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = {"ours_staged": 7, "ours_wide": 7}
    costs: dict[str, list[float]] = {
        "floor_wide": [2.5, 2.0, 2.2],
        "ours_staged": [4.0, 5.0, 5.0],
        "ours_wide": [9, 9, 8],
    }

    def run(self: Bench, name: str, *_: str, **__: Any) -> Usage:
        return Usage(costs[name].pop(0), 1.0, 1)

    def loaded(self: Bench, name: str, *_: str, **__: Any) -> tuple[Usage, dict[str, Any]]:
        self._settings(name).warehouse_root.mkdir(parents=True)
        counts = dict.fromkeys(("lines", "loaded", "duplicates"), lines[name])
        return run(self, name), {**counts, "models": {}}

    monkeypatch.setattr(data, "wide_landing", lambda *_: tmp_path)
    monkeypatch.setattr(Bench, "_run", run)
    monkeypatch.setattr(Bench, "_loaded", loaded)
    bench = Bench(SIZES["small"], tmp_path, [Row("floor", "work", 1.0, 1.0)])
    bench.measure_wide()
    ratios = {row.name: row.ratio for row in bench.rows[1:]}
    assert ratios == {"floor_wide": 2.0, "ours_staged": 4.0, "ours_wide": 4.0}
    assert bench.rows[-1].note == "1.00 times ours_staged"
    lines["ours_wide"] = 6
    costs |= {name: [1, 1, 1] for name in costs}
    with pytest.raises(NotEqual, match="lines, loaded, duplicates"):
        bench.measure_wide()


def a_run(date: str = "2026-11-01", **ratios: float) -> Run:
    rows = [Row(name, "work", 10 * ratio, 1, 5_000_000, ratio) for name, ratio in ratios.items()]
    machine = {"cpu": "a machine", "cores": 2, "load_before": 0.0, "load_after": 0.5}
    return Run("small", date, machine, rows, {"live": "no sink"}, {}, {})


def test_a_regression_of_thirty_percent_is_pointed_out() -> None:
    before = a_run(floor=1.0, ours=3.0, spark=20.0)
    now = a_run("2026-11-02", floor=1.0, ours=3.9, spark=25.0)
    assert results.regressions(now, before) == ["ours: 3.90 × the floor, +30% since 2026-11-01"]
    assert results.regressions(now, now) == results.regressions(now, None) == []
    text = report.describe(now, before)
    assert "! slower by 30 % or more:" in text
    assert "not measured: live: no sink" in text


def test_a_target_is_met_or_not_and_what_was_not_measured_is_left_out() -> None:
    met = report.targets(a_run(floor=1.0, ours=2.0, ours_staged=4.0, ours_wide=4.8))[1:]
    assert [line[1:] for line in met] == [
        ["2.00", "at most 6", "4.5", "yes, and the dream"],
        ["4.00", "at most 4.2", "3", "yes"],
        ["1.20", "at most 1.2", "1", "yes"],
        ["0.01", "at most 3", "2", "yes, and the dream"],
    ]
    missed = report.targets(a_run(floor=1.0, ours_staged=4.3, ours_wide=5.2, ours_object=9.0))[1:]
    assert [line[-1] for line in missed] == ["no", "no", "yes"]


def test_a_row_that_is_new_or_has_no_ratio_is_no_regression() -> None:
    before = a_run(floor=1.0)
    now = Run(**{**vars(a_run(floor=1.0, ours=9.0)), "date": "2026-11-02"})
    live = Row("live", "work", 10, 1)
    assert results.regressions(now, before) == []
    assert results.change(live, before) is None


def test_the_table_has_a_line_for_each_row() -> None:
    lines = results.table(a_run(floor=1.0, ours=3.0), a_run(floor=1.0, ours=2.0))
    assert lines[2] == ["ours", "30.0", "3.00", "+50% !", "1.0", "5", "work"]
    assert results.as_text(lines).splitlines()[2].startswith("ours ")
    assert results.as_markdown(lines).splitlines()[1] == "|---|---:|---:|---:|---:|---:|---|"


def test_a_stored_run_is_read_back_and_sizes_are_kept_apart(tmp_path: Path) -> None:
    for date, size in (("2026-11-01", "small"), ("2026-11-03", "small"), ("2026-11-02", "day")):
        run = Run(**{**vars(a_run(date, floor=1.0)), "size": size})
        results.store(run, results.path_of(size, date, tmp_path))
    newest = {size: results.newest(size, tmp_path) for size in ("small", "day", "tiny")}
    assert newest["small"] == a_run("2026-11-03", floor=1.0)
    assert newest["day"] and newest["day"].date == "2026-11-02"
    assert newest["tiny"] is None


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny day that landed."""
    return data.day_landing(TINY, tmp_path_factory.mktemp("bench"), lambda _: None)


@pytest.fixture(scope="module")
def loaded(day: Path) -> Settings:
    """The same, loaded."""
    settings = Settings(
        _env_file=None, target="embedded", landing=str(day), warehouse=str(day.parent / "warehouse")
    )
    dbt = Dbt(settings)
    load(settings, dbt, lambda _: None)
    dbt.close()
    writer_lock.release(settings.warehouse_root)
    return settings


def test_input_that_is_there_is_not_made_again(day: Path) -> None:
    said: list[str] = []
    assert data.day_landing(TINY, day.parent.parent.parent, said.append) == day
    assert said == []


def test_the_floor_reads_every_line_of_every_topic(day: Path, loaded: Settings) -> None:
    lines = floor.decode(day)
    assert list(lines) == list(TOPICS)
    assert lines["clickstream"] > TINY.day.views


def test_each_wide_line_is_the_plain_one_and_five_fields_that_no_schema_names(day: Path) -> None:
    wide = data.wide_landing(TINY, day.parent.parent.parent, lambda _: None)
    keys = [path.relative_to(day) for path in sorted(day.rglob("*.json.gz"))]
    assert keys == [path.relative_to(wide) for path in sorted(wide.rglob("*.json.gz"))]
    added = set()
    for key in keys:
        plain, widened = lines_of([day / key]), lines_of([wide / key])
        if "clickstream" not in key.parts:
            assert plain == widened
            continue
        for one, other in zip(plain, widened, strict=True):
            known, more = json.loads(one), json.loads(other)
            assert {name: more.pop(name) for name in known} == known
            assert not more.keys() & set(floor.columns("clickstream"))
            assert [type(more[name]) for name in sorted(more)] == [
                list, str, dict, type(None), int,
            ]  # fmt: skip
            added.add(more["note"])
    assert len(added) > TINY.day.views / 2, "they vary"
    assert floor.decode(wide) == floor.decode(day)


def test_a_wide_day_is_staged_as_the_plain_one(day: Path, loaded: Settings) -> None:
    wide = data.wide_landing(TINY, day.parent.parent.parent, lambda _: None)
    settings = loaded.model_copy(update={"landing": str(wide), "warehouse": f"{wide.parent}/ours"})
    dbt = Dbt(settings)
    load(settings, dbt, lambda _: None, compute=False)
    query = (
        "select count(*), bit_xor(hash(event_id, event_ts, visitor_id, style_id, sku_id, url, "
        "user_agent)) from twist.staging.stg_clickstream__events"
    )
    (staged,) = dbt.query(query)
    dbt.close()
    writer_lock.release(settings.warehouse_root)
    with closing(open_reader(loaded)) as reader:
        assert reader.execute(query).fetchone() == staged
    assert staged[0] > TINY.day.views


def test_the_large_object_has_as_many_lines_as_asked_each_with_its_own_offset(
    tmp_path: Path, day: Path
) -> None:
    more = len(lines_of(day.glob(data.CLICKS))) + 5
    size = replace(TINY, object_lines=more)
    landing = data.object_landing(size, day.parent.parent.parent, lambda _: None)
    (path,) = landing.rglob("*.json.gz")
    lines = [json.loads(line) for line in lines_of([path])]
    assert [line["_offset"] for line in lines] == list(range(more))
    assert {line["event_id"] for line in lines[:5]}.isdisjoint(
        line["event_id"] for line in lines[5:]
    )


def test_the_script_by_hand_makes_the_same_marts_and_a_changed_row_is_found(
    day: Path, loaded: Settings, tmp_path: Path
) -> None:
    by_hand.run(day, tmp_path)
    assert set(equality.differences(loaded, tmp_path).values()) == {0}
    changed = tmp_path / "changed"
    shutil.copytree(tmp_path, changed)
    lost = tmp_path / "fct_lost_demand_hourly.parquet"
    duckdb.execute(
        f"copy (select * replace (lost_views + case when row_number() over () = 1 then 0.000001 "
        f"else 0 end as lost_views) from '{lost}') to '{changed / lost.name}'"
    )
    assert equality.differences(loaded, changed)["fct_lost_demand_hourly"] == 2


@pytest.mark.long
@pytest.mark.skipif(not SPARK_PYTHON.exists(), reason="needs .venv-bench (make bench makes it)")
def test_spark_makes_the_same_marts(day: Path, loaded: Settings, tmp_path: Path) -> None:
    script = str(Path(by_hand.__file__).with_name("spark.py"))
    measure([str(SPARK_PYTHON), script, str(day), str(tmp_path)], os.environ, tmp_path / "log")
    assert set(equality.differences(loaded, tmp_path).values()) == {0}


def test_slices_of_an_hour_hold_each_line_once(tmp_path: Path) -> None:
    whole = data.whole_landing(TINY, tmp_path, lambda _: None)
    landing = tmp_path / "landing"
    hour = f"topics/*/dt={DAY:%Y-%m-%d}/hour={PEAK_HOUR}"
    at = DAY.replace(hour=PEAK_HOUR)
    landed = [data.land_slice(whole, landing, at.replace(minute=m), 900) for m in (0, 15, 30, 45)]
    assert min(landed) > 0
    assert sorted(lines_of(landing.glob(f"{hour}/*"))) == sorted(lines_of(whole.glob(f"{hour}/*")))


def lines_of(paths: object) -> list[bytes]:
    import gzip

    return [line for path in paths for line in gzip.open(path)]  # type: ignore[attr-defined]
