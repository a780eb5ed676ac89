"""A Teradata of its own: sessions, requests, and what goes wrong on purpose."""

import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from sqlglot import exp

from ingestion.extensions import quoted
from tests.teradata.emulator import functions, syntax
from tests.teradata.emulator.catalogue import Catalogue, Column, Table
from tests.teradata.emulator.definitions import DEFINING, Definitions, change_target
from tests.teradata.emulator.errors import NotUnderstoodError, TeradataError
from tests.teradata.emulator.merging import check_merge, refuse_several_sources
from tests.teradata.emulator.nos import ObjectStore
from tests.teradata.emulator.queries import Translation
from tests.teradata.emulator.syntax import Name, Reader

CLASSES = {"DATE": date, "BIGINT": int, "INTEGER": int, "SMALLINT": int, "TINYINT": int,
           "HUGEINT": int, "DOUBLE": float}  # fmt: skip
"""Python's classes of DuckDB's types; decimals, timestamps and texts by their beginning."""
ERRORS = (
    ("3996", 3996), ("6760", 6760), ("7548", 7548), ("7551", 7551), ("length(rtrim", 3996),
    ("CHECK constraint", 5728), ("NOT NULL constraint", 3604), ("does not exist", 3807),
    ("must appear in the GROUP BY", 3504), ("not found", 5628), ("Conversion Error", 2620),
    ("Out of Range", 2616),
)  # fmt: skip
"""Which error of Teradata stands for one of DuckDB's."""


@dataclass
class Answer:
    """What one statement of a request returns."""

    activity: str
    count: int = 0
    columns: list[tuple[str, type]] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)


@dataclass
class Fault:
    """The request that fails: the `nth` one (0 …) that `strikes` says yes to, once."""

    code: int
    nth: int = 0
    strikes: Callable[[str], bool] = lambda _: True
    loses_connection: bool = False
    after_it_was_done: bool = False
    """The answer is lost, not the request."""
    struck: str | None = None
    """The request that failed."""

    def is_due(self, sql: str) -> bool:
        if self.struck is not None or not self.strikes(sql):
            return False
        self.nth -= 1
        if self.nth >= 0:
            return False
        self.struck = sql
        return True


class System:
    """Databases and tables in a DuckDB of its own.

    Args:
        databases: Those that a DBA has made; the project's user may create none.
        landing: The folder that stands for the bucket.
        check: What Teradata would reject: asked about every statement; returns findings.
        path: A file for the tables, if they are to be copied.
    """

    def __init__(
        self,
        databases: Iterable[str],
        landing: Path,
        check: Callable[[str], list[Any]] = lambda _: [],
        path: Path | None = None,
    ) -> None:
        self.databases, self.path = tuple(databases), path
        self.store = ObjectStore(landing)
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.fault: Fault | None = None
        self.check = check
        self.database = duckdb.connect(str(path or ":memory:"))
        self.database.execute("set TimeZone = 'UTC'")
        functions.register(self.database)
        self.catalogue = Catalogue(self.database)
        for name in self.databases:
            self.catalogue.add_database(name)

    def copy(self, path: Path) -> "System":
        """Another system with the same tables over the same lake; both are files."""
        assert self.path
        self.database.execute("checkpoint")
        self.database.close()
        shutil.copy(self.path, path)
        self.database = duckdb.connect(str(self.path))
        self.database.execute("set TimeZone = 'UTC'")
        functions.register(self.database)
        self.catalogue.reopen(self.database)
        other = System(self.databases, self.store.root, self.check, path)
        other.catalogue.restore(self.catalogue.saved())
        return other

    def logon(self, **options: Any) -> "Session":
        """A session; ANSI is the only mode."""
        if options.get("tmode") != "ANSI":
            raise TeradataError(8000, f"tmode is {options.get('tmode')}: this is for ANSI sessions")
        return Session(self, dict(options))


