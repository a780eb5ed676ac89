"""Every command against everything that can be wrong with its files: one sentence, its own exit
status, no traceback, and a warehouse as it was or complete.
"""

import ctypes
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from ingestion.settings import DAMAGED, NO_PERMISSION, ROOT, WRITE_FAILED, Settings
from orchestration.failures import INTERRUPTED, RUNBOOK
from orchestration.history.export import export_all
from orchestration.warehouse.load import load as load_all
from tests.harness.given import load, sku, stock, view
from tests.harness.pipeline import Pipeline
from tests.harness.processes import environment
from tests.harness.tables import loaded_lines, query

COMMANDS: dict[str, tuple[str, ...]] = {
    "load": ("load",),
    "replay-late": ("replay-late",),
    "maintain": ("maintain", "--keep", "0"),
    "accept": ("accept", "--key", "clickstream/1/6-8", "--why", "w"),
    "export": ("export",),
    "verify": ("export", "--verify"),
    "restore": ("restore", "--day", "2026-11-02"),
    "sql": ("sql", "select sum(in_stock_share) as s, count(*) from fct_twist"),
    "overview": ("overview",),
    "checks": ("overview", "--checks"),
    "rebuild": ("rebuild",),
    "forget": ("forget", "--visitor", "visitor-0001", "--why", "w"),
    "docs": ("docs",),
}
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2
READERS = ("sql", "export", "verify")
"""They need no more than to read; export because the day is exported already."""
WRITERS = [name for name in COMMANDS if name not in ("sql", "verify", "docs")]
"""Of warehouse or history lake."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with a closed, exported day, and objects that are not loaded yet."""
    pipeline = Pipeline(tmp_path_factory.mktemp("failures") / "shop")
    settings = at(pipeline.root)
    pipeline.settings = pipeline.dbt.settings = settings
    pipeline.deliver(
        load(
            sku("a"), stock("02 08:00", "a", 3), view("02 10:00", sku="a"),
            *(view("02 11:00", offset=600 + n) for n in range(20)),  # so many have a file
            *(view("02 12:00", partition=1, offset=offset) for offset in (5, 9)),
        )
    )  # fmt: skip
    load_all(settings, pipeline.dbt, lambda _: None)
    pipeline.deliver(load(stock("12 08:00", "a", 3), view("12 10:00", sku="a", offset=50)))
    load_all(settings, pipeline.dbt, lambda _: None)
    pipeline.close()
    assert [str(day) for day in export_all(settings, lambda _: None)] == ["2026-11-02"]
    pipeline.deliver(load(*(view("12 11:00", offset=100 + n) for n in range(500))))
    return pipeline.root


def at(root: Path) -> Settings:
    return Settings(
        _env_file=None,
        landing=str(root / "landing"),
        warehouse=str(root / "warehouse"),
        history=str(root / "history"),
        overview=str(root / "overview"),
        landing_slack_hours=2,
    )


@pytest.fixture
def shop(whole: Path, tmp_path: Path) -> Settings:
    """A copy to break."""
    shutil.copytree(whole, tmp_path / "shop", copy_function=shutil.copy2)
    return at(tmp_path / "shop")


