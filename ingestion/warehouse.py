"""The local warehouse: a DuckLake (SQLite catalog, Parquet files) attached as `twist`."""

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from ingestion.settings import Settings, SettingsError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ALIAS = "twist"
EXTENSIONS = ("sqlite", "ducklake")


def refuse_other_setting(settings: Settings, name: str, built_with: str) -> None:
    """Raise `SettingsError` where the warehouse was built with another value of a setting."""
    wanted = str(getattr(settings, name))
    if wanted != built_with:
        raise SettingsError(
            f"the warehouse was built with {name} = {built_with}, the setting now says {wanted}: "
            f"run `make rebuild` to apply it, or set TWIST_{name.upper()} back"
        )


def has_tables(settings: Settings) -> bool:
    """Whether the warehouse has been made: a cheap look into its catalog."""
    catalog = settings.warehouse_root / "catalog.sqlite"
    if not catalog.exists():
        return False
    with closing(sqlite3.connect(f"file:{catalog}?mode=ro", uri=True)) as conn:
        found = conn.execute(
            "select count(*) from ducklake_table where table_name = 'settings' "
            "and end_snapshot is null"
        )
        return bool(found.fetchone()[0])


def load_extensions(conn: "DuckDBPyConnection") -> None:
    """Load DuckDB's extensions from their packages: nothing is downloaded."""
    from duckdb_extensions import import_extension

    for extension in EXTENSIONS:
        import_extension(extension, con=conn)
        conn.load_extension(extension)


def attach_warehouse(
    conn: "DuckDBPyConnection", settings: Settings, *, read_only: bool = False
) -> None:
    """Attach the warehouse of the settings; a writer creates it where there is none."""
    load_extensions(conn)
    folder = settings.warehouse_root
    if not read_only:
        folder.mkdir(parents=True, exist_ok=True)
    quoted = str(folder).replace("'", "''")
    options = ["meta_journal_mode 'WAL'", "meta_busy_timeout 10000"]
    # The catalog notes where it was made: a rebuilt warehouse was made elsewhere and moved.
    options += [f"data_path '{quoted}/data/'", "override_data_path true"]
    options += ["read_only"] if read_only else []
    conn.execute(
        f"attach if not exists 'ducklake:sqlite:{quoted}/catalog.sqlite' as {ALIAS} "
        f"({', '.join(options)})"
    )
    conn.execute(f"set memory_limit = '{settings.memory_limit}'")
    conn.execute(f"set temp_directory = '{quoted}/tmp'")
    conn.execute("set TimeZone = 'UTC'")
