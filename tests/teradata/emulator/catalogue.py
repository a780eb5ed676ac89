"""What a system knows of its databases, tables and columns."""

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlglot.schema import MappingSchema

from tests.teradata.emulator.errors import TeradataError
from tests.teradata.emulator.syntax import Name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LONGEST_TEXT_BYTES = 64_000
LONGEST_ROW_BYTES = 1_048_576
_NAME = "varchar(128)"
DICTIONARY_VIEWS = {
    "databasesv": {"databasename": _NAME},
    "tablesv": {
        "databasename": _NAME, "tablename": _NAME, "tablekind": "varchar(1)",
        "commentstring": "varchar(255)", "lastaltertimestamp": "timestamp",
    },
    "columnsv": {
        "databasename": _NAME, "tablename": _NAME, "columnname": _NAME, "columnid": "integer",
        "columntype": "varchar(2)", "columnlength": "integer", "chartype": "integer",
        "decimaltotaldigits": "integer", "decimalfractionaldigits": "integer",
        "commentstring": "varchar(255)",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column; `type` is a word as `VARCHAR` or `DECIMAL`."""

    name: str
    type: str
    length: int | None = None
    charset: int = 2
    """Bytes a character: 1 is LATIN, 2 UNICODE."""
    precision: int | None = None
    scale: int | None = None
    not_null: bool = False

    @property
    def sizes(self) -> str:
        if self.type == "VARCHAR":
            return f"({self.length})" if self.length else ""
        return f"({self.precision}, {self.scale})" if self.type == "DECIMAL" else ""

    @property
    def duck(self) -> str:
        """The column in DuckDB, which enforces its length."""
        kind = {"BYTEINT": "TINYINT", "VARCHAR": "VARCHAR"}.get(self.type, self.type + self.sizes)
        enforced = (
            f' check (td_length_of(rtrim("{self.name}")) <= {self.length})' if self.length else ""
        )
        return f'"{self.name}" {kind}{" not null" if self.not_null else ""}{enforced}'


def column_of(name: str, duck_type: str, length: int | None) -> Column:
    """A column of a query's answer, by DuckDB's name of its type."""
    if found := re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", duck_type):
        return Column(name, "DECIMAL", precision=int(found[1]), scale=int(found[2]))
    kind = {"TINYINT": "BYTEINT", "HUGEINT": "DECIMAL"}.get(duck_type, duck_type)
    kind = "TIMESTAMP" if kind.startswith("TIMESTAMP") else kind
    if kind == "DECIMAL":
        return Column(name, kind, precision=38, scale=0)
    return Column(name, kind, length=length if kind == "VARCHAR" else None)


@dataclass(frozen=True)
class Table:
    """A table (T; O without primary index), view (V) or foreign table (F)."""

    name: Name
    kind: str
    index: tuple[str, ...] = ()
    partitioned_by: str | None = None
    body: str = ""
    """Of a foreign table: its options as written; of a view: the names that it reads; as JSON."""


class Catalogue:
    """The dictionary; written to the tables behind the views of DBC as it changes."""

    def __init__(self, database: "DuckDBPyConnection") -> None:
        self._database = database
        self._databases = {"dbc"}
        self._tables: dict[Name, tuple[Table, list[Column]]] = {}
        self._schema: MappingSchema | None = None

    def add_database(self, name: str) -> None:
        self._databases.add(name)
        known = "insert into td.databases select ? where ? not in (select name from td.databases)"
        self._database.execute(known, [name, name])
        self._database.execute(f'create schema if not exists "{name}"')

    @property
    def databases(self) -> set[str]:
        """Those that an administrator has made."""
        return self._databases - {"dbc"}

    def reopen(self, database: "DuckDBPyConnection") -> None:
        self._database = database

    def saved(self) -> dict[Name, tuple[Table, list[Column]]]:
        """What to go back to (`restore`) when the request fails."""
        return {name: (table, list(columns)) for name, (table, columns) in self._tables.items()}

    def restore(self, saved: dict[Name, tuple[Table, list[Column]]]) -> None:
        self._tables, self._schema = saved, None

    def find(self, name: Name) -> Table | None:
        return self._tables[name][0] if name in self._tables else None

    def get(self, name: Name) -> Table:
        """A table that must be there."""
        self._require_database(name[0])
        if name not in self._tables:
            raise TeradataError(3807, f"Object '{'.'.join(name)}' does not exist.")
        return self._tables[name][0]

    def require_free(self, name: Name) -> None:
        self._require_database(name[0])
        if name in self._tables:
            raise TeradataError(3803, f"Table '{name[1]}' already exists.")

    def _require_database(self, name: str) -> None:
        if name not in self._databases:
            raise TeradataError(3802, f"Database '{name}' does not exist.")

    def described(self, name: Name) -> tuple[Table, tuple[Column, ...]] | None:
        """All there is to know of a table; None where there is none."""
        return (found[0], tuple(found[1])) if (found := self._tables.get(name)) else None

    def columns(self, name: Name) -> list[Column]:
        return self._tables[name][1]

    def add(self, table: Table, columns: list[Column]) -> None:
        bytes_of_a_row = sum(c.length * c.charset if c.length else 16 for c in columns)
        if bytes_of_a_row > LONGEST_ROW_BYTES:
            raise TeradataError(3933, "The Maximum Possible Row Length in the Table is too Large.")
        self._tables[table.name] = (table, [])
        self._database.execute("insert into td.tables values (?, ?, ?)", [*table.name, table.kind])
        for column in columns:
            self.add_column(table.name, column)

    def add_column(self, name: Name, column: Column) -> None:
        self._schema = None
        c, place = column, len(self._tables[name][1])
        if c.length and c.length * c.charset > LONGEST_TEXT_BYTES:
            raise TeradataError(3738, f"VARCHAR({c.length}) is over {LONGEST_TEXT_BYTES:,} bytes.")
        self._tables[name][1].append(column)
        self._database.execute(
            "insert into td.columns values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [*name, c.name, place, c.type, c.length, c.charset, c.precision, c.scale],
        )

    def remove(self, name: Name) -> None:
        if self._tables.pop(name, None):
            self._schema = None
            for table in ("tables", "columns"):
                self._database.execute(f"delete from td.{table} where db = ? and tbl = ?", name)

    def rename(self, old: Name, new: Name) -> None:
        table, columns = self._tables.pop(old)
        self._tables[new] = (replace(table, name=new), columns)
        self._schema = None
        for changed in ("tables", "columns"):
            self._database.execute(
                f"update td.{changed} set tbl = ? where db = ? and tbl = ?", [new[1], *old]
            )

    def schema(self) -> MappingSchema:
        """The types of all columns, for sqlglot."""
        if self._schema is None:
            mapping: dict[str, Any] = {"dbc": dict(DICTIONARY_VIEWS)}
            for (db, tbl), (_, columns) in self._tables.items():
                kinds = {column.name: column.type + column.sizes for column in columns}
                mapping.setdefault(db, {})[tbl] = kinds
            self._schema = MappingSchema(mapping, dialect="teradata")
        return self._schema
