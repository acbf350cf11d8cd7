"""Qwen Code: models of its OpenAI kind in its settings, and which of them it begins with.

An entry names the variable that holds its key; the same file may give variables their values. An
entry is found again by its name: the same model may also come from elsewhere.
"""

from __future__ import annotations

from pathlib import Path

from copilot_desktop.integrations.edits import Edit, Item, Put, Value
from copilot_desktop.integrations.offer import labelled, offered
from copilot_desktop.integrations.tool import USUAL, Launch, Link, Machine, Tool
from copilot_desktop.model import Model

VARIABLE = "COPILOT_DESKTOP_KEY"


def _folder(machine: Machine) -> Path:
    return machine.folder("QWEN_HOME", ".qwen")


def _entry(link: Link, model: Model) -> dict[str, Value]:
    return {
        "id": model.id,
        "name": labelled(link, model),
        "baseUrl": link.openai,
        "envKey": VARIABLE,
        "generationConfig": {
            "contextWindowSize": model.max_prompt,
            "modalities": {"image": model.vision},
        },
    }


def _edits(machine: Machine, link: Link) -> tuple[Edit, ...]:
    file = _folder(machine) / "settings.json"
    main = link.model("main")
    # Its own picker writes the address as well; one of another provider with this model would win.
    begin = {"name": main.id, "baseUrl": link.openai} if main else {}
    return (
        *(
            Put(
                file,
                "json",
                ("modelProviders", "openai", Item("name", labelled(link, model))),
                _entry(link, model),
            )
            for model in offered(link)
        ),
        Put(file, "json", ("env", VARIABLE), link.key, secret=True),
        Put(file, "json", ("security", "auth", "selectedType"), "openai"),
        *(Put(file, "json", ("model", name), value) for name, value in begin.items()),
    )


def _launch(machine: Machine, link: Link) -> Launch:
    main = link.model("main")
    where = {"OPENAI_BASE_URL": link.openai, "OPENAI_API_KEY": link.key}
    # The model in its settings wins over OPENAI_MODEL, and the flag over both.
    return Launch(("--auth-type", "openai"), where, model=("--model", main.id) if main else ())


TOOL = Tool(
    id="qwen-code",
    name="Qwen Code",
    source="Qwen Code 0.24.4 and its model-providers.md, run with such a file",
    programs=("qwen",),
    proof=("qwen-code",),
    traces=lambda machine: (_folder(machine),),
    roles=(USUAL,),
    edits=_edits,
    rejects=frozenset({"trailing_commas"}),  # else it does not start
    launch=_launch,
    overrides=(VARIABLE,),
)
