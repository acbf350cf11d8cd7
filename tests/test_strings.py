"""Sentences: placeholders, plurals, gaps, and one wording for each problem."""

from __future__ import annotations

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


def test_folders_are_found_and_a_missing_one_is_named() -> None:
    assert (resources.ui() / "strings" / "en.json").is_file()
    with pytest.raises(resources.ResourceMissing, match="nowhere"):
        resources.folder("nowhere")


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
