"""Words for people stand in the strings file, not in the code that shows them.

What counts: every text of the window, the tray, menus and notifications, and whatever core tells
them. What does not: refusals (`raise`, and what a verb answers), which are errors and speak English
like the terminal and the editors' own messages, and lines of the log.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "copilot_desktop"
SHOWING = [
    *sorted((PACKAGE / "shell").glob("*.py")),
    *(
        PACKAGE / "core" / f"{name}.py"
        for name in (
            "alerting",
            "alerts",
            "budget",
            "diagnostics",
            "forecast",
            "headline",
            "history",
            "life",
            "report",
            "snapshot",
            "state",
        )
    ),
]
# Facts for Help and the report, in the English of errors: which engine, and why no other.
REASONS = {"engine.py", "tray.py"}
SENTENCE = re.compile(r"[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}|\b[A-Z][a-z]+ [a-z]{2,}|^[A-Z][a-z]+[.…]$")


def texts(tree: ast.AST) -> Iterator[ast.Constant]:
    """String constants that somebody may see: no docstrings, no errors, no lines of the log."""
    unseen: set[int] = set()
    for node in ast.walk(tree):
        aside: list[ast.AST] = []
        match node:
            case ast.Expr(value=ast.Constant()) | ast.Raise() | ast.Assert():
                aside = [node]
            case ast.Call(func=ast.Attribute(value=ast.Name(id="log"))):
                aside = [node]
        unseen.update(id(part) for top in aside for part in ast.walk(top))
    for node in ast.walk(tree):
        said = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if said and id(node) not in unseen:
            yield node


@pytest.mark.parametrize("module", SHOWING, ids=lambda path: path.name)
def test_no_sentence_stands_in_what_shows_it(module: Path) -> None:
    if module.name in REASONS:
        return
    found = texts(ast.parse(module.read_text("utf-8")))
    assert [(t.lineno, t.value) for t in found if SENTENCE.search(t.value)] == []


def test_a_sentence_would_be_seen() -> None:
    """The test of the test."""
    tree = ast.parse(
        '"""A paragraph about it."""\n'
        'log.info("nothing to see here")\n'
        'raise ValueError("that is not right")\n'
        'rows = Item("Open the window")\n'
    )
    assert [t.value for t in texts(tree) if SENTENCE.search(t.value)] == ["Open the window"]
