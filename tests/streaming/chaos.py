"""Kills everything, again and again, under load: `python -m tests.streaming.chaos --seed 1`.

Broker, Connect, S3 store, producer and loader are killed (`kill -9`) at random moments and started
again; then the stream is drained and every record accounted for. The seed fixes who dies when; what
each was doing at that moment is up to the machine.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import click

from ingestion.connect import connect_client
from ingestion.settings import SettingsError
from tests.streaming import services
from tests.streaming.accounts import Account, account, ends
from tests.streaming.services import Service
from tests.streaming.stack import Stack

VICTIMS = ("broker", "connect", "store", "producer", "loader")
RECOVERY = 120.0
"""Seconds within which a restarted Connect worker must have every task running again: with the
machine to itself it takes less than 30, beside other work more than 40."""
DRAIN = 240.0


@dataclass(frozen=True)
class Wreck:
    """What was killed, how long Connect took after each of its restarts, and the account."""

    kills: dict[str, int]
    recoveries: tuple[float, ...]
    account: Account

    def __str__(self) -> str:
        kills = ", ".join(f"{name} {count}" for name, count in self.kills.items())
        slowest = f"; Connect ran again within {max(self.recoveries):.1f} s" * bool(self.recoveries)
        return f"killed: {kills}{slowest}\n{self.account}"


class Chaos:
    """A stack under load, whose processes are killed and replaced."""

    def __init__(self, stack: Stack, rng: Random, rate: float, say: Callable[[str], None]) -> None:
        self._stack, self._rng, self._rate, self._say = stack, rng, rate, say
        self._recoveries: list[float] = []
        self._started = 0
        self._producer = self._produce()
        self._loader = self._load()

    def _produce(self) -> Service:
        self._started += 1
        seed = str(self._started)
        arguments = ("--rate", str(self._rate), "--seed", seed)
        return self._stack.run("produce", *arguments, log="producer")

    def _load(self) -> Service:
        return self._stack.run("orchestration", "load", log="loader")

    def kill(self, victim: str) -> None:
        """Kill one process at a random moment, and start it again after another one."""
        self._live(self._rng.uniform(1, 8))
        service = {
            "producer": self._producer,
            "loader": self._loader,
        }.get(victim) or getattr(self._stack, victim)
        service.kill()
        self._live(self._rng.uniform(0, 4))
        began = time.monotonic()
        if victim == "producer":
            self._producer = self._produce()
        elif victim != "loader":  # the next load has been started already
            service.start()
        if victim == "connect":
            self._recoveries.append(self._recover(began))
        self._say(f"killed {victim}; {sum(ends(self._stack.settings).values()):,} produced")

    def _recover(self, began: float) -> float:
        """Seconds from the restart until every task runs."""
        while time.monotonic() - began < RECOVERY:
            try:
                if all(each.runs for each in connect_client.status(self._stack.settings)):
                    return time.monotonic() - began
            except SettingsError:
                pass
            time.sleep(0.5)
        raise AssertionError(f"Connect does not recover:\n{self._stack.connect.tail()}")

    def _live(self, seconds: float) -> None:
        """Let some time pass, in which loads follow each other."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._loader.process is None or self._loader.process.poll() is not None:
                self._loader = self._load()
            time.sleep(0.1)

    def end(self, kills: dict[str, int]) -> Wreck:
        """Stop the producer and drain; nobody restarts anything by hand."""
        self._producer.stop(60)
        deadline = time.monotonic() + DRAIN
        while True:
            assert self._loader.process is not None
            has_loaded = self._loader.process.wait() == 0
            found = account(self._stack.settings)
            if (has_loaded and not found.lost) or time.monotonic() > deadline:
                return Wreck(kills, tuple(self._recoveries), found)
            self._loader = self._load()

    def stop(self) -> None:
        """Stop what this has started."""
        self._producer.stop()
        self._loader.stop()


def wreck(
    root: Path, seed: int, kills: int, rate: float = 200.0, say: Callable[[str], None] = print
) -> Wreck:
    """Kill each victim so many times, in random order."""
    rng = Random(seed)
    order = list(VICTIMS) * kills
    rng.shuffle(order)
    with Stack(root) as stack:
        chaos = Chaos(stack, rng, rate, say)
        try:
            for victim in order:
                chaos.kill(victim)
            return chaos.end(dict.fromkeys(VICTIMS, kills))
        finally:
            chaos.stop()


@click.command()
@click.option("--seed", default=1)
@click.option("--kills", default=5, help="Of each process.")
@click.option("--rate", default=200.0, help="Events a second.")
def main(seed: int, kills: int, rate: float) -> None:
    """Wreck and print; the exit status is 1 when a record was lost or counted twice."""
    if reason := services.missing_for_sink():
        raise click.ClickException(reason)

    def say(line: str) -> None:
        print(line, flush=True)

    with tempfile.TemporaryDirectory() as root:
        found = wreck(Path(root), seed, kills, rate, say)
    say(str(found))
    account = found.account
    sys.exit(1 if account.lost or account.twice or account.unbalanced else 0)


if __name__ == "__main__":
    main()
