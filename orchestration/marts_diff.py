"""`make diff`: what a change does to the marts, before it is merged.

This checkout and another revision of it load the same landing lake, each into a warehouse of its
own; then the marts are compared row by row, by their keys.
"""

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.extensions import load_extensions, quoted
from ingestion.settings import ROOT, Settings, SettingsError
from orchestration.demo import DIRTY_DAY, table
from orchestration.warehouse.dbt_runner import Dbt

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FOLDER = ROOT / ".data" / "diff"
LARGEST = 5
"""Changes that are shown of each mart."""
_IGNORED = {"load_id"}
_NUMBERS = ("BIGINT", "SMALLINT", "INTEGER", "DOUBLE", "DECIMAL")


@dataclass(frozen=True)
class Mart:
    """A table of the marts, and the columns of its key."""

    name: str
    key: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """How a mart of this checkout differs from that of the other revision."""

    mart: str
    rows: int
    added: int
    removed: int
    changed: int
    columns: tuple[str, ...]
    """Columns that only one of them has, with + or - before."""
    largest: tuple[str, ...]
    """The largest changes of a number: key, column, before and after."""


def diff(ref: str, landing: Path | None, say: Callable[[str], None]) -> None:
    """Load with both revisions, compare, and print.

    Args:
        ref: Any name git has for a revision.
        landing: A landing lake; None: a simulated day, made once.
        say: Prints a line.

    Raises:
        SettingsError: git does not know the revision, or a load failed.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    landing = landing or _simulated(say)
    other = _checkout(ref)
    for name, root in (("theirs", other), ("ours", ROOT)):
        say(f"loading with {ref if name == 'theirs' else 'this checkout'} …")
        _load(root, landing, FOLDER / name)
    found = compare(_attached(), _marts())
    say("")
    say(table(("mart", "rows", "added", "removed", "changed"), [_counts(each) for each in found]))
    for each in found:
        for line in (*each.columns, *each.largest):
            say(f"  {each.mart}: {line}")


def compare(conn: "DuckDBPyConnection", marts: list[Mart]) -> list[Difference]:
    """Compare the marts of the catalogs `ours` and `theirs` that `conn` has attached."""
    return [found for mart in marts if (found := _compare(conn, mart))]


def _counts(found: Difference) -> tuple[str, int, int, int, int]:
    return found.mart, found.rows, found.added, found.removed, found.changed


def _compare(conn: "DuckDBPyConnection", mart: Mart) -> Difference | None:
    ours, theirs = _columns(conn, "ours", mart), _columns(conn, "theirs", mart)
    if not theirs:
        ((rows,),) = conn.execute(f"select count(*) from ours.marts.{mart.name}").fetchall()
        return Difference(mart.name, rows, rows, 0, 0, ("a new table",), ())
    measures = [name for name in ours if name in theirs and name not in {*mart.key, *_IGNORED}]
    same_key = " and ".join(f"ours.{key} is not distinct from theirs.{key}" for key in mart.key)
    differs = " or ".join(f"ours.{m} is distinct from theirs.{m}" for m in measures) or "false"
    conn.execute(
        f"""
        create or replace temp table compared as
        select ours, theirs, is_ours, is_theirs, is_ours and is_theirs and ({differs}) as differs
        from (select *, true as is_ours from ours.marts.{mart.name}) as ours
        full join (select *, true as is_theirs from theirs.marts.{mart.name}) as theirs
            on {same_key}
        """
    )
    ((rows, added, removed, changed),) = conn.execute(
        "select count(is_ours), count(*) filter (is_theirs is null), "
        "count(*) filter (is_ours is null), count(*) filter (differs) from compared"
    ).fetchall()
    columns = [f"+ {name}" for name in ours if name not in theirs]
    columns += [f"- {name}" for name in theirs if name not in ours]
    numbers = [name for name in measures if ours[name].startswith(_NUMBERS)]
    largest = [line for name in numbers for line in _largest(conn, mart, name)] if changed else []
    return Difference(mart.name, rows, added, removed, changed, tuple(columns), tuple(largest))


def _largest(conn: "DuckDBPyConnection", mart: Mart, column: str) -> list[str]:
    rows = conn.execute(
        f"""
        select ours, theirs.{column}, ours.{column}
        from compared
        where differs and ours.{column} is distinct from theirs.{column}
        order by abs(coalesce(ours.{column}, 0) - coalesce(theirs.{column}, 0)) desc
        limit {LARGEST}
        """
    ).fetchall()
    return [
        f"{column} {_text(before)} -> {_text(after)} at "
        + ", ".join(str(row[key]) for key in mart.key)
        for row, before, after in rows
    ]


def _text(value: Any) -> str:
    return "null" if value is None else f"{value:,}"


def _columns(conn: "DuckDBPyConnection", catalog: str, mart: Mart) -> dict[str, str]:
    return dict(
        conn.execute(
            "select column_name, data_type from duckdb_columns() where database_name = ? "
            "and schema_name = 'marts' and table_name = ?",
            [catalog, mart.name],
        ).fetchall()
    )


def _attached() -> "DuckDBPyConnection":
    import duckdb

    conn = duckdb.connect()
    load_extensions(conn, "sqlite", "ducklake")
    for name in ("ours", "theirs"):
        folder = FOLDER / name
        conn.execute(
            f"attach {quoted(f'ducklake:sqlite:{folder}/catalog.sqlite')} as {name} "
            f"(read_only, data_path {quoted(f'{folder}/data/')}, override_data_path true)"
        )
    return conn


def _marts() -> list[Mart]:
    """The tables of this checkout's marts by their keys, facts first."""
    manifest: Any = Dbt(_settings(FOLDER / "landing", FOLDER / "ours")).warm_up().manifest
    keys = {
        node.name: node.config.get("unique_key")
        for node in manifest.nodes.values()
        if node.resource_type == "model" and node.fqn[1] == "marts"
    }
    return [Mart(name, tuple(key)) for name, key in sorted(keys.items(), reverse=True) if key]


