"""Which call a piece belongs to, in the ways in which models number and name theirs."""

from __future__ import annotations

import pytest

from copilot_desktop.fragments import CallKeys

Piece = tuple[object, object, object]  # index, id, name


@pytest.mark.parametrize(
    ("pieces", "calls"),
    [
        ([(0, "a", "f"), (0, None, None), (1, "b", "g"), (1, None, None)], [0, 0, 1, 1]),
        ([(0, "a", "f"), (0, "a", None), (0, "b", "g"), (0, "b", None)], [0, 0, 1, 1]),
        ([(0, "same", "f"), (1, "same", "g"), (0, None, None)], [0, 1, 0]),
        ([(None, "a", "f"), (None, "b", "g"), (None, "a", None), (None, None, None)], [0, 1, 0, 0]),
        ([(None, None, "f"), (None, None, None)], [0, 0]),
        ([(0, 7, "f"), (0, None, None)], [0, 0]),
    ],
    ids=["numbered", "all number 0", "all one id", "by their ids", "nothing told", "odd id"],
)
def test_pieces_find_their_calls(pieces: list[Piece], calls: list[int]) -> None:
    keys = CallKeys()
    assert [keys.key(0, *piece) for piece in pieces] == calls


def test_the_choices_of_an_answer_number_their_calls_apart() -> None:
    keys = CallKeys()
    assert keys.key(0, 0, "a", "f") != keys.key(1, 0, "b", "g")
    assert keys.ids == {0: "a", 1: "b"}
