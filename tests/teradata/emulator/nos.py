"""Native Object Store over a local folder: what it lists, and which lines it yields.

Documented: a location is a prefix of keys; only files of the compression of the first one are read;
others, and records with errors, are skipped without a word. Assumed, each with a probe in the
ledger: a damaged gzip yields none of its lines, an empty line is a line, bytes that are not UTF-8
come as U+FFFD, and a line of more than 32,000 characters is skipped. B035-1214 External File Object
Rules: records with mismatched quotation marks are skipped.
"""

import gzip
import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tests.teradata.emulator.errors import TeradataError

LONGEST_LINE = 32_000
_LOCATION = re.compile(r"/s3/[\w.:-]+/(?P<prefix>.*)", re.IGNORECASE)


class ObjectStore:
    """A folder as a bucket, whose name is part of the host or, as `bucket`, follows it."""

    def __init__(self, root: Path, bucket: str = "") -> None:
        self.root, self.bucket = root, bucket
        self.reads: list[str] = []
        """The keys of the files that were opened, in their order."""
        self.skips_odd_quotes = True
        """Whether a record with an odd number of quotation marks is skipped."""

    def keys(self, location: str) -> list[str]:
        """The keys under a location `/s3/bucket.endpoint/prefix`."""
        _, prefix = self._place(location)
        keys = (p.relative_to(self.root).as_posix() for p in self.root.rglob("*") if p.is_file())
        return sorted(key for key in keys if key.startswith(prefix))

    def _place(self, location: str) -> tuple[str, str]:
        """The part of a location before its keys, as NOS writes it, and the prefix of the keys."""
        found = _LOCATION.fullmatch(location)
        if not found:
            raise TeradataError(4860, f"not a location of an object store: {location}")
        host, prefix = location.split("/")[2], found["prefix"]
        if not self.bucket:
            return f"/S3/{host}/", prefix
        if not prefix.startswith(f"{self.bucket}/"):
            raise TeradataError(4969, f"no such bucket: {location}")
        return f"/S3/{host}/{self.bucket}/", prefix.removeprefix(f"{self.bucket}/")

    def require_an_object(self, location: str) -> None:
        """CREATE FOREIGN TABLE looks at the first object; 4951 is what systems were seen to say."""
        if not self.keys(location):
            raise TeradataError(4951, f"Unable to access the specified location: {location}")

    def listing(self, location: str) -> list[tuple[str, str, datetime, int]]:
        """location, version, time of change and length of each object."""
        before, _ = self._place(location)
        rows = []
        for key in self.keys(location):
            about = (self.root / key).stat()
            changed = datetime.fromtimestamp(about.st_mtime_ns / 1e9, UTC).replace(tzinfo=None)
            rows.append((f"{before}{key}", "", changed, about.st_size))
        return rows

    def new_object(self, location: str) -> tuple[str, Path]:
        """Name and file of an object that WRITE_NOS writes: it never overwrites one."""
        before, prefix = self._place(location)
        if not location.endswith("/"):
            raise TeradataError(4860, f"not a location of an object store: {location}")
        key = f"{prefix}object_33_0_1.parquet"
        path = self.root / key
        if path.exists():
            raise TeradataError(4980, f"the object is there already: {key}")
        path.parent.mkdir(parents=True, exist_ok=True)
        return f"{before}{key}", path

    def lines(
        self, location: str, parts: list[str], wanted: dict[str, set[str]]
    ) -> Iterator[tuple[str, str, dict[str, str]]]:
        """Location, line and path of every record in the files whose path parts are wanted.

        `parts` are the names of the path pattern, the first for the first folder after the bucket.
        """
        before, _ = self._place(location)
        for key in self.keys(location):
            path = dict(zip(parts, key.split("/"), strict=False))
            if all(path.get(part) in values for part, values in wanted.items()):
                for line in self._lines_of(key):
                    yield f"{before}{key}", line, path

    def _lines_of(self, key: str) -> list[str]:
        self.reads.append(key)
        try:
            content = gzip.decompress((self.root / key).read_bytes())
        except (OSError, EOFError, zlib.error):
            return []
        lines = content.decode(errors="replace").split("\n")
        lines = lines[:-1] if lines[-1] == "" else lines
        return [
            line
            for line in lines
            if len(line) <= LONGEST_LINE and not (self.skips_odd_quotes and line.count('"') % 2)
        ]
