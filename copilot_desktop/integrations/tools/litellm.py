"""LiteLLM's proxy: a configuration file of our own, since its own has no fixed place.

`litellm --config` takes the file, or a user's own file names it under `include`. The prefix
`openai/` says which format the address speaks.
"""

from __future__ import annotations

from pathlib import Path

from copilot_desktop.integrations.edits import Edit, Item, Put, Value
from copilot_desktop.integrations.offer import SLUG, offered
from copilot_desktop.integrations.tool import Instruction, Link, Machine, Tool
from copilot_desktop.model import Model


def _folder(machine: Machine) -> Path:
    return machine.config / "litellm"


def _entry(link: Link, model: Model) -> dict[str, Value]:
    return {
        "model_name": model.id,
        "litellm_params": {
            "model": f"openai/{model.id}",
            "api_base": link.openai,
            "api_key": link.key,
        },
        "model_info": {
            "mode": "chat",
            "max_input_tokens": model.max_prompt,
            "max_output_tokens": model.max_output,
            "supports_vision": model.vision,
            "supports_function_calling": model.tools,
        },
    }


def _edits(machine: Machine, link: Link) -> tuple[Edit, ...]:
    file = _folder(machine) / f"{SLUG}.yaml"
    return tuple(
        Put(
            file,
            "yaml",
            ("model_list", Item("model_name", model.id)),
            _entry(link, model),
            hidden=("api_key",),
        )
        for model in offered(link)
    )


TOOL = Tool(
    id="litellm",
    name="LiteLLM",
    source="litellm 1.106.2, run with such a file",
    programs=("litellm",),
    traces=lambda machine: (_folder(machine),),
    roles=(),
    listing=True,
    edits=_edits,
    after="restart",
    steps=(Instruction("start"),),
)
