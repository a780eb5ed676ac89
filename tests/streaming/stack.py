"""The whole way from the producer to the landing lake on this machine: `make stream`."""

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from ingestion.connect import connect_client, kafka_topics
from ingestion.settings import ROOT, Settings, SettingsError
from tests.streaming import services
from tests.streaming.services import Service

EVERY = 1.0
"""Seconds between two loads of `make stream`."""


@dataclass
class Stack:
    """Broker, store and Connect, with a landing lake in S3."""

    root: Path
    settings: Settings = field(init=False)

    def __post_init__(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        ports = services.free_ports(7)
        self.store, endpoint = services.store(self.root, ports[:4])
        self.broker, kafka = services.broker(self.root, ports[4:6])
        self.connect, url = services.worker(self.root, ports[6], kafka, endpoint)
        self.settings = Settings(
            _env_file=None,
            kafka=kafka,
            connect_url=url,
            landing=f"s3://{services.BUCKET}",
            warehouse=str(self.root / "warehouse"),
            s3_endpoint=endpoint,
            s3_access_key_id=services.KEY,
            s3_secret_access_key=services.SECRET,
        )

    def __enter__(self) -> "Stack":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, say: Callable[[str], None] = lambda _: None) -> None:
        """Start them, create the topics and apply the connectors."""
        for service in self.services:
            service.start(wait=False)
        for service in self.services:
            say(f"{service.name} is up after {service.wait():.1f} s")
            if service is self.broker:
                for line in kafka_topics.apply(self.settings):
                    say(line)
        connect_client.apply(self.settings, say)

    @property
    def services(self) -> list[Service]:
        """In the order in which they start."""
        return [self.store, self.broker, self.connect]

    def stop(self) -> None:
        """Stop everything, Connect first: it wants to say goodbye to the broker."""
        for service in reversed(self.services):
            service.stop()

    def environment(self) -> dict[str, str]:
        """What a command of TWIST needs to work on this stack."""
        own = {k: v for k, v in os.environ.items() if not k.startswith(("TWIST_", "AWS_"))}
        return {
            **own,
            "TWIST_KAFKA": self.settings.kafka,
            "TWIST_CONNECT_URL": self.settings.connect_url,
            "TWIST_LANDING": self.settings.landing,
            "TWIST_WAREHOUSE": self.settings.warehouse,
            "TWIST_S3_ENDPOINT": self.settings.s3_endpoint,
            "TWIST_S3_ACCESS_KEY_ID": services.KEY,
            "TWIST_S3_SECRET_ACCESS_KEY": services.SECRET,
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def run(self, command: str, *arguments: str, log: str) -> Service:
        """Start one of TWIST's own processes beside the services; its log is `<log>.log`."""
        argv = [sys.executable, "-u", "-m", "orchestration", command, *arguments]
        process = Service(log, argv, self.root, lambda: True, self.environment())
        process.variables = {**self.environment(), "PYTHONPATH": str(ROOT)}
        return process.start()


def stream(rate: float, root: Path, say: Callable[[str], None]) -> int:
    """Stream the simulated retailer and load it in a loop, until Ctrl-C."""
    if reason := services.missing_for_sink():
        raise SettingsError(reason)

    from orchestration.warehouse.dbt_runner import Dbt
    from orchestration.warehouse.load import load

    stopped = False

    def stop(*_: object) -> None:
        nonlocal stopped
        stopped = True

    for number in (signal.SIGINT, signal.SIGTERM):  # dbt would fail its model at a Ctrl-C
        signal.signal(number, stop)
    stack = Stack(root)
    running: list[Service] = []
    try:
        stack.start(say)
        running.append(stack.run("dead-letters", log="dead_letters"))
        running.append(stack.run("produce", "--rate", str(rate), log="producer"))
        say(f"logs, lake and warehouse: {root}; stop with Ctrl-C")
        os.environ.update(stack.environment())  # dbt's plugin reads the settings there
        dbt = Dbt(stack.settings)
        while not stopped:
            report = load(stack.settings, dbt, lambda _: None)
            if report.objects:
                say(str(report))
            time.sleep(EVERY)
    finally:
        say("stopping …")
        for process in running:
            process.stop(30)
        stack.stop()
    return 0
