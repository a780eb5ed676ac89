"""The commands behind `make`: python -m orchestration <command>."""

import argparse
import os
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from ingestion.settings import Settings, SettingsError, load_settings
from orchestration.history.day_export import HistoryError
from orchestration.warehouse.attach import has_tables, has_warehouse
from orchestration.warehouse.dbt_runner import Dbt, DbtFailed
from orchestration.warehouse.writer_lock import WarehouseLocked


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit status. An expected error is one sentence, no traceback."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options) or 0
    except (SettingsError, WarehouseLocked, DbtFailed, HistoryError) as error:
        print(f"twist: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("twist: interrupted; the next load carries on", file=sys.stderr)
        return 130
    return status


def say(line: str) -> None:
    """Progress and reports, at once even into a pipe."""
    print(line, flush=True)


def _load(options: argparse.Namespace) -> int:
    from orchestration.warehouse.load import load

    if options.sweep:
        os.environ["TWIST_SWEEP"] = "1"
    settings = load_settings()
    report = load(settings, Dbt(settings), say)
    say(str(report))
    return _unreadable(report.unreadable)


def _unreadable(objects: tuple[tuple[str, str], ...]) -> int:
    for key, error in objects:
        print(
            f"twist: unreadable: {key}: {error}; it is offered again at each load: land it again, "
            f"or close it with make accept KEY='{key}' WHY='…'",
            file=sys.stderr,
        )
    return 1 if objects else 0


def _rebuild(_: argparse.Namespace) -> int:
    from orchestration.warehouse.rebuild import rebuild

    report = rebuild(load_settings(), say)
    say(str(report))
    return _unreadable(report.unreadable)


def _sql(options: argparse.Namespace) -> int:
    import duckdb

    from orchestration.warehouse.csv_writer import write_csv
    from orchestration.warehouse.engines import open_reader

    try:
        write_csv(open_reader(_shown_settings()), options.query, sys.stdout)
    except duckdb.Error as error:
        print(f"twist: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _shown_settings() -> Settings:
    """The default warehouse, or while it does not exist, the demo's."""
    from orchestration.demo import demo_settings

    settings = load_settings()
    is_default = settings.warehouse == Settings.model_fields["warehouse"].default
    if is_default and not has_warehouse(settings) and has_warehouse(shown := demo_settings()):
        return shown
    return settings


def _maintain(options: argparse.Namespace) -> None:
    from orchestration.warehouse.maintain import maintain

    maintain(load_settings(), say, options.keep)


def _accept(options: argparse.Namespace) -> None:
    from orchestration.warehouse.accept import accept

    settings = load_settings()
    accept(settings, Dbt(settings), options.key, options.why)
    say(f"accepted {options.key}")


def _replay_late(_: argparse.Namespace) -> int:
    from orchestration.warehouse.replay_late import replay_late

    settings = load_settings()
    replayed, report = replay_late(settings, Dbt(settings), say)
    say(f"{replayed:,} late events replayed; {report}")
    return _unreadable(report.unreadable)


def _export(_: argparse.Namespace) -> None:
    from orchestration.history.day_export import export_all

    settings = load_settings()
    if days := list(export_all(settings, say)):
        say(f"exported to {settings.history_lake}: {len(days)}")
    else:
        say(
            f"every closed day lies in {settings.history_lake} already; a day closes when arrivals "
            f"past it by {settings.late_days + 1} days are loaded"
        )


def _restore(options: argparse.Namespace) -> None:
    from orchestration.history.day_export import restore_day

    settings = load_settings()
    for table, found in restore_day(settings, Dbt(settings), options.day).items():
        say(f"{options.day} {table}: {found.rows:,} rows restored, checksum {found.checksum}")


def _demo(options: argparse.Namespace) -> None:
    from orchestration.demo import demo

    demo(options.data, options.path_to, say)


def _docs(_: argparse.Namespace) -> None:
    from ingestion.settings import ROOT
    from orchestration.pages.dbt_docs import write_docs
    from orchestration.pages.overview.publish import pages

    def overview() -> dict[str, str]:
        settings = _shown_settings()
        if not has_tables(settings):
            return {}
        dbt = Dbt(settings)
        return pages(settings, lambda: dbt, datetime.now(UTC), "dbt.html")

    say(f"open {write_docs(ROOT / '.data' / 'docs', say, overview)}")


def _overview(options: argparse.Namespace) -> None:
    from orchestration.pages.overview.publish import publish

    settings = _shown_settings()
    dbt = Dbt(settings)
    if options.checks:
        from orchestration.monitoring.run_checks import run_checks

        say(run_checks(settings, dbt, say))
    say(f"open {publish(settings, lambda: dbt)}")


def _ui(options: argparse.Namespace) -> None:
    from orchestration.dagster_ui import serve

    serve(_shown_settings(), options.port, say)


def _minutes(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of minutes, 0 or more")
    return int(text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day such as 2026-11-01") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m orchestration", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    command = commands.add_parser("load", help="load what is new and compute what it changes")
    command.add_argument("--sweep", action="store_true", help="list all days late events can reach")
    command.set_defaults(run=_load)

    command = commands.add_parser("rebuild", help="read the landing lake again, then swap")
    command.set_defaults(run=_rebuild)

    command = commands.add_parser("sql", help="a read-only question, answered as CSV")
    command.add_argument("query")
    command.set_defaults(run=_sql)

    command = commands.add_parser("maintain", help="compact files, expire snapshots, clean up")
    command.add_argument("--keep", type=_minutes, default=60, metavar="MINUTES")
    command.set_defaults(run=_maintain)

    command = commands.add_parser("accept", help="close an unreadable object")
    command.add_argument("--key", required=True)
    command.add_argument("--why", required=True)
    command.set_defaults(run=_accept)

    command = commands.add_parser("replay-late", help="put each late event in its place, once")
    command.set_defaults(run=_replay_late)

    command = commands.add_parser("export", help="closed days into the history lake")
    command.set_defaults(run=_export)

    command = commands.add_parser("restore", help="a day from the history lake")
    command.add_argument("--day", type=_day, required=True, metavar="YYYY-MM-DD")
    command.set_defaults(run=_restore)

    command = commands.add_parser("demo", help="from landing to facts, printed")
    command.add_argument("--data", default="retailer", choices=["retailer", "otto", "retailrocket"])
    command.add_argument("--path-to", type=Path)
    command.set_defaults(run=_demo)

    command = commands.add_parser("overview", help="one page that shows how the shop stands")
    command.add_argument("--checks", action="store_true", help="run all checks first")
    command.set_defaults(run=_overview)

    command = commands.add_parser("ui", help="Dagster on this machine")
    command.add_argument("--port", type=int, default=3000)
    command.set_defaults(run=_ui)

    command = commands.add_parser("docs", help="dbt docs and column lineage as static pages")
    command.set_defaults(run=_docs)
    return parser


if __name__ == "__main__":
    sys.exit(main())
