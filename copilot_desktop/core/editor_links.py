"""What an editor is pointed at: address, key and models, from the state and the user's choices.

Pure, so that the window and a terminal without a running app come to the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from copilot_desktop.integrations.planning import NO_KEY
from copilot_desktop.integrations.refusals import refused
from copilot_desktop.integrations.tool import Link, Role, Tool
from copilot_desktop.model import AUTO, Model
from copilot_desktop.upstream.names import auto_entry, auto_only, offered


@dataclass(frozen=True, slots=True)
class Offer:
    """What this proxy has for any tool. `key` is the one for everybody, and `required` whether one
    is asked for; `named` are the keys of clients, by their names in lower case."""

    address: str  # without a slash at the end
    models: tuple[Model, ...]
    key: str = field(repr=False)
    required: bool = False
    named: Mapping[str, str] = field(default_factory=dict, repr=False)

    def link(
        self,
        tool: Tool,
        remembered: Mapping[str, str],
        given: Mapping[str, str] | None = None,
    ) -> Link:
        """For one tool: what is `given` now wins over what was chosen before, and that over what
        the tool would like. Raises InvalidRequest for what cannot be chosen."""
        for role, model in (given or {}).items():
            known = any(each.name == role for each in tool.roles)
            if not known or all(each.id != model for each in self.models):
                raise refused("unknown_model", why=model[:100])
        wishes = {**remembered, **(given or {})}
        chosen = {role.name: self._model(role, wishes.get(role.name)) for role in tool.roles}
        return Link(self.address, self.key_of(tool), self.models, _filled(chosen))

    def key_of(self, tool: Tool) -> str:
        """The tool's own key where there is one; where none is asked for, a word that is none."""
        return self.named.get(tool.id.casefold()) or self.shared_key

    @property
    def shared_key(self) -> str:
        """For what has no name of its own."""
        return self.key if self.required else NO_KEY

    def _model(self, role: Role, wish: str | None) -> str | None:
        if any(model.id == wish for model in self.models):
            return wish
        for part in role.wish:
            if fitting := [model for model in self.models if part in model.id]:
                return min(fitting, key=lambda model: (_rank(model), _age(model))).id
        return self.models[0].id if self.models else None


def choosable(models: Iterable[Model]) -> tuple[Model, ...]:
    """Chat models that can be asked for, best first; `auto` alone where GitHub leaves no choice."""
    models = tuple(models)
    if auto_only(models):
        return (auto_entry(models),)
    chats = [model for model in models if model.kind == "chat" and offered(model)]
    if any(model.id == AUTO for model in chats):
        chats = [model for model in chats if model.id != AUTO] + [auto_entry(models)]
    return tuple(sorted(chats, key=_rank))


def _rank(model: Model) -> tuple[bool, ...]:
    """GitHub's own default first, then what its picker shows."""
    return (model.id == AUTO, not model.is_default, not model.in_picker, model.preview)


def _age(model: Model) -> tuple[int, int]:
    """Newest first: vendors count upwards, the first number of an id is its version (a date
    is none)."""
    found = re.search(r"(\d+)(?:[.-](\d{1,2})(?!\d))?", model.id)
    return (-int(found[1]), -int(found[2] or 0)) if found else (0, 0)


def _filled(chosen: Mapping[str, str | None]) -> dict[str, str]:
    return {role: model for role, model in chosen.items() if model is not None}
