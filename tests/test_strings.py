"""Sentences: placeholders, plurals, gaps, and one wording for each problem."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Any

import pytest

from copilot_desktop import resources, strings
from copilot_desktop.errors import Problem
from copilot_desktop.strings import Words, merged

SAMPLE = Words(
    {
        "a": {"plain": "Port {port}"},
        "left": {"one": "{n} request", "other": "{n} requests"},
        "number": 3,
    }
)


def test_placeholders_are_filled_and_gaps_never_raise() -> None:
    assert SAMPLE.text("a.plain", port=4141) == "Port 4141"
    assert SAMPLE.text("a.plain") == "Port unknown"
    for key in ("a.missing", "a", "number", "a.plain.deeper", ""):
        assert SAMPLE.text(key) == key
        assert not SAMPLE.has(key)


def test_plurals_follow_n() -> None:
    assert SAMPLE.text("left", n=1) == "1 request"
    assert SAMPLE.text("left", n=0) == "0 requests"
    assert SAMPLE.has("left")


def test_a_half_translated_language_keeps_the_rest() -> None:
    tree = merged({"a": {"x": "X", "y": "Y"}}, {"a": {"y": "Ypsilon"}})
    assert Words(tree).text("a.x") == "X"
    assert Words(tree).text("a.y") == "Ypsilon"


def test_an_unknown_language_is_english() -> None:
    assert strings.words("xx").tree == strings.words().tree
    assert strings.languages()[0] == "en"


@pytest.mark.parametrize(
    ("setting", "wished", "spoken"),
    [
        ("system", ("de-AT",), "de"),
        ("system", ("fr_FR", "de_DE", "en_GB"), "de"),
        ("system", ("fr_FR",), "en"),
        ("system", (), "en"),
        ("de", ("en-GB",), "de"),
        ("en", ("de-DE",), "en"),
        ("xx", ("de-DE",), "en"),
    ],
)
def test_the_setting_wins_and_the_system_is_followed_as_far_as_we_can(
    setting: str, wished: tuple[str, ...], spoken: str
) -> None:
    assert strings.chosen(setting, wished) == spoken


def test_numbers_are_written_in_the_manner_of_the_language() -> None:
    assert strings.words("en").number(1234567.26, 1) == "1,234,567.3"
    assert strings.words("de").number(1234567.26, 1) == "1.234.567,3"
    assert strings.words("de").number(1234567) == "1.234.567"
    assert strings.words("de").text("headline.stopped", n=1) != strings.text("headline.stopped")
    assert strings.words("de").text("tray.meter", p=3).startswith("unbekannt")


def test_folders_are_found_and_a_missing_one_is_named() -> None:
    assert (resources.ui() / "strings" / "en.json").is_file()
    with pytest.raises(resources.ResourceMissing, match="nowhere"):
        resources.folder("nowhere")


LANGUAGES = strings.languages()[1:]

# What may be the same in another language: names, and words that it has taken over. Sections of
# units, keys and formats are not looked at.
ALIKE = {
    "de": {
        "Anthropic", "Budget", "COPILOT_GITHUB_TOKEN", "Code", "Code {spelled}", "Copilot Desktop",
        "Copilot Desktop: {headline}", "Credits", "Debug", "Format", "GitHub", "GitHub Enterprise",
        "GitHub Enterprise…", "Id", "Info", "Link", "MIT", "OK", "OpenAI", "Port", "Premium",
        "Proxy", "Python", "Stream", "System", "Tokens", "Tools", "Version", "200 · OK",
        "{status} · OK", "{n} K", "{n} M",
    },
}  # fmt: skip
NO_SENTENCES = (
    "activity.format.", "activity.route.", "duration.", "editors.shells.name.", "format.",
    "help.engine_name.", "help.keys.", "in.", "models.endpoint.", "models.panel.spelt_in.",
    "nav.mod", "playground.formats.", "settings.language_name.", "size.",
)  # fmt: skip


def filled(text: str) -> list[str]:
    return sorted(field for _, field, _, _ in Formatter().parse(text) if field)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_the_same_things(language: str) -> None:
    """What is missing is named here; at run time English stands in for it."""
    path = resources.ui() / "strings" / f"{language}.json"
    own = dict(sentences(json.loads(path.read_text("utf-8"))))
    english = dict(sentences(strings.words().tree))
    assert [f"{key} = {english[key]}" for key in english if key not in own] == []
    assert [key for key in own if key not in english] == []
    assert [key for key in own if filled(own[key]) != filled(english[key])] == []
    assert list(own) == list(english), "in the same order, to be read side by side"


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_was_left_in_english(language: str) -> None:
    english = dict(sentences(strings.words().tree))
    own = dict(sentences(strings.words(language).tree))
    for key, sentence in english.items():
        if sentence in ALIKE[language] or key.startswith(NO_SENTENCES):
            continue
        has_words = re.search(r"[A-Za-z]", re.sub(r"\{\w+\}", "", sentence))
        assert not has_words or own.get(key) != sentence, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tone_of_the_words_is_the_same_in_every_language(language: str) -> None:
    for key, sentence in sentences(strings.words(language).tree):
        assert "!" not in sentence, key
        assert not re.search(r"\b(bitte|leider|erfolgreich|Ups)\b", sentence), key
        assert not re.search(r"\d %|\} %", sentence), f"{key}: a narrow no-break space before %"
        assert '"' not in sentence, f"{key}: the quotation marks of the language"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_goes_into_a_tray_or_a_notification_fits(language: str) -> None:
    """With the longest of our own names; longer ones of others are cut (`shell.telling`)."""
    tree = strings.words(language).tree
    longest = {"p": "99", "when": "30. Sept.", "left": "1.234", "port": "65535", "n": "12"}
    names = {"meter": "Premium-Anfragen", "client": "Claude Code", "holder": "python3"}
    said = Words(tree)
    limits = {"tray": 60, "headline": 60, "notification": 63}  # `shell.menu`, `shell.telling`
    for section, short in limits.items():
        for key, sentence in sentences(tree[section]):
            limit = 255 if key.rpartition(".")[2].startswith("body") else short
            assert len(said._filled(sentence, {**longest, **names})) <= limit, key


def tree() -> Mapping[str, Any]:
    return strings.words().tree


def sentences(node: object, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(node, Mapping):
        for key, below in node.items():
            yield from sentences(below, f"{path}.{key}" if path else key)
    else:
        assert isinstance(node, str), path
        yield path, node


def problems(kind: type[Problem] = Problem) -> Iterator[type[Problem]]:
    yield kind
    for below in kind.__subclasses__():
        yield from problems(below)


def test_every_sentence_can_be_filled() -> None:
    for path, sentence in sentences(tree()):
        for _, field, _, _ in Formatter().parse(sentence):
            assert field is None or re.fullmatch(r"[a-z_]+", field), path


@pytest.mark.parametrize("kind", sorted({p.kind for p in problems()}))
def test_each_problem_is_worded_as_in_the_error_tree(kind: str) -> None:
    sentence = next(p.sentence for p in problems() if p.kind == kind)
    assert tree()["problem"][kind]["title"] == sentence


def test_no_problem_is_worded_that_does_not_exist() -> None:
    assert set(tree()["problem"]) <= {p.kind for p in problems()}
