"""Writes a sink's files into a folder: a landing lake on disk."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ingestion.contract.topics import TOPICS
from ingestion.lake import object_keys
from ingestion.simulation.sink import Record, Sink, SinkConfig, Summary, Write


def land(
    chunks: Iterable[Sequence[Record]],
    config: SinkConfig,
    root: Path,
    on_write: Callable[[Write], None] | None = None,
) -> Summary:
    """Writes records (in timestamp order) as files under `root`; a file appears whole or not at
    all. `on_write` is called after each: `final` is False when its key will be rewritten.
    """
    sink = Sink(config)
    for write in sink.writes(chunks):
        path = root / write.key
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        part.write_bytes(write.body)
        part.replace(path)
        if on_write is not None:
            on_write(write)
    root.mkdir(parents=True, exist_ok=True)
    return sink.summary


def refuse_landing(root: Path) -> None:
    """Raises FileExistsError when `root` holds a landing already: offsets would begin again."""
    if any((root / object_keys.topic_prefix(topic)).exists() for topic in TOPICS):
        raise FileExistsError(
            f"{root} holds a landing already, and a second one would begin again at offset 0, "
            "which a loader treats as redelivery: name another folder, or delete this one."
        )


def describe(summary: Summary, root: Path, seconds: float) -> str:
    """One line for people: what landed where, and how fast."""
    return (
        f"{summary.objects:,} objects, {summary.lines:,} lines, {summary.bytes:,} bytes"
        f" in {seconds:.1f} seconds → {root}"
    )
