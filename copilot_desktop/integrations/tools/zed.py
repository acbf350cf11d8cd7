"""Zed: an OpenAI-compatible provider in its settings, and the model its agent begins with.

Its settings hold no keys: Zed keeps them in the system's own store or takes them from a variable
that it makes of the provider's name. So the key is pasted once by hand. All four capabilities stand
in every entry: Zed has no default for a part of them.
"""

from __future__ import annotations

from pathlib import Path

from copilot_desktop.integrations.edits import Edit, Put, Value
from copilot_desktop.integrations.offer import NAME, offered, title
from copilot_desktop.integrations.tool import USUAL, Instruction, Link, Machine, Tool
from copilot_desktop.model import Model


def _folder(machine: Machine) -> Path:
    if machine.os == "windows":
        return machine.app_support / "Zed"
    # On a Mac too; XDG_CONFIG_HOME counts on Linux alone.
    return machine.config / "zed" if machine.os == "linux" else machine.home / ".config" / "zed"


def _model(model: Model) -> dict[str, Value]:
    return {
        "name": model.id,
        "display_name": title(model),
        "max_tokens": model.max_prompt,
        "max_output_tokens": model.max_output,
        "max_completion_tokens": model.max_output,
        "capabilities": {
            "tools": model.tools,
            "images": model.vision,
            "parallel_tool_calls": model.parallel_tools,
            "prompt_cache_key": False,
        },
    }


def _edits(machine: Machine, link: Link) -> tuple[Edit, ...]:
    file = _folder(machine) / "settings.json"
    provider: dict[str, Value] = {
        "api_url": link.openai,
        "available_models": [_model(model) for model in offered(link)],
    }
    main = link.model("main")
    begin: dict[str, Value] = {"provider": NAME, "model": main.id} if main else {}
    return (
        Put(file, "json", ("language_models", "openai_compatible", NAME), provider),
        *(Put(file, "json", ("agent", "default_model", key), begin[key]) for key in begin),
    )


TOOL = Tool(
    id="zed",
    name="Zed",
    source="Zed's documentation (use-api-access.md) and settings_content, read 2026-11-21",
    programs=("zed", "zeditor", "zedit"),
    # The bare name is also the event daemon of ZFS.
    proof=("zed.app", "Zed.app", "/lib/zed/", "zed-editor", "zeditor", "dev.zed"),
    traces=lambda machine: (_folder(machine),),
    roles=(USUAL,),
    edits=_edits,
    overrides=("COPILOT_DESKTOP_API_KEY",),
    steps=(Instruction("open"), Instruction("key", "key")),
)
