"""Tool names of an answer, given back as the client declared them (`translation.md` §2.2).

Copilot got some under another name, because the client's own is not legal there, and models now and
then change the case of letters. Clients look their tools up by the exact name. A name that nobody
declared stays as it is: it is the model's mistake, and the client tells it so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from copilot_desktop.spelling import legal_name


@dataclass(frozen=True, slots=True)
class ToolNames:
    """`sent`: a tool as Copilot knows it -> as the client does. `folded`: the same without regard
    to case, empty where that is not clear."""

    sent: Mapping[str, str] = field(default_factory=dict)
    folded: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> ToolNames:
        """For the tools of `body`, the client's request in any of the three formats."""
        known = {legal_name(name): name for name in _declared(body)}
        folded: dict[str, str] = {}
        for name, own in known.items():
            key = name.casefold()
            folded[key] = "" if key in folded else own
        return cls(known, folded)

    def shown(self, name: str) -> str:
        return self.sent.get(name) or self.folded.get(name.casefold()) or name


def _declared(body: Mapping[str, Any]) -> Iterator[str]:
    tools = body.get("tools")
    for tool in tools if isinstance(tools, list) else ():
        if not isinstance(tool, dict):
            continue
        for holder in (tool.get("function"), tool.get("custom"), tool):
            if isinstance(holder, dict) and isinstance(name := holder.get("name"), str):
                yield name
                break
