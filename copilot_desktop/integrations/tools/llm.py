"""llm: more models of its OpenAI plugin, and the key under a name of its own.

Each is called `copilot/<model>`; the chosen one also answers to `copilot`.
"""

from __future__ import annotations

from pathlib import Path

from copilot_desktop.integrations.edits import Edit, Item, Put, Value
from copilot_desktop.integrations.offer import SLUG, offered
from copilot_desktop.integrations.tool import USUAL, Instruction, Link, Machine, Tool
from copilot_desktop.model import Model

PREFIX = "copilot"


def _folder(machine: Machine) -> Path:
    named = machine.env.get("LLM_USER_PATH", "")
    return Path(named) if named else machine.app_support / "io.datasette.llm"


def _name(model: Model) -> str:
    return f"{PREFIX}/{model.id}"


def _entry(link: Link, model: Model) -> dict[str, Value]:
    found: dict[str, Value] = {
        "model_id": _name(model),
        "model_name": model.id,
        "api_base": link.openai,
        "api_key_name": SLUG,
        "vision": model.vision,
        "supports_tools": model.tools,
        "supports_schema": model.structured,
    }
    if model.efforts:
        found["reasoning"] = True  # allows `-o reasoning_effort`
    if model == link.model("main"):
        found["aliases"] = [PREFIX]
    return found


def _edits(machine: Machine, link: Link) -> tuple[Edit, ...]:
    models, keys = _folder(machine) / "extra-openai-models.yaml", _folder(machine) / "keys.json"
    return (
        *(
            Put(models, "yaml", (Item("model_id", _name(model)),), _entry(link, model))
            for model in offered(link)
        ),
        Put(keys, "json", (SLUG,), link.key, secret=True),
    )


TOOL = Tool(
    id="llm",
    name="llm",
    source="llm 0.36, run with such files",
    programs=("llm",),
    proof=("llm.cli", "from llm"),
    traces=lambda machine: (_folder(machine),),
    roles=(USUAL,),
    edits=_edits,
    rejects=frozenset({"comments", "trailing_commas", "mark"}),  # of its keys
    steps=(Instruction("start"),),
)
