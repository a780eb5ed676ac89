"""CREATE, DROP, RENAME, ALTER and the utilities: read by hand, carried out in DuckDB."""

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlglot import exp

from tests.teradata.emulator import syntax
from tests.teradata.emulator.catalogue import Catalogue, Column, Table, column_of
from tests.teradata.emulator.errors import NotUnderstoodError, TeradataError
from tests.teradata.emulator.queries import Translation
from tests.teradata.emulator.syntax import Name, Reader

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from tests.teradata.emulator.session import Session

DEFINING = ("CREATE", "REPLACE", "DROP", "RENAME", "ALTER", "COLLECT", "COMMENT", "GRANT")
"""A request that begins a statement with one of these holds no other statement."""
FOREIGN_OPTIONS = {"location", "pathpattern", "rowformat", "storedas", "header"}
NUMBERS = {"BIGINT", "INTEGER", "SMALLINT", "BYTEINT", "DATE"}


def quoted(name: Name) -> str:
    return f'"{name[0]}"."{name[1]}"'


class Definitions:
    """Carries out one definition after the other."""

    def __init__(
        self,
        database: "DuckDBPyConnection",
        catalogue: Catalogue,
        translate: Callable[[Reader], tuple[str, Translation]],
        session: "Session",
    ) -> None:
        self._database, self._catalogue, self._translate = database, catalogue, translate
        self._session = session

    def run(self, reader: Reader) -> str:
        """The name of what was done.

        Raises:
            NotUnderstoodError: it is none of the statements below.
        """
        for words, does in (
            ("CREATE MULTISET FOREIGN TABLE", self._create_foreign_table),
            ("CREATE MULTISET TABLE", self._create_table),
            ("CREATE TABLE", self._create_table),
            ("REPLACE VIEW", self._replace_view),
            ("DROP TABLE", lambda r: self._drop(r, is_view=False)),
            ("DROP VIEW", lambda r: self._drop(r, is_view=True)),
            ("RENAME TABLE", lambda r: self._rename(r, is_view=False)),
            ("RENAME VIEW", lambda r: self._rename(r, is_view=True)),
            ("ALTER TABLE", self._add_columns),
            ("COLLECT STATISTICS", self._collect_statistics),
        ):
            if reader.accept(words):
                does(reader)
                reader.done()
                return words.title()
        raise NotUnderstoodError(reader.text)

    # tables

    def _create_table(self, reader: Reader) -> None:
        name = reader.name()
        self._catalogue.require_free(name)
        self._session.require("create table", name)
        if reader.accept("AS"):
            columns = self._columns_of_query(reader.parenthesised())
            reader.expect("WITH NO DATA")
            reader.accept("AND STATISTICS")
        else:
            columns = self._columns(reader.parenthesised())
        index = self._index(reader, columns)
        partitioned_by, ranges = self._partitioning(reader, columns)
        _refuse_twice(columns)
        inside = ", ".join([c.duck for c in columns] + ranges)
        self._database.execute(f"create table {quoted(name)} ({inside})")
        kind = "T" if index else "O"
        self._catalogue.add(Table(name, kind, index, partitioned_by), columns)

    def _columns_of_query(self, reader: Reader) -> list[Column]:
        sql, translation = self._translate(reader)
        described = self._database.execute(f"describe {sql}").fetchall()
        columns = [
            column_of(row[0].lower(), row[1], translation.lengths.get(row[0].lower()))
            for row in described
        ]
        for column in columns:
            if column.type == "VARCHAR" and not column.length:
                raise NotUnderstoodError(f"the length of {column.name}: cast it")
        return columns

    def _columns(self, reader: Reader) -> list[Column]:
        columns = [_column(reader)]
        while reader.accept(","):
            columns.append(_column(reader))
        reader.done()
        return columns

    @staticmethod
    def _index(reader: Reader, columns: list[Column]) -> tuple[str, ...]:
        names = [column.name for column in columns]
        if reader.accept("NO PRIMARY INDEX"):
            return ()
        if not reader.accept("PRIMARY INDEX"):
            return (names[0],)
        index = reader.names()
        for column in index:
            if column not in names:
                raise TeradataError(3515, f"'{column}' of the primary index is no column.")
        return tuple(index)

    @staticmethod
    def _partitioning(reader: Reader, columns: list[Column]) -> tuple[str | None, list[str]]:
        """PARTITION BY RANGE_N (column BETWEEN … AND … EACH INTERVAL … [, NO RANGE …])."""
        if not reader.accept("PARTITION BY RANGE_N"):
            return None, []
        inside = reader.parenthesised()
        column = inside.word()
        kinds = {c.name: c.type for c in columns}
        inside.expect("BETWEEN")
        start = _moment(inside, kinds.get(column))
        inside.expect("AND")
        end = _moment(inside, kinds.get(column))
        inside.expect("EACH INTERVAL")
        if not inside.string().isdigit() or inside.take().text.upper() not in ("DAY", "MONTH"):
            raise NotUnderstoodError(reader.text)
        open_ended = inside.accept(", NO RANGE")
        unknown = inside.accept("OR UNKNOWN")
        inside.done()
        within = [] if open_ended else [f"{column} between {start} and {end}"]
        known = [] if unknown else [f"{column} is not null"]
        checks = [f"check ({' and '.join(within + known)})"] if within + known else []
        return column, checks

    def _add_columns(self, reader: Reader) -> None:
        name = reader.name()
        self._catalogue.get(name)
        self._session.require("drop table", name)
        while True:
            reader.expect("ADD")
            column = _column(reader)
            self._database.execute(f"alter table {quoted(name)} add column {column.duck}")
            self._catalogue.add_column(name, column)
            if not reader.accept(","):
                return

    def _create_foreign_table(self, reader: Reader) -> None:
        name = reader.name()
        self._catalogue.require_free(name)
        self._session.require("create table", name)
        reader.expect(", EXTERNAL SECURITY")
        is_definer = reader.accept("DEFINER")
        if is_definer:
            reader.expect("TRUSTED")
        key = reader.word()
        while reader.accept("."):
            key += f".{reader.word()}"
        self._session.system.administration.require_table_key(
            self._session.user, key, name[0], is_definer=is_definer
        )
        columns = self._columns(reader.parenthesised())
        options = syntax.options(reader.using())
        reader.expect("NO PRIMARY INDEX")
        if [column.name for column in columns][:1] != ["location"]:
            raise TeradataError(4854, "the first column of a foreign table is Location")
        if unknown := options.keys() - FOREIGN_OPTIONS:
            raise TeradataError(3706, f"syntax error: {sorted(unknown)} in USING")
        if "location" not in options or options.get("storedas") != "TEXTFILE":
            raise NotUnderstoodError("a foreign table that is not of text")
        delimiters = json.loads(options["rowformat"])
        if delimiters != {
            "field_delimiter": "\x01",
            "record_delimiter": "\n",
            "character_set": "UTF8",
        }:
            raise NotUnderstoodError(f"row format {options['rowformat']}")
        if not re.fullmatch(r"(\$\w+/)*\$\w+", options.get("pathpattern", "")):
            raise TeradataError(3706, "syntax error: PATHPATTERN is '$a/$b/…'")
        self._session.system.store.require_an_object(options["location"])
        self._catalogue.add(Table(name, "F", body=json.dumps(options)), columns)

    # everything else

    def _replace_view(self, reader: Reader) -> None:
        name = reader.name()
        reader.expect("AS")
        standing = self._catalogue.find(name)
        if standing and standing.kind != "V":
            raise TeradataError(3854, f"'{'.'.join(name)}' is not a view.")
        self._session.require("create view", name)
        body = reader.rest()
        sql, translation = self._translate(body)
        read = {(table.db.lower(), table.name.lower()) for table in translation.reads if table.db}
        if standing:
            self._catalogue.remove(name)
        self._database.execute(f"create or replace view {quoted(name)} as {sql}")
        described = self._database.execute(f"describe {quoted(name)}").fetchall()
        columns = [
            column_of(row[0].lower(), row[1], translation.lengths.get(row[0].lower()))
            for row in described
        ]
        _refuse_twice(columns)
        self._catalogue.add(Table(name, "V", body=json.dumps(sorted(read))), columns)

    def _drop(self, reader: Reader, *, is_view: bool) -> None:
        table = self._of_kind(reader.name(), is_view=is_view)
        self._session.require("drop view" if is_view else "drop table", table.name)
        if table.kind != "F":
            what = "view" if is_view else "table"
            self._database.execute(f"drop {what} {quoted(table.name)}")
        self._catalogue.remove(table.name)

    def _rename(self, reader: Reader, *, is_view: bool) -> None:
        old = self._of_kind(reader.name(), is_view=is_view).name
        reader.expect("TO")
        new = reader.name()
        if new[0] != old[0]:
            raise TeradataError(3706, "syntax error: RENAME to another database")
        self._catalogue.require_free(new)
        for right in ("drop", "create"):
            self._session.require(f"{right} {'view' if is_view else 'table'}", old)
        what = "view" if is_view else "table"
        self._database.execute(f'alter {what} {quoted(old)} rename to "{new[1]}"')
        self._catalogue.rename(old, new)

    def _of_kind(self, name: Name, *, is_view: bool) -> Table:
        table = self._catalogue.get(name)
        if (table.kind == "V") is not is_view:
            raise TeradataError(3854 if is_view else 3853, f"'{'.'.join(name)}' is another kind.")
        return table

    def _collect_statistics(self, reader: Reader) -> None:
        if reader.accept("USING"):
            reader.expect("SYSTEM THRESHOLD FOR CURRENT")
        asked: list[str] = []
        while True:
            reader.expect("COLUMN")
            asked += reader.names()
            if not reader.accept(","):
                break
        reader.expect("ON")
        name = reader.name()
        self._catalogue.get(name)
        self._session.require("statistics", name)
        known = {column.name for column in self._catalogue.columns(name)} | {"partition"}
        if missing := [column for column in asked if column not in known]:
            raise TeradataError(5628, f"Column {missing[0]} not found in {'.'.join(name)}.")


