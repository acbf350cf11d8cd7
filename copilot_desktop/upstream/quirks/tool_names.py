"""Tool names of an answer, given back as the client declared them (`translation.md` §2.2).

Copilot got some under another name, because the client's own is not legal there, and models now and
then change the case of letters. Clients look their tools up by the exact name. A name that nobody
declared stays as it is: it is the model's mistake, and the client tells it so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from copilot_desktop.spelling import legal_name

TWICE = " (declared twice)"


class ToolNames:
    """The names of `tools`, which were declared in any of the three formats.

    Most answers call none, so they are looked at when the first call comes.
    """

    __slots__ = ("_folded", "_sent", "_tools")

    def __init__(self, tools: object = None) -> None:
        self._tools = tools
        self._sent: dict[str, str] | None = None  # a tool as Copilot knows it: as the client does
        self._folded: dict[str, str] = {}  # without regard to case; empty where that is not clear

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> ToolNames:
        """For the tools of `body`, the client's request."""
        return cls(body.get("tools"))

    def shown(self, name: str) -> str:
        sent = self._look() if self._sent is None else self._sent
        return sent.get(name) or self._folded.get(name.casefold()) or name

    def _look(self) -> dict[str, str]:
        self._sent = {legal_name(name): name for name in _declared(self._tools)}
        for name, own in self._sent.items():
            key = name.casefold()
            self._folded[key] = "" if key in self._folded else own
        return self._sent


def _declared(tools: object) -> Iterator[str]:
    for tool in tools if isinstance(tools, list) else ():
        if not isinstance(tool, dict):
            continue
        for holder in (tool.get("function"), tool.get("custom"), tool):
            if isinstance(holder, dict) and isinstance(name := holder.get("name"), str):
                yield name
                break


def told_once(tools: list[Any]) -> tuple[list[Any], list[str]]:
    """Of several tools with one name the first (P8), and a note for each that is left out: Copilot
    refuses twins. `tools` itself if there are none."""
    seen: set[str] = set()
    kept, notes = [], []
    for tool in tools:
        group = isinstance(tool, dict) and tool.get("type") == "namespace"
        name = None if group else next(_declared([tool]), None)
        if name in seen:
            notes.append(f"dropped=tools.{name}{TWICE}")
            continue
        if name is not None:
            seen.add(name)
        kept.append(tool)
    return (kept, notes) if notes else (tools, notes)
