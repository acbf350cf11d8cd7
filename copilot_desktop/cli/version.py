"""`version`: what exactly this is and, only with `--check`, whether there is a newer one.

As JSON: `{version, commit, date, system, newer, checked_at}`, what is not known is null. Without
`--check` nothing is asked and `newer` is null.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from copilot_desktop import build, strings
from copilot_desktop.cli import DONE, complain, say
from copilot_desktop.system import machine

if TYPE_CHECKING:  # `--version` comes through here and pays for none of them
    from copilot_desktop.cli.parser import Invocation
    from copilot_desktop.core.settings import Preferences


async def run(preferences: Preferences, invocation: Invocation) -> int:
    """0; raises Ended or a Problem where `--check` gets no answer."""
    heard: dict[str, Any] = {}
    if "check" in invocation.options:
        heard = await _check(preferences, invocation)
    if invocation.json:
        say(json.dumps(_facts(heard), indent=2))
        return DONE
    tell()
    if heard.get("version"):
        from copilot_desktop.upstream.releases import DOWNLOADS  # noqa: PLC0415

        say(strings.text("updates.newer", version=heard["version"]))
        complain(DOWNLOADS)
    elif heard:
        say(strings.text("finding.update.newest"))
    return DONE


def tell() -> None:
    """Say the version with what it was built from, and what it runs on."""
    say(f"copilot-desktop {build.present()}")
    say(machine.described())


async def _check(preferences: Preferences, invocation: Invocation) -> dict[str, Any]:
    """The running app remembers when it last asked; without one this command does."""
    from copilot_desktop.cli.account import core_alone, running_app  # noqa: PLC0415

    if (app := await running_app(preferences)) is not None:
        return dict(await app.do("look_for_updates"))
    async with core_alone(preferences, invocation) as core:
        return await core.commands.look_for_updates()


def _facts(heard: dict[str, Any]) -> dict[str, Any]:
    this = build.present()
    return {
        "version": this.version,
        "commit": this.commit or None,
        "date": this.date or None,
        "system": machine.described(),
        "newer": heard.get("version") or None,
        "checked_at": heard.get("asked_at"),
    }
