"""Errors: one sentence, as a body or as a line."""

from __future__ import annotations

import json

from copilot_desktop.dialects.ollama.problems import fault_line, render_problem
from copilot_desktop.errors import UnknownModel


def test_an_error_is_one_sentence():
    problem = UnknownModel(fields={"model": "m", "alternatives": "n"})
    assert render_problem(problem) == {"error": problem.message}
    assert json.loads(fault_line(problem)) == {"error": problem.message}
