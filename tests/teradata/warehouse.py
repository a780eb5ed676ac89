"""The project on the stand-in, and its tables beside DuckDB's."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from ingestion.settings import Settings as TwistSettings
from orchestration.pages.overview.figures import Figures, read_figures
from orchestration.warehouse import writer_lock
from orchestration.warehouse.accept import accept
from orchestration.warehouse.dbt_runner import Dbt, DbtFailed
from orchestration.warehouse.load import load
from orchestration.warehouse.load_report import LoadReport
from orchestration.warehouse.replay_late import replay_late
from orchestration.warehouse.teradata_setup import script
from tests.harness.pipeline import meaning
from tests.harness.referee import Delivery, Settings
from tests.harness.tables import MARTS as READ
from tests.harness.tables import NOT_ZERO, mart_of
from tests.harness.warm import warm_runner
from tests.teradata import emulator
from tests.teradata.rules import check
from tests.teradata.rules_catalogue import Finding

MARTS = READ | {"dim_location": "* exclude (load_id)"}
"""A full refresh gives new stamps."""
LOCATION = "/s3/bucket.s3.amazonaws.com"
ADAPTERS_OWN = re.compile(
    r"""dbc\.|__dbt_sbq|dbt_internal_test|^\s*(?:drop|rename|sel\s|alter|insert\s[^?]*\?)
        |^create\s+multiset\s+foreign""",
    re.IGNORECASE | re.VERBOSE,
)
"""Statements that dbt-teradata writes itself, or that `rules` knows no form of."""
AUDITS = {
    "landed_objects": "object_key, topic, folder_hour, object_size, status, lines, loaded, "
    "duplicates, late, quarantined",
    "quarantined_lines": "topic, object_key, kafka_partition, kafka_offset, raw_line",
    "late_events": "topic, kafka_partition, kafka_offset, event_id, event_ts, arrived_at, "
    "object_key, raw_line, replayed_at is not null",
}
"""All of the audit but etag, line number, error text and moments of the clock."""
Rows = Counter[tuple[Any, ...]]
Done = TypeVar("Done")


@lru_cache(maxsize=4096)
def refused(sql: str) -> list[Finding]:
    """What Teradata would reject of a statement that the project wrote."""
    return [] if ADAPTERS_OWN.search(sql) else check(sql, kind="any")


@dataclass
class Teradata:
    """A warehouse on a system of its own, over a landing folder."""

    landing: Path
    rules: Settings = field(default_factory=Settings)
    slack_hours: int = 1_000_000
    batch_mb: int = 64
    file: Path | None = None
    """Where the system keeps its tables, if it is to be copied."""
    bucket: str = ""
    """The lake's bucket, if its location holds that as a folder."""

    def __post_init__(self) -> None:
        emulator.install()
        self.settings = TwistSettings(
            _env_file=None,
            target="teradata",
            teradata_bucket=self.bucket,
            teradata_landing=f"/s3/minio.example:9000/{self.bucket}" if self.bucket else LOCATION,
            warehouse=str(self.landing.with_name("lock")),
            **meaning(self.rules),
            landing_slack_hours=self.slack_hours,
            batch_mb=self.batch_mb,
        )
        self.system = emulator.System([], self.landing, refused, self.file, self.bucket)
        self.system.set_up(script(self.settings))
        self.dbt = Dbt(self.settings, runner=warm_runner("teradata"))

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            path = self.landing / delivery.key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(delivery.body)

    def load(self) -> LoadReport:
        return self._on_the_system(lambda: load(self.settings, self.dbt, lambda _: None))

    def replay(self) -> None:
        self._on_the_system(lambda: replay_late(self.settings, self.dbt, lambda _: None))

    def accept(self, key: str, why: str) -> int:
        return self._on_the_system(lambda: accept(self.settings, self.dbt, key, why))

    def run(self, *arguments: str) -> None:
        """dbt by hand."""
        self._on_the_system(lambda: self.dbt.run(*arguments))

    def overview(self, now: datetime) -> Figures:
        """The figures of the overview page; its views are there after a run of everything."""
        return self._on_the_system(lambda: read_figures(self.settings, now))

    def _on_the_system(self, work: Callable[[], Done]) -> Done:
        """Errors say what the system answered; dbt does not always."""
        emulator.use(self.system)
        self.system.errors.clear()
        try:
            return work()
        except DbtFailed as error:
            answered = [e for e in self.system.errors if "[Error 3807]" not in e]
            raise DbtFailed(f"{error}\n{chr(10).join(answered)[:3000]}") from error

    def rows(self, table: str, columns: str = "*", where: str = "1 = 1") -> list[tuple[Any, ...]]:
        """Of `marts.fct_twist` and the like; `columns` in DuckDB's words."""
        found = self.system.database.execute(f"select {columns} from twist_{table} where {where}")
        return found.fetchall()

    def tables(self) -> dict[str, Rows]:
        """Marts and audit, in the form of `tables_of`."""
        ask = self.system.database.execute
        marts = {
            name: Counter(
                ask(
                    f"select {columns} from {mart_of(name, 'twist_marts')} "
                    f"where {NOT_ZERO.get(name, '1 = 1')}"
                ).fetchall()
            )
            for name, columns in MARTS.items()
        }
        audit = {name: Counter(_text(self.rows(f"audit.{name}", c))) for name, c in AUDITS.items()}
        return marts | audit

    def close(self) -> None:
        writer_lock.release(self.settings.warehouse_root)


def tables_of(dbt: Dbt) -> dict[str, Rows]:
    """Marts and audit of a warehouse in DuckDB, but for what the contract leaves open."""
    marts = {
        name: f"select {columns} from {mart_of(name, 'twist.marts')} "
        f"where {NOT_ZERO.get(name, '1 = 1')}"
        for name, columns in MARTS.items()
    }
    audit = {name: f"select {columns} from twist.audit.{name}" for name, columns in AUDITS.items()}
    return {name: Counter(dbt.query(sql)) for name, sql in marts.items()} | {
        name: Counter(_text(dbt.query(sql))) for name, sql in audit.items()
    }


def differences(expected: dict[str, Rows], found: dict[str, Rows]) -> list[str]:
    """One sentence for each row that only one side has."""
    return [
        f"{name}: {side} {row} × {count}"
        for name in expected
        for side, rows in (
            ("lacks", expected[name] - found[name]),
            ("has besides", found[name] - expected[name]),
        )
        for row, count in rows.items()
    ]


_NOT_UTF8 = re.compile(r"(\\x[0-9a-f]{2}|\ufffd)+")


def _text(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Bytes that are not UTF-8 show as `\\xNN` on DuckDB and as U+FFFD on Teradata."""
    return [tuple(_NOT_UTF8.sub("?", v) if isinstance(v, str) else v for v in row) for row in rows]
