"""zsh: the variables for any program, in `.zshrc`, which every interactive shell reads."""

from __future__ import annotations

from pathlib import Path

from copilot_desktop.integrations.edits import Edit
from copilot_desktop.integrations.shells import profile
from copilot_desktop.integrations.tool import Link, Machine, Tool


def _file(machine: Machine) -> Path:
    return machine.folder("ZDOTDIR") / ".zshrc"


def _edits(machine: Machine, link: Link) -> tuple[Edit, ...]:
    return (profile("sh", _file(machine), link),)


TOOL = Tool(
    id="zsh",
    name="zsh",
    source="zsh(1), STARTUP/SHUTDOWN FILES",
    programs=("zsh",),
    traces=lambda machine: (_file(machine),),
    roles=(),
    edits=_edits,
)
