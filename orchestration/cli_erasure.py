"""The command that erases persons; orchestration/cli.py adds it to the others."""

import click

from ingestion.settings import load_settings
from orchestration.cli_ingestion import say
from orchestration.warehouse.dbt_runner import Dbt


@click.command()
@click.option("--visitor", default="", help="A visitor_id.")
@click.option("--file", default="", help="A file with one visitor_id a line.")
@click.option("--why", required=True, help="The reason, kept in audit.erasures; the ids are not.")
@click.option("--keep", type=click.IntRange(0), default=0, help="Minutes for open readers.")
def forget(visitor: str, file: str, why: str, keep: int) -> None:
    """Erase visitors from every store, what is counted stays; and search for them."""
    from orchestration.warehouse.forget import forget, visitors_of

    settings, ids = load_settings(), visitors_of(visitor, file)
    say(str(forget(settings, Dbt(settings), ids, why, say, keep)))
