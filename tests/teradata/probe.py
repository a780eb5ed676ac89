"""`make teradata-probe`: ask a real Teradata what the tests assume of it (`ledger.yml`).

The file `.data/probe/topics/probe/…` that it writes must lie under TWIST_TERADATA_LANDING for the
probes of NOS; they are left out where that is not set, and that of WRITE_NOS where
TWIST_TERADATA_HISTORY is not.
"""

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from ingestion.settings import ROOT, Settings
from orchestration.warehouse.engines import Teradata

NOW = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
LEDGER = Path(__file__).with_name("ledger.yml")
KEY = "topics/probe/dt=2026-11-01/hour=00/probe+0+0000000000.json.gz"
LINES = (
    *(b'{"a": 1}', b"", b'{"a": ', b'{"a": "b}', b'{"a": "\xff"}', b"\xef\xbb\xbf{}"),
    *(b'{"a": "27\\" monitor"}', '{"a": "😀"}'.encode()),
)
FILE = gzip.compress(b"".join(line + b"\n" for line in LINES), mtime=0)


@dataclass(frozen=True)
class Probe:
    """An assumption and the question that tests it; `expect` is rows of texts, or an error."""

    id: str
    assumption: str
    source: str
    risk: str
    probe: str
    expect: Any
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    needs: str = ""


def ledger() -> list[Probe]:
    return [Probe(**entry) for entry in yaml.safe_load(LEDGER.read_text())]


def difference(cursor: Any, probe: Probe, settings: Settings) -> str | None:
    """What a system answers otherwise than expected; None where it does not."""
    for statement in probe.before:
        answer = ask(cursor, _filled(statement, settings))
        if isinstance(answer, str):
            return f"{answer} at {statement[:60]}"
    found = ask(cursor, _filled(probe.probe, settings))
    for statement in probe.after:
        ask(cursor, _filled(statement, settings))
    expected = probe.expect
    if isinstance(expected, dict):
        wanted = f"[Error {expected['error']}]"
        return None if isinstance(found, str) and wanted in found else f"{found}, not {wanted}"
    rows = [[v if v is None else _filled(v, settings) for v in row] for row in expected]
    return None if found == rows else f"{found}, not {rows}"


def ask(cursor: Any, sql: str) -> list[list[str | None]] | str:
    """Rows as texts; or what the error says."""
    try:
        cursor.execute(sql)
        rows = cursor.fetchall() if cursor.description else []
    except Exception as error:  # any error is an answer
        return str(error)
    return [[None if value is None else str(value).strip() for value in row] for row in rows]


def _filled(text: str, settings: Settings) -> str:
    prefix = settings.db_prefix
    landing_db = f"{prefix}_landing"
    before = 4 if settings.teradata_bucket else 3
    folders = [f"$root{n}" for n, _ in enumerate(settings.teradata_landing.split("/")[before:], 1)]
    filled = {
        "{db}": f"{prefix}_load",
        "{landing}": settings.teradata_landing,
        "{landing_db}": landing_db,
        "{authorization}": f"{landing_db}.landing_access",
        "{pattern}": "/".join([*folders, "$topics", "$topic", "$dt", "$hour", "$file"]),
        "{size}": str(len(FILE)),
        "{history}": settings.teradata_history,
        "{now}": NOW,
        "{{": "{",
        "}}": "}",
    }
    for name, value in filled.items():
        text = text.replace(name, value)
    return text


def probe(settings: Settings, say: Callable[[str], None]) -> int:
    file = ROOT / ".data" / "probe" / KEY
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(FILE)
    connection = Teradata(settings).connect()
    probes = [p for p in ledger() if not p.needs or getattr(settings, f"teradata_{p.needs}")]
    differing = 0
    for each in probes:
        found = difference(connection.cursor(), each, settings)
        if found:
            differing += 1
            say(f"{each.id}: {each.assumption}\n    {found}\n    risk: {each.risk}")
    say(f"{len(probes)} probes, {differing} differ; NOS needs {file.relative_to(ROOT)} in the lake")
    return 1 if differing else 0
