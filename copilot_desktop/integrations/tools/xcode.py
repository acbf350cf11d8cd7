"""Xcode's coding intelligence: providers are added in its settings, on a Mac only.

It puts `/v1` behind the address by itself, so it gets the one without.
"""

from __future__ import annotations

from pathlib import Path

from copilot_desktop.integrations.tool import Instruction, Machine, Tool


def _traces(machine: Machine) -> tuple[Path, ...]:
    return (machine.home / "Library" / "Developer" / "Xcode",)  # on a Mac only


TOOL = Tool(
    id="xcode",
    name="Xcode",
    source="guides of providers for Xcode 26 (Venice, Helicone), read 2026-11-21; not tried",
    way="by_hand",
    traces=_traces,
    roles=(),
    steps=(
        Instruction("open"),
        Instruction("provider"),
        Instruction("url", "anthropic"),
        Instruction("key", "key"),
        Instruction("models"),
    ),
)
