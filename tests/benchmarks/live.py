"""Live: seconds from an event to its fact, through Kafka, Connect and S3.

python -m tests.benchmarks.live RATE SECONDS FOUND.json
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.streaming.measure import measure
from tests.streaming.stack import Stack


def main() -> int:
    """Measure; exit status 1 when a record was lost or counted twice."""
    rate, seconds = float(sys.argv[1]), float(sys.argv[2])
    with tempfile.TemporaryDirectory() as root, Stack(Path(root)) as stack:
        measured = measure(stack, rate, seconds)
    p50, p95, worst = np.quantile(np.array(measured.to_fact), [0.5, 0.95, 1]).tolist()
    found = {
        "events_a_second": measured.rate,
        "p50": round(p50, 2),
        "p95": round(p95, 2),
        "worst": round(worst, 2),
        "lost": measured.account.lost,
        "twice": measured.account.twice,
    }
    Path(sys.argv[3]).write_text(json.dumps(found, indent=1))
    print(measured)
    return 1 if found["lost"] or found["twice"] else 0


if __name__ == "__main__":
    sys.exit(main())
