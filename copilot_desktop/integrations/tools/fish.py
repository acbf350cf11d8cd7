"""fish: the variables for any program, in a file of our own among those that fish reads first."""

from __future__ import annotations

from copilot_desktop.integrations.edits import Edit
from copilot_desktop.integrations.offer import SLUG
from copilot_desktop.integrations.shells import profile
from copilot_desktop.integrations.tool import Link, Machine, Tool


def _edits(machine: Machine, link: Link) -> tuple[Edit, ...]:
    file = machine.config / "fish" / "conf.d" / f"{SLUG}.fish"
    return (profile("fish", file, link),)


TOOL = Tool(
    id="fish",
    name="fish",
    source="fish's documentation, configuration files",
    programs=("fish",),
    traces=lambda machine: (machine.config / "fish",),
    roles=(),
    edits=_edits,
)
