"""Editors as the terminal tells them: the list with its states, changes, steps, a question.

Lines of files are another program's text: nothing in them may steer the terminal. Colours only
where somebody looks at them and has not asked for none.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from copilot_desktop import strings
from copilot_desktop.cli import Ended, complain, say
from copilot_desktop.cli.parser import Invocation
from copilot_desktop.integrations.tool import Tool
from copilot_desktop.redaction import one_line

Json = Mapping[str, Any]

_COLOURS = {"+": "\x1b[32m", "-": "\x1b[31m", "#": "\x1b[1m"}
_PLAIN = "\x1b[0m"
_HERE = ("not_connected", "by_hand", "impossible", "not_found")  # nothing to explain


def named(word: str) -> Tool:
    """The tool that a person means: by its id, its name or its program. Raises Ended."""
    from copilot_desktop.integrations.tools.registry import ALL  # noqa: PLC0415

    wanted = word.casefold()
    for tool in ALL:
        if wanted in {tool.id, tool.name.casefold()}:
            return tool
    for tool in ALL:
        if wanted in tool.programs:
            return tool
    near = difflib.get_close_matches(wanted, [tool.id for tool in ALL], 1)
    hint = f"Did you mean {near[0]}?" if near else "`copilot-desktop connect` lists all."
    raise Ended(f"There is no tool named {one_line(word[:60])}. {hint}")


def with_roles(tool: Tool, chosen: Mapping[str, str]) -> dict[str, str]:
    """Role to model, where a model alone is for the tool's first role. Raises Ended."""
    names = [role.name for role in tool.roles]
    if chosen and not names:
        raise Ended(f"{tool.name} has no models to choose.")
    found = {role or names[0]: model for role, model in chosen.items()}
    for role in found:
        if role not in names:
            raise Ended(f"{tool.name} has no {one_line(role[:60])}. It has: {', '.join(names)}.")
    return found


def listed(rows: Sequence[Json], port: int) -> Iterator[str]:
    """The list: those that are here with state and files, and the names of the others."""
    here = [row for row in rows if row["state"] != "not_found"]
    shown = [(row["id"], _state(row), why(row, port) or _facts(row)) for row in here]
    wide = max((len(name) for name, _, _ in shown), default=0)
    high = max((len(state) for _, state, _ in shown), default=0)
    for name, state, facts in shown:
        yield f"{name:<{wide}}  {state:<{high}}  {facts}".rstrip()
    if not here:
        yield strings.text("overview.editors.none")
    if others := ", ".join(row["id"] for row in rows if row["state"] == "not_found"):
        yield ""
        yield f"Not found on this computer: {others}"


def why(row: Json, port: int) -> str:
    """What is the matter with a tool; empty where nothing is."""
    if row["state"] in {*_HERE, "connected"}:
        return ""
    detail = row["detail"]
    bare = row["state"] == "unreadable" and not detail.get("line")
    name = f"editors.why.{row['state']}{'_whole' if bare else ''}"
    fields = {**detail, "name": row["name"], "now": port}
    return one_line(strings.text(name, **fields))


def _state(row: Json) -> str:
    name = f"overview.editors.state.{row['state']}"
    return strings.text(name, port=row["detail"].get("port", ""))


def _facts(row: Json) -> str:
    if row["way"] != "automatic":
        return strings.text(f"editors.where.{row['way']}")
    return one_line(", ".join(row["paths"]))


def change(files: Sequence[Json]) -> Iterator[str]:
    """What will be written, file by file."""
    colours = _colourful()
    for file in files:
        kept = strings.text("editors.connect.backup", name=file["backup"])
        note = strings.text("editors.connect.new_file") if file["new"] else kept
        yield _coloured("#", f"{one_line(file['path'])}  ({note})", colours)
        for sign, text in file["lines"]:
            yield _coloured(sign, f"{sign} {one_line(text.expandtabs(4))}", colours)
        yield ""


def going_back(shown: Json) -> Iterator[str]:
    """What an undo will do."""
    for part in ("back", "stay"):
        if places := shown[part]:
            yield strings.text(f"editors.undo.{part}", n=len(places))
            yield from (f"  {one_line(path)}  {one_line(place)}" for path, place in places)
    if not shown["back"]:
        yield strings.text("editors.undo.nothing")


def steps(row: Json, values: Mapping[str, str]) -> Iterator[str]:
    """What a person does by hand, with what has to be pasted below each step."""
    for number, step in enumerate(row["steps"], 1):
        name = f"editors.steps.{row['id']}.{step['text']}"
        yield f"{number}. {strings.text(name)}"
        if step["copy"]:
            yield f"   {values[step['copy']]}"


def agreed(question: str, otherwise: str) -> bool:
    """The answer to a question; no answer is no. Raises Ended where nobody can be asked, and says
    what would do `otherwise`."""
    if sys.stdin is None or not sys.stdin.isatty():  # a windowed program has none
        raise Ended(f"Nobody can be asked here. {otherwise}")
    complain(f"{question} [y/N]")
    try:
        return input().strip().lower() in {"y", "yes"}
    except EOFError:
        return False


def shown(invocation: Invocation, lines: Iterator[str]) -> None:
    """What is about to be done, for people. Beside JSON it goes to stderr, and only where a
    question about it follows: nobody agrees to what was not seen."""
    if not invocation.json:
        told(lines)
    elif not {"yes", "dry_run"} & invocation.options:
        for line in lines:
            complain(line)


def told(lines: Iterator[str]) -> None:
    for line in lines:
        say(line)


def _coloured(sign: str, line: str, colours: bool) -> str:
    return f"{_COLOURS[sign]}{line}{_PLAIN}" if colours and sign in _COLOURS else line


def _colourful() -> bool:
    """https://no-color.org; the old console of Windows would show the codes as letters."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    modern = "TERM" in os.environ or "WT_SESSION" in os.environ
    return modern and sys.stdout is not None and sys.stdout.isatty()
