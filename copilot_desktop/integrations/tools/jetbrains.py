"""JetBrains AI Assistant: its settings are in no file that another program could write.

A provider is named with one model in newer versions and finds its models itself in others.
"""

from __future__ import annotations

from pathlib import Path

from copilot_desktop.integrations.tool import USUAL, Instruction, Machine, Tool


def _traces(machine: Machine) -> tuple[Path, ...]:
    return (machine.app_support / "JetBrains",)


TOOL = Tool(
    id="jetbrains",
    name="JetBrains AI Assistant",
    source="AI Assistant 2026.1 Help, Bring your own key, read 2026-11-21",
    way="by_hand",
    programs=("idea", "pycharm", "webstorm", "goland", "rider", "clion", "phpstorm"),
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
