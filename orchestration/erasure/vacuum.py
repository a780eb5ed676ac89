"""A program: writes a SQLite file anew, without free pages, and empties its log.

Never imported: a second SQLite in a process of ours would drop DuckDB's locks on the catalog.
"""

import sqlite3
import sys


def vacuum(path: str) -> int:
    """Return 1 while a reader holds the log."""
    catalog = sqlite3.connect(path, timeout=10, isolation_level=None)
    try:
        catalog.execute("pragma secure_delete = on")
        catalog.execute("vacuum")
        busy: int = catalog.execute("pragma wal_checkpoint(truncate)").fetchone()[0]
        return busy
    finally:
        catalog.close()


if __name__ == "__main__":
    sys.exit(vacuum(sys.argv[1]))
