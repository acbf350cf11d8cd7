"""aider: the settings file of the home folder, and what it shall know about the chosen models.

It reaches any OpenAI address under the prefix `openai/`. Of models that its tables do not hold it
warns on every start, and it does not know when a conversation is full; so their limits go into the
table that it reads beside its settings.
"""

from __future__ import annotations

from copilot_desktop.integrations.edits import Edit, Put
from copilot_desktop.integrations.tool import USUAL, Launch, Link, Machine, Role, Tool
from copilot_desktop.model import Model

ROLES = {"main": "model", "small": "weak-model"}


def _chosen(link: Link) -> dict[str, Model]:
    found = {setting: link.model(role) for role, setting in ROLES.items()}
    return {setting: model for setting, model in found.items() if model}


def _edits(machine: Machine, link: Link) -> tuple[Edit, ...]:
    file = machine.home / ".aider.conf.yml"
    table = machine.home / ".aider.model.metadata.json"
    chosen = _chosen(link)
    models = {model.id: model for model in chosen.values()}
    return (
        Put(file, "yaml", ("openai-api-base",), link.openai),
        Put(file, "yaml", ("openai-api-key",), link.key, secret=True),
        *(Put(file, "yaml", (name,), f"openai/{model.id}") for name, model in chosen.items()),
        *(
            Put(
                table,
                "json",
                (f"openai/{model.id}",),
                {
                    "litellm_provider": "openai",
                    "mode": "chat",
                    "max_input_tokens": model.max_prompt,
                    "max_output_tokens": model.max_output,
                    "supports_vision": model.vision,
                },
            )
            for model in models.values()
        ),
    )


def _launch(machine: Machine, link: Link) -> Launch:
    models = (
        word
        for name, model in _chosen(link).items()
        for word in (f"--{name}", f"openai/{model.id}")
    )
    # Arguments win over its settings file and over variables, which a `.env` may give it anew. The
    # key stays in a variable: arguments can be read by everybody on the machine.
    return Launch(("--openai-api-base", link.openai, *models), {"AIDER_OPENAI_API_KEY": link.key})


TOOL = Tool(
    id="aider",
    name="aider",
    source="aider 0.86.2, run with such a file",
    programs=("aider",),
    traces=lambda machine: (machine.home / ".aider.conf.yml", machine.home / ".aider"),
    roles=(
        USUAL,
        Role("small", ("gpt-5-mini", "-mini", "haiku", "flash", "gpt-4.1")),
    ),
    edits=_edits,
    launch=_launch,
    overrides=("AIDER_OPENAI_API_BASE", "AIDER_OPENAI_API_KEY", "AIDER_MODEL"),
)
