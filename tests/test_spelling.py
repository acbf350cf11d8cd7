"""Ids and names that every endpoint takes, and that still belong together."""

from __future__ import annotations

import re

import pytest

from copilot_desktop.spelling import (
    CallIds,
    free_name,
    legal_id,
    legal_name,
    made_id,
    object_of,
    read_exactly,
)


@pytest.mark.parametrize("limit", [40, 64])
@pytest.mark.parametrize("odd", ["toolu|1", "ü" * 5, "x" * 70, "functions.ls:0", "||||", "\ud800"])
def test_an_odd_id_becomes_a_legal_one_that_is_always_the_same(odd, limit):
    legal = legal_id(odd, limit)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", legal)
    assert len(legal) <= limit
    assert legal == legal_id(odd, limit)
    assert legal != legal_id(odd + "x", limit)


def test_a_legal_id_stays():
    assert legal_id("toolu_01-Ab", 40) == "toolu_01-Ab"


def test_an_id_of_two_halves_is_known_by_its_first():
    assert legal_id("call_abc|fc_123", 40) == "call_abc"


def test_a_made_id_depends_on_the_call_and_its_place():
    assert made_id("1.0", "ls", "{}") == made_id("1.0", "ls", "{}")
    assert len({made_id("1.0", "ls", "{}"), made_id("1.1", "ls", "{}")}) == 2
    assert re.fullmatch(r"call_[0-9a-f]{16}", made_id("1.0", "ls", "{}"))


def test_a_long_name_keeps_its_beginning_and_differs_from_its_neighbours():
    one, two = legal_name("mcp__" + "x" * 70), legal_name("mcp__" + "x" * 71)
    assert len(one) == len(two) == 64
    assert one.startswith("mcp__xxx")
    assert one != two
    assert legal_name("ls") == "ls"


def test_a_taken_name_is_numbered_within_the_limit():
    assert free_name("ls", set()) == "ls"
    assert free_name("ls", {"ls", "ls_2"}) == "ls_3"
    assert len(free_name("x" * 64, {"x" * 64})) <= 64


def test_ids_stay_apart_and_within_their_limit():
    ids = CallIds(10)
    assert ids.of_call("abcdefghij", "0.0", "f") == "abcdefghij"
    ids.next_turn()
    own = ids.of_call("abcdefghij", "2.0", "f")
    assert len(own) <= 10
    assert own != "abcdefghij"
    assert ids.of_result("abcdefghij", "3.0") == own
    assert ids.of_result("other", "3.1") == "other"


def test_calls_and_results_without_ids_meet_by_their_order():
    ids = CallIds(40)
    made = [ids.of_call("", f"1.{n}", "f") for n in range(2)]
    assert [ids.of_result("", f"2.{n}") for n in range(2)] == made
    assert len(set(made)) == 2


def test_of_several_results_the_last_call_of_that_id_gets_what_is_left():
    ids = CallIds(40)
    calls = [ids.of_call("a", f"1.{n}", "f") for n in range(2)]
    assert calls == ["a", "a_2"]
    assert [ids.of_result("a", f"2.{n}") for n in range(3)] == ["a", "a_2", "a_2"]


@pytest.mark.parametrize("word", ["NaN", "-Infinity", "1e999"])
def test_a_number_that_json_has_no_word_for_is_null(word):
    """Python reads and writes these; Copilot and most programs refuse whatever holds one."""
    text = f'{{"x":[{word}],"y":1.5}}'
    assert object_of(text) == {"x": [None], "y": 1.5}
    with pytest.raises(ValueError, match=word):
        read_exactly(text)


def test_what_is_no_object_has_no_arguments():
    for given in ("", "[1]", "{", None, [], 7):
        assert object_of(given) == {}
    assert object_of({"a": 1}) == {"a": 1}