def run(
    settings: Settings, *arguments: str, file_bytes: int = 0
) -> "subprocess.CompletedProcess[str]":
    """A command as a shell starts it, perhaps with a limit of a file's size.

    Permissions hold for it though the tests may run as root.
    """

    def restrict() -> None:
        if file_bytes:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)

    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("TWIST_", "AWS_"))}
    return subprocess.run(
        [sys.executable, "-m", "orchestration", *arguments],
        cwd=ROOT,
        env={**inherited, **environment(settings), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        preexec_fn=restrict,
    )


def sentence(done: "subprocess.CompletedProcess[str]", *statuses: int) -> str:
    """The only line on stderr of a command that failed in words."""
    said = done.stdout + done.stderr
    assert done.returncode in statuses, said
    assert "Traceback" not in said
    (line,) = done.stderr.splitlines()
    assert line.startswith("twist: ")
    assert len(line) > 60, "an empty reason"
    return line


def damage(catalog: Path) -> None:
    """Flip bits behind the header of each page of the file."""
    content = bytearray(catalog.read_bytes())
    for position in range(4096, len(content), 3):
        content[position] ^= 0x5A
    catalog.write_bytes(content)


@pytest.mark.long
@pytest.mark.parametrize("name", COMMANDS)
def test_a_damaged_catalog(shop: Settings, name: str) -> None:
    damage(shop.warehouse_root / "catalog.sqlite")
    done = run(shop, *COMMANDS[name])
    if name == "rebuild":  # the cure
        assert done.returncode == 0, done.stderr
        assert (
            "the old warehouse cannot be read: the catalog of the warehouse is damaged"
            in done.stdout
        )
        assert loaded_lines(shop) > 500
        return
    said = sentence(done, DAMAGED)
    assert "the catalog of the warehouse is damaged" in said
    assert "make rebuild" in said


@pytest.mark.long
@pytest.mark.parametrize("name", COMMANDS)
def test_missing_parquet_files(shop: Settings, name: str) -> None:
    for path in (shop.warehouse_root / "data").rglob("*.parquet"):
        path.unlink()
    done = run(shop, *COMMANDS[name])
    if name == "rebuild":
        assert done.returncode == 0, done.stderr
        assert loaded_lines(shop) > 500
    elif name in ("accept", "maintain"):  # the rows they need may be in the catalog
        assert done.returncode == 0 or sentence(done, DAMAGED)
    else:
        said = sentence(done, DAMAGED)
        assert "a file of the warehouse is missing" in said
        assert ".parquet" in said


@contextmanager
def mounted(folder: Path) -> Iterator[None]:
    """A file system of its own in place of a folder."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def disk(whole: Path, tmp_path: Path) -> Iterator[Path]:
    """A file system with a copy of everything."""
    folder = tmp_path / "disk"
    with mounted(folder):
        shutil.copytree(whole, folder / "shop")
        yield folder


def fill(disk: Path) -> Path:
    """A file that leaves 16 KB of room."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(65_536))
    os.truncate(filler, filler.stat().st_size - 16_384)
    return filler


@pytest.mark.long
@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_and_room_again(disk: Path, name: str) -> None:
    shop = at(disk / "shop")
    before = content(shop)
    if name == "export":
        (Path(shop.history_root) / "manifests" / "2026-11-02.json").unlink()
    filler = fill(disk)
    said = sentence(run(shop, *COMMANDS[name]), WRITE_FAILED)
    assert "the disk is full" in said
    filler.unlink()
    assert content(shop) == before
    done = run(shop, *COMMANDS[name])
    assert done.returncode == 0, done.stderr


@pytest.mark.long
def test_a_warehouse_that_is_a_mount_point_is_rebuilt_in_its_place(shop: Settings) -> None:
    before, aside = content(shop), shop.warehouse_root.with_name("aside")
    shop.warehouse_root.rename(aside)
    with mounted(shop.warehouse_root):
        shutil.copytree(aside, shop.warehouse_root, dirs_exist_ok=True)
        assert content(shop) == before
        assert run(shop, "rebuild").returncode == 0
        assert shop.warehouse_root.is_mount()
        assert loaded_lines(shop) > 500


@pytest.mark.long
def test_a_limit_of_the_size_of_a_file(shop: Settings) -> None:
    before = content(shop)
    said = sentence(run(shop, "maintain", file_bytes=20_000), WRITE_FAILED)
    assert "the disk is full, or it fails" in said
    assert content(shop) == before


@contextmanager
def permissions(shop: Settings, folders: int, contents: int) -> Iterator[None]:
    """These, for all of warehouse and history; then the usual ones again."""
    paths = [shop.warehouse_root, Path(shop.history_root)]
    paths += [path for root in paths for path in root.rglob("*")]
    before = {path: path.stat().st_mode for path in paths}
    for path in reversed(paths):
        path.chmod(folders if path.is_dir() else contents)
    try:
        yield
    finally:
        for path, mode in before.items():
            path.chmod(mode)


@pytest.mark.long
@pytest.mark.parametrize("name", COMMANDS)
def test_no_permission(shop: Settings, name: str) -> None:
    before = content(shop)
    with permissions(shop, 0o000, 0o000):
        said = sentence(run(shop, *COMMANDS[name]), NO_PERMISSION)
    assert "no permission" in said
    assert content(shop) == before


@pytest.mark.long
@pytest.mark.parametrize("name", COMMANDS)
def test_permission_to_read_is_enough_to_ask(shop: Settings, name: str) -> None:
    before = content(shop)
    with permissions(shop, 0o500, 0o400):
        done = run(shop, *COMMANDS[name])
    if name in READERS:
        assert done.returncode == 0, done.stderr
        assert done.stdout
    else:
        assert "no permission" in sentence(done, NO_PERMISSION)
    assert content(shop) == before


def test_the_run_book_gives_readers_only_what_needs_no_right_to_write() -> None:
    entry = (ROOT / RUNBOOK).read_text().partition("### Permissions\n")[2].partition("\n### ")[0]
    asked = entry.partition("asks")[2].partition("(")[0]
    assert set(re.findall(r"make ([a-z-]+)", asked)) == {"sql"} <= set(READERS)


@pytest.mark.long
def test_a_new_warehouse_is_its_owners_alone(shop: Settings, tmp_path: Path) -> None:
    new = shop.model_copy(update={"warehouse": str(tmp_path / "new")})
    assert run(new, "load").returncode == 0
    folders = {
        path.stat().st_mode & 0o777 for path in new.warehouse_root.rglob("*") if path.is_dir()
    }
    assert folders | {new.warehouse_root.stat().st_mode & 0o777} == {0o700}
    modes = {
        path.stat().st_mode & 0o777 for path in new.warehouse_root.rglob("*") if path.is_file()
    }
    assert modes == {0o600}


MOMENTS = (0.3, 1.0, 2.5, 5.0, 8.0)
"""Seconds after the start: during imports, while dbt is parsed, and within the work."""


@pytest.mark.long
@pytest.mark.parametrize("name", [*WRITERS, "docs"])
@pytest.mark.parametrize("seconds", MOMENTS)
def test_an_interrupt_at_any_moment(shop: Settings, name: str, seconds: float) -> None:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("TWIST_", "AWS_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestration", *COMMANDS[name]],
        cwd=ROOT,
        env={**inherited, **environment(shop), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)
    if process.returncode != 0:  # else it was done before
        # Python itself, before it reads the first line of ours, has words of its own.
        is_ours = str(ROOT) in error or "twist: " in error
        seen = (INTERRUPTED, -signal.SIGINT)  # to a shell, both are 130
        assert process.returncode in seen or not is_ours, out + error
        if is_ours:
            assert len(error.splitlines()) == 1, error
            assert error.startswith("twist: interrupted; ")
    done = run(shop, "load")
    assert done.returncode == 0, done.stderr
    assert query(shop, "select count(*) from fct_twist") == [(524,)]
    assert loaded_lines(shop) > 500


def content(settings: Settings) -> list[list[tuple[object, ...]]]:
    """What readers see."""
    return [
        query(settings, f"select count(*), sum(hash(t)) from {table} as t")
        for table in ("fct_twist", "fct_twist_hourly", "audit.landed_objects")
    ]
