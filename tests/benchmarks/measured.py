"""What a command costs: CPU seconds, wall seconds and memory of its whole process tree."""

import ctypes
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
EVERY = 0.25
"""Seconds between two looks at the tree's memory."""
PAGE = os.sysconf("SC_PAGE_SIZE")


class CommandFailed(Exception):
    """A measured command failed; the message is the end of what it wrote."""


@dataclass(frozen=True)
class Usage:
    """What a command cost."""

    cpu: float
    """Seconds, user + system, of every process that the command started."""
    wall: float
    """Seconds."""
    peak: int
    """Bytes: the most that its processes held in memory at once (resident, shared pages counted
    in each), or the most that its first process held, if that is more."""


def measure(argv: Sequence[str], env: Mapping[str, str], log: Path) -> Usage:
    """Run a command to its end and say what it cost. It and what it leaves behind are waited for.

    One at a time: the CPU is that of all children that ended meanwhile. Needs Linux: elsewhere
    orphans are not counted, and the peak is that of the first process.

    Raises:
        CommandFailed: its exit status was not 0.
    """
    _adopt_orphans(True)
    others = _children()
    log.parent.mkdir(parents=True, exist_ok=True)
    before, began = _cpu_of_children(), time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(argv, env=dict(env), stdout=output, stderr=subprocess.STDOUT)
        watch = _Watch(process.pid)
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        while orphans := _children() - others:
            for pid in orphans:
                os.waitpid(pid, 0)
        watch.stop()
    _adopt_orphans(False)
    wall = time.monotonic() - began
    if process.returncode:
        tail = log.read_text(errors="replace")[-3000:]
        raise CommandFailed(f"{' '.join(argv)} ended with {process.returncode} ({log}):\n{tail}")
    # Linux counts into it what this process held when the command was forked off.
    largest = 0 if sys.platform == "linux" else usage.ru_maxrss
    return Usage(_cpu_of_children() - before, wall, max(watch.peak, largest))


def _cpu_of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _adopt_orphans(is_wanted: bool) -> None:
    """Make this process the parent of what its children leave behind, such as Spark's JVM."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, int(is_wanted), 0, 0, 0)


def _children() -> set[int]:
    return {pid for pid, (parent, _) in _processes().items() if parent == os.getpid()}


class _Watch(threading.Thread):
    """Notes the most memory that a process and its descendants hold at once."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self._root = root
        self._ended = threading.Event()
        self.peak = 0

    def run(self) -> None:
        while not self._ended.wait(EVERY):
            self.peak = max(self.peak, resident(self._root), high_water(self._root))

    def stop(self) -> None:
        self._ended.set()
        self.join()


def high_water(pid: int) -> int:
    """The most bytes that a process has held so far; 0 where /proc does not say."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return sum(int(each) * 1024 for each in re.findall(r"VmHWM:\s+(\d+) kB", status))


def resident(root: int) -> int:
    """Bytes that a process and its descendants hold in memory; 0 where /proc does not say."""
    processes = _processes()
    tree, grown = {root}, True
    while grown:
        more = {pid for pid, (parent, _) in processes.items() if parent in tree} - tree
        tree |= more
        grown = bool(more)
    return sum(processes[pid][1] for pid in tree if pid in processes)


def _processes() -> dict[int, tuple[int, int]]:
    """Each process's parent and resident bytes; none where there is no /proc."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # The name may hold blanks and brackets: what follows its last bracket is plain.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        found[int(folder.name)] = int(fields[1]), int(fields[21]) * PAGE
    return found
