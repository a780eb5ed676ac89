"""What every DuckDB connection needs: extensions from their packages, and quoted texts."""

import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.settings import SettingsError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_OWN_NAMES = {"sqlite": "sqlite_scanner"}


def isolate(conn: "DuckDBPyConnection") -> None:
    """Neither read nor write the user's own DuckDB: no extension or secret of ~/.duckdb is used."""
    conn.execute("set autoinstall_known_extensions = false")
    conn.execute("set autoload_known_extensions = false")
    # Only once: it cannot be set after the first secret lookup.
    if conn.execute("select current_setting('allow_persistent_secrets')").fetchone() == (True,):
        conn.execute("set allow_persistent_secrets = false")


def load_extensions(conn: "DuckDBPyConnection", *names: str) -> None:
    """Load DuckDB's extensions from the files of their packages: nothing is downloaded.

    DuckDB's own `install` copies into ~/.duckdb, where another extension of that name may be.

    Raises:
        SettingsError: the environment lacks an extension.
    """
    isolate(conn)
    for name in names:
        file = _extension_file(name)
        # DuckDB derives the extension's name from the file's, which SQLite's package does not keep.
        with tempfile.TemporaryDirectory(prefix="twist-") as folder:
            link = Path(folder) / f"{_OWN_NAMES.get(name, name)}.duckdb_extension"
            link.symlink_to(file)
            conn.execute(f"load {quoted(str(link))}")


def _extension_file(name: str) -> Path:
    import duckdb

    package = find_spec(f"duckdb_extension_{name}")
    folders = package.submodule_search_locations if package else None
    for folder in folders or []:
        file = Path(folder, "extensions", f"v{duckdb.__version__}", f"{name}.duckdb_extension")
        if file.exists():
            return file.resolve()
    raise SettingsError(
        f"the environment lacks DuckDB's extension {name} for DuckDB {duckdb.__version__}: "
        "run `make setup`, or install the locks again"
    )


def quoted(text: str) -> str:
    """A text, such as a path, as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"
