"""The sentences that window, tray and terminal share, read from `ui/strings/<language>.json`.

Knows keys, placeholders, plurals, and the few formats that Python needs for itself (the page has
the engine's), not what any sentence is about. The terminal and the errors for editors speak English
in every language: programs read them. A missing key gives the key itself and a missing field the
word for "unknown": a gap in a translation must never stop the app. English is
always loaded below another language, so that a half translated file still has every sentence.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from copilot_desktop import resources

log = logging.getLogger(__name__)

ENGLISH = "en"
SYSTEM = "system"  # the setting that leaves the choice to the operating system
COUNT = "n"  # the field that chooses between "one" and "other"


class Words:
    """One language. `tree` is the nested JSON as the page gets it."""

    def __init__(self, tree: Mapping[str, Any]) -> None:
        self.tree = tree

    def text(self, key: str, **fields: object) -> str:
        """The sentence at the dotted `key` with its `{placeholders}` filled."""
        found = self._at(key)
        if isinstance(found, Mapping):
            found = found.get("one" if fields.get(COUNT) == 1 else "other")
        if not isinstance(found, str):
            return key
        return self._filled(found, fields)

    def number(self, value: float, digits: int = 0) -> str:
        """`1500.26 -> "1,500.3"` in the manner of the language, with as many `digits`."""
        whole, point, part = f"{value:,.{digits}f}".partition(".")
        thousands = self.text("format.thousands")
        return whole.replace(",", thousands) + (self.text("format.point") if point else "") + part

    def meter(self, name: str) -> str:
        """A meter's name; one that we do not know keeps GitHub's own."""
        key = f"meter.{name.lower().replace(' ', '_')}"
        return self.text(key) if self.has(key) else name

    def has(self, key: str) -> bool:
        """Whether a sentence (or a plural) stands at `key`."""
        found = self._at(key)
        return isinstance(found, str) or (isinstance(found, Mapping) and "other" in found)

    def _filled(self, sentence: str, fields: Mapping[str, object]) -> str:
        unknown = self._at("app.unknown")
        known = _Known({name: str(value) for name, value in fields.items()})
        known.missing = unknown if isinstance(unknown, str) else "unknown"
        return sentence.format_map(known)

    def _at(self, key: str) -> object:
        found: object = self.tree
        for part in key.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found


class _Known(dict[str, str]):
    missing = ""

    def __missing__(self, key: str) -> str:
        return self.missing


def text(key: str, **fields: object) -> str:
    """The English sentence at `key`."""
    return words().text(key, **fields)


@cache
def words(language: str = ENGLISH) -> Words:
    """The sentences of `language`, English where it has none."""
    folder = resources.ui() / "strings"
    tree = _read(folder / f"{ENGLISH}.json")
    if language != ENGLISH and language in languages():
        tree = merged(tree, _read(folder / f"{language}.json"))
    return Words(tree)


def languages() -> tuple[str, ...]:
    """The languages there are files for, English first."""
    found = {path.stem for path in (resources.ui() / "strings").glob("*.json")}
    return (ENGLISH, *sorted(found - {ENGLISH}))


def chosen(setting: str, wished: Sequence[str] = ()) -> str:
    """The language to speak: the one of the settings, or the first of `wished` that we have.

    `wished` are the languages of the system as tags such as `de-AT` or `de_AT`, best first.
    """
    for tag in wished if setting == SYSTEM else (setting,):
        language = tag.replace("_", "-").partition("-")[0].lower()
        if language in languages():
            return language
    return ENGLISH


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`below` with every sentence that `above` has put over it."""
    result = dict(below)
    for key, value in above.items():
        under = result.get(key)
        both = isinstance(under, Mapping) and isinstance(value, Mapping)
        result[key] = merged(under, value) if both else value  # type: ignore[arg-type]
    return result


def _read(path: Path) -> dict[str, Any]:
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        log.warning("The sentences in %s cannot be read: %s", path.name, type(error).__name__)
        return {}
    return tree if isinstance(tree, dict) else {}
