"""`kill -9` at any moment loses nothing and counts nothing twice."""

from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from ingestion.settings import Settings
from ingestion.simulation.simulator import RetailerConfig, events
from ingestion.simulation.sink import Sink, Write
from tests.harness.processes import Warm, run_warm
from tests.harness.tables import files, loaded_lines, marts, query, set_aside

DIRTY = RetailerConfig(
    views=700,
    styles=10,
    locations=8,
    hours=30,
    partitions=2,
    duplicate_rate=0.05,
    retry_rate=0.05,
    late_rate=0.05,
    too_late_rate=0.02,
    disorder=30,
    dirty_rate=0.05,
    rewrite_rate=0.3,
)


@dataclass
class Shop:
    """A dirty landing lake that fills while its loads are killed."""

    root: Path
    seed: int

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.settings = self.warehouse("warehouse")
        (self.root / "landing").mkdir()
        self.coming: list[Write] = list(Sink(DIRTY).writes(events(DIRTY)))

    def warehouse(self, name: str) -> Settings:
        return Settings(
            _env_file=None,
            landing=str(self.root / "landing"),
            warehouse=str(self.root / name),
            overview=str(self.root / "overview"),
            landing_slack_hours=240,
        )

    def land(self, portions: int) -> None:
        """The next files, such as come in a load's time; with one portion left, all of them."""
        share = len(self.coming) // portions
        now, self.coming = self.coming[:share], self.coming[share:]
        for write in now:
            path = self.root / "landing" / write.key
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            part.write_bytes(write.body)
            part.replace(path)

    def kill_a_load(self, longest: float) -> bool:
        """Kill a load at a random moment within so many CPU seconds; False when it was faster."""
        load = Warm(self.settings, self.root / "log", "load")
        if load.ends_before(self.rng.uniform(0.02, longest)):
            assert load.status() == 0, load.output()
            return False
        load.kill()
        return True


def crash(root: Path, kills: int, seed: int) -> None:
    """Kill loads of a filling lake, then load once more and compare with one that was spared."""
    shop = Shop(root, seed)
    shop.land(kills + 1)
    longest, done = 6.0, 0
    for remaining in range(kills * 4, 0, -1):
        if done == kills:
            break
        if shop.kill_a_load(longest):
            done += 1
            if shop.rng.random() < 0.8:
                shop.land(kills + 1 - done)
        else:
            longest *= 0.8
        assert remaining > 1, "loads are too fast to be killed"
    shop.land(1)
    run_warm(shop.settings, root / "log", "load")
    spared = shop.warehouse("spared")
    run_warm(spared, root / "log", "load")

    assert marts(shop.settings) == marts(spared)
    assert set_aside(shop.settings) == set_aside(spared)
    assert loaded_lines(shop.settings) == loaded_lines(spared)
    ((views,),) = query(spared, "select count(*) from marts.fct_twist")
    assert views > 100, "the landing lake is not worth a test"

    run_warm(shop.settings, root / "log", "maintain", "--keep", "0")
    on_disk, known = files(shop.settings)
    assert on_disk == known
    assert marts(shop.settings) == marts(spared)


def test_two_kills_change_nothing(tmp_path: Path) -> None:
    crash(tmp_path, kills=2, seed=1)


@pytest.mark.long
def test_thirty_kills_change_nothing(tmp_path: Path) -> None:
    crash(tmp_path, kills=30, seed=2)
