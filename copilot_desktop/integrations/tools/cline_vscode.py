"""Cline inside VS Code: it keeps its settings in the editor's own stores, keys among secrets."""

from __future__ import annotations

from pathlib import Path

from copilot_desktop.integrations.tool import USUAL, Instruction, Machine, Tool


def _traces(machine: Machine) -> tuple[Path, ...]:
    stored = machine.app_support / "Code" / "User" / "globalStorage"
    return (stored / "saoudrizwan.claude-dev",)


TOOL = Tool(
    id="cline-vscode",
    name="Cline in VS Code",
    source="Cline's documentation, OpenAI Compatible, read 2026-11-21",
    way="by_hand",
    traces=_traces,
    roles=(USUAL,),
    steps=(
        Instruction("open"),
        Instruction("provider"),
        Instruction("url", "openai"),
        Instruction("key", "key"),
        Instruction("model", "model"),
    ),
)
