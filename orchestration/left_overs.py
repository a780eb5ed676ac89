"""What a killed put leaves on disk: a temporary file that obstore does not list."""

import re
import time
from collections.abc import Iterable
from pathlib import Path

from ingestion.settings import Settings, is_s3

LEFT_OF_PUT = re.compile(r"#\d+$")
"""The end of the name of the temporary file that a killed put leaves beside an object on disk."""
AN_HOUR_SECONDS = 3600.0
"""Longer than a put takes."""


def remove_left_overs(paths: Iterable[Path], before: float) -> int:
    """Delete those of the files that killed puts left before a moment; return how many."""
    done = 0
    for path in paths:
        if LEFT_OF_PUT.search(path.name) and path.lstat().st_mtime < before:
            path.unlink(missing_ok=True)
            done += 1
    return done


def remove_all_left_overs(settings: Settings) -> int:
    """Delete what killed puts left in the history lake and beside the overview's pages."""
    before, done = time.time() - AN_HOUR_SECONDS, 0
    if not is_s3(settings.history_root):
        done += remove_left_overs(Path(settings.history_root).glob("*/**/*.parquet#*"), before)
        done += remove_left_overs(Path(settings.history_root).glob("manifests/*.json#*"), before)
    if not is_s3(settings.overview_root):
        done += remove_left_overs(Path(settings.overview_root).glob("overview.*#*"), before)
    return done
