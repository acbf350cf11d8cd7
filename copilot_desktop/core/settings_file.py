"""The settings file: read once at the start, replaced as a whole at each change.

A file that is not a JSON object is kept aside as `settings.json.broken` and the defaults are used:
the app must start. Keys of a newer version stay in the file. Written with mode 0600.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from copilot_desktop.atomic import read_file
from copilot_desktop.core import settings as layers
from copilot_desktop.core.settings import Preferences
from copilot_desktop.errors import StorageFailed
from copilot_desktop.system import current, files

log = logging.getLogger(__name__)

FILE_NAME = "settings.json"
_LARGEST = 1024 * 1024  # bytes that are read


def load(
    flags: Mapping[str, Any], environ: Mapping[str, str], file: Path | None = None
) -> Preferences:
    """Flags over environment over `file` over defaults. Raises BadSetting.

    Without `file` it is `settings.json` in the data folder, which flag, environment or the system
    name. Use `data_dir(preferences)` for that folder.
    """
    early = layers.resolve(flags, environ, {}, None) if file is None else None
    path = file or _folder(early) / FILE_NAME
    stored = _read(path)
    preferences = layers.resolve(flags, environ, stored, path)
    if preferences.dropped:
        _keep_aside(path, move=False)
        log.warning("Settings that cannot be used: %s", ", ".join(preferences.dropped))
        kept = {k: v for k, v in stored.items() if k not in preferences.dropped}
        preferences = replace(preferences, stored=kept)
    return preferences


def chosen_dir(preferences: Preferences) -> Path | None:
    """The folder that somebody has chosen, absolute; None where it is the default."""
    return data_dir(preferences) if preferences.settings.data_dir is not None else None


def data_dir(preferences: Preferences) -> Path:
    """The folder for settings, tokens, caches and logs of this run. May not exist yet."""
    return _folder(preferences)


def save(preferences: Preferences) -> None:
    """Write what belongs into the file. Raises StorageFailed; without a path does nothing."""
    if preferences.path is None:
        return
    text = json.dumps(preferences.stored, indent=2, sort_keys=True, default=str)
    try:
        files.write_private(preferences.path, text.encode() + b"\n")
    except OSError as error:
        raise StorageFailed(
            f"The settings could not be written: {error.strerror}.",
            fields={"where": str(preferences.path)},
        ) from error


def save_quietly(preferences: Preferences) -> bool:
    """Write the settings file; false if the disk did not take it."""
    try:
        save(preferences)
    except StorageFailed:
        return False
    return True


def _folder(preferences: Preferences | None) -> Path:
    chosen = preferences.settings.data_dir if preferences else None
    return chosen.expanduser().absolute() if chosen else current().data_dir()


def _read(path: Path) -> dict[str, Any]:
    try:
        # It may be a link, as those have it who keep their settings elsewhere.
        content = read_file(path, _LARGEST, links=True)
    except FileNotFoundError:
        return {}
    except OSError as error:
        # Going on with defaults could open a door that the file keeps shut.
        raise layers.bad(str(path), f"it cannot be read ({error.strerror})") from error
    try:
        stored = json.loads(content)
    except (ValueError, RecursionError):
        stored = None
    if isinstance(stored, dict):
        return stored
    log.warning("The settings file is not valid and was kept aside; the defaults are used")
    _keep_aside(path, move=True)
    return {}


def _keep_aside(path: Path, *, move: bool) -> None:
    aside = path.with_name(path.name + ".broken")
    try:
        if move:
            path.replace(aside)
        else:
            shutil.copy2(path, aside)
    except OSError as error:
        log.warning("The settings file could not be kept aside: %s", error.strerror)
