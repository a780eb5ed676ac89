"""Applies the connectors of `connectors/` to Kafka Connect, and reports their status."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ingestion.connect.connector_files import FOLDER, connectors
from ingestion.settings import Settings, SettingsError, without_passwords

if TYPE_CHECKING:
    import httpx

__all__ = ["FOLDER", "Status", "apply", "connectors", "restart", "status"]

PATIENCE = 120.0
"""Seconds until a connector must run, including the start of its worker."""
PAUSE = 1.0
SETTLE = 30.0
"""Seconds for which a failure seen at the first look may be an old one: Connect reports `FAILED`
with the old trace until it has started the task again, even after its worker was restarted."""
REFUSED = (400, 404, 422)
"""Status codes that are not retried."""


@dataclass(frozen=True)
class Status:
    """The states of a connector and its tasks, as Connect names them."""

    name: str
    state: str
    tasks: tuple[str, ...]
    traces: tuple[str, ...]
    """One stack trace per failure."""

    @property
    def runs(self) -> bool:
        """Whether the connector has tasks, and it and all of them are running."""
        return self.state == "RUNNING" and bool(self.tasks) and set(self.tasks) == {"RUNNING"}

    def __str__(self) -> str:
        why = "".join(f" ({trace.splitlines()[0][:200]})" for trace in self.traces)
        return f"{self.name}: {self.state}, tasks: {', '.join(self.tasks) or 'none yet'}{why}"


def apply(settings: Settings, say: Callable[[str], None], patience: float = PATIENCE) -> None:
    """Create or update every connector, then wait until all their tasks run.

    Raises:
        SettingsError: Connect does not answer, refuses a configuration, or a task fails or does
            not run in time; the message holds Connect's reason.
    """
    deadline = time.monotonic() + patience
    with _client(settings) as client:
        for name, config in connectors(settings).items():
            _ask(client, "PUT", f"/connectors/{name}/config", deadline, json=config)
        _wait(client, connectors(settings), say, deadline)


def status(settings: Settings) -> list[Status]:
    """The status of each connector.

    Raises:
        SettingsError: Connect does not answer.
    """
    with _client(settings) as client:
        return [_status(client, name, time.monotonic()) for name in connectors(settings)]


def restart(settings: Settings, say: Callable[[str], None], patience: float = PATIENCE) -> None:
    """Restart what failed, and wait until it runs.

    Raises:
        SettingsError: as `apply`.
    """
    deadline = time.monotonic() + patience
    with _client(settings) as client:
        for name in connectors(settings):
            query = "?includeTasks=true&onlyFailed=true"
            _ask(client, "POST", f"/connectors/{name}/restart{query}", deadline)
        _wait(client, connectors(settings), say, deadline)


def _client(settings: Settings) -> "httpx.Client":
    import httpx

    if not settings.connect_url:
        raise SettingsError(
            "TWIST_CONNECT_URL is empty: set it to Kafka Connect's REST interface, such as "
            "http://127.0.0.1:8083"
        )
    return httpx.Client(base_url=settings.connect_url, timeout=10)


def _wait(
    client: "httpx.Client", names: Iterable[str], say: Callable[[str], None], deadline: float
) -> None:
    settled = time.monotonic() + SETTLE
    for name in names:
        old: set[str] | None = None
        while not (found := _status(client, name, deadline)).runs:
            traces, now = set(found.traces), time.monotonic()
            old = traces if old is None else old & traces
            has_failed = traces - old or (traces and now > settled)
            if has_failed or now > deadline:
                reason = "\n".join(found.traces) or "it did not run in time"
                raise SettingsError(f"connector {found}\n{reason}")
            time.sleep(PAUSE)
        say(str(found))


def _status(client: "httpx.Client", name: str, deadline: float) -> Status:
    """A connector just created has no status for a moment: its state is MISSING."""
    found = _ask(client, "GET", f"/connectors/{name}/status", deadline, missing={})
    parts = [found.get("connector", {}), *found.get("tasks", [])]
    return Status(
        name,
        parts[0].get("state", "MISSING"),
        tuple(part["state"] for part in parts[1:]),
        tuple(part["trace"] for part in parts if part.get("trace")),
    )


def _ask(
    client: "httpx.Client",
    method: str,
    path: str,
    deadline: float,
    *,
    json: Any = None,
    missing: Any = None,
) -> Any:
    """One request, retried while Connect starts, rebalances (409) or is unreachable.

    Args:
        missing: The value to return on a 404.
    """
    import httpx

    while True:
        try:
            answer = client.request(method, path, json=json)
        except httpx.TransportError as error:
            why = without_passwords(str(error))
            problem = f"does not answer ({why}): start it with `make up` or `make stream`"
        else:
            if answer.status_code == 404 and missing is not None:
                return missing
            if answer.is_success:
                return answer.json() if answer.content else None
            problem = f"answered {method} {path}: {answer.status_code} {_message(answer)}"
            if answer.status_code in REFUSED:
                raise SettingsError(f"Kafka Connect {problem}")
        if time.monotonic() >= deadline:
            where = without_passwords(str(client.base_url))
            raise SettingsError(f"Kafka Connect at {where} (TWIST_CONNECT_URL) {problem}")
        time.sleep(PAUSE)


def _message(answer: "httpx.Response") -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:300]
