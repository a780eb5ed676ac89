"""The engines behind the models, DuckDB (with DuckLake) and Teradata: what differs in Python.

What differs in SQL is in the dispatch macros of dbt_project/macros.
"""

import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.extensions import quoted
from ingestion.lake.landed_objects import Listed, open_store
from ingestion.settings import Settings, SettingsError
from orchestration.warehouse import writer_lock
from orchestration.warehouse.attach import (
    ALIAS,
    CATALOG,
    attach_warehouse,
    data_path,
    give_statistics_to_empty_tables,
    refuse_lost_catalog,
    refuse_other_setting,
    require_warehouse,
    settings_table_in,
)
from orchestration.warehouse.engine_protocol import Commands, Engine, Query, Result, Tables
from orchestration.warehouse.swap import settle

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from orchestration.warehouse.accept import OffsetRange


def engine_of(settings: Settings) -> Engine:
    """The engine of TWIST_TARGET."""
    return Teradata(settings) if settings.target == "teradata" else DuckDB(settings)


def open_reader(
    settings: Settings, writes_to: Path | None = None, threads: int | None = None
) -> "DuckDBPyConnection":
    """A connection that only reads the warehouse, with `twist` as default catalog.

    An export also `writes_to` a folder; `threads` (default: the cores) limits its work. Open a new
    one for each query: maintenance removes the files of snapshots older than an hour.
    """
    import duckdb

    settle(settings.warehouse_root)
    require_warehouse(settings)
    conn = duckdb.connect(config={"threads": threads} if threads else {})
    attach_warehouse(conn, settings, read_only=True)
    conn.execute(f"use {ALIAS}.marts")
    conn.execute("set python_enable_replacements = false")
    places = [data_path(settings)] + ([f"{writes_to}/"] if writes_to else [])
    readable = ", ".join(map(quoted, places))
    conn.execute(f"set allowed_directories = [{readable}]")
    conn.execute("set enable_external_access = false")
    conn.execute("set lock_configuration = true")
    return conn


@dataclass(frozen=True)
class DuckDB:
    """DuckDB on a DuckLake: a SQLite catalog and Parquet files."""

    settings: Settings
    knows_etags = True

    def relation(self, schema: str, table: str) -> str:  # noqa: D102  # see Engine
        return f"temp.main.{table}" if schema == "load" else f"{ALIAS}.{schema}.{table}"

    def require(self) -> None:  # noqa: D102
        require_warehouse(self.settings)

    @contextmanager
    def reader(self, threads: int | None = None) -> Iterator[Query]:  # noqa: D102
        import duckdb

        connection = open_reader(self.settings, threads=threads)
        try:
            connection.execute("begin")

            def query(sql: str, most: int | None = None) -> Result:
                answer = connection.execute(sql)
                rows = answer.fetchall() if most is None else answer.fetchmany(most)
                return Result([column[0] for column in answer.description or []], rows)

            yield query
        except duckdb.CatalogException as error:
            raise SettingsError(
                f"the warehouse in {self.settings.warehouse_root} is not complete "
                f"({str(error).splitlines()[0]}): wait for its first load, or run `make load`"
            ) from None
        finally:
            connection.close()

    def rows(self, dbt: Commands, sql: str) -> list[tuple[Any, ...]]:  # noqa: D102
        return dbt.connection().execute(sql).fetchall()

    def require_landing(self) -> None:  # noqa: D102
        open_store(self.settings)

    def prepare(self, dbt: Commands) -> None:  # noqa: D102
        refuse_lost_catalog(self.settings)
        writer_lock.take(self.settings.warehouse_root)
        dbt.connection()  # a target without a DuckLake is refused before anything is created
        if not dbt.query(settings_table_in(CATALOG)):
            dbt.run("seed")
            dbt.run("run-operation", "init_warehouse")
        _refuse_other_settings(self, dbt)
        give_statistics_to_empty_tables(dbt.query)

    def list_landed(self, dbt: Commands, listed: Listed | None) -> None:
        """Fill load_listing without a dbt run: an idle load costs one listing."""
        connection = dbt.connection()
        if listed is None:
            listing = dbt.compiled("load_listing")
        else:
            from ingestion.lake.arrow_rows import object_table

            connection.register("listed", object_table(listed.objects))
            listed_at = f"timestamp '{listed.at.replace(tzinfo=None)}' as listed_at"
            listing = f"select *, {listed_at} from listed"
        connection.execute(f"create or replace temp table load_listing as {listing}")

    def empty_load_tables(self, dbt: Commands) -> set[str]:  # noqa: D102
        found = dbt.query(
            "select table_name from duckdb_tables() "
            "where database_name = 'temp' and estimated_size = 0"
        )
        return {table for (table,) in found}

    @contextmanager
    def one_thread(self, dbt: Commands) -> Iterator[None]:  # noqa: D102
        dbt.query("set threads = 1")
        try:
            yield
        finally:
            dbt.query("reset threads")

    def request_replay(self, dbt: Commands) -> None:  # noqa: D102
        dbt.query(
            f"update {self.relation('audit', 'late_events')} "
            "set replay_requested_at = current_timestamp::timestamp where replayed_at is null"
        )

    def accept(self, dbt: Commands, key: str, why: str) -> int:  # noqa: D102
        require_warehouse(self.settings)
        writer_lock.take(self.settings.warehouse_root)
        closed = dbt.connection().execute(
            f"update {self.relation('audit', 'landed_objects')} "
            "set status = 'accepted', accepted_why = ? "
            "where object_key = ? and status = 'unreadable'",
            [why, key],
        )
        return int((closed.fetchone() or (0,))[0])

    def accept_offsets(self, dbt: Commands, offsets: "OffsetRange", why: str) -> int:  # noqa: D102
        require_warehouse(self.settings)
        writer_lock.take(self.settings.warehouse_root)
        closed = dbt.connection().execute(
            f"insert into {self.relation('audit', 'accepted_offsets')} by name "
            "select topic, kafka_partition, era, first_offset, last_offset, ? as accepted_why "
            f"from {self.relation('audit', 'missing_offsets')} where {_open_within(offsets)}",
            [why],
        )
        return int((closed.fetchone() or (0,))[0])

    def tables(self, dbt: Commands) -> Tables:  # noqa: D102
        return {
            (schema, table): (size, files)
            for schema, table, files, size in dbt.query(
                f"""
                select ducklake_schema.schema_name, info.table_name, info.file_count,
                    info.file_size_bytes
                from ducklake_table_info('{ALIAS}') as info
                join {CATALOG}.ducklake_schema on info.schema_id = ducklake_schema.schema_id
                """
            )
        }


