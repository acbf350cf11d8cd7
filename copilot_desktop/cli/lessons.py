"""`models learned` and `models forget`: what refusals have taught about models.

The running app is asked first; without one the kept lessons are read. Needs no network and nobody
signed in.
"""

from __future__ import annotations

import json
import time
from typing import Any

from copilot_desktop import strings
from copilot_desktop.cli import DONE, say
from copilot_desktop.cli.account import core_alone, running_app
from copilot_desktop.cli.parser import Invocation
from copilot_desktop.core.settings import Preferences
from copilot_desktop.core.snapshot import snapshot
from copilot_desktop.redaction import one_line

Json = dict[str, Any]


async def show(preferences: Preferences, invocation: Invocation) -> int:
    """Print what is known. Raises Ended."""
    if (app := await running_app(preferences)) is not None:
        shown = await app.state()
    else:
        async with core_alone(preferences, invocation) as core:
            shown = snapshot(core.store.state)
    known = shown["models"]["learned"]
    if invocation.json:
        say(json.dumps(known, indent=2))
        return DONE
    for model, lessons in known.items():
        say(one_line(model))
        for lesson in lessons:
            day = time.strftime("%Y-%m-%d", time.localtime(lesson["at"]))
            say(f"  {day}  {words_for(lesson)}")
    if not known:
        say(strings.text("learned.none"))
    return DONE


async def forget(preferences: Preferences, invocation: Invocation) -> int:
    """Forget what is known of the model that was named, or of all. Raises Ended."""
    model = invocation.model or None
    if (app := await running_app(preferences)) is not None:
        count = (await app.do("forget_lessons", {"model": model}))["forgotten"]
    else:
        async with core_alone(preferences, invocation) as core:
            count = (await core.commands.forget_lessons(model))["forgotten"]
    say(json.dumps({"forgotten": count}) if invocation.json else _forgotten(count))
    return DONE


def words_for(lesson: Json) -> str:
    """One lesson as a sentence."""
    about = (
        "no_efforts" if lesson["about"] == "efforts" and not lesson["value"] else lesson["about"]
    )
    value = one_line(lesson["value"].replace(",", ", "))
    return strings.text(f"learned.{about}", value=value)


def _forgotten(count: int) -> str:
    return strings.text("learned.forgotten", n=count) if count else strings.text("learned.none")
