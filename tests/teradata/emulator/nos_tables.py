"""Tables that stand for what NOS lists, reads and writes, while a query runs."""

import json
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ingestion.extensions import quoted
from tests.teradata.emulator import syntax
from tests.teradata.emulator.catalogue import Column, Table
from tests.teradata.emulator.errors import NotUnderstoodError, TeradataError
from tests.teradata.emulator.queries import Translation
from tests.teradata.emulator.syntax import Name

if TYPE_CHECKING:
    from tests.teradata.emulator.session import Session


class NosTables:
    """Puts a table in the place of each READ_NOS, WRITE_NOS and foreign table of a query."""

    def __init__(self, session: "Session") -> None:
        self._session, self._system = session, session.system

    def make_ready(
        self, table: exp.Table, listings: dict[str, dict[str, str]], stand_in: str, reads: bool
    ) -> None:
        """Put a table of what NOS reads in its place."""
        if table.name in listings:
            self._list(table, listings[table.name], stand_in, reads)
        elif table.db:
            name = syntax.name_of(table)
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
        self._require_key(options)
        rows = self._system.store.listing(options["location"])
        self._put(table, stand_in, columns, rows if reads else [])

    def write(
        self, table: exp.Table, written: syntax.Query, options: dict[str, str], stand_in: str
    ) -> None:
        if options.keys() != {"location", "authorization", "storedas", "compression"}:
            raise NotUnderstoodError(f"WRITE_NOS with {sorted(options)}")
        if (options["storedas"], options["compression"]) != ("PARQUET", "SNAPPY"):
            raise NotUnderstoodError(f"WRITE_NOS storedas {options['storedas']}")
        self._require_key(options)
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

    def _require_key(self, options: dict[str, str]) -> None:
        self._system.administration.require_key(self._session.user, options["authorization"])

    def _read(self, table: exp.Table, name: Name, stand_in: str, reads: bool) -> None:
        options = json.loads(self._system.catalogue.get(name).body)
        parts = [part.lstrip("$") for part in options["pathpattern"].split("/")]
        wanted = _wanted(table.find_ancestor(exp.Select))
        if unknown := wanted.keys() - set(parts):
            raise TeradataError(4863, f"no path variable {sorted(unknown)}")
        lines = self._system.store.lines(options["location"], parts, wanted) if reads else []
        lines = list(lines)
        for _, line, _ in lines:
            self._session.refuse_outside_bmp(line)
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
