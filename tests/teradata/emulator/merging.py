"""What MERGE and UPDATE … FROM must keep to, beyond their syntax: design, and rows that match."""

from typing import TYPE_CHECKING

from sqlglot import exp

from tests.teradata.emulator.catalogue import Catalogue
from tests.teradata.emulator.errors import TeradataError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def check_merge(merge: exp.Merge, catalogue: Catalogue) -> None:
    """ON equates the primary index and the partitioning column, which nothing updates."""
    name = (merge.this.db.lower(), merge.this.name.lower())
    table = catalogue.get(name)
    placing = {*table.index, *([table.partitioned_by] if table.partitioned_by else [])}
    target = (merge.this.alias or name[1]).lower()
    equated = {column.name.lower() for column in _sides(merge) if column.table.lower() == target}
    if not table.index or not placing <= equated:
        raise TeradataError(
            5758, "The search condition must fully specify the target's primary index and "
            f"partition columns: {sorted(placing - equated)} missing.",
        )  # fmt: skip
    for when in merge.args["whens"].expressions:
        then = when.args["then"]
        if isinstance(then, exp.Update):
            updated = {assignment.this.name.lower() for assignment in then.expressions}
            if updated & placing:
                raise TeradataError(5977, f"A merge may not update {sorted(updated & placing)}.")


def refuse_several_sources(merge: exp.Merge, database: "DuckDBPyConnection") -> None:
    """No two rows of the source for one row of the target (DuckDB would take any)."""
    source = merge.args["using"]
    keys = ", ".join(
        sorted({c.sql("duckdb") for c in _sides(merge) if c.table.lower() == source.alias.lower()})
    )
    twice = f"select 1 from {source.sql('duckdb')} group by {keys} having count(*) > 1 limit 1"
    if database.execute(twice).fetchone():
        raise TeradataError(7547, "Target row updated by multiple source rows.")


def refuse_several_sources_of_update(update: exp.Update, database: "DuckDBPyConnection") -> None:
    """The same of UPDATE … FROM."""
    joined = exp.select("1").from_(update.this.copy())
    joined = joined.join(update.args["from_"].this.copy(), join_type="cross")
    twice = joined.where(update.args["where"].this.copy()).group_by(f"{update.this.alias}.rowid")
    if database.execute(twice.having("count(*) > 1").limit(1).sql("duckdb")).fetchone():
        raise TeradataError(7547, "Target row updated by multiple source rows.")


def _sides(merge: exp.Merge) -> list[exp.Column]:
    """The columns that ON equates."""
    return [
        column
        for equation in merge.args["on"].find_all(exp.EQ)
        for side in (equation.left, equation.right)
        if (column := side.find(exp.Column)) is not None
    ]
