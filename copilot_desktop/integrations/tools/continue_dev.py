"""Continue (VS Code, JetBrains and `cn`): entries in the list of models of its own YAML file.

An entry is found again by its name, which says where the model comes from. A file needs a name, a
version and a schema of its own; they are written only where there are none. Its older `config.json`
counts only as long as there is no such file: then the user's own models would be gone, so ours is
not made beside it.
"""

from __future__ import annotations

from pathlib import Path

from copilot_desktop.integrations.edits import Edit, Item, Put, Value
from copilot_desktop.integrations.offer import NAME, labelled, offered, window
from copilot_desktop.integrations.tool import Link, Machine, Tool
from copilot_desktop.model import Model

HEAD = {"name": NAME, "version": "1.0.0", "schema": "v1"}


def _folder(machine: Machine) -> Path:
    return machine.folder("CONTINUE_GLOBAL_DIR", ".continue")


def _entry(link: Link, model: Model) -> dict[str, Value]:
    abilities = {"tool_use": model.tools, "image_input": model.vision}
    return {
        "name": labelled(link, model),
        "provider": "openai",
        "model": model.id,
        "apiBase": link.openai,
        "apiKey": link.key,
        "roles": ["chat", "edit", "apply"],
        "capabilities": [name for name, able in abilities.items() if able],
        "defaultCompletionOptions": {
            "contextLength": window(model),
            "maxTokens": model.max_output,
        },
    }


def _edits(machine: Machine, link: Link) -> tuple[Edit, ...]:
    file = _folder(machine) / "config.yaml"
    return (
        *(Put(file, "yaml", (name,), value, gently=True) for name, value in HEAD.items()),
        *(
            Put(
                file,
                "yaml",
                ("models", Item("name", labelled(link, model))),
                _entry(link, model),
                hidden=("apiKey",),
            )
            for model in offered(link)
        ),
    )


def _hides(machine: Machine) -> Path | None:
    older = _folder(machine) / "config.json"
    made = not machine.has(_folder(machine) / "config.yaml")
    return older if made and machine.has(older) else None


TOOL = Tool(
    id="continue",
    name="Continue",
    source="Continue CLI 1.5.47 and its config-yaml 1.42.0, run with such a file",
    programs=("cn",),
    proof=("continuedev",),
    traces=lambda machine: (_folder(machine),),
    roles=(),
    listing=True,
    edits=_edits,
    hides=_hides,
)
