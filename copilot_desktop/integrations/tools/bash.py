"""bash: the variables for any program, in `~/.bashrc`.

Not in `~/.bash_profile`: making that file would hide `~/.profile` from login shells.
"""

from __future__ import annotations

from copilot_desktop.integrations.shells import profile
from copilot_desktop.integrations.tool import Tool

FILE = ".bashrc"

TOOL = Tool(
    id="bash",
    name="bash",
    source="bash(1), INVOCATION",
    programs=("bash",),
    traces=lambda machine: (machine.home / FILE,),
    roles=(),
    edits=lambda machine, link: (profile("sh", machine.home / FILE, link),),
)
