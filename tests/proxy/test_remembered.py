"""A request of new items only is made whole again, within bounds."""

from __future__ import annotations

import pytest

from copilot_desktop.errors import BodyTooLarge, InvalidRequest
from copilot_desktop.proxy.remembered import KEPT, Conversation, Remembered


def test_a_request_that_goes_on_from_nothing_is_whole():
    remembered = Remembered(1000)
    assert remembered.whole({"input": [1, 2]}, 10) == Conversation((1, 2), 10)
    assert remembered.whole({"input": [1], "previous_response_id": None}, 5).items == (1,)
    assert remembered.whole({}, 5).items == ()
    (message,) = remembered.whole({"input": "hello"}, 5).items
    assert message == {"type": "message", "role": "user", "content": "hello"}
    with pytest.raises(InvalidRequest):
        remembered.whole({"input": 7}, 5)


def test_what_was_asked_and_answered_comes_first():
    remembered = Remembered(1000)
    first = remembered.whole({"input": ["a"]}, 10)
    remembered.keep("r1", first, ["b"], 20)
    second = remembered.whole({"input": ["c"], "previous_response_id": "r1"}, 5)
    assert second == Conversation(("a", "b", "c"), 35)
    remembered.keep("r2", second, ["d"], 1)
    third = remembered.whole({"input": ["e"], "previous_response_id": "r2"}, 1)
    assert third.items == ("a", "b", "c", "d", "e")
    other = remembered.whole({"input": ["x"], "previous_response_id": "r1"}, 1)
    assert other.items == ("a", "b", "x")


def test_only_the_latest_are_known():
    remembered = Remembered(1000)
    for number in range(KEPT + 1):
        remembered.keep(f"r{number}", Conversation(), [], 0)
    assert remembered.whole({"input": [], "previous_response_id": "r1"}, 1).items == ()
    for strange in ("r0", "other", 7, {}):
        with pytest.raises(InvalidRequest) as told:
            remembered.whole({"input": [], "previous_response_id": strange}, 1)
        assert told.value.code == "previous_response_not_found"


def test_what_is_used_is_kept():
    remembered = Remembered(1000)
    for number in range(3 * KEPT):
        remembered.keep(f"r{number}", Conversation(), [], 0)
        remembered.whole({"input": [], "previous_response_id": "r0"}, 1)


def test_a_conversation_may_not_grow_without_end():
    remembered = Remembered(100)
    remembered.keep("r1", Conversation(("a",), 60), ["b"], 30)
    assert remembered.whole({"input": [], "previous_response_id": "r1"}, 10).items == ("a", "b")
    with pytest.raises(BodyTooLarge):
        remembered.whole({"input": [], "previous_response_id": "r1"}, 11)


def test_only_what_is_kept_adds_up():
    """Clients send their tools and instructions with each request."""
    remembered = Remembered(130)
    asked = remembered.whole({"input": ["a"], "tools": "t" * 50}, 60)
    for number in range(5):
        remembered.keep(f"r{number}", asked, ["b"], 1)
        frame = {"input": ["c"], "tools": "t" * 20, "previous_response_id": f"r{number}"}
        asked = remembered.whole(frame, 30)
    assert len(asked.items) == 11
