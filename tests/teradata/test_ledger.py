"""The stand-in answers every probe of the ledger as the tests assume a Teradata would."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ingestion.settings import Settings
from orchestration.warehouse.teradata_setup import script
from tests.teradata import emulator
from tests.teradata.emulator import driver
from tests.teradata.probe import FILE, KEY, Probe, difference, ledger
from tests.teradata.warehouse import LOCATION

SETTINGS = Settings(
    _env_file=None,
    target="teradata",
    teradata_landing=LOCATION,
    teradata_history=f"{LOCATION}/history",
)


@pytest.fixture(scope="module")
def cursor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    landing: Path = tmp_path_factory.mktemp("landing")
    (landing / KEY).parent.mkdir(parents=True)
    (landing / KEY).write_bytes(FILE)
    system = emulator.System([], landing)
    system.set_up(script(SETTINGS))
    emulator.use(system)
    user = SETTINGS.teradata_user
    yield driver.connect(tmode="ANSI", user=user, runstartup="true").cursor()
    driver.system = None


@pytest.mark.parametrize("probe", ledger(), ids=lambda probe: probe.id)
def test_the_stand_in_answers_as_assumed(probe: Probe, cursor: Any) -> None:
    assert difference(cursor, probe, SETTINGS) is None


def test_another_answer_is_noticed(cursor: Any) -> None:
    probes = {probe.id: probe for probe in ledger()}
    for name, wrong in (("division", [["3", "4"]]), ("cast_cuts", [["ab"]]), ("utc", [])):
        assert difference(cursor, replace(probes[name], expect=wrong), SETTINGS)
    unexpected = replace(probes["division"], expect={"error": 3706})
    assert difference(cursor, unexpected, SETTINGS)


def test_every_entry_says_where_it_comes_from_and_what_is_at_stake() -> None:
    assert len(ledger()) >= 30
    assert len({probe.id for probe in ledger()}) == len(ledger())
    assert all(probe.assumption and probe.source and probe.risk for probe in ledger())