def _column(reader: Reader) -> Column:
    """name type [CHARACTER SET …] [CASESPECIFIC] [NOT NULL]"""
    name = reader.word()
    kind = reader.take().text.upper()
    sizes = (
        [int(token.text) for token in reader.parenthesised().tokens[::2]]
        if reader.sees("(")
        else []
    )
    charset = 2
    kind = {"DOUBLE PRECISION": "DOUBLE"}.get(kind, kind)
    if reader.accept("CHARACTER SET UNICODE"):
        charset = 2
    elif kind == "VARCHAR" and reader.accept("CHARACTER SET LATIN"):
        charset = 1
    reader.accept("CASESPECIFIC")
    not_null = reader.accept("NOT NULL")
    match kind, sizes:
        case "VARCHAR", [length]:
            return Column(name, "VARCHAR", length, charset, not_null=not_null)
        case "DECIMAL", [precision, scale]:
            return Column(name, kind, precision=precision, scale=scale, not_null=not_null)
        case ("TIMESTAMP", [6]) | ("DOUBLE", []):
            return Column(name, kind, not_null=not_null)
        case word, [] if word in NUMBERS:
            return Column(name, kind, not_null=not_null)
    raise NotUnderstoodError(f"column {name} {kind}{sizes or ''}")


def _moment(reader: Reader, kind: str | None) -> str:
    """DATE '…' or TIMESTAMP '…', as the column is."""
    word = reader.take().text.upper()
    if word != kind:
        raise TeradataError(3732, f"RANGE_N bounds are {word}, the column is {kind or 'missing'}")
    return f"{word} '{reader.string()}'"


def _refuse_twice(columns: list[Column]) -> None:
    names = [column.name for column in columns]
    if twice := {name for name in names if names.count(name) > 1}:
        raise TeradataError(3515, f"Duplication of column name {sorted(twice)[0]}.")


def change_target(tree: exp.Expr) -> Name | None:
    """The table that INSERT, MERGE, UPDATE or DELETE changes."""
    if not isinstance(tree, exp.Insert | exp.Merge | exp.Update | exp.Delete):
        return None
    table = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    if not isinstance(table, exp.Table) or not table.db:
        raise NotUnderstoodError(f"a change of {table.sql('teradata')[:60]}")
    return table.db.lower(), table.name.lower()
