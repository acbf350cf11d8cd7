"""The page's files without a browser: contrast, keys of the strings, forbidden means."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from copilot_desktop import strings
from copilot_desktop.control.pages import sentences as said
from copilot_desktop.core.settings import Preferences, Settings
from copilot_desktop.core.state import State

UI = Path(__file__).resolve().parents[2] / "ui"
WORDS: Mapping[str, Any] = json.loads((UI / "strings" / "en.json").read_text("utf-8"))
SCRIPTS = sorted(UI.rglob("*.js"))
PAGE_WEIGHT = 200 * 1024  # bytes that are read before the first screen is there

GROUNDS = ["bg", "surface", "sunken"]
TEXT_PAIRS = [
    *product(["text", "text2", "text3", "accent"], GROUNDS),
    *((name, f"{name}-soft") for name in ("ok", "warn", "bad", "accent")),
    *(("text", f"{name}-soft") for name in ("ok", "warn", "bad", "accent")),
    *(("text2", f"{name}-soft") for name in ("ok", "warn", "bad", "accent")),
    *((name, "surface") for name in ("ok", "warn", "bad")),
    ("accent", "warn-soft"),
    ("accent", "bad-soft"),
    ("on-accent", "accent"),
    ("on-accent", "accent-hover"),
    ("on-bad", "bad-fill"),
    ("surface", "bad"),
]
PART_PAIRS = [
    *product(["control", "focus"], GROUNDS),
    *product(["accent", "warn-fill", "bad-fill", "ok-fill"], ["track"]),
    *((f"{name}-fill", "surface") for name in ("ok", "warn", "bad")),
]


def tokens(theme: str) -> dict[str, str]:
    css = (UI / "style" / "tokens.css").read_text("utf-8")
    light, dark = re.findall(r":root(?:\[data-theme=dark\])? \{(.*?)\}", css, re.DOTALL)[:2]
    found = dict(re.findall(r"--([\w-]+): (#[0-9A-F]{6})", light))
    return (
        found if theme == "light" else found | dict(re.findall(r"--([\w-]+): (#[0-9A-F]{6})", dark))
    )


def luminance(colour: str) -> float:
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_and_parts_stand_out_from_their_ground(theme: str) -> None:
    colours = tokens(theme)
    assert len(colours) == 24
    for limit, pairs in ((4.5, TEXT_PAIRS), (3.0, PART_PAIRS)):
        weak = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}
        assert {pair: ratio for pair, ratio in weak.items() if ratio < limit} == {}


def test_colours_are_named_once() -> None:
    """Every other style sheet uses the tokens, so that the contrast test sees all colours."""
    for sheet in (UI / "style").glob("*.css"):
        if sheet.name != "tokens.css":
            assert re.findall(r"#[0-9a-fA-F]{3,8}\b", sheet.read_text("utf-8")) == [], sheet.name


def sentences(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, value in tree.items():
        key = f"{path}.{name}" if path else name
        if isinstance(value, Mapping):
            yield from sentences(value, key)
        else:
            yield key, value


KEYS = dict(sentences(WORDS))


def exists(key: str) -> bool:
    return key in KEYS or f"{key}.other" in KEYS


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_every_sentence_that_is_asked_for_exists(script: Path) -> None:
    source = script.read_text("utf-8")
    for key in re.findall(r"\b(?:t|dated|has)\('([\w.]+)'", source):
        assert exists(key), key
    for prefix in re.findall(r"\b(?:t|dated)\(`([\w.]+)\.\$\{", source):
        assert any(key.startswith(f"{prefix}.") for key in KEYS), prefix


def test_plurals_have_both_forms() -> None:
    assert {key for key in KEYS if key.endswith(".one")} == {
        f"{key.removesuffix('.other')}.one"
        for key in KEYS
        if key.endswith(".other") and exists(f"{key.removesuffix('.other')}.one")
    }


def test_the_tone_of_the_words() -> None:
    for key, sentence in KEYS.items():
        assert "!" not in sentence, key
        assert not re.search(r"\b(please|oops|successfully|quota)\b", sentence, re.IGNORECASE), key
        assert not re.search(r"\d %|\} %", sentence), f"{key}: a narrow no-break space before %"


def test_all_that_python_reads_is_there() -> None:
    headlines = [
        "running",
        "running_lan",
        "stopped",
        "starting",
        "stopping",
        "port_conflict",
        "error",
        "signin",
        "expired",
        "no_access",
        "low",
        "exhausted",
        "budget",
        "offline",
        "asking",
        "paused",
        "paused_refused",
    ]
    assert all(exists(f"headline.{key}") for key in headlines)
    source = (UI.parent / "copilot_desktop" / "core" / "headline.py").read_text("utf-8")
    for banner in re.findall(r'Banner\(\s*"(\w+)"', source):
        assert exists(f"banner.{banner}.title"), banner
        assert exists(f"banner.{banner}.body"), banner
    actions = set(
        re.findall(r"\b(\w+): (?:\(f\)|\(\))", (UI / "components" / "banner.js").read_text("utf-8"))
    )
    for action in actions | {"copy_details"}:
        assert exists(f"banner.action.{action}"), action


# Keys, headers, and what a page asks the browser about itself.
NAMES_OF_THE_BROWSER = {
    "Application", "Arrow", "ArrowDown", "ArrowLeft", "ArrowRight", "ArrowUp", "Backspace",
    "Browser", "Content", "Date", "Delete", "End", "Enter", "Escape", "Home", "Left", "List", "Mac",
    "Number", "Page", "Right", "Tab", "Type", "Windows",
}  # fmt: skip
LITERAL = re.compile(r"'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_no_sentence_stands_in_the_code(script: Path) -> None:
    source = re.sub(r"/\*.*?\*/|(?<![:'])//[^\n]*", "", script.read_text("utf-8"), flags=re.DOTALL)
    for single, template in LITERAL.findall(source):
        text = re.sub(r"\$\{[^}]*\}", "", single or template)
        looks_like_words = re.search(r"[A-Z][a-z]+ [a-z]+|[a-z]{3,} [a-z]{2,}[.?…]$", text)
        assert not looks_like_words, text
        # A single word may be one for people, too, unless it is the browser's own.
        assert set(re.findall(r"\b[A-Z][a-z]{2,}", text)) <= NAMES_OF_THE_BROWSER, text
    seen = r"(?:\b(?:title|label|placeholder|alt)|'aria-(?:label|valuetext|description)'): *"
    assert re.findall(seen + r"(?:'[^']*[A-Za-z]|`[^`$]*[A-Za-z])", source) == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_use_no_means_that_could_turn_text_into_code(script: Path) -> None:
    source = script.read_text("utf-8")
    for means in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "eval(",
        "new Function",
        "document.write",
        "http://",
        "https://",
    ):
        allowed = means == "http://" and script.name in {"dom.js", "derive.js", "overview.js"}
        assert allowed or means not in re.sub(r"/\^?https\?.*?/,", "", source), means


def test_the_page_loads_nothing_from_elsewhere_and_holds_no_code() -> None:
    page = (UI / "index.html").read_text("utf-8")
    assert not re.search(r"\s(?:style|on\w+)=", page)
    assert re.findall(r"<script(?![^>]*src=)", page) == []
    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert address.startswith("/ui/") or address == "data:,"
        assert address == "data:," or (UI / address.removeprefix("/ui/")).is_file()


def test_every_icon_that_is_used_is_in_the_sprite() -> None:
    sprite = set(re.findall(r'<symbol id="([\w-]+)"', (UI / "icons.svg").read_text("utf-8")))
    used = {
        name
        for script in SCRIPTS
        for name in re.findall(r"\b[iI]con(?:Button)?\('([\w-]+)'", script.read_text("utf-8"))
    }
    assert used
    assert used <= sprite


def read_at_the_start() -> set[Path]:
    """The page, and every script that it imports; `import()` comes later."""
    found: set[Path] = set()
    waiting = [UI / "app.js", UI / "boot.js"]
    while waiting:
        script = waiting.pop()
        if script in found:
            continue
        found.add(script)
        source = script.read_text("utf-8")
        names = re.findall(r"^(?:import|export)\b[^;'(]*'(\.[^']+)'", source, re.MULTILINE)
        waiting += [(script.parent / name).resolve() for name in names]
    return found


def test_the_page_stays_light() -> None:
    scripts = read_at_the_start()
    assert {"app.js", "dom.js", "overview.js", "banner.js"} <= {path.name for path in scripts}
    page = (UI / "index.html").read_text("utf-8")
    sheets = [UI / "style" / name for name in re.findall(r"/ui/style/(\w+\.css)", page)]
    assert "page.css" in {path.name for path in sheets}
    files = [*scripts, *sheets, UI / "index.html", UI / "icons.svg"]
    # The app serves one language, without what only Python says.
    words = max(
        len(json.dumps(sentences_for(language), ensure_ascii=False, separators=(",", ":")).encode())
        for language in strings.languages()
    )
    assert sum(path.stat().st_size for path in files) + words <= PAGE_WEIGHT


def sentences_for(language: str) -> Mapping[str, Any]:
    return said(State(preferences=Preferences.of(Settings(language=language))))


def test_modules_stay_readable() -> None:
    for path in [*SCRIPTS, *(UI / "style").glob("*.css")]:
        assert len(path.read_text("utf-8").splitlines()) <= 500, path.name
