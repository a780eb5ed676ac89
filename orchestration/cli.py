"""The command line: one function per command. `make` calls it as `python -m orchestration`."""

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from ingestion.lake.folders import NOT_LISTED
from ingestion.settings import DAMAGED, ROOT, Settings, load_settings
from orchestration.cli_erasure import forget
from orchestration.cli_ingestion import COMMANDS, DAY, FOLDER, say
from orchestration.failures import INTERRUPTED, failure
from orchestration.shown import pasteable, visible
from orchestration.warehouse.attach import has_tables, has_warehouse
from orchestration.warehouse.dbt_runner import Dbt
from orchestration.warehouse.load_report import LoadReport


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status. Whatever goes wrong is one sentence, no traceback.

    `TWIST_DEBUG=1` shows the traceback too.
    """
    try:
        status: int | None = cli.main(arguments, "python -m orchestration", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _fail(BrokenPipeError("the program that read the output has ended"))
    except (Exception, KeyboardInterrupt) as error:  # failure() names every cause
        return _fail(KeyboardInterrupt() if _interrupted else error)
    return status or 0


END_SECONDS = 15.0
"""After a Ctrl-C the process ends by then, whatever waits in it."""
_interrupted: list[int] = []
"""The signal of a Ctrl-C. Databases and dbt make errors of their own of what it raises in them."""


def _interrupt(number: int, _: object) -> None:
    _interrupted.append(number)
    signal.signal(number, signal.SIG_IGN)  # what ends now ends in order, and says so once
    threading.Thread(target=_end_in_any_case, daemon=True).start()
    raise KeyboardInterrupt


def _end_in_any_case() -> None:
    """An interrupt within an import may leave Python's import lock taken: threads of dbt then wait
    for ever. To end now is safe, as a kill is: the next load continues.
    """
    time.sleep(END_SECONDS)
    os.write(2, b"twist: interrupted; the next load continues\n" if len(_interrupted) < 2 else b"")
    os._exit(INTERRUPTED)


class _Commands(click.Group):
    """Click's own way with a Ctrl-C prints an empty line."""

    def invoke(self, ctx: click.Context) -> Any:
        _interrupted.clear()
        usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        is_ours = usual and threading.current_thread() is threading.main_thread()
        if is_ours:
            signal.signal(signal.SIGINT, _interrupt)
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            _interrupted.append(signal.SIGINT)
            raise RuntimeError("interrupted") from None
        finally:
            if is_ours and not _interrupted:
                signal.signal(signal.SIGINT, signal.default_int_handler)


def _fail(error: BaseException) -> int:
    if os.environ.get("TWIST_DEBUG", "0") not in ("", "0"):
        traceback.print_exception(error)
    found = failure(error)
    _interrupted.append(0)  # said
    click.echo(f"twist: {found.sentence}", err=True)
    return found.status


@click.group(cls=_Commands, context_settings={"show_default": True})
def cli() -> None:
    """TWIST: what share of product views met an item that could be bought."""


for _command in (*COMMANDS, forget):
    cli.add_command(_command)


# --- The warehouse ---


@cli.command()
@click.option(
    "--sweep",
    type=click.Choice(["late", "all"]),
    help="List more: the days that late events can reach, or every folder.",
)
def load(sweep: str | None) -> int:
    """Load what is new in the landing lake and compute what it changes."""
    from orchestration.warehouse.load import load

    if sweep:
        os.environ["TWIST_SWEEP"] = {"late": "1", "all": "all"}[sweep]
    settings = load_settings()
    return _report(load(settings, Dbt(settings), say))


def _report(report: LoadReport, before: str = "") -> int:
    """Print what a load did; the exit status is 1 while objects or folders cannot be read."""
    say(visible(f"{before}{report}"))
    for key, error in report.unreadable:
        click.echo(
            f"twist: unreadable: {visible(key)}: {visible(error)}; it is retried at each load: "
            f"land it again, or close it with make accept KEY={pasteable(key)} WHY='…'",
            err=True,
        )
    for key, error in report.not_listed:
        click.echo(f"twist: passed over: {visible(key)}: {visible(error)}", err=True)
    for topic in report.started_again:
        click.echo(
            f"twist: the offsets of {topic} have started again: it was deleted and created, or "
            "moved to another cluster",
            err=True,
        )
    missed = any(error.startswith(NOT_LISTED) for _, error in report.not_listed)
    if missed:
        click.echo(
            "twist: once a folder can be listed again, `make load SWEEP=all` loads what lies in "
            "it, however old it is",
            err=True,
        )
    return 1 if report.unreadable or missed else 0


@cli.command()
@click.option("--shrink", is_flag=True, help="Swap it in even if it holds less.")
def rebuild(shrink: bool) -> int:
    """Read the landing lake again into a new warehouse, then swap it in."""
    from orchestration.warehouse.rebuild import rebuild

    return _report(rebuild(load_settings(), say, may_shrink=shrink))


@cli.command("replay-late")
def replay_late() -> int:
    """Load the late events that were set aside, each once."""
    from orchestration.warehouse.replay_late import replay_late

    settings = load_settings()
    replayed, report = replay_late(settings, Dbt(settings), say)
    return _report(report, f"{replayed:,} late events replayed; ")


@cli.command()
@click.option("--key", required=True, help="The object's key, or topic/partition/first-last.")
@click.option("--why", required=True, help="The reason, kept with the object.")
def accept(key: str, why: str) -> None:
    """Close an object that cannot be read, or offsets that are missing: their lines are lost."""
    from orchestration.warehouse.accept import accept

    settings = load_settings()
    accept(settings, Dbt(settings), key, why)
    say(f"accepted {key}")