@dataclass(frozen=True)
class Teradata:
    """Teradata, through dbt's adapter, or the driver for readers (dbt_project/docs/teradata.md)."""

    settings: Settings
    knows_etags = False

    def relation(self, schema: str, table: str) -> str:  # noqa: D102
        return f"{self.settings.db_prefix}_{schema}.{table}"

    def require(self) -> None:
        """Nothing: Teradata itself reports it when queried."""

    @contextmanager
    def reader(self, threads: int | None = None) -> Iterator[Query]:  # noqa: ARG002, D102
        with self.cursor() as cursor:

            def query(sql: str, most: int | None = None) -> Result:
                cursor.execute(sql)
                rows = cursor.fetchall() if most is None else cursor.fetchmany(most)
                columns = [column[0].lower() for column in cursor.description or []]
                return Result(columns, [tuple(row) for row in rows])

            yield query

    @contextmanager
    def cursor(self) -> Iterator[Any]:
        """A cursor of the driver, on a connection of its own; its errors are sentences."""
        from teradatasql import OperationalError

        try:
            with closing(self.connect()) as connection, closing(connection.cursor()) as cursor:
                yield cursor
        except OperationalError as error:
            raise SettingsError(self._sentence(str(error))) from None

    def connect(self) -> Any:
        """A driver connection in ANSI mode; the password comes only from the environment."""
        import teradatasql

        driver: Any = teradatasql  # without types
        return driver.connect(
            host=self.settings.teradata_host,
            user=self.settings.teradata_user,
            password=os.environ.get("TWIST_TERADATA_PASSWORD", "unset"),
            logmech=self.settings.teradata_logmech,
            sslmode=self.settings.teradata_sslmode,
            tmode="ANSI",
            runstartup="true",
        )

    def _sentence(self, message: str) -> str:
        if "[Error 3807]" in message:  # a table does not exist
            prefix = self.settings.db_prefix
            return f"the warehouse {prefix}_… is not complete: run `make load` first"
        return f"Teradata at {self.settings.teradata_host}: {message.splitlines()[0][:300]}"

    def rows(self, dbt: Commands, sql: str) -> list[tuple[Any, ...]]:  # noqa: ARG002, D102
        from dbt.adapters import factory

        adapters: Any = factory.FACTORY
        adapter = adapters.adapters["teradata"]
        with adapter.connection_named("twist"):
            _, answer = adapter.execute(sql, fetch=True)
        return [tuple(row) for row in answer.rows]

    def require_landing(self) -> None:  # noqa: D102
        if not self.settings.teradata_landing:
            raise SettingsError(
                "TWIST_TERADATA_LANDING is empty: set it to the landing lake as Teradata names it, "
                "such as /s3/bucket.s3.amazonaws.com/prefix (dbt_project/docs/teradata.md)"
            )

    def prepare(self, dbt: Commands) -> None:  # noqa: D102
        self.require_landing()
        with self.reader() as query:
            _require_session(query)
        writer_lock.take(self.settings.warehouse_root)
        dbt.run("run-operation", "init_warehouse")
        seeds = f"{self.settings.db_prefix}_seeds"
        if not dbt.query(f"select 1 from dbc.tablesv where databasename = '{seeds}'"):
            dbt.run("seed")
        _refuse_other_settings(self, dbt)

    def list_landed(self, dbt: Commands, listed: Listed | None) -> None:  # noqa: ARG002
        """Fill load_listing by NOS; `listed` is ignored."""
        dbt.run("run", "--select", "load_listing")

    def empty_load_tables(self, dbt: Commands) -> set[str]:  # noqa: ARG002, D102
        return set()

    def one_thread(self, dbt: Commands) -> AbstractContextManager[None]:  # noqa: ARG002, D102
        return nullcontext()

    def request_replay(self, dbt: Commands) -> None:  # noqa: D102
        dbt.run("run-operation", "request_replay")

    def accept(self, dbt: Commands, key: str, why: str) -> int:  # noqa: D102
        self.prepare(dbt)
        quoted = key.replace("'", "''")
        ((count,),) = dbt.query(
            f"select count(*) from {self.relation('audit', 'landed_objects')} "
            f"where object_key = '{quoted}' and status = 'unreadable'"
        )
        dbt.run("run-operation", "accept_object", "--args", json.dumps({"key": key, "why": why}))
        return int(count)

    def accept_offsets(self, dbt: Commands, offsets: "OffsetRange", why: str) -> int:  # noqa: D102
        self.prepare(dbt)
        open_ranges = self.relation("audit", "missing_offsets")
        ((count,),) = dbt.query(f"select count(*) from {open_ranges} where {_open_within(offsets)}")
        if count:
            arguments = {**offsets._asdict(), "why": why}
            dbt.run("run-operation", "accept_offsets", "--args", json.dumps(arguments))
        return int(count)

    def tables(self, dbt: Commands) -> Tables:  # noqa: D102
        prefix = f"{self.settings.db_prefix}_"
        return {
            (database.strip().lower().removeprefix(prefix), table.strip().lower()): (None, None)
            for database, table in dbt.query(
                "select databasename, tablename from dbc.tablesv where tablekind = 'T'"
            )
            if database.strip().lower().startswith(prefix)
        }


