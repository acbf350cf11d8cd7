"""opencode: a provider in the global settings, with its models, and the model to begin with.

opencode lays `opencode.jsonc` of that folder over `opencode.json`; ours go where they win. When it
starts it puts `$schema` at the top of a file that has none; a file of our making is born with it.
`small_model` writes titles; without it the user's main model would.
"""

from __future__ import annotations

import json

from copilot_desktop.integrations.edits import Edit, Put, Value
from copilot_desktop.integrations.offer import NAME, SLUG, offered, thinks, title
from copilot_desktop.integrations.tool import USUAL, Launch, Link, Machine, Role, Tool
from copilot_desktop.model import Model

ROLES = {"main": "model", "small": "small_model"}


def _model(model: Model) -> dict[str, Value]:
    seen = ["text", "image"] if model.vision else ["text"]
    limit = {"context": model.max_context, "input": model.max_prompt, "output": model.max_output}
    return {
        "name": title(model),
        "attachment": model.vision,
        "reasoning": thinks(model),
        "tool_call": model.tools,
        "modalities": {"input": seen, "output": ["text"]},
        "limit": limit,
    }


def _provider(link: Link) -> dict[str, Value]:
    return {
        "npm": "@ai-sdk/openai-compatible",  # comes with opencode; nothing is fetched
        "name": NAME,
        "options": {"baseURL": link.openai, "apiKey": link.key},
        "models": {model.id: _model(model) for model in offered(link)},
    }


def _chosen(link: Link) -> dict[str, Value]:
    found = {setting: link.model(role) for role, setting in ROLES.items()}
    return {setting: f"{SLUG}/{model.id}" for setting, model in found.items() if model}


def _edits(machine: Machine, link: Link) -> tuple[Edit, ...]:
    folder = machine.config / "opencode"
    first = folder / "opencode.jsonc"
    file = first if machine.has(first) else folder / "opencode.json"
    return (
        Put(file, "json", ("$schema",), "https://opencode.ai/config.json", gently=True),
        Put(file, "json", ("provider", SLUG), _provider(link), hidden=("apiKey",)),
        *(Put(file, "json", (setting,), value) for setting, value in _chosen(link).items()),
    )


def _launch(machine: Machine, link: Link) -> Launch:
    content = {"provider": {SLUG: _provider(link)}, **_chosen(link)}
    return Launch(env={"OPENCODE_CONFIG_CONTENT": json.dumps(content)})


TOOL = Tool(
    id="opencode",
    name="opencode",
    source="opencode 1.18.33, run with such a file",
    programs=("opencode",),
    traces=lambda machine: (machine.config / "opencode",),
    roles=(
        USUAL,
        Role("small", ("gpt-5-mini", "-mini", "haiku", "flash", "gpt-4.1")),
    ),
    edits=_edits,
    launch=_launch,
    overrides=("OPENCODE_CONFIG", "OPENCODE_CONFIG_CONTENT"),
)