@cli.command()
@click.option("--keep", type=click.IntRange(0), default=60, help="Minutes a snapshot is kept.")
def maintain(keep: int) -> None:
    """Compact files, expire snapshots, delete unreferenced files."""
    from orchestration.warehouse.maintain import maintain

    maintain(load_settings(), say, keep)


@cli.command()
@click.argument("query")
def sql(query: str) -> int:
    """Answer a read-only query as CSV."""
    from orchestration.warehouse.csv_writer import write_csv
    from orchestration.warehouse.engines import open_reader

    try:
        write_csv(open_reader(_shown_settings()), query, sys.stdout)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _shown_settings() -> Settings:
    """The default warehouse; the demo's if only that exists."""
    from orchestration.demo import demo_settings

    settings = load_settings()
    is_default = settings.warehouse == Settings.model_fields["warehouse"].default
    if is_default and not has_warehouse(settings) and has_warehouse(shown := demo_settings()):
        return shown
    return settings


# --- History, pages, Dagster, demo ---


@cli.command()
@click.option("--verify", is_flag=True, help="Read every file of the history lake.")
def export(verify: bool) -> int:
    """Export closed days into the history lake, and damaged ones again."""
    from orchestration.history.export import damaged_days, export_all

    settings = load_settings()
    if days := list(export_all(settings, say, wholly=verify)):
        say(f"exported to {settings.history_root}: {len(days)}")
    else:
        say(
            f"every closed day is in {settings.history_root} already; a day closes when arrivals "
            f"{settings.late_days + 1} days after it are loaded"
        )
    damaged = damaged_days(settings, wholly=verify)
    for error in damaged.values():
        click.echo(f"twist: {visible(error)}", err=True)
    return DAMAGED if damaged else 0


@cli.command()
@click.option("--day", type=DAY, required=True)
def restore(day: datetime) -> None:
    """Restore a day from the history lake into the warehouse."""
    from orchestration.history.restore import restore_day

    settings = load_settings()
    for table, found in restore_day(settings, Dbt(settings), day.date()).items():
        say(f"{day:%Y-%m-%d} {table}: {found.rows:,} rows restored, checksum {found.checksum}")


@cli.command()
@click.option("--checks", is_flag=True, help="Run all checks first.")
def overview(checks: bool) -> None:
    """Publish the overview page."""
    from orchestration.monitoring.run_checks import run_checks
    from orchestration.pages.overview.publish import publish

    settings = _shown_settings()
    dbt = Dbt(settings)
    if checks:
        say(run_checks(settings, dbt, say))
    say(f"open {publish(settings, lambda: dbt)}")


@cli.command()
def docs() -> None:
    """Write guide, dbt docs, column lineage, contracts and the overview as static pages."""
    from orchestration.pages.dbt_docs import write_docs
    from orchestration.pages.overview.publish import pages

    def overview() -> dict[str, str]:
        settings = _shown_settings()
        if not has_tables(settings):
            return {}
        dbt = Dbt(settings)
        return pages(settings, lambda: dbt, datetime.now(UTC), "dbt.html")

    say(f"open {write_docs(ROOT / '.data' / 'docs', say, overview)}")


@cli.command()
@click.option("--port", type=click.IntRange(1, 65_534), default=3000)
@click.option("--read-only", is_flag=True, help="A web page that starts and changes nothing.")
def ui(port: int, read_only: bool) -> None:
    """Serve Dagster on this machine."""
    from orchestration.dagster_ui import serve

    serve(_shown_settings(), port, say, read_only=read_only)


@cli.command()
@click.option("--data", type=click.Choice(["retailer", "otto", "retailrocket"]), default="retailer")
@click.option("--path-to", type=FOLDER, help="Where the data set is.")
def demo(data: str, path_to: Path | None) -> None:
    """Create a landing lake, load it and print the facts."""
    from orchestration.demo import demo

    demo(data, path_to, say)


@cli.command()
@click.option("--ref", required=True, help="A branch, a tag or a commit.")
@click.option("--landing", type=FOLDER, help="A landing lake; by default a simulated day.")
def diff(ref: str, landing: Path | None) -> None:
    """Compare the marts of this checkout with those of another revision."""
    from orchestration.marts_diff import diff

    diff(ref, landing, say)


# --- Programs of the test tree, which a checkout has ---


@cli.command()
@click.option("--rate", default=50.0, help="Events a second.")
@click.option("--root", type=FOLDER, default=ROOT / ".data" / "stream", show_default=False)
def stream(rate: float, root: Path) -> int:
    """Run Kafka, Connect, a store and loads on this machine, without Docker."""
    from tests.streaming.stack import stream

    return stream(rate, root, say)


@cli.command()
@click.argument("rows", nargs=-1)
@click.option("--size", default="small", help="small, day or another of tests/benchmarks.")
@click.option("--root", type=FOLDER, default=ROOT / ".data" / "bench", show_default=False)
def bench(rows: tuple[str, ...], size: str, root: Path) -> int:
    """Measure the cost of a day and of a step, beside PySpark and hand-written SQL."""
    from tests.benchmarks.run_bench import run

    return run(rows, size, root)


@cli.command("teradata-probe")
def teradata_probe() -> int:
    """Check the tests' assumptions about Teradata on a real system."""
    from tests.teradata.probe import probe

    return probe(load_settings(), say)


@cli.command("teradata-script")
def teradata_script() -> int:
    """Print the set-up of the databases on Teradata, for their administrator."""
    from orchestration.warehouse.teradata_setup import script

    click.echo(script(load_settings()), nl=False)
    return 0
