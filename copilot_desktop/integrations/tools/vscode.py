"""VS Code's chat with own models: one provider in the user profile's list of language models.

The whole provider is one entry, found again by its name. The key may stand in the file: it is the
local one and opens nothing but this proxy. Each model has the full address, as the documentation
recommends. Other than the built-in models these need no Copilot plan inside VS Code.
"""

from __future__ import annotations

from pathlib import Path

from copilot_desktop.canonical import Effort
from copilot_desktop.integrations.edits import Edit, Item, Put, Value
from copilot_desktop.integrations.offer import NAME, offered, thinks, title, window
from copilot_desktop.integrations.tool import Instruction, Link, Machine, Tool
from copilot_desktop.model import Model

FILE = "chatLanguageModels.json"


def _folder(machine: Machine) -> Path:
    return machine.app_support / "Code" / "User"


def _model(link: Link, model: Model) -> dict[str, Value]:
    found: dict[str, Value] = {
        "id": model.id,
        "name": title(model),
        "url": f"{link.openai}/chat/completions",
        "toolCalling": model.tools,
        "vision": model.vision,
        # Their sum is taken for the window.
        "maxInputTokens": window(model) - model.max_output,
        "maxOutputTokens": model.max_output,
    }
    efforts = [effort.value for effort in model.efforts if effort is not Effort.NONE]
    if thinks(model):
        found["thinking"] = True
    if efforts:
        found["supportsReasoningEffort"] = efforts
    return found


def _edits(machine: Machine, link: Link) -> tuple[Edit, ...]:
    provider: dict[str, Value] = {
        "name": NAME,
        "vendor": "customendpoint",
        "apiKey": link.key,
        "apiType": "chat-completions",
        "models": [_model(link, model) for model in offered(link)],
    }
    place = (Item("name", NAME),)
    return (Put(_folder(machine) / FILE, "json", place, provider, hidden=("apiKey",)),)


TOOL = Tool(
    id="vscode",
    name="VS Code",
    source="VS Code's documentation (language-models.md of 2026-10-14), read 2026-11-21",
    programs=("code",),
    proof=("Visual Studio Code", "VS Code", "/code/", "VSCode"),
    traces=lambda machine: (_folder(machine),),
    roles=(),
    listing=True,
    edits=_edits,
    after="restart",
    steps=(Instruction("pick"),),
)
