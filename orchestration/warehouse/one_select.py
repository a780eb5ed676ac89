"""What `make sql` runs: one SELECT that reads tables. DuckDB parses it; nothing else is run."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ingestion.settings import SettingsError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, Statement

_FUNCTIONS = {
    "generate_series", "json_each", "json_tree", "range", "repeat", "unnest",
    "ducklake_current_snapshot", "ducklake_list_files", "ducklake_options", "ducklake_snapshots",
    "ducklake_table_changes", "ducklake_table_deletions", "ducklake_table_info",
    "ducklake_table_insertions",
}  # fmt: skip
_CATALOG_FUNCTIONS = ("duckdb_", "pragma_")
"""Functions in FROM that change nothing and open no file; others maintain a DuckLake, or do."""


def one_select(conn: "DuckDBPyConnection", sql: str) -> "Statement":
    """The only statement of a text, a SELECT.

    Raises:
        SettingsError: it is something else, or reads something else than tables.
        duckdb.ParserException: it is no SQL.
    """
    import duckdb

    statements = conn.extract_statements(sql)
    kinds = [statement.type.name for statement in statements]
    if kinds != [duckdb.StatementType.SELECT.name]:
        raise SettingsError(
            f"one SELECT is answered, and this is {' and '.join(kinds) or 'none'}: nothing was run"
            + ("; PIVOT needs its values: pivot … on column in (…)" if "CREATE" in kinds else "")
        )
    (statement,) = statements
    answer = conn.execute("select json_serialize_sql(?::varchar)", [statement.query]).fetchone()
    parsed = json.loads(answer[0] if answer else "{}")
    if parsed.get("error", True):
        raise SettingsError("one SELECT is answered, and this cannot be checked: nothing was run")
    for kind, name in _sources(parsed):
        if kind == "TABLE_FUNCTION" and not _only_reads_tables(name):
            raise SettingsError(
                f"{name}() is not among the functions that a question may read from: it can open "
                "files or change the warehouse; nothing was run"
            )
        if kind == "BASE_TABLE" and set(name) & set("./\\*:"):
            raise SettingsError(f"{name} names a file, and questions read tables: nothing was run")
    return statement


def _only_reads_tables(function: str) -> bool:
    return function in _FUNCTIONS or function.startswith(_CATALOG_FUNCTIONS)


def _sources(parsed: Any) -> Iterator[tuple[str, str]]:
    """Each table and table function that a parsed statement names, however deep."""
    todo = [parsed]
    while todo:
        node = todo.pop()
        if isinstance(node, list):
            todo += node
        elif isinstance(node, dict):
            if node.get("type") == "BASE_TABLE":
                yield "BASE_TABLE", str(node.get("table_name"))
            elif node.get("type") == "TABLE_FUNCTION":
                yield "TABLE_FUNCTION", str(node["function"].get("function_name")).lower()
            todo += node.values()