class Session:
    """One connection. Each request is a transaction of its own, as with the driver's autocommit."""

    def __init__(self, system: System, options: dict[str, Any]) -> None:
        self._system, self.options = system, options
        self.is_open = True
        self.query_band = ""
        self._definitions = Definitions(
            system.database, system.catalogue, lambda reader: self._translated(reader, reads=False)
        )

    def request(self, sql: str, bindings: list[list[Any]]) -> list[Answer]:
        """The answers to the request's statements.

        Raises:
            TeradataError: a statement failed; none of them was done.
        """
        try:
            return self._request(sql, bindings)
        except TeradataError as error:
            self._system.errors.append(f"{error} in: {sql}")
            raise

    def _request(self, sql: str, bindings: list[list[Any]]) -> list[Answer]:
        system = self._system
        if not self.is_open:
            raise TeradataError(804, "the connection is closed")
        system.requests.append(sql)
        fault = system.fault if system.fault and system.fault.is_due(sql) else None
        if fault and not fault.after_it_was_done:
            self._fail(fault)
        readers = syntax.statements(sql)
        if not readers:
            raise TeradataError(3707, "Syntax error, empty request.")
        if len(readers) > 1 and any(reader.peek() in DEFINING for reader in readers):
            raise TeradataError(3722, "Only a COMMIT WORK is legal after a DDL statement.")
        database, saved = system.database, system.catalogue.saved()
        database.execute("begin")
        try:
            answers = [self._statement(reader, bindings) for reader in readers]
            database.execute("commit")
        except BaseException as error:
            database.execute("rollback")
            system.catalogue.restore(saved)
            if isinstance(error, duckdb.Error):
                raise _as_teradata(error, sql) from error
            raise
        if fault:
            self._fail(fault)
        return answers

    def _fail(self, fault: Fault) -> None:
        self.is_open = not fault.loses_connection
        raise TeradataError(fault.code, "injected")

    def _statement(self, reader: Reader, bindings: list[list[Any]]) -> Answer:
        if found := self._system.check(reader.text):
            code = found[0].rule.code or 3706
            raise TeradataError(code, "; ".join(str(finding) for finding in found))
        if reader.peek() in DEFINING:
            return Answer(self._definitions.run(reader))
        if reader.accept("SET QUERY_BAND ="):
            self._set_query_band(reader)
            return Answer("Set Session Query_Band")
        if reader.accept("SEL GETQUERYBAND ( )") or reader.accept("SELECT GETQUERYBAND ( )"):
            title = reader.word() if reader.accept("AS") else "GetQueryBand()"
            reader.done()
            return Answer("Select", 1, [(title, str)], [(f"=S> {self.query_band}",)])
        return self._query(reader, bindings)

    def _set_query_band(self, reader: Reader) -> None:
        band = reader.string()
        updates = reader.accept("UPDATE")
        reader.expect("FOR SESSION")
        reader.done()
        pairs = dict(p.split("=", 1) for p in self.query_band.split(";") if p) if updates else {}
        pairs |= dict(pair.split("=", 1) for pair in band.split(";") if pair)
        self.query_band = "".join(f"{key}={value};" for key, value in pairs.items())

    def _query(self, reader: Reader, bindings: list[list[Any]]) -> Answer:
        database = self._system.database
        sql, translation = self._translated(reader)
        if isinstance(translation.tree, exp.Merge):
            refuse_several_sources(translation.tree, database)
        if bindings:
            database.executemany(sql, bindings)
            return Answer("Insert", len(bindings))
        answer = database.execute(sql)
        if not translation.is_query:
            row = answer.fetchone()
            return Answer(translation.kind, row[0] if row else 0)
        rows = answer.fetchall()
        columns = [(column[0], _class(str(column[1]))) for column in answer.description or []]
        return Answer("Select", len(rows), columns, rows)

    def _translated(self, reader: Reader, *, reads: bool = True) -> tuple[str, Translation]:
        """A query or change in DuckDB's words; what it reads through NOS stands ready.

        Without `reads` nothing is read: a definition needs no more than the types.
        """
        catalogue, text = self._system.catalogue, reader.text
        if known := _translated.get(text):
            about, translated = known
            if all(catalogue.described(name) == description for name, description in about.items()):
                return translated
        parsed = syntax.query(reader)
        if isinstance(parsed.tree, exp.Merge):
            check_merge(parsed.tree, catalogue)
        target = change_target(parsed.tree)
        if target and catalogue.get(target).kind == "V":
            raise TeradataError(3823, "a view is not changed")
        tables = list(parsed.tree.find_all(exp.Table))
        about = {name: catalogue.described(name) for table in tables if (name := _name(table))[0]}
        for number, table in enumerate(tables):
            if table.name in parsed.writings:
                self._write(table, *parsed.writings[table.name], f"nos_{number}")
            else:
                self._make_ready(table, parsed.listings, f"nos_{number}", reads)
        translation = Translation(parsed.tree, catalogue)
        translated = translation.sql(), translation
        if all(_name(table) in about or not table.db for table in tables):  # none is read by NOS
            _translated[text] = about, translated
        return translated

    def _make_ready(
        self, table: exp.Table, listings: dict[str, dict[str, str]], stand_in: str, reads: bool
    ) -> None:
        """Put a table of what NOS reads in its place."""
        if table.name in listings:
            self._list(table, listings[table.name], stand_in, reads)
        elif table.db:
            name = _name(table)
            if name[0] != "dbc" and self._system.catalogue.get(name).kind == "F":
                self._read(table, name, stand_in, reads)

    def _list(self, table: exp.Table, options: dict[str, str], stand_in: str, reads: bool) -> None:
        if options.keys() != {"location", "authorization", "returntype"}:
            raise NotUnderstoodError(f"READ_NOS with {sorted(options)}")
        if options["returntype"] != "NOSREAD_KEYS":
            raise NotUnderstoodError(f"READ_NOS returning {options['returntype']}")
        columns = [
            Column("location", "VARCHAR", 2048), Column("objectversionid", "VARCHAR", 1024),
            Column("objecttimestamp", "TIMESTAMP"), Column("objectlength", "BIGINT"),
        ]  # fmt: skip
        rows = self._system.store.listing(options["location"])
        self._put(table, stand_in, columns, rows if reads else [])

    def _write(
        self, table: exp.Table, written: syntax.Query, options: dict[str, str], stand_in: str
    ) -> None:
        if options.keys() != {"location", "authorization", "storedas", "compression"}:
            raise NotUnderstoodError(f"WRITE_NOS with {sorted(options)}")
        if (options["storedas"], options["compression"]) != ("PARQUET", "SNAPPY"):
            raise NotUnderstoodError(f"WRITE_NOS storedas {options['storedas']}")
        columns = [
            Column("nodeid", "INTEGER"), Column("ampid", "INTEGER"), Column("sequence", "BIGINT"),
            Column("objectname", "VARCHAR", 1024), Column("objectsize", "BIGINT"),
            Column("recordcount", "BIGINT"),
        ]  # fmt: skip
        sql = Translation(written.tree, self._system.catalogue).sql()
        name, path = self._system.store.new_object(options["location"])
        (count,) = self._system.database.execute(
            f"copy ({sql}) to {quoted(str(path))} (format parquet, compression snappy)"
        ).fetchone() or (0,)
        rows = [(33, 0, 1, name, path.stat().st_size, count)] if count else []
        self._put(table, stand_in, columns, rows)

    def _read(self, table: exp.Table, name: Name, stand_in: str, reads: bool) -> None:
        options = json.loads(self._system.catalogue.get(name).body)
        parts = [part.lstrip("$") for part in options["pathpattern"].split("/")]
        wanted = _wanted(table.find_ancestor(exp.Select))
        if unknown := wanted.keys() - set(parts):
            raise TeradataError(4863, f"no path variable {sorted(unknown)}")
        lines = self._system.store.lines(options["location"], parts, wanted) if reads else []
        rows = [(where, line, *(path.get(p) for p in parts)) for where, line, path in lines]
        columns = [
            *self._system.catalogue.columns(name),
            *(Column(f"path_{part}", "VARCHAR", 1024) for part in parts),
        ]
        self._put(table, stand_in, columns, rows)

    def _put(
        self, table: exp.Table, stand_in: str, columns: list[Column], rows: list[tuple[Any, ...]]
    ) -> None:
        catalogue, name = self._system.catalogue, ("td", stand_in)
        catalogue.remove(name)
        catalogue.add(Table(name, "T"), columns)
        inside = ", ".join(column.duck for column in columns)
        self._system.database.execute(f"create or replace table td.{stand_in} ({inside})")
        if rows:
            marks = ", ".join("?" * len(columns))
            self._system.database.executemany(f"insert into td.{stand_in} values ({marks})", rows)
        table.set("this", exp.to_identifier(stand_in))
        table.set("db", exp.to_identifier("td"))


