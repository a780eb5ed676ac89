"""What every DuckDB connection needs: extensions from their packages, and quoted texts."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def load_extensions(conn: "DuckDBPyConnection", *names: str) -> None:
    """Load DuckDB's extensions from their packages: nothing is downloaded."""
    from duckdb_extensions import import_extension

    for extension in names:
        import_extension(extension, con=conn)
        conn.load_extension(extension)


def quoted(text: str) -> str:
    """A text, such as a path, as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
