"""Pi: a provider in its `models.json`, and the model to begin with in its `settings.json`.

Thinking levels that a model does not take are marked so, and then not offered. A key is taken for
the name of a variable if there is one of that name, else as it is.
"""

from __future__ import annotations

from pathlib import Path

from copilot_desktop.canonical import Effort
from copilot_desktop.integrations.edits import Edit, Put, Value
from copilot_desktop.integrations.offer import NAME, SLUG, offered, thinks, title
from copilot_desktop.integrations.tool import USUAL, Link, Machine, Tool
from copilot_desktop.model import Model

LEVELS = {
    "minimal": Effort.MINIMAL,
    "low": Effort.LOW,
    "medium": Effort.MEDIUM,
    "high": Effort.HIGH,
    "xhigh": Effort.XHIGH,
}


def _folder(machine: Machine) -> Path:
    return machine.folder("PI_CODING_AGENT_DIR", ".pi", "agent")


def _model(model: Model) -> dict[str, Value]:
    found: dict[str, Value] = {
        "id": model.id,
        "name": title(model),
        "reasoning": thinks(model),
        "input": ["text", "image"] if model.vision else ["text"],
        "contextWindow": model.max_prompt,
        "maxTokens": model.max_output,
    }
    missing = {level: None for level, effort in LEVELS.items() if effort not in model.efforts}
    if model.efforts and missing:
        found["thinkingLevelMap"] = missing
    return found


def _edits(machine: Machine, link: Link) -> tuple[Edit, ...]:
    file, settings = _folder(machine) / "models.json", _folder(machine) / "settings.json"
    provider: dict[str, Value] = {
        "name": NAME,
        "baseUrl": link.openai,
        "api": "openai-completions",
        "apiKey": link.key,
        "models": [_model(model) for model in offered(link)],
    }
    main = link.model("main")
    begin = {"defaultProvider": SLUG, "defaultModel": main.id} if main else {}
    return (
        Put(file, "json", ("providers", SLUG), provider, hidden=("apiKey",)),
        *(Put(settings, "json", (name,), value) for name, value in begin.items()),
    )


TOOL = Tool(
    id="pi",
    name="Pi",
    source="pi 0.73.1 and its docs/models.md, run with such files",
    programs=("pi",),
    proof=("pi-coding-agent", "pi-mono"),
    traces=lambda machine: (_folder(machine),),
    roles=(USUAL,),
    edits=_edits,
    rejects=frozenset({"block_comments", "mark"}),
)