_translated: dict[str, tuple[dict[Name, Any], tuple[str, Translation]]] = {}
"""By text, with the tables it was about: dbt says the same to one system after the other."""


def _name(table: exp.Table) -> Name:
    return table.db.lower(), table.name.lower()


def _wanted(select: exp.Select | None) -> dict[str, set[str]]:
    """Path parts that WHERE narrows to literals, under nothing but AND."""
    where = select.args.get("where") if select else None
    terms, wanted = [where.this] if where else [], {}
    while terms:
        term = terms.pop()
        if isinstance(term, exp.And):
            terms += [term.left, term.right]
        elif isinstance(term, exp.In) and term.this.name.startswith("path_"):
            wanted[term.this.name.removeprefix("path_")] = {e.name for e in term.expressions}
        elif isinstance(term, exp.EQ) and term.left.name.startswith("path_"):
            wanted[term.left.name.removeprefix("path_")] = {term.right.name}
    return wanted


def _class(kind: str) -> type:
    if kind.startswith("DECIMAL"):
        return Decimal
    return datetime if kind.startswith("TIMESTAMP") else CLASSES.get(kind, str)


def _as_teradata(error: duckdb.Error, sql: str) -> TeradataError:
    message = str(error).splitlines()[0]
    code = next((code for sign, code in ERRORS if sign in message), 3706)
    return TeradataError(code, f"{message} [in {' '.join(sql.split())[:200]}]")
