"""Codex: a profile of our own, so that its `config.toml` and its sign-in stay as they are.

`codex --profile copilot-desktop` lays `copilot-desktop.config.toml` over the user's own settings.
Codex asks a provider for its models only where the key comes from a command
(`docs/decisions/008-codex-is-told-in-its-own-way.md`); otherwise it warns about every model and
guesses its window. So the key lies in a file beside the profile, between two marker comments, and
the command is the system's own way to print the lines that are no comments.
"""

from __future__ import annotations

import json
from pathlib import Path

from copilot_desktop.integrations.edits import Block, Edit, Put, Value
from copilot_desktop.integrations.offer import NAME, SLUG
from copilot_desktop.integrations.tool import Instruction, Launch, Link, Machine, Role, Tool

VARIABLE = "COPILOT_DESKTOP_KEY"
_PROVIDER = ("model_providers", SLUG)


def _folder(machine: Machine) -> Path:
    return machine.folder("CODEX_HOME", ".codex")


def _printer(machine: Machine, file: Path) -> tuple[str, tuple[str, ...]]:
    """The command and its arguments that print the lines of a file without those with a #."""
    if machine.os == "windows":
        return "findstr", ("/v", "#", str(file))
    return "grep", ("-v", "#", str(file))


def _provider(link: Link) -> dict[str, Value]:
    return {"name": NAME, "base_url": link.openai, "wire_api": "responses"}


def _edits(machine: Machine, link: Link) -> tuple[Edit, ...]:
    file = _folder(machine) / f"{SLUG}.config.toml"
    key_file = _folder(machine) / f"{SLUG}.key"
    command, arguments = _printer(machine, key_file)
    main = link.model("main")
    top: dict[str, Value] = {"model": main.id} if main else {}
    top["model_provider"] = SLUG
    return (
        *(Put(file, "toml", (name,), value) for name, value in top.items()),
        *(Put(file, "toml", (*_PROVIDER, name), value) for name, value in _provider(link).items()),
        Put(file, "toml", (*_PROVIDER, "auth", "command"), command),
        Put(file, "toml", (*_PROVIDER, "auth", "args"), arguments),
        Block(key_file, "key", (link.key,), secrets=(link.key,)),
    )


def _launch(machine: Machine, link: Link) -> Launch:
    main = link.model("main")
    windows = machine.os == "windows"
    settings: dict[str, Value] = {"model": main.id} if main else {}
    settings["model_provider"] = SLUG
    settings |= {f"{'.'.join(_PROVIDER)}.{name}": value for name, value in _provider(link).items()}
    auth = f"{'.'.join(_PROVIDER)}.auth"
    settings[f"{auth}.command"] = "cmd" if windows else "printenv"
    settings[f"{auth}.args"] = ["/c", f"echo %{VARIABLE}%"] if windows else [VARIABLE]
    pairs = (("-c", f"{name}={json.dumps(value)}") for name, value in settings.items())
    return Launch(tuple(word for pair in pairs for word in pair), {VARIABLE: link.key})


TOOL = Tool(
    id="codex",
    name="Codex",
    source="Codex 0.169.0, run with such files",
    programs=("codex",),
    proof=("@openai", "/codex/", "openai/codex"),
    traces=lambda machine: (_folder(machine),),
    roles=(Role("main", ("codex", "gpt-5", "gpt-4.1", "claude-sonnet")),),
    edits=_edits,
    launch=_launch,
    steps=(Instruction("start"),),
)
