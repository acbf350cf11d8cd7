"""`connect`: the list of tools with their states, and the lines that let one use this proxy.

What will be written is shown first; then somebody says yes. Between the two the files may change:
the app compares, and then writes nothing. A tool that is set up by hand gets its steps printed.

As JSON: without a tool `{rows, problems}` of the snapshot; `{files, count, digest}` for a look;
`{id, state, after, files}` when it is written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from typing import Any

from copilot_desktop import strings
from copilot_desktop.cli import DONE, FAILED, Ended, complain, editors, say
from copilot_desktop.cli.either import Desk, desk, signed_in_for
from copilot_desktop.cli.parser import Invocation
from copilot_desktop.cli.proxies import leads_away
from copilot_desktop.core.settings import Preferences
from copilot_desktop.integrations.refusals import shortened
from copilot_desktop.integrations.tool import Link, Machine, Tool
from copilot_desktop.model import Model
from copilot_desktop.system import current, threads

Json = dict[str, Any]

_ASK = "Add --yes to write it, or --dry-run to only look."


def run(preferences: Preferences, invocation: Invocation) -> int:
    """0 if it is done, or was only to be looked at; 1 if not, or nobody agreed. Raises Ended."""
    if not invocation.tool:
        _only_without_tool(invocation)
        part = _update if "update" in invocation.options else _list
        return threads.run(part(preferences, invocation))
    if "update" in invocation.options:
        raise Ended("--update is for all of them. Leave it or the name out.", 2)
    tool = editors.named(invocation.tool)
    chosen = editors.with_roles(tool, invocation.chosen)
    if tool.way == "impossible":
        raise Ended(strings.text("editors.why.impossible", name=tool.name))
    if tool.way == "by_hand":
        return threads.run(_by_hand(preferences, invocation, tool))
    if "lines" in invocation.options:
        return threads.run(_lines(preferences, invocation, tool))
    shown = threads.run(_preview(preferences, invocation, tool, chosen))
    editors.shown(invocation, editors.change(shown["files"]))
    if "dry_run" in invocation.options:
        return _looked(invocation, shown)
    if shown["files"] and "yes" not in invocation.options:
        question = strings.text("editors.connect.write", n=shown["count"])
        if not editors.agreed(f"{question}?", _ASK):
            complain("Nothing was changed.")
            return FAILED
    return threads.run(_write(preferences, invocation, tool, chosen, shown))


def _only_without_tool(invocation: Invocation) -> None:
    """What is meant for one tool must not seem to have been done. Raises Ended."""
    free = {"update", "yes"} if "update" in invocation.options else set()
    flags = [f"--{name.replace('_', '-')}" for name in sorted(invocation.options - free)]
    if invocation.chosen:
        flags.append("--model")
    if flags:
        raise Ended(f"Name a tool, or leave {flags[0]} out.", 2)


async def _list(preferences: Preferences, invocation: Invocation) -> int:
    async with desk(preferences, invocation) as at:
        state = await _looked_at(at)
    shown = state["editors"]
    if invocation.json:
        say(json.dumps({"rows": shown["rows"], "problems": shown["problems"]}, indent=2))
        return DONE
    editors.told(editors.listed(shown["rows"], state["proxy"]["port"]))
    say()
    if any(row["written"] and row["state"] in {"old_port", "old_key"} for row in shown["rows"]):
        say("Bring them to the present address and key: copilot-desktop connect --update")
    say("Connect one: copilot-desktop connect NAME. Take it back: copilot-desktop disconnect NAME")
    _tell_of_demo(invocation)
    return DONE


def _tell_of_demo(invocation: Invocation) -> None:
    """Nobody is to look for the change in an editor of their own."""
    if invocation.demo is not None:
        complain(strings.text("editors.lead_demo"))


async def _update(preferences: Preferences, invocation: Invocation) -> int:
    async with desk(preferences, invocation, models=True) as at:
        outcome = await at.do("update_editors")
    if invocation.json:
        say(json.dumps({name: outcome[name] for name in ("updated", "left")}))
    else:
        say(strings.text("banner.editors_old.done", n=outcome["updated"]))
        if outcome["left"]:
            words = strings.text("banner.editors_old.left", n=len(outcome["left"]))
            complain(f"{words}: {', '.join(outcome['left'])}")
    return FAILED if outcome["left"] else DONE


async def _by_hand(preferences: Preferences, invocation: Invocation, tool: Tool) -> int:
    wanted = dict.fromkeys(str(step.copy) for step in tool.steps if step.copy)
    async with desk(preferences, invocation, models=True) as at:
        values = {
            what: (await at.do("copy_editor", {"id": tool.id, "what": what}))["text"]
            for what in wanted
        }
    row = {"id": tool.id, "steps": [{"text": s.text, "copy": s.copy} for s in tool.steps]}
    if invocation.json:
        say(json.dumps({"id": tool.id, "state": "by_hand", "values": values}, indent=2))
        return DONE
    say(strings.text("editors.why.by_hand"))
    editors.told(editors.steps(row, values))
    return DONE


async def _lines(preferences: Preferences, invocation: Invocation, tool: Tool) -> int:
    async with desk(preferences, invocation, models=True) as at:
        await signed_in_for(at, tool)
        say((await at.do("copy_editor", {"id": tool.id, "what": "lines"}))["text"])
    return DONE


async def _preview(
    preferences: Preferences, invocation: Invocation, tool: Tool, chosen: dict[str, str]
) -> Json:
    async with desk(preferences, invocation, models=True) as at:
        await signed_in_for(at, tool)
        shown = await at.do("preview_editor", {"id": tool.id, "chosen": chosen})
        rows = (await _looked_at(at))["editors"]["rows"]
    row = next(row for row in rows if row["id"] == tool.id)
    if row["state"] == "not_found":
        complain(strings.text("editors.why.not_found"))
    if invocation.demo is None and (paths := _elsewhere(tool, row["paths"])):
        complain(
            f"By the variables of this terminal {tool.name} reads {', '.join(paths)}. The running "
            "app does not know them. Quit it and type this again to connect that one."
        )
    if invocation.demo is None and tool.needs_models and (name := leads_away(os.environ)):
        complain(
            f"{name} is set here and NO_PROXY does not name 127.0.0.1, so {tool.name} would send "
            "its requests and the key to that proxy. Add 127.0.0.1 to NO_PROXY."
        )
    return shown


def _elsewhere(tool: Tool, known: Collection[str]) -> list[str]:
    """The files that a tool reads when it is started from here, and `known` to nobody who writes:
    an app that was started from a menu has not the variables of a shell."""
    system = current()
    machine = Machine.of(system.name, system.home_dir(), os.environ)
    any_model = Model("any")
    chosen = {role.name: any_model.id for role in tool.roles}
    link = Link("http://127.0.0.1", "any", (any_model,), chosen)
    files = dict.fromkeys(edit.file for edit in tool.edits(machine, link))
    return [path for file in files if (path := shortened(file, machine.home)) not in known]


def _looked(invocation: Invocation, shown: Json) -> int:
    if invocation.json:
        say(json.dumps({name: shown[name] for name in ("files", "count", "digest")}, indent=2))
    elif not shown["files"]:
        say(strings.text("editors.connect.nothing"))
    return DONE


async def _write(
    preferences: Preferences,
    invocation: Invocation,
    tool: Tool,
    chosen: dict[str, str],
    shown: Json,
) -> int:
    async with desk(preferences, invocation, models=True) as at:
        arguments = {"id": tool.id, "chosen": chosen, "digest": shown["digest"]}
        outcome = await at.do("connect_editor", arguments)
        state = await at.state()
        answer, failure = await _tested(at, invocation, tool)
    done = {"id": tool.id, **{name: outcome[name] for name in ("state", "after")}}
    if invocation.json:
        test = {"test": {name: answer[name] for name in ("ms", "model")}} if answer else {}
        say(json.dumps({**done, "files": shown["files"], **test}, indent=2))
        return _after_test(failure)
    if not shown["files"]:
        say(strings.text("editors.connect.nothing"))
    else:
        say(strings.text("editors.connect.written", name=tool.name))
        say(strings.text(f"editors.connect.{tool.after}", name=tool.name))
        for step in tool.steps:
            say(strings.text(f"editors.steps.{tool.id}.{step.text}"))
    _tell_of_demo(invocation)
    row = next((row for row in state["editors"]["rows"] if row["id"] == tool.id), None)
    if row and (trouble := editors.why(row, state["proxy"]["port"])):
        complain(trouble)
    if answer:
        say(strings.text("editors.connect.answered", **answer))
    return _after_test(failure)


async def _tested(at: Desk, invocation: Invocation, tool: Tool) -> tuple[Json, Ended | None]:
    """The answer, if one was asked for, or why there is none: it is written all the same."""
    if "test" not in invocation.options:
        return {}, None
    try:
        return await at.do("test_editor", {"id": tool.id}), None
    except Ended as failure:
        return {}, failure


def _after_test(failure: Ended | None) -> int:
    if failure is None:
        return DONE
    complain(strings.text("editors.connect.no_answer", reason=failure.words))
    return failure.code


async def _looked_at(at: Desk) -> Json:
    """The state after a look. Raises Ended with what kept it from being taken."""
    await at.do("look_for_editors")
    state = await at.state()
    if error := state["editors"]["error"]:
        raise Ended(error["message"])
    return state
