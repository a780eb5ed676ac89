"""The files of `connectors/`, with the overlay of an installation: changes without edits.

TWIST_CONNECT_OVERLAY is a folder. A file in it of the same name changes single values: in JSON an
object is merged, null removes a name, anything else replaces it; in worker.properties a line
replaces the line of its name.
"""

import json
from pathlib import Path
from typing import Any

from ingestion.settings import ROOT, Settings, SettingsError

FOLDER = Path(__file__).parent / "connectors"


def connectors(settings: Settings | None = None) -> dict[str, dict[str, str]]:
    """The connectors: name → configuration; without settings, without an overlay."""
    names = {path.stem for folder in _folders(settings) for path in folder.glob("*.json")}
    found = {name: read_json(settings, f"{name}.json") for name in sorted(names)}
    return {name: config for name, config in found.items() if "connector.class" in config}


def read_json(settings: Settings | None, name: str) -> dict[str, Any]:
    """A file of `connectors/`, changed by the overlay's.

    Raises:
        SettingsError: one of the two is no JSON object, or the overlay's folder is missing.
    """
    merged: dict[str, Any] = {}
    for folder in _folders(settings):
        path = folder / name
        if not path.exists():
            continue
        try:
            part = json.loads(path.read_text())
        except (ValueError, OSError) as error:
            raise SettingsError(f"{path} cannot be read: {error}") from None
        if not isinstance(part, dict):
            raise SettingsError(f"{path} is no JSON object")
        merged = _merged(merged, part)
    return merged


def worker_properties(settings: Settings | None = None) -> dict[str, str]:
    """The settings of the Connect worker."""
    found: dict[str, str] = {}
    for folder in _folders(settings):
        path = folder / "worker.properties"
        for line in path.read_text().splitlines() if path.exists() else []:
            name, equals, value = line.partition("=")
            if equals and not line.startswith("#"):
                found[name.strip()] = value.strip()
    return found


def _folders(settings: Settings | None) -> list[Path]:
    if settings is None or not settings.connect_overlay:
        return [FOLDER]
    overlay = ROOT / Path(settings.connect_overlay).expanduser()
    if not overlay.is_dir():
        raise SettingsError(f"the folder {overlay} (TWIST_CONNECT_OVERLAY) does not exist")
    return [FOLDER, overlay]


def _merged(below: Any, above: Any) -> Any:
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    both = {**below, **{name: _merged(below.get(name), value) for name, value in above.items()}}
    return {name: value for name, value in both.items() if value is not None}