def _settings(landing: Path, warehouse: Path) -> Settings:
    return Settings(_env_file=None, landing=str(landing), warehouse=str(warehouse))


def _simulated(say: Callable[[str], None]) -> Path:
    from ingestion.simulation.simulator import RetailerConfig, write_landing

    landing = FOLDER / "landing"
    if not landing.exists():
        say("simulating a retailer's day …")
        write_landing(RetailerConfig(**DIRTY_DAY), landing)
    return landing


def _checkout(ref: str) -> Path:
    """The files of the revision, in a folder of their own."""
    root = FOLDER / "checkout"
    shutil.rmtree(root, ignore_errors=True)
    if ref.startswith("-"):
        raise SettingsError(f"{ref} is no revision: name a branch, a tag or a commit")
    command = ["git", "-c", "safe.directory=*", "archive", "--format=tar", ref]
    with subprocess.Popen(  # noqa: S603
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as archive:
        assert archive.stdout is not None
        assert archive.stderr is not None
        try:
            with tarfile.open(fileobj=archive.stdout, mode="r|") as files:
                files.extractall(root, filter="data")
        except tarfile.ReadError:
            reason = archive.stderr.read().decode().strip().splitlines()
            raise SettingsError(
                f"git has no revision {ref}: {reason[0] if reason else 'no answer'}; "
                "name a branch, a tag or a commit, as in make diff REF=main"
            ) from None
    return root


def _load(root: Path, landing: Path, warehouse: Path) -> None:
    """Load with the code under `root`, in a process of its own, on this environment's packages."""
    shutil.rmtree(warehouse, ignore_errors=True)
    others = {name: value for name, value in os.environ.items() if not name.startswith("TWIST_")}
    answer = subprocess.run(
        [sys.executable, "-m", "orchestration", "load"],
        cwd=root,
        env={
            **others,
            "PYTHONPATH": str(root),
            "TWIST_ROOT": str(root),
            "TWIST_LANDING": str(landing.resolve()),
            "TWIST_WAREHOUSE": str(warehouse),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        last = (answer.stderr or answer.stdout).strip().splitlines()
        raise SettingsError(f"the load with the code in {root} failed: {last[-1] if last else ''}")
