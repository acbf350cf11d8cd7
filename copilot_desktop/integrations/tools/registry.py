"""The only list of tools. The order is the one in which they are shown among their like."""

from __future__ import annotations

from typing import Final

from copilot_desktop.integrations.tool import Tool
from copilot_desktop.integrations.tools import (
    aider,
    bash,
    claude_code,
    cline,
    cline_vscode,
    cmd,
    codex,
    continue_dev,
    copilot_cli,
    cursor,
    droid,
    fish,
    jetbrains,
    litellm,
    llm,
    open_webui,
    opencode,
    pi,
    powershell,
    qwen_code,
    vscode,
    xcode,
    zed,
    zsh,
)

ALL: Final[tuple[Tool, ...]] = (
    claude_code.TOOL,
    codex.TOOL,
    opencode.TOOL,
    vscode.TOOL,
    zed.TOOL,
    continue_dev.TOOL,
    aider.TOOL,
    pi.TOOL,
    droid.TOOL,
    qwen_code.TOOL,
    cline.TOOL,
    llm.TOOL,
    litellm.TOOL,
    bash.TOOL,
    zsh.TOOL,
    fish.TOOL,
    powershell.TOOL,
    cmd.TOOL,
    cline_vscode.TOOL,
    copilot_cli.TOOL,
    jetbrains.TOOL,
    open_webui.TOOL,
    xcode.TOOL,
    cursor.TOOL,
)


def tool(name: str) -> Tool | None:
    """The tool of this id."""
    return next((each for each in ALL if each.id == name), None)
