"""Tools on paper: what their files would hold, without a disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from copilot_desktop.canonical import Effort
from copilot_desktop.integrations.edits import ABSENT, Absent, Block, Edit, Put
from copilot_desktop.integrations.entries import apply, find_at
from copilot_desktop.integrations.tool import Link, Machine, Os, Tool
from copilot_desktop.model import Model

KEY = "cd-the-local-key-of-this-test"
HOME = Path("/home/me")
SONNET = Model(
    "claude-sonnet-5", "Claude Sonnet 5", vendor="Anthropic", vision=True, max_context=200_000,
    max_prompt=168_000, max_output=32_000, thinking="optional",
    efforts=(Effort.LOW, Effort.MEDIUM, Effort.HIGH),
)  # fmt: skip
MINI = Model(
    "gpt-5-mini", "GPT-5 mini", vendor="OpenAI", max_context=128_000, max_prompt=100_000,
    max_output=16_000,
)  # fmt: skip
MODELS = (SONNET, MINI)


def link(*models: Model, address: str = "http://127.0.0.1:4141", **chosen: str) -> Link:
    return Link(address, KEY, models or MODELS, chosen)


def machine(of: Os = "linux", home: Path = HOME, **env: str) -> Machine:
    return Machine(of, home, env)


def for_roles(tool: Tool, model: Model = SONNET) -> dict[str, str]:
    return {role.name: model.id for role in tool.roles}


def written(
    edits: tuple[Edit, ...], existing: Mapping[str, str] | None = None, home: Path = HOME
) -> dict[str, str]:
    """The files that `edits` lead to, by their path below `home`; `existing`: what they hold."""
    texts = dict(existing or {})
    for edit in edits:
        name = edit.file.relative_to(home).as_posix()
        texts[name] = after(texts.get(name, ""), edit)
    return texts


def after(text: str, edit: Edit) -> str:
    if isinstance(edit, Block):
        return apply(text, None, (edit.name,), edit.lines)
    if edit.gently and not isinstance(_present(text, edit), Absent):
        return text
    return apply(text, edit.format, edit.place, edit.value)


def _present(text: str, edit: Put) -> object:
    return find_at(text, edit.format, edit.place) if text else ABSENT
