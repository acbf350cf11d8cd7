"""Factory Droid: own models in its settings, one entry for each, and which of them it begins with.

An entry has an ID of ours: without one Droid would make it of the name and the place in the list,
and another list would leave the chosen model behind. All are reached in OpenAI's chat format; the
proxy knows which endpoint a model lives on. With own models Droid needs no account at Factory.
"""

from __future__ import annotations

from pathlib import Path

from copilot_desktop.integrations.edits import Edit, Item, Put, Value
from copilot_desktop.integrations.offer import SLUG, labelled, offered
from copilot_desktop.integrations.tool import USUAL, Link, Machine, Tool
from copilot_desktop.model import Model


def _folder(machine: Machine) -> Path:
    return machine.folder("FACTORY_HOME_OVERRIDE") / ".factory"


def _id(model: Model) -> str:
    return f"custom:{SLUG}-{model.id}"


def _entry(link: Link, model: Model) -> dict[str, Value]:
    return {
        "id": _id(model),
        "model": model.id,
        "displayName": labelled(link, model),
        "provider": "generic-chat-completion-api",
        "baseUrl": link.openai,
        "apiKey": link.key,
        "maxContextLimit": model.max_prompt,
        "maxOutputTokens": model.max_output,
        "noImageSupport": not model.vision,
    }


def _edits(machine: Machine, link: Link) -> tuple[Edit, ...]:
    file = _folder(machine) / "settings.json"
    main = link.model("main")
    begin = (Put(file, "json", ("sessionDefaultSettings", "model"), _id(main)),) if main else ()
    return (
        *(
            Put(
                file,
                "json",
                ("customModels", Item("id", _id(model))),
                _entry(link, model),
                hidden=("apiKey",),
            )
            for model in offered(link)
        ),
        *begin,
    )


TOOL = Tool(
    id="droid",
    name="Factory Droid",
    source="droid 0.215.0, run with such a file; Factory's page on own models, read 2026-11-21",
    programs=("droid",),
    traces=lambda machine: (_folder(machine),),
    roles=(USUAL,),
    edits=_edits,
    rejects=frozenset({"trailing_commas", "mark"}),
)
