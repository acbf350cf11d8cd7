"""Cline in the terminal: its provider "OpenAI compatible", as `cline auth` would write it.

Value by value, since there is one such provider only and it may have been the user's own. Cline
wants a time of change in the entry; a fixed one is written where it has none yet. Whenever Cline
runs, it writes the whole file anew in its own layout.
"""

from __future__ import annotations

from pathlib import Path

from copilot_desktop.integrations.edits import Edit, Place, Put, Value
from copilot_desktop.integrations.tool import USUAL, Link, Machine, Tool

PROVIDER = "openai-compatible"
ENTRY: Place = ("providers", PROVIDER)


def _file(machine: Machine) -> Path:
    named, data = (
        machine.env.get(f"CLINE_{of}", "") for of in ("PROVIDER_SETTINGS_PATH", "DATA_DIR")
    )
    folder = Path(data) if data else machine.folder("CLINE_DIR", ".cline") / "data"
    return Path(named) if named else folder / "settings" / "providers.json"


def _edits(machine: Machine, link: Link) -> tuple[Edit, ...]:
    file = _file(machine)
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
    traces=lambda machine: (_file(machine),),
    roles=(USUAL,),
    edits=_edits,
    # It would put an empty file in its place.
    rejects=frozenset({"comments", "trailing_commas", "mark"}),
)
