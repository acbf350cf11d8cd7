"""The Command Prompt of Windows: it reads no file of the user when it starts.

`setx` keeps a variable for all programs that are started later, so it is a decision for the user.
"""

from __future__ import annotations

from copilot_desktop.integrations.tool import Instruction, Tool

TOOL = Tool(
    id="cmd",
    name="Command Prompt",
    source="Windows' own help, `setx /?`",
    way="by_hand",
    programs=("cmd",),
    roles=(),
    steps=(
        Instruction("openai_url", "openai"),
        Instruction("openai_key", "key"),
        Instruction("anthropic_url", "anthropic"),
        Instruction("anthropic_key", "key"),
        Instruction("new_window"),
    ),
)
