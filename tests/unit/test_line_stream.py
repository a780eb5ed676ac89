"""The lines of a batch as a stream: in order, with a reading each, and never far ahead."""

import gzip
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from obstore.store import LocalStore

from ingestion.lake import line_stream
from ingestion.lake.line_stream import BatchObject, LineStream
from ingestion.lake.lines import LineCutter
from ingestion.settings import ROOT

LINE = b'{"event_id":"e1","_topic":"clickstream","_partition":0,"_offset":1,"_timestamp":1}\n'
PEAK = """
import os, sys, time
from pathlib import Path
from tests.unit.test_line_stream import peak, stream
before, batches = peak(), stream(Path(sys.argv[1]))._batches()
next(batches)
seen = 0
while time.process_time() > seen + 0.05:  # until it is as far ahead as it may be
    seen = time.process_time()
    time.sleep(0.5)
print(peak() - before, flush=True)
os._exit(0)
"""


def peak() -> int:
    """The most memory that this process has had, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1000


def stream(root: Path) -> LineStream:
    """The lines of all files of a folder, by name."""
    paths = sorted(root.iterdir())
    found = [BatchObject(n, path.name, path.stat().st_size) for n, path in enumerate(paths)]
    return LineStream(lambda: LocalStore(root), lambda: found, LineCutter("clickstream"))


def read(made: LineStream) -> pa.Table:
    return pa.table(made)


def put(root: Path, *bodies: bytes) -> None:
    for number, body in enumerate(bodies):
        (root / f"{number:04}.json.gz").write_bytes(body)


@pytest.fixture(params=[1, 200, 1 << 26], ids=str)
def room(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Bytes that may be ahead, of both kinds."""
    monkeypatch.setattr(line_stream, "CUT_BYTES", request.param)
    monkeypatch.setattr(line_stream, "FETCHED_BYTES", request.param)
    yield


@pytest.mark.usefixtures("room")
def test_each_object_has_its_lines_in_order_and_one_reading(tmp_path: Path) -> None:
    put(tmp_path, *(gzip.compress(LINE * n) for n in range(9)), b"", b"no gzip" * 9)
    made = stream(tmp_path)
    for _ in range(2):  # each scan reads anew
        table = read(made)
        assert table["object_number"].to_pylist() == [n for n in range(9) for _ in range(n)]
        assert table["line_number"].to_pylist() == [i + 1 for n in range(9) for i in range(n)]
        assert [each.object_number for each in made.readings] == list(range(11))
        errors = [each.read_error and each.read_error.partition(":")[0] for each in made.readings]
        assert errors == [None] * 9 + ["empty", "not gzip"]


@pytest.mark.usefixtures("room")
def test_a_scan_that_is_given_up_ends_its_threads(tmp_path: Path) -> None:
    put(tmp_path, *[gzip.compress(LINE * 1000)] * 20)
    before = threading.active_count()
    reader = pa.RecordBatchReader.from_stream(stream(tmp_path))
    assert reader.read_next_batch().num_rows == 1000
    del reader
    assert threading.active_count() == before


def test_an_error_of_the_reader_itself_is_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, *[gzip.compress(LINE)] * 3)

    def fail(*_: object) -> None:
        raise MemoryError("none left")

    monkeypatch.setattr(LineCutter, "cut", fail)
    with pytest.raises(MemoryError, match="none left"):
        read(stream(tmp_path))


@pytest.mark.parametrize("bound", ["BATCH_LINES", "BATCH_TEXT_BYTES"])
def test_what_a_batch_has_no_room_for_has_no_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    put(tmp_path, b"", *[gzip.compress(LINE * 5)] * 5)
    monkeypatch.setattr(line_stream, bound, 10 * {"BATCH_LINES": 1, "BATCH_TEXT_BYTES": 100}[bound])
    made = stream(tmp_path)
    assert read(made).num_rows == 10
    assert [each.object_number for each in made.readings] == [0, 1, 2]


def test_objects_that_inflate_a_thousandfold_are_never_far_ahead(tmp_path: Path) -> None:
    put(tmp_path, *[gzip.compress(b"\n" * 1_000_000, 1)] * 5)
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert int(done.stdout) < 250, "MB: 170, and 550 with no bound but the objects' own"
