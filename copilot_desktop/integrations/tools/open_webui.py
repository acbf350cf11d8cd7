"""Open WebUI: connections are kept in its database and set by its administrator.

In a container, 127.0.0.1 is the container itself, and the proxy does not answer to other names.
"""

from __future__ import annotations

from copilot_desktop.integrations.tool import Instruction, Tool

TOOL = Tool(
    id="open-webui",
    name="Open WebUI",
    source="Open WebUI's documentation, OpenAI-Compatible Providers, read 2026-11-21",
    way="by_hand",
    programs=("open-webui",),
    roles=(),
    steps=(
        Instruction("open"),
        Instruction("url", "openai"),
        Instruction("key", "key"),
        Instruction("container"),
    ),
)
