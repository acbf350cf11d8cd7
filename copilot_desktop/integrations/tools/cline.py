"""Cline in the terminal: its provider "OpenAI compatible", as `cline auth` would write it.

Value by value, since there is one such provider only and it may have been the user's own. Cline
wants a time of change in the entry; a fixed one is written where it has none yet.
"""

from __future__ import annotations

from pathlib import Path

from copilot_desktop.integrations.edits import Edit, Place, Put, Value
from copilot_desktop.integrations.tool import Link, Machine, Role, Tool

PROVIDER = "openai-compatible"
ENTRY: Place = ("providers", PROVIDER)


def _folder(machine: Machine) -> Path:
    data = machine.env.get("CLINE_DATA_DIR", "")
    return Path(data) if data else machine.folder("CLINE_DIR", ".cline") / "data"


def _edits(machine: Machine, link: Link) -> tuple[Edit, ...]:
    file = _folder(machine) / "settings" / "providers.json"
    main = link.model("main")
    found: dict[str, Value] = {"provider": PROVIDER, "baseUrl": link.openai}
    if main:
        found["model"] = main.id
    return (
        Put(file, "json", ("version",), 1, gently=True),
        Put(file, "json", ("lastUsedProvider",), PROVIDER),
        *(Put(file, "json", (*ENTRY, "settings", name), value) for name, value in found.items()),
        Put(file, "json", (*ENTRY, "settings", "apiKey"), link.key, secret=True),
        Put(file, "json", (*ENTRY, "updatedAt"), "2026-01-01T00:00:00.000Z", gently=True),
        Put(file, "json", (*ENTRY, "tokenSource"), "manual", gently=True),
    )


TOOL = Tool(
    id="cline",
    name="Cline (terminal)",
    source="Cline CLI 3.0.65, compared with what its own `cline auth` writes, and run",
    programs=("cline",),
    traces=lambda machine: (_folder(machine),),
    roles=(Role("main", ("claude-sonnet", "gpt-5", "claude", "gpt-4.1")),),
    edits=_edits,
)
