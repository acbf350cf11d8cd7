"""Factory Droid: own models in its settings, one entry for each, found again by its display name.

All of them are reached in OpenAI's chat format; the proxy knows which endpoint a model lives on.
Droid itself asks for an account at Factory before it starts.
"""

from __future__ import annotations

from pathlib import Path

from copilot_desktop.integrations.edits import Edit, Item, Put, Value
from copilot_desktop.integrations.offer import labelled, offered
from copilot_desktop.integrations.tool import Instruction, Link, Machine, Tool
from copilot_desktop.model import Model


def _folder(machine: Machine) -> Path:
    return machine.folder("FACTORY_HOME_OVERRIDE") / ".factory"


def _entry(link: Link, model: Model) -> dict[str, Value]:
    return {
        "model": model.id,
        "displayName": labelled(model),
        "provider": "generic-chat-completion-api",
        "baseUrl": link.openai,
        "apiKey": link.key,
        "maxContextLimit": model.max_prompt,
        "maxOutputTokens": model.max_output,
        "noImageSupport": not model.vision,
    }


def _edits(machine: Machine, link: Link) -> tuple[Edit, ...]:
    file = _folder(machine) / "settings.json"
    return tuple(
        Put(
            file,
            "json",
            ("customModels", Item("displayName", labelled(model))),
            _entry(link, model),
            hidden=("apiKey",),
        )
        for model in offered(link)
    )


TOOL = Tool(
    id="droid",
    name="Factory Droid",
    source="droid 0.215.0, its own check of the file; Factory's page on own models, 2026-11-21",
    programs=("droid",),
    traces=lambda machine: (_folder(machine),),
    roles=(),
    edits=_edits,
    steps=(Instruction("pick"),),
)
