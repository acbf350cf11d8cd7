"""The settings file: read once at the start; each change is put into what it holds by then.

So what people write into it while the app runs is there at the next start. A file that is not a
JSON object is kept aside as `settings.json.broken` and the defaults are used: the app must start.
Keys of a newer version stay in the file. Written with mode 0600; a link is read, and replaced.
"""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
from collections.abc import Callable, Mapping
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


def save(preferences: Preferences, patch: Mapping[str, Any] | None = None) -> None:
    """Write what belongs into the file. Raises StorageFailed; without a path does nothing.

    With `patch` only that is changed of what is in the file by now (None: the default again).
    """
    if (path := preferences.path) is None:
        return
    stored = preferences.stored
    if patch is not None and (found := _as_it_is(path)) is not None:
        usual = {name for name, value in patch.items() if value is None}
        stored = {name: value for name, value in {**found, **patch}.items() if name not in usual}
    content = json.dumps(stored, indent=2, sort_keys=True, default=str).encode() + b"\n"
    try:
        files.write_private(path, content)
    except OSError as error:
        raise StorageFailed(
            f"The settings could not be written: {error.strerror}.",
            fields={"where": str(path)},
        ) from error


def save_quietly(preferences: Preferences, patch: Mapping[str, Any] | None = None) -> bool:
    """Write the settings file; false if the disk did not take it."""
    try:
        save(preferences, patch)
    except StorageFailed:
        return False
    return True


class Changes:
    """Writes changes one after the other; what the disk did not take goes with the next one.

    `newest` gives the preferences in force.
    """

    def __init__(self, newest: Callable[[], Preferences]) -> None:
        self._newest = newest
        self._turn = asyncio.Lock()
        self._left: dict[str, Any] = {}

    async def keep(self, patch: Mapping[str, Any]) -> bool:
        """False if the file could not be written."""
        self._left.update(patch)
        async with self._turn:
            taken, self._left = self._left, {}
            saved = await asyncio.to_thread(save_quietly, self._newest(), taken)
            if not saved:
                self._left = {**taken, **self._left}
            return saved


def _folder(preferences: Preferences | None) -> Path:
    chosen = preferences.settings.data_dir if preferences else None
    return chosen.expanduser().absolute() if chosen else current().data_dir()


def _as_it_is(path: Path) -> dict[str, Any] | None:
    """What the file holds now; None where there is nothing that could be kept."""
    try:
        return _object_in(path)
    except OSError:
        return None


def _read(path: Path) -> dict[str, Any]:
    try:
        return _object_in(path) or {}
    except FileNotFoundError:
        return {}
    except OSError as error:
        # Going on with defaults could open a door that the file keeps shut.
        raise layers.bad(str(path), f"it cannot be read ({error.strerror})") from error


def _object_in(path: Path) -> dict[str, Any] | None:
    """None for a file that holds something else, which is kept aside. Raises OSError."""
    # It may be a link, as those have it who keep their settings elsewhere.
    content = read_file(path, _LARGEST, links=True)
    try:
        stored = json.loads(content)
    except (ValueError, RecursionError):
        stored = None
    if isinstance(stored, dict):
        return stored
    log.warning("The settings file is not valid and was kept aside")
    _keep_aside(path, move=True)
    return None


def _keep_aside(path: Path, *, move: bool) -> None:
    aside = path.with_name(path.name + ".broken")
    try:
        if move:
            path.replace(aside)
        else:
            shutil.copy2(path, aside)
    except OSError as error:
        log.warning("The settings file could not be kept aside: %s", error.strerror)
