"""`make ui`: Dagster's code server, webserver and daemon on this machine, kept alive.

A read-only webserver is served beside them, with a code server of its own and without a daemon: two
daemons on one storage would start each scheduled run twice.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import yaml

from ingestion.settings import ROOT, Settings, SettingsError
from orchestration.warehouse.dbt_runner import environment

HOST = "127.0.0.1"
FILES = ROOT / "docker" / "dagster"
OURS = "TWIST_CODE_SERVER"
"""A word in this project's workspace.yaml that no other project's has."""
PATIENCE_SECONDS = 180.0
WITHOUT_LOGIN = (
    "it has no login: whoever reaches this port can start runs; share it behind a proxy with a "
    "login, READ_ONLY=1 for those who only look (dbt_project/docs/dagster.md)"
)
READ_ONLY_WITHOUT_LOGIN = (
    "it has no login; it starts and changes nothing, and runs no schedules: share it behind a "
    "proxy with a login (dbt_project/docs/dagster.md)"
)


def serve(
    settings: Settings, port: int, say: Callable[[str], None], *, read_only: bool = False
) -> None:
    """Serve the UI until Ctrl-C; a process that dies is restarted. The code server uses the next
    port. With `read_only`, only these two are started.

    Raises:
        SettingsError: a port is in use, or the code server does not start.
    """
    code_port = port + 1
    for number in (port, code_port):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, number))
            except OSError:
                raise SettingsError(
                    f"port {number} is in use, perhaps by another `make ui`: stop that, or run "
                    "make ui PORT=…"
                ) from None
    home = prepare_home(own_home(os.environ.get("DAGSTER_HOME")))
    variables = _variables(settings, home) | {"TWIST_CODE_PORT": str(code_port)}
    python = [sys.executable, "-m"]  # a script's shebang cannot hold a path with a space
    prefix = "read-only " if read_only else ""
    commands = {
        f"{prefix}code server": [
            *python, "dagster", "code-server", "start", "-h", HOST, "-p", str(code_port),
            "-m", "orchestration.definitions",
        ],
        f"{prefix}webserver": [
            *python, "dagster_webserver", "-h", HOST, "-p", str(port), "-w",
            str(home / "workspace.yaml"), *(["--read-only"] if read_only else []),
        ],
    }  # fmt: skip
    if not read_only:
        commands["daemon"] = [
            *python, "dagster._daemon", "run", "-w", str(home / "workspace.yaml"),
        ]  # fmt: skip
    started: dict[str, subprocess.Popen[bytes]] = {}
    logs = home / "server-logs"  # Dagster clears its own folder `logs`
    logs.mkdir(exist_ok=True)
    for sign in (signal.SIGTERM, signal.SIGHUP):  # SIGHUP: the terminal was closed
        signal.signal(sign, lambda *_: sys.exit(0))
    say(f"starting Dagster on {settings.warehouse_root}; logs in {logs} …")
    try:
        for name, command in commands.items():
            started[name] = _start(name, command, variables, logs)
            if name.endswith("code server"):
                _wait_for(code_port, started[name], _log(name, logs))
        server = f"{prefix}webserver"
        _wait_for(port, started[server], _log(server, logs))
        say(f"open http://{HOST}:{port} (stop with Ctrl-C)")
        say(READ_ONLY_WITHOUT_LOGIN if read_only else WITHOUT_LOGIN)
        while True:
            time.sleep(1)
            for name, process in started.items():
                if process.poll() is not None:
                    say(f"the {name} ended ({process.returncode}): starting it again")
                    started[name] = _start(name, commands[name], variables, logs)
    finally:
        _end(list(started.values()))


def own_home(given: str | None) -> Path:
    """Dagster's folder: `.data/dagster`, or DAGSTER_HOME if no other project uses that.

    Raises:
        SettingsError: it holds the instance of another project, which would be overwritten.
    """
    home = Path(given) if given else ROOT / ".data" / "dagster"
    workspace = home / "workspace.yaml"
    is_ours = workspace.exists() and OURS in workspace.read_text(errors="replace")
    if given and not is_ours and home.is_dir() and any(home.iterdir()):
        raise SettingsError(
            f"DAGSTER_HOME is {home}, which another Dagster project uses: unset "
            "it (env -u DAGSTER_HOME make ui), or let it name an empty folder"
        )
    return home


def prepare_home(home: Path) -> Path:
    """Dagster's home: the instance of docker/dagster, on SQLite files instead of Postgres."""
    home.mkdir(parents=True, exist_ok=True)
    # Content only: the permissions of another user's file cannot be set.
    shutil.copyfile(FILES / "workspace.yaml", home / "workspace.yaml")
    instance = yaml.safe_load((FILES / "dagster.yaml").read_text())
    del instance["storage"]
    (home / "dagster.yaml").write_text(yaml.safe_dump(instance))
    return home


def _variables(settings: Settings, home: Path) -> dict[str, str]:
    return {
        **{
            name: value
            for name, value in os.environ.items()
            if name != "PYTHONDONTWRITEBYTECODE" and not name.startswith("DBT_")
        },
        **environment(settings),
        "TWIST_CODE_SERVER": HOST,
        "DAGSTER_HOME": str(home),
        "PYTHONPATH": str(ROOT),
        # Imports cost seconds in every process without compiled files; the checkout stays clean.
        "PYTHONPYCACHEPREFIX": str(ROOT / ".data" / "bytecode"),
    }


def _start(
    name: str, command: list[str], variables: dict[str, str], logs: Path
) -> "subprocess.Popen[bytes]":
    with _log(name, logs).open("ab") as log:
        return subprocess.Popen(  # noqa: S603  # our own commands
            command, cwd=ROOT, env=variables, stdout=log, stderr=log, start_new_session=True
        )


def _log(name: str, logs: Path) -> Path:
    return logs / f"{name.replace(' ', '-')}.log"


def _end(processes: "list[subprocess.Popen[bytes]]") -> None:
    """End each with its child processes: an unattended live run must not go on writing."""
    for sign, patience in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0)):
        for process in processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, sign)
        deadline = time.monotonic() + patience
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            last = log.read_text().strip().splitlines()[-1:]
            raise SettingsError(f"Dagster does not start: {' '.join(last)}; more in {log}")
        time.sleep(0.2)
