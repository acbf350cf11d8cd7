"""`autostart`: whether the app starts when its user logs in, and the switch for it.

The running app is asked if there is one, so that its window and tray show what has changed;
otherwise the system itself. Both are the same list: nothing of it is kept in the settings.
"""

from __future__ import annotations

import asyncio
import json

from copilot_desktop import strings
from copilot_desktop.cli import DONE, FAILED, Ended, complain, say
from copilot_desktop.cli.account import running_app
from copilot_desktop.cli.parser import Invocation
from copilot_desktop.core.autostart import Autostart
from copilot_desktop.core.settings import Preferences
from copilot_desktop.core.settings_file import chosen_dir
from copilot_desktop.errors import InvalidRequest
from copilot_desktop.system import current


async def run(preferences: Preferences, invocation: Invocation) -> int:
    """0 if the system says what was wanted afterwards. Raises Ended."""
    if invocation.demo is not None:
        raise Ended("The demo does not start at login.")
    wanted = invocation.action
    state = await _state(preferences, wanted)
    if invocation.json:
        say(json.dumps({"state": state}))
    else:
        say(strings.text(f"autostart.{state}"))
    if wanted == "on" and state == "blocked":
        complain(strings.text("autostart.only_the_system"))
        return FAILED
    return DONE


async def _state(preferences: Preferences, wanted: str) -> str:
    if (app := await running_app(preferences)) is not None:
        if wanted == "status":
            return str((await app.do("look_at_login"))["state"])
        return str((await app.do("start_at_login", {"on": wanted == "on"}))["state"])
    item = await asyncio.to_thread(current().login_item, chosen_dir(preferences))
    autostart = Autostart(item, lambda _: None)
    try:
        return await (autostart.look() if wanted == "status" else autostart.switch(wanted == "on"))
    except InvalidRequest as problem:
        raise Ended(problem.message) from None
