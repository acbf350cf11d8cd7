"""From the command line to the settings in force."""

from __future__ import annotations

import os
from pathlib import Path

from copilot_desktop.cli.parser import Invocation
from copilot_desktop.core import settings_file
from copilot_desktop.core.settings import Preferences


def preferences_for(invocation: Invocation) -> Preferences:
    """Flags over environment over file over defaults. Raises BadSetting.

    A demo keeps its things in a folder of its own, so that it never touches a real sign-in.
    """
    preferences = settings_file.load(invocation.flags, os.environ)
    if invocation.demo is None:
        return preferences
    folder: Path = settings_file.data_dir(preferences) / "demo"
    return settings_file.load({**invocation.flags, "data_dir": str(folder)}, os.environ)
