"""`make ui` as a user starts it: live mode works, and works on when any of its processes dies."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ingestion.settings import ROOT
from orchestration import dagster_ui
from orchestration.dagster_ui import own_home, prepare_home
from tests.harness.killed_shop import KilledShop
from tests.harness.processes import environment, run_warm
from tests.harness.tables import loaded_lines, marts, query

PATIENCE = 240.0
RESUMES_WITHIN = 120.0
KILLS = 20


def wait_until(holds: Callable[[], bool], seconds: float = PATIENCE) -> float:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() < began + seconds, "it does not come to pass"
        time.sleep(0.2)
    return time.monotonic() - began


class Dagster:
    """`python -m orchestration ui` on a port of its own."""

    def __init__(self, shop: KilledShop, folder: Path, *flags: str) -> None:
        self.shop = shop
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = folder / "ui.log"
        variables = {n: v for n, v in os.environ.items() if not n.startswith("TWIST_")}
        variables |= environment(shop.settings) | {"DAGSTER_HOME": str(folder / "home")}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "orchestration", "ui", "--port", str(self.port), *flags],
                cwd=ROOT, env=variables, stdout=log, stderr=log,
            )  # fmt: skip
        wait_until(lambda: "open http" in self.log.read_text() or self.process.poll() is not None)
        assert self.process.poll() is None, self.log.read_text()

    def ask(self, graphql: str) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            json.dumps({"query": graphql}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["data"]

    def turn_on(self, sensor: str) -> None:
        assert self.asked_to_turn_on(sensor) == "Sensor"

    def asked_to_turn_on(self, sensor: str) -> str:
        """What the webserver answers."""
        selector = (
            '{repositoryName: "__repository__", repositoryLocationName: "twist", '
            f'sensorName: "{sensor}"}}'
        )
        answer = self.ask(f"mutation {{startSensor(sensorSelector: {selector}) {{__typename}}}}")
        return str(answer["startSensor"]["__typename"])

    def children(self) -> dict[str, int]:
        """Pids of what it started, by name."""
        found = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(stat.read_text().rpartition(")")[2].split()[1])
                command = (stat.parent / "cmdline").read_text()
            except OSError:
                continue
            if parent == self.process.pid:
                for name in ("code-server", "dagster_webserver", "dagster._daemon"):
                    if name in command:
                        found[name] = int(stat.parent.name)
        return found

    def worker(self) -> int:
        """Pid of the run that writes."""
        return int((self.shop.settings.warehouse_root / "writer.lock").read_text() or 0)

    def is_loaded(self) -> bool:
        """Whether every landed file is audited."""
        landing = Path(self.shop.settings.landing)
        try:
            found = query(
                self.shop.settings, "select distinct object_key from audit.landed_objects"
            )
        except Exception:  # there is no warehouse yet
            return False
        on_disk = {str(path.relative_to(landing)) for path in landing.rglob("*.json.gz")}
        return on_disk <= {key for (key,) in found}


@pytest.fixture
def dagster(tmp_path: Path) -> Iterator[Dagster]:
    started = Dagster(KilledShop(tmp_path, seed=5), tmp_path)
    yield started
    started.process.send_signal(signal.SIGTERM)
    started.process.wait(60)


@pytest.mark.long
def test_twenty_kills_in_live_mode_change_nothing(dagster: Dagster, tmp_path: Path) -> None:
    shop, rng = dagster.shop, random.Random(6)
    shop.land(KILLS + 2)
    dagster.turn_on("live_mode")
    wait_until(dagster.is_loaded)
    resumed = {}
    for kill in range(KILLS):
        victim = rng.choice(["the run", "the run", "dagster._daemon", "code-server"])
        pid = dagster.worker() if victim == "the run" else dagster.children()[victim]
        shop.land(KILLS + 1 - kill)
        time.sleep(rng.uniform(0, 3))
        os.kill(pid, signal.SIGKILL)
        resumed[kill, victim] = wait_until(dagster.is_loaded, RESUMES_WITHIN)
    print(resumed)
    shop.land(1)
    wait_until(dagster.is_loaded)
    spared = shop.warehouse("spared")
    run_warm(spared, tmp_path / "log", "load")
    with suppress(AssertionError):  # the last cycle computes after it has audited
        wait_until(lambda: marts(shop.settings) == marts(spared), 60)
    assert marts(shop.settings) == marts(spared)
    assert loaded_lines(shop.settings) == loaded_lines(spared)


@pytest.mark.long
def test_ending_it_ends_all_it_started(dagster: Dagster) -> None:
    dagster.shop.land(10)
    dagster.turn_on("live_mode")
    wait_until(dagster.is_loaded)
    pids = [dagster.worker(), *dagster.children().values()]
    dagster.process.send_signal(signal.SIGTERM)
    dagster.process.wait(60)
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), 20)


@pytest.mark.long
def test_a_read_only_one_has_no_daemon_and_refuses_to_change_anything(tmp_path: Path) -> None:
    started = Dagster(KilledShop(tmp_path, seed=5), tmp_path, "--read-only")
    try:
        assert set(started.children()) == {"code-server", "dagster_webserver"}
        assert started.asked_to_turn_on("live_mode") == "UnauthorizedError"
    finally:
        started.process.send_signal(signal.SIGTERM)
        started.process.wait(60)


@pytest.mark.parametrize(
    ("read_only", "names", "said"),
    [
        (False, ["code server", "webserver", "daemon"], "whoever reaches this port can start runs"),
        (True, ["read-only code server", "read-only webserver"], "starts and changes nothing"),
    ],
)
def test_it_says_that_it_has_no_login_and_a_read_only_one_starts_no_daemon(
    read_only: bool, names: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingestion.settings import Settings

    commands: dict[str, list[str]] = {}
    words: list[str] = []

    def start(name: str, command: list[str], *_: Any) -> Any:
        commands[name] = command

    def stop(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    for name, fake in (("_start", start), ("_wait_for", print), ("_end", print)):
        monkeypatch.setattr(dagster_ui, name, fake)
    monkeypatch.setattr("time.sleep", stop)
    handled: list[int] = []
    monkeypatch.setattr("signal.signal", lambda sign, _: handled.append(sign))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(KeyboardInterrupt):
        dagster_ui.serve(Settings(_env_file=None), port, words.append, read_only=read_only)
    assert list(commands) == names
    assert handled == [signal.SIGTERM, signal.SIGHUP], "a closed terminal leaves nothing behind"
    assert ("--read-only" in commands[names[1]]) == read_only
    assert words[-1].startswith("it has no login")
    assert said in words[-1]
    assert "behind a proxy with a login" in words[-1]


def test_its_home_is_the_instance_of_docker_on_files_of_its_own(tmp_path: Path) -> None:
    import yaml

    home = prepare_home(tmp_path / "home")
    docker = yaml.safe_load((ROOT / "docker" / "dagster" / "dagster.yaml").read_text())
    native = yaml.safe_load((home / "dagster.yaml").read_text())
    assert docker.pop("storage") == {"postgres": {"postgres_url": {"env": "DAGSTER_POSTGRES_URL"}}}
    assert native == docker
    assert (home / "workspace.yaml").exists()


def test_the_home_of_another_project_is_refused_and_its_files_stay(tmp_path: Path) -> None:
    from ingestion.settings import SettingsError

    assert own_home(None) == ROOT / ".data" / "dagster"
    home = tmp_path / "home"
    assert prepare_home(own_home(str(home))) == own_home(str(home)) == home
    another = tmp_path / "another"
    another.mkdir()
    (another / "dagster.yaml").write_text("telemetry: {enabled: true}")
    with pytest.raises(SettingsError, match=r"another Dagster project uses: unset it"):
        own_home(str(another))
    assert [path.name for path in another.iterdir()] == ["dagster.yaml"]


def test_a_port_that_is_taken_is_a_sentence(tmp_path: Path) -> None:
    from ingestion.settings import Settings, SettingsError
    from orchestration.dagster_ui import serve

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"port {port} is in use.*make ui PORT="):
            serve(Settings(_env_file=None), port, lambda _: None)
