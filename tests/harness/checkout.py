"""A copy of the project with a small landing lake, worked on from a shell."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ingestion.settings import ROOT
from ingestion.simulation.simulator import RetailerConfig, write_landing

DBT = (sys.executable, "-m", "dbt.cli.main")
TWIST = (sys.executable, "-m", "orchestration")


def known_files(*patterns: str) -> list[str]:
    """The files of this checkout that git knows or would add, whoever cloned it."""
    return subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", *patterns],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip


@dataclass(frozen=True)
class Checkout:
    """A copy of product code; its lake's second hour is in `later` until `land_later`."""

    root: Path

    @staticmethod
    def make(root: Path) -> "Checkout":
        for folder in ("ingestion", "orchestration", "dbt_project"):
            kept = shutil.ignore_patterns("target", "logs", "__pycache__")
            shutil.copytree(ROOT / folder, root / folder, ignore=kept)
        write_landing(RetailerConfig(views=300, styles=10, locations=5, hours=2), root / "landing")
        for hour in list((root / "landing").rglob("hour=01")):
            shutil.move(hour, root / "later" / hour.relative_to(root / "landing"))
        return Checkout(root)

    @staticmethod
    def make_whole(root: Path) -> "Checkout":
        """A copy of every file, in which `make` works, on this checkout's environment."""
        for path in known_files():
            if (ROOT / path).is_file():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / path, root / path)
        (root / ".venv").symlink_to(Path(sys.prefix))
        return Checkout(root)

    def land_later(self) -> None:
        shutil.copytree(self.root / "later", self.root / "landing", dirs_exist_ok=True)

    def attempt(self, *argv: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        """Run a command with no setting of TWIST in its environment but the landing lake's."""
        hidden = ("TWIST_", "AWS_", "PYTHONPATH")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
        return subprocess.run(
            argv,
            cwd=self.root / ("dbt_project" if argv[:3] == DBT else "."),
            env={**inherited, "TWIST_LANDING": str(self.root / "landing"), **settings},
            capture_output=True,
            text=True,
            check=False,
        )

    def run(self, *argv: str) -> str:
        done = self.attempt(*argv)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def dbt(self, *arguments: str) -> str:
        return self.run(*DBT, *arguments)

    def twist(self, *arguments: str) -> str:
        return self.run(*TWIST, *arguments)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text that occurs once in a file."""
        text = (self.root / path).read_text()
        assert text.count(old) == 1, (path, old, text.count(old))
        (self.root / path).write_text(text.replace(old, new))

    def restore(self, path: str) -> None:
        """Restore the project's version of a file."""
        shutil.copy(ROOT / path, self.root / path)
