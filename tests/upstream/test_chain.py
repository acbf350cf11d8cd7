"""How much of a conversation Copilot's socket knows already: decided by comparing."""

from __future__ import annotations

import pytest

from copilot_desktop.upstream.chain import Chain

ASKED = [{"role": "user", "content": "hello"}]
THOUGHT = {"type": "reasoning", "id": "a", "summary": [], "encrypted_content": "one"}
THOUGHT_AT_THE_END = {**THOUGHT, "id": "b", "encrypted_content": "two"}
CALL = {"type": "function_call", "id": "c", "call_id": "call_1", "name": "look",
        "arguments": "{}", "status": "completed"}  # fmt: skip
WORDS = {"type": "message", "id": "d", "role": "assistant", "status": "completed",
         "content": [{"type": "output_text", "text": "Hi!", "annotations": []}]}  # fmt: skip
CHAIN = Chain("resp", ASKED, [[THOUGHT, THOUGHT_AT_THE_END], [WORDS], [CALL]])
NEW = {"type": "function_call_output", "call_id": "call_1", "output": "7"}
SENT_BACK = [
    {**THOUGHT, "id": "other"},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi!"}]},
    {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"},
]


def test_only_the_rest_is_new():
    assert CHAIN.rest([*ASKED, *SENT_BACK, NEW]) == [NEW]
    again = [*ASKED, THOUGHT_AT_THE_END, *SENT_BACK[1:], NEW, NEW]
    assert CHAIN.rest(again) == [NEW, NEW]


def test_a_message_may_come_back_as_a_plain_text():
    plain = {"role": "assistant", "content": "Hi!"}
    assert CHAIN.rest([*ASKED, SENT_BACK[0], plain, SENT_BACK[2], NEW]) == [NEW]


@pytest.mark.parametrize(
    "items",
    [
        "hello",
        None,
        [],
        ASKED,
        [*ASKED, *SENT_BACK],  # nothing is new
        [NEW, *SENT_BACK, NEW],
        [*ASKED, *SENT_BACK[1:], NEW, NEW],  # the reasoning was left out
        [*ASKED, {**THOUGHT, "encrypted_content": "three"}, *SENT_BACK[1:], NEW],
        [*ASKED, *SENT_BACK[:2], {**CALL, "arguments": '{"a":1}'}, NEW],
        [*ASKED, *SENT_BACK[:2], {**CALL, "call_id": "call_2"}, NEW],
        [*ASKED, SENT_BACK[0], {**WORDS, "content": "Ho!"}, SENT_BACK[2], NEW],
        [*ASKED, SENT_BACK[0], {**WORDS, "role": "user"}, SENT_BACK[2], NEW],
        [*ASKED, 7, 8, 9, NEW],
    ],
)
def test_another_conversation_is_sent_whole(items):
    assert CHAIN.rest(items) is None


def test_an_item_that_nobody_can_compare_is_sent_again():
    strange = {"type": "web_search_call", "id": "w"}
    assert Chain("resp", ASKED, [[strange]]).rest([*ASKED, strange, NEW]) is None
    assert Chain("resp", ASKED, [[]]).rest([*ASKED, strange, NEW]) is None
