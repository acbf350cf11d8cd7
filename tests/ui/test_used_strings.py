"""Every sentence is said somewhere; one that nobody says any more goes with what has said it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
UI = ROOT / "ui"
SOURCES = [
    *UI.rglob("*.js"), *UI.glob("*.html"), *(ROOT / "copilot_desktop").rglob("*.py"),
]  # fmt: skip
SETTINGS = [*(UI / "views").glob("settings*.js"), ROOT / "copilot_desktop/core/settings.py"]
# Put together from what only shows at run time: a kind, a state, the id of a tool.
MADE_AT_RUN_TIME = (
    *("activity.change.", "activity.result.", "activity.route."),  # notes, statuses, endpoints
    "autostart.",  # what the system says
    "banner.",  # kind of banner and what is known about it
    # A tool, a reason, a state.
    *("editors.because.", "editors.note.", "editors.refused.", "editors.steps."),
    "overview.editors.state.",
    "finding.",  # id of a check and what it found
    "format.",  # numbers of days and months
    "glyph.",
    "headline.",  # its kind and what is known about it
    "meter.",  # GitHub's names
    "notification.",  # id of an alert and what is known about it
    "problem.",  # the kind of a problem
    "report.",  # its parts
    *("settings.language_name.", "settings.notify.", "settings.budget_", "settings.on_close_"),
    *("settings.start_at_login_", "settings.store."),
    "sheet.",  # its id and what is known about it
    "usage.budget.used_",  # unit and period
)


def sentences(tree: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for name, value in tree.items():
        key = f"{path}.{name}" if path else name
        if isinstance(value, Mapping) and set(value) != {"one", "other"}:
            yield from sentences(value, key)
        else:
            yield key


def words_in(source: str) -> set[str]:
    """In quotes, or as the name of a field."""
    quoted = re.findall(r"[\"'`]([\w-]+(?:\.[\w-]+)*)[\"'`]", source)
    return {*quoted, *re.findall(r"\b([a-z_0-9]+):", source)}


def unused(keys: Iterator[str], source: str, near: Mapping[str, str] | None = None) -> list[str]:
    """The keys that stand nowhere in `source`, neither whole nor as the form of a made one.

    `near`: where the made part of keys with that prefix stands; elsewhere it means another thing.
    """
    quoted = words_in(source)
    closer = {prefix: words_in(text) for prefix, text in (near or {}).items()}
    forms = [form(found) for found in re.findall(MADE, source)]

    def said(key: str) -> bool:
        if key in quoted or key.startswith(MADE_AT_RUN_TIME):
            return True
        prefix = next((each for each in closer if key.startswith(each)), "")
        words = closer.get(prefix, quoted)
        fits = (match for each in forms if (match := each.fullmatch(key)))
        return any(all(part in words for part in match.groups()) for match in fits)

    return [key for key in keys if not said(key)]


# `models.why.${why}`, f"headline.{key}"
MADE = r"[`\"]([\w.]+\.[\w.]*(?:\$?\{[^`\"]*?\}[\w.]*)+)[`\"]"


def form(made: str) -> re.Pattern[str]:
    pieces = re.split(r"\$?\{.*?\}", made)
    return re.compile(r"([\w.-]*?)".join(re.escape(piece) for piece in pieces))


def test_every_sentence_is_said_somewhere() -> None:
    tree = json.loads((UI / "strings" / "en.json").read_text("utf-8"))
    source = "\n".join(path.read_text("utf-8") for path in SOURCES)
    near = {"settings.": "\n".join(path.read_text("utf-8") for path in SETTINGS)}
    assert unused(sentences(tree), source, near) == []


def test_one_that_nobody_says_is_found() -> None:
    tree = {"a": {"said": "Yes", "made": "Yes", "gone": "No", "n": {"one": "1", "other": "n"}}}
    source = "t('a.said'); t(`a.${which}`, 'made'); t('a.n')"
    assert unused(sentences(tree), source) == ["a.gone"]
    assert unused(sentences(tree), source, {"a.": "t(`a.${x}`)"}) == ["a.made", "a.gone"]


def test_every_sentence_that_is_asked_for_by_its_name_is_there() -> None:
    """One that is not there would be shown as its name."""
    there = set(sentences(json.loads((UI / "strings" / "en.json").read_text())))
    asked = {
        key
        for source in SOURCES
        for key in re.findall(r"""\b(?:strings\.text|t)\(\s*["']([\w.]+)["']""", source.read_text())
    }
    assert len(asked) > 100
    assert sorted(asked - there) == []
