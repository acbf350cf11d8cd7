"""Errors as Ollama's clients know them: `{"error": text}`, as a body or as the last line."""

from __future__ import annotations

from typing import Any

from copilot_desktop.dialects.ollama.lines import line
from copilot_desktop.errors import Problem

Json = dict[str, Any]


def render_problem(problem: Problem) -> Json:
    """The sentence alone: this format has no place for a type or a code."""
    return {"error": problem.message}


def fault_line(problem: Problem) -> bytes:
    """Clients raise a line with `error`, wherever in the stream it stands."""
    return line(render_problem(problem))
