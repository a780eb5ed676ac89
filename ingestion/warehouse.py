"""The local warehouse: a DuckLake (SQLite catalog, Parquet files) attached as `twist`."""

from typing import TYPE_CHECKING

from ingestion.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ALIAS = "twist"
EXTENSIONS = ("sqlite", "ducklake")


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
    options += ["read_only"] if read_only else [f"data_path '{quoted}/data/'"]
    conn.execute(
        f"attach if not exists 'ducklake:sqlite:{quoted}/catalog.sqlite' as {ALIAS} "
        f"({', '.join(options)})"
    )
    conn.execute(f"set memory_limit = '{settings.memory_limit}'")
    conn.execute(f"set temp_directory = '{quoted}/tmp'")
    conn.execute("set TimeZone = 'UTC'")
