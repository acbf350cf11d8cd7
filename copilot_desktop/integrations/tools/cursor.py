"""Cursor: its requests come from its makers' servers, which cannot reach this machine.

A tunnel would make them, and would put the proxy into the open; so it is not offered.
"""

from __future__ import annotations

from pathlib import Path

from copilot_desktop.integrations.tool import Machine, Tool


def _traces(machine: Machine) -> tuple[Path, ...]:
    return (machine.app_support / "Cursor", machine.home / ".cursor")


TOOL = Tool(
    id="cursor",
    name="Cursor",
    source="Cursor's documentation and forum on own keys, read 2026-11-21",
    way="impossible",
    programs=("cursor", "cursor-agent"),
    traces=_traces,
    roles=(),
)
