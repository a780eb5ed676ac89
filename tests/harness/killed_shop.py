"""A dirty landing lake that fills while the commands that load it are killed."""

from dataclasses import dataclass
from pathlib import Path
from random import Random

from ingestion.settings import Settings
from ingestion.simulation.simulator import RetailerConfig, events
from ingestion.simulation.sink import Sink, Write
from tests.harness.processes import Warm

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
class KilledShop:
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
        """Land the files of about one load's duration; with one portion left, all of them."""
        share = len(self.coming) // portions
        now, self.coming = self.coming[:share], self.coming[share:]
        for write in now:
            path = self.root / "landing" / write.key
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            part.write_bytes(write.body)
            part.replace(path)

    def kill_a_load(self, longest: float) -> bool:
        """Kill a load at a random moment within this many CPU seconds; False if it ended before."""
        load = Warm(self.settings, self.root / "log", "load")
        if load.ends_before(self.rng.uniform(0.02, longest)):
            assert load.status() == 0, load.output()
            return False
        load.kill()
        return True
