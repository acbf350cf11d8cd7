"""From the command line to the settings in force."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from copilot_desktop.cli.parser import Invocation
from copilot_desktop.core import settings_file
from copilot_desktop.core.settings import Preferences, bad, resolve, spoken


def preferences_for(invocation: Invocation) -> Preferences:
    """Flags over environment over file over defaults. Raises BadSetting.

    A demo keeps its things in a folder of its own, so that it never touches a real sign-in.
    """
    _check_folder(resolve(invocation.flags, os.environ, {}, None))
    preferences = settings_file.load(invocation.flags, os.environ)
    if invocation.demo is None:
        return preferences
    folder: Path = settings_file.data_dir(preferences) / "demo"
    return settings_file.load({**invocation.flags, "data_dir": str(folder)}, os.environ)


def _check_folder(preferences: Preferences) -> None:
    """A file cannot hold our files; a folder that is missing or read-only is no reason to stop."""
    folder = settings_file.data_dir(preferences)
    for each in (folder, *folder.parents):
        try:
            if stat.S_ISDIR(each.stat().st_mode):
                return
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            return  # nothing is known about it: reading and writing will tell
        name = spoken("data_dir", preferences.sources["data_dir"])
        raise bad(name, f"{each} is not a folder")
