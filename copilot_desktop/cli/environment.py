"""`env`: the lines that tell the programs of a shell the address and the key.

They are printed alone, so that the shell can take them as they are. Nothing is written anywhere,
and the proxy does not have to run yet.
"""

from __future__ import annotations

from copilot_desktop.cli import DONE, say
from copilot_desktop.cli.either import desk
from copilot_desktop.cli.parser import Invocation
from copilot_desktop.core.settings import Preferences

_ALIKE = {"zsh": "bash"}  # one spelling serves both


async def run(preferences: Preferences, invocation: Invocation) -> int:
    """Raises Ended where there is no address yet."""
    shell = _ALIKE.get(invocation.shell, invocation.shell)
    async with desk(preferences, invocation) as at:
        text = str((await at.do("copy_shell", {"shell": shell}))["text"])
    say(text.rstrip("\n"))
    return DONE
