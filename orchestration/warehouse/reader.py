"""Questions about the warehouse in the SQL of both engines; the connection changes no table."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

from ingestion.settings import Settings, SettingsError
from orchestration.warehouse.attach import ALIAS
from orchestration.warehouse.sql_answer import reading

STAGED = {
    "clickstream": "stg_clickstream__events",
    "sku_availability": "stg_availability__stock_changes",
    "product_catalog": "stg_catalog__skus",
}
"""The staging table of each topic."""


class Answer(NamedTuple):
    """Column names and rows."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


Ask = Callable[..., Answer]
"""`ask(sql)`, or `ask(sql, most)` for the first rows only."""


def relation(settings: Settings, schema: str, table: str) -> str:
    """A table by the name that the engine knows: on Teradata a schema is a database."""
    if settings.target == "teradata":
        return f"{settings.db_prefix}_{schema}.{table}"
    return f"{ALIAS}.{schema}.{table}"


@contextmanager
def asking(settings: Settings, threads: int | None = None) -> Iterator[Ask]:
    """A connection of its own: a reader in DuckDB, which sees one snapshot, or Teradata's driver.

    Raises:
        SettingsError: there is no warehouse, or it lacks a table, or nobody may log on.
    """
    if settings.target == "teradata":
        yield from _asking_teradata(settings)
        return
    with reading(settings, threads=threads) as reader:
        reader.execute("begin")

        def ask(sql: str, most: int | None = None) -> Answer:
            answer = reader.execute(sql)
            rows = answer.fetchall() if most is None else answer.fetchmany(most)
            return Answer([column[0] for column in answer.description or []], rows)

        yield ask


def connect_teradata(settings: Settings) -> Any:
    """A connection of the driver, in ANSI mode; the password stands in the environment alone."""
    import teradatasql

    driver: Any = teradatasql  # without types
    return driver.connect(
        host=settings.teradata_host,
        user=settings.teradata_user,
        password=os.environ.get("TWIST_TERADATA_PASSWORD", "unset"),
        logmech=settings.teradata_logmech,
        sslmode=settings.teradata_sslmode,
        tmode="ANSI",
    )


def _asking_teradata(settings: Settings) -> Iterator[Ask]:
    from teradatasql import OperationalError

    try:
        with closing(connect_teradata(settings)) as connection:

            def ask(sql: str, most: int | None = None) -> Answer:
                with closing(connection.cursor()) as cursor:
                    cursor.execute(sql)
                    rows = cursor.fetchall() if most is None else cursor.fetchmany(most)
                    columns = [column[0].lower() for column in cursor.description or []]
                    return Answer(columns, [tuple(row) for row in rows])

            yield ask
    except OperationalError as error:
        raise SettingsError(_sentence(settings, str(error))) from None


def _sentence(settings: Settings, message: str) -> str:
    if "[Error 3807]" in message:  # a table is not there
        return f"the warehouse {settings.db_prefix}_… is not complete: run `make load` first"
    return f"Teradata at {settings.teradata_host} says: {message.splitlines()[0][:300]}"