def _require_session(query: Query) -> None:
    """Refuse a session of Teradata that is not as the user of `make teradata-script` has it."""
    complaints = (
        ("is not in UTC", "extract(timezone_hour from current_timestamp) = 0 "
         "and extract(timezone_minute from current_timestamp) = 0", "TIME ZONE = '00:00'"),
        ("does not order texts by their bytes", "'B' < 'a' and 'я' < '中'",
         "COLLATION = CHARSET_COLL"),
        ("refuses emoji", "'😀' = '😀'",
         "STARTUP = 'set session character set unicode pass through on;'"),
    )  # fmt: skip
    for complaint, condition, cure in complaints:
        try:
            answer = query(f"select case when {condition} then 1 else 0 end as is_right")
            is_right = answer.rows == [(1,)]
        except Exception as error:
            if "[Error 6705]" not in str(error):
                raise
            is_right = False
        if not is_right:
            raise SettingsError(f"the session {complaint}: give Teradata's user {cure}")


def _open_within(offsets: "OffsetRange") -> str:
    """The rows of audit.missing_offsets within these that nobody accepted, as a condition."""
    return (
        f"topic = '{offsets.topic}' and kafka_partition = {offsets.partition} "
        f"and first_offset >= {offsets.first} and last_offset <= {offsets.last} "
        "and accepted_why is null"
    )


def _refuse_other_settings(engine: Engine, dbt: Commands) -> None:
    built_with = f"select setting_name, setting_value from {engine.relation('audit', 'settings')}"
    for name, value in ({"layout": ""} | dict(dbt.query(built_with))).items():
        refuse_other_setting(dbt.settings, name, value)
