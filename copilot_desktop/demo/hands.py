"""Which offered tool does a wanted thing, and with what arguments.

Clients name their tools and parameters freely (`Write{file_path, content}`, `exec_command{cmd}`,
`apply_patch` …), so the choice goes by schema first and by name second.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterable, Sequence
from typing import Any

from copilot_desktop.demo.ask import Ask, Tool
from copilot_desktop.demo.samples import instance

_PATHS = (
    "file_path", "filePath", "path", "filepath", "filename", "absolute_path", "absolutePath",
    "target_file", "file",
)  # fmt: skip
_CONTENTS = ("content", "contents", "file_text", "text", "code_edit", "data")
_COMMANDS = ("command", "cmd", "script", "commandLine", "command_line", "commands", "input")
_SHELLS = (
    "bash", "shell", "exec_command", "shell_command", "run_terminal_cmd", "run_shell_command",
    "execute_command", "run_command", "run_in_terminal", "local_shell", "terminal", "exec",
)  # fmt: skip
_WRITES = ("write", "create", "save", "new_file")
_READS = ("read", "view", "open", "cat")
_NOT_WRITES = ("edit", "replace", "notebook", "todo", "memory", "task", "comment", "stdin")
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_NOT_READS = ("image", "web", "mcp")
_CWD = re.compile(
    r"(?:<cwd>|working directory(?: is)?|working in the directory)[\s:(`]*(/[^\s<`)]+)",
    re.IGNORECASE,
)
_LOOKS = {"get", "search", "find", "fetch", "look", "lookup", "query", "list", "calculate"}
_CHANGES = {"write", "create", "edit", "delete", "remove", "update", "send", "post", "patch",
            "apply", "move", "kill", "replace"}  # fmt: skip
_VAGUE = {"the", "new", "all", "file", "files", "text", "command", "commands", "tool", "tools",
          "read", "run", "current"}  # fmt: skip


def _word(names: Sequence[str], tool: Tool) -> str | None:
    """The first of these parameters that the tool has."""
    return next((name for name in names if name in tool.properties), None)


def pick(ask: Ask, verb: str, rest: str) -> tuple[Tool, Any] | None:
    """Who does `write PATH TEXT`, `read PATH`, `run COMMAND`, `call NAME JSON`, and how."""
    target, _, text = rest.partition(" ")
    text = text.replace("\\n", "\n")
    match verb:
        case "write":
            return _write(ask, target, text)
        case "read":
            return _read(ask, target)
        case "run":
            return _run(ask.tools, rest)
        case _:
            return _exact(ask.tools, target, text)


def _exact(tools: Iterable[Tool], name: str, text: str) -> tuple[Tool, Any] | None:
    tool = next((tool for tool in tools if tool.name == name), None)
    if tool is None:
        return None
    if tool.free:
        return tool, text
    try:
        return tool, json.loads(text) if text.strip() else {}
    except ValueError:
        return tool, text  # broken arguments on purpose


def _write(ask: Ask, path: str, text: str) -> tuple[Tool, Any] | None:
    for tool in ask.tools:
        name = tool.name.lower()
        where, what = _word(_PATHS, tool), _word(_CONTENTS, tool)
        fits = any(word in name for word in _WRITES) and not any(w in name for w in _NOT_WRITES)
        if fits and where and what:
            wanted = {where: _absolute(ask, path), what: text}
            return tool, _complete(tool, wanted)
    for tool in ask.tools:
        if tool.kind.startswith("text_editor_"):
            return tool, {"command": "create", "path": path, "file_text": text}
        if tool.name == "apply_patch":
            return tool, _patch(tool, path, text)
    return _run(ask.tools, f"printf '%s\\n' {shlex.quote(text)} > {shlex.quote(path)}")


def _patch(tool: Tool, path: str, text: str) -> Any:
    lines = "".join(f"+{line}\n" for line in text.split("\n"))
    patch = f"*** Begin Patch\n*** Add File: {path}\n{lines}*** End Patch\n"
    if tool.free:
        return patch
    where = next(iter(tool.properties), "input")
    return _complete(tool, {where: patch})


def _read(ask: Ask, path: str) -> tuple[Tool, Any] | None:
    for tool in ask.tools:
        name, where = tool.name.lower(), _word(_PATHS, tool)
        fits = any(word in name for word in _READS) and not any(w in name for w in _NOT_READS)
        if fits and where and not _word(_CONTENTS, tool):
            return tool, _complete(tool, {where: _absolute(ask, path)})
    return _run(ask.tools, f"cat {shlex.quote(path)}")


def _run(tools: Iterable[Tool], command: str) -> tuple[Tool, Any] | None:
    for tool in sorted(tools, key=lambda tool: tool.name.lower() not in _SHELLS):
        if tool.kind.startswith("bash_"):
            return tool, {"command": command}
        name, where = tool.name.lower(), _word(_COMMANDS, tool)
        known = any(shell in name for shell in _SHELLS) and "output" not in name
        if not known or where is None or "stdin" in name or "kill" in name:
            continue
        listed = tool.properties[where].get("type") == "array"
        words = [command] if where == "commands" else ["bash", "-lc", command]
        wanted = words if listed else command
        return tool, _complete(tool, {where: wanted})
    return None


def _absolute(ask: Ask, path: str) -> str:
    """A full path, if the client said where it works: many tools take no other."""
    if path.startswith("/"):
        return path
    found = _CWD.search(ask.system) or _CWD.search(ask.everything)
    return posixpath.join(found[1], path) if found else path


def _complete(tool: Tool, wanted: dict[str, Any]) -> dict[str, Any]:
    """Add what the tool also requires."""
    for name in tool.schema.get("required") or ():
        if name not in wanted:
            wanted[name] = instance(tool.properties.get(name) or {}, "demo", name)
    return wanted


# Calls without a script.


def named(tools: Sequence[Tool], text: str) -> Tool | None:
    """The tool that a message speaks of: "use NAME", or a looking tool by its telling words.

    Tools that change something are never guessed: behind them may be real files and services.
    """
    low = text.lower()
    for tool in tools:
        words = {word.lower() for word in _WORD.findall(tool.name)}
        if words & _CHANGES:
            continue
        if re.search(rf"\b(?:call|use)\b.{{0,12}}\b{re.escape(tool.name.lower())}\b", low):
            return tool
        telling = words - _LOOKS - _VAGUE
        if words & _LOOKS and telling and all(re.search(rf"\b{w}\b", low) for w in telling):
            return tool
    return None


def arguments(tool: Tool, text: str) -> Any:
    """Arguments that the tool's schema allows."""
    return text if tool.free else instance(tool.schema, text)
