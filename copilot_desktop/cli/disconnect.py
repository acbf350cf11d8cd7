"""`disconnect`: what was written for a tool goes back to what stood there before, value by value.

What somebody has changed since stays, and is said. As JSON: `{back, stay, digest}` for a look, the
same with `id` when it is done; with `--all` `{undone, left}`, or the looks by id.
"""

from __future__ import annotations

import json
from typing import Any

from copilot_desktop import strings
from copilot_desktop.cli import DONE, FAILED, Ended, complain, editors, say
from copilot_desktop.cli.either import desk
from copilot_desktop.cli.parser import Invocation
from copilot_desktop.core.settings import Preferences
from copilot_desktop.integrations.tool import Tool
from copilot_desktop.system import threads

Json = dict[str, Any]

_ASK = "Add --yes to take it back, or --dry-run to only look."
_PARTS = ("back", "stay", "digest")


def run(preferences: Preferences, invocation: Invocation) -> int:
    """0 if it is done, or was only to be looked at; 1 if not, or nobody agreed. Raises Ended."""
    options = invocation.options
    if bool(invocation.tool) == ("all" in options):
        raise Ended("Name one tool, or add --all.", 2)
    if "all" in options:
        return _all(preferences, invocation)
    tool = editors.named(invocation.tool)
    if "leave" in options:
        return threads.run(_leave(preferences, invocation, tool))
    shown = threads.run(_previews(preferences, invocation, tool.id))[tool.id]
    editors.shown(invocation, editors.going_back(shown))
    if "dry_run" in options:
        if invocation.json:
            say(json.dumps({name: shown[name] for name in _PARTS}, indent=2))
        return DONE
    if "yes" not in options:
        question = strings.text("editors.undo.title", name=tool.name)
        if not editors.agreed(question, _ASK):
            return _refrained()
    return threads.run(_undo(preferences, invocation, tool, shown["digest"]))


def _all(preferences: Preferences, invocation: Invocation) -> int:
    if "leave" in invocation.options:
        raise Ended("--leave is for one tool. Name it.", 2)
    shown = threads.run(_previews(preferences, invocation))
    for name, each in shown.items():
        editors.shown(invocation, iter((name, *(f"  {line}" for line in editors.going_back(each)))))
    if not shown and not invocation.json:
        say(strings.text("finding.editors.none"))
    if "dry_run" in invocation.options:
        if invocation.json:
            told = {each: {part: shown[each][part] for part in _PARTS} for each in shown}
            say(json.dumps(told, indent=2))
        return DONE
    if shown and "yes" not in invocation.options and not editors.agreed("Undo all?", _ASK):
        return _refrained()
    return threads.run(_undo_all(preferences, invocation))


def _refrained() -> int:
    complain("Nothing was changed.")
    return FAILED


async def _previews(
    preferences: Preferences, invocation: Invocation, *names: str
) -> dict[str, Json]:
    """By id; without names of all that something was written for."""
    async with desk(preferences, invocation) as at:
        if not names:
            await at.do("look_for_editors")
            rows = (await at.state())["editors"]["rows"]
            names = tuple(row["id"] for row in rows if row["written"])
        found = {}
        for name in names:
            try:
                found[name] = await at.do("preview_undo", {"id": name})
            except Ended as trouble:
                if invocation.tool:
                    raise
                complain(f"{name}: {trouble.words}")
        return found


async def _undo(preferences: Preferences, invocation: Invocation, tool: Tool, digest: str) -> int:
    async with desk(preferences, invocation) as at:
        done = await at.do("undo_editor", {"id": tool.id, "digest": digest})
    if invocation.json:
        say(json.dumps({"id": tool.id, **{name: done[name] for name in _PARTS}}, indent=2))
    elif done["stay"]:
        say(strings.text("editors.undo.stay", n=len(done["stay"])))
    else:
        say(strings.text("editors.undo.done", name=tool.name))
    return DONE


async def _leave(preferences: Preferences, invocation: Invocation, tool: Tool) -> int:
    async with desk(preferences, invocation) as at:
        if "dry_run" not in invocation.options:
            await at.do("leave_editor", {"id": tool.id})
    if invocation.json:
        say(json.dumps({"id": tool.id}))
    else:
        say(strings.text("editors.changed.left", name=tool.name))
    return DONE


async def _undo_all(preferences: Preferences, invocation: Invocation) -> int:
    async with desk(preferences, invocation) as at:
        done = await at.do("undo_editors")
    if invocation.json:
        say(json.dumps({name: done[name] for name in ("undone", "left")}))
    else:
        say(f"Taken back: {done['undone']}.")
        if done["left"]:
            complain(f"{strings.text('editors.refused.left')} {', '.join(done['left'])}")
    return FAILED if done["left"] else DONE
