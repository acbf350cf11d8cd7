"""PowerShell: the variables for any program, in the profile that counts for all of its hosts.

Windows has two: the one that comes with it and the newer one, each with a folder of its own. Where
the documents were moved elsewhere (OneDrive does that), these are not the folders it reads.
"""

from __future__ import annotations

from pathlib import Path

from copilot_desktop.integrations.edits import Edit
from copilot_desktop.integrations.shells import profile
from copilot_desktop.integrations.tool import Link, Machine, Tool

FILE = "profile.ps1"


def _folders(machine: Machine) -> tuple[Path, ...]:
    if machine.os != "windows":
        return (machine.config / "powershell",)
    documents = machine.home / "Documents"
    return (documents / "PowerShell", documents / "WindowsPowerShell")


def _edits(machine: Machine, link: Link) -> tuple[Edit, ...]:
    return tuple(profile("powershell", each / FILE, link) for each in _folders(machine))


TOOL = Tool(
    id="powershell",
    name="PowerShell",
    source="PowerShell's documentation, about_Profiles",
    programs=("pwsh", "powershell"),
    traces=_folders,
    roles=(),
    edits=_edits,
)
