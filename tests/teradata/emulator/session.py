"""One connection to a system: its requests, statement by statement."""

import json
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
from sqlglot import exp

from tests.teradata.emulator import syntax
from tests.teradata.emulator.administration import ADMINISTRATOR, User
from tests.teradata.emulator.definitions import DEFINING, Definitions, change_target
from tests.teradata.emulator.errors import TeradataError
from tests.teradata.emulator.merging import (
    check_merge,
    refuse_several_sources,
    refuse_several_sources_of_update,
)
from tests.teradata.emulator.nos_tables import NosTables
from tests.teradata.emulator.queries import Translation
from tests.teradata.emulator.syntax import Name, Reader

if TYPE_CHECKING:
    from tests.teradata.emulator.system import Fault, System

CLASSES = {"DATE": date, "BIGINT": int, "INTEGER": int, "SMALLINT": int, "TINYINT": int,
           "HUGEINT": int, "DOUBLE": float}  # fmt: skip
"""Python's classes of DuckDB's types; decimals, timestamps and texts by their beginning."""
ERRORS = (
    ("3996", 3996), ("6760", 6760), ("7548", 7548), ("7551", 7551), ("td_length_of(rtrim", 3996),
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


class Session:
    """One connection. Each request is a transaction of its own, as with the driver's autocommit."""

    def __init__(self, system: "System", options: dict[str, Any], user: User | None) -> None:
        self.system, self.options = system, options
        self.user = user.name if user else ADMINISTRATOR
        self.is_open = True
        self.query_band = ""
        self.passes_through = False
        """B035-1125 Unicode Pass Through: off in each new session."""
        self._nos = NosTables(self)
        self._definitions = Definitions(
            system.database, system.catalogue,
            lambda reader: self._translated(reader, reads=False), self,
        )  # fmt: skip
        zone = user.time_zone if user and user.time_zone else "+00:00"
        sign = "-" if zone[0] == "+" else "+"  # POSIX counts to the west
        system.database.execute(f"set TimeZone = 'Etc/GMT{sign}{int(zone[1:3])}'")
        folds = user is not None and user.collation == "multinational"
        system.database.execute(f"set default_collation = '{'nocase' if folds else ''}'")
        if user and user.startup and str(options.get("runstartup")).lower() == "true":
            self.request(user.startup, [])

    def request(self, sql: str, bindings: list[list[Any]]) -> list[Answer]:
        """The answers to the request's statements.

        Raises:
            TeradataError: a statement failed; none of them was done.
        """
        try:
            return self._request(sql, bindings)
        except TeradataError as error:
            self.system.errors.append(f"{error} in: {sql}")
            raise

    def _request(self, sql: str, bindings: list[list[Any]]) -> list[Answer]:
        system = self.system
        if not self.is_open:
            raise TeradataError(804, "the connection is closed")
        system.requests.append(sql)
        self.refuse_outside_bmp(sql)
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

    def _fail(self, fault: "Fault") -> None:
        self.is_open = not fault.loses_connection
        raise TeradataError(fault.code, "injected")

    def _statement(self, reader: Reader, bindings: list[list[Any]]) -> Answer:
        if done := self._administered(reader):
            return Answer(done)
        if found := self.system.check(reader.text):
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

    def refuse_outside_bmp(self, text: str) -> None:
        """B035-1125 Importing Unicode Characters: without Pass Through the request fails."""
        if not self.passes_through and not text.isascii() and max(text) > "\uffff":
            raise TeradataError(6705, "An illegally formed character string was encountered.")

    def require(self, right: str, name: Name) -> None:
        """Let the user have a right on an object's database, or on the object."""
        if administration := self.system.administration.users and self.system.administration:
            administration.require(self.user, right, name[0], ".".join(name))
            if right == "create table" and not administration.space.get(name[0], 1):
                raise TeradataError(2644, f"No more room in database {name[0]}.")

    def _administered(self, reader: Reader) -> str:
        """What was done, if it is of an administrator, or of the session itself."""
        administration = self.system.administration
        if reader.accept("SET SESSION CHARACTER SET UNICODE PASS THROUGH"):
            self.passes_through = reader.accept("ON")
            if not self.passes_through:
                reader.expect("OFF")
            reader.done()
            return "Set Session"
        kinds = ("CREATE DATABASE", "CREATE USER", "CREATE AUTHORIZATION", "GRANT")
        kind = next((words for words in kinds if reader.accept(words)), "")
        if kind and self.options.get("user") != ADMINISTRATOR:
            raise TeradataError(3524, f"The user does not have {kind} access.")
        match kind:
            case "CREATE DATABASE":
                name = administration.create_space(reader, is_user=False)
                self.system.catalogue.add_database(name)
            case "CREATE USER":
                administration.create_space(reader, is_user=True)
            case "CREATE AUTHORIZATION":
                administration.create_authorization(reader)
            case "GRANT":
                administration.grant(reader)
        return kind.title()

    def _set_query_band(self, reader: Reader) -> None:
        band = reader.string()
        updates = reader.accept("UPDATE")
        reader.expect("FOR SESSION")
        reader.done()
        pairs = dict(p.split("=", 1) for p in self.query_band.split(";") if p) if updates else {}
        pairs |= dict(pair.split("=", 1) for pair in band.split(";") if pair)
        self.query_band = "".join(f"{key}={value};" for key, value in pairs.items())

    def _query(self, reader: Reader, bindings: list[list[Any]]) -> Answer:
        database = self.system.database
        sql, translation = self._translated(reader)
        if isinstance(translation.tree, exp.Merge):
            refuse_several_sources(translation.tree, database)
        elif isinstance(translation.tree, exp.Update) and translation.tree.args.get("from_"):
            refuse_several_sources_of_update(translation.tree, database)
        if bindings:
            database.executemany(sql, bindings)
            return Answer("Insert", len(bindings))
        answer = database.execute(sql)
        if not translation.is_query:
            row = answer.fetchone()
            return Answer(translation.kind, row[0] if row else 0)
        rows = answer.fetchall()
        if not self.passes_through:
            for value in (value for row in rows for value in row if isinstance(value, str)):
                self.refuse_outside_bmp(value)
        columns = [(column[0], _class(str(column[1]))) for column in answer.description or []]
        return Answer("Select", len(rows), columns, rows)

    def _translated(self, reader: Reader, *, reads: bool = True) -> tuple[str, Translation]:
        """A query or change in DuckDB's words; what it reads through NOS has been made a table.

        Without `reads` nothing is read: a definition needs no more than the types.
        """
        catalogue, text = self.system.catalogue, reader.text
        if known := _translated.get(text):
            about, translated, kind = known
            if all(catalogue.described(name) == description for name, description in about.items()):
                self._require_rights(kind, *about)
                return translated
        parsed = syntax.query(reader)
        if isinstance(parsed.tree, exp.Merge):
            check_merge(parsed.tree, catalogue)
        target = change_target(parsed.tree)
        if target and catalogue.get(target).kind == "V":
            raise TeradataError(3823, "a view is not changed")
        tables = list(parsed.tree.find_all(exp.Table))
        about = {syntax.name_of(t): catalogue.described(syntax.name_of(t)) for t in tables if t.db}
        kind = type(parsed.tree).__name__
        self._require_rights(kind, *about)
        if parsed.listings or parsed.writings:
            self.require("execute function", ("td_sysfnlib", "read_nos"))
        for number, table in enumerate(tables):
            if table.name in parsed.writings:
                self._nos.write(table, *parsed.writings[table.name], f"nos_{number}")
            else:
                self._nos.make_ready(table, parsed.listings, f"nos_{number}", reads)
        translation = Translation(parsed.tree, catalogue)
        translated = translation.sql(), translation
        if all(syntax.name_of(t) in about for t in tables if t.db):  # none is read by NOS
            _translated[text] = about, translated, kind
        return translated

    def _require_rights(self, kind: str, *tables: Name) -> None:
        """The first table is the one that a change is about."""
        if not self.system.administration.users:
            return
        changes = {"Insert": ["insert"], "Merge": ["insert", "update"], "Update": ["update"],
                   "Delete": ["delete"]}  # fmt: skip
        for number, name in enumerate(tables):
            for right in changes.get(kind, ["select"]) if number == 0 else ["select"]:
                self.require(right, name)
            self._require_owners(name)

    def _require_owners(self, name: Name) -> None:
        table = self.system.catalogue.find(name)
        for read in json.loads(table.body) if table and table.kind == "V" else ():
            self.system.administration.require_owner(name, read[0])
            self._require_owners((read[0], read[1]))


_translated: dict[str, tuple[dict[Name, Any], tuple[str, Translation], str]] = {}
"""By text, with the tables it was about: dbt says the same to one system after the other."""


def _class(kind: str) -> type:
    if kind.startswith("DECIMAL"):
        return Decimal
    return datetime if kind.startswith("TIMESTAMP") else CLASSES.get(kind, str)


def _as_teradata(error: duckdb.Error, sql: str) -> TeradataError:
    message = str(error).splitlines()[0]
    code = next((code for sign, code in ERRORS if sign in message), 3706)
    return TeradataError(code, f"{message} [in {' '.join(sql.split())[:200]}]")
