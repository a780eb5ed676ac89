"""The floor: decode every landed byte once, and do nothing with it.

    python -m tests.benchmarks.floor LANDING

DuckDB inflates and parses each line into the columns of its topic, as text, and adds up their
lengths, so that no column can be left out. No reader of JSON lines can do its work for less.
"""

import json
import sys
from pathlib import Path

import duckdb

from ingestion.contract.strict_json import SCHEMAS
from ingestion.contract.topics import TOPICS

POSITION = ("_topic", "_partition", "_offset", "_timestamp")


def columns(topic: str) -> list[str]:
    """The columns of a landed line of the topic."""
    schema = json.loads((SCHEMAS / f"{topic}.json").read_text())
    return [*schema["properties"], *POSITION]


def decode(landing: Path) -> dict[str, int]:
    """Read every object once; return how many lines each topic has."""
    database = duckdb.connect()
    lines = {}
    for topic in TOPICS:
        names = columns(topic)
        kinds = "{" + ", ".join(f"'{name}': 'VARCHAR'" for name in names) + "}"
        lengths = ", ".join(f"sum(strlen({name}))" for name in names)
        row = database.execute(
            f"select count(*), {lengths} from read_json('{landing}/topics/{topic}/*/*/*.json.gz', "
            f"format = 'newline_delimited', columns = {kinds}, hive_partitioning = false)"
        ).fetchone()
        assert row is not None
        lines[topic] = int(row[0])
    return lines


if __name__ == "__main__":
    print(json.dumps(decode(Path(sys.argv[1]))))
