"""A history that is plain at a glance is one that the repairs would have left as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from copilot_desktop.model import Model
from copilot_desktop.sealing import seal
from copilot_desktop.upstream.quirks.messages_draft import Draft
from copilot_desktop.upstream.quirks.messages_glance import is_plain
from copilot_desktop.upstream.quirks.messages_history import (
    mend_names_of_calls,
    mend_pairs,
    mend_pictures,
)
from copilot_desktop.upstream.quirks.messages_turns import mend_ends, mend_turns

BLIND = Model("m", vendor="Anthropic")
MARK = {"cache_control": {"type": "ephemeral"}}
PNG = {"type": "base64", "media_type": "image/jpeg", "data": "iVBORw0KGgo="}


def call(call_id: Any = "a", name: Any = "ls", given: Any = None) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": name, "input": given or {}}


def result(call_id: Any = "a", content: Any = "ok") -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content}


def text(words: Any = "x", **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def thought(signature: Any = "signed", words: str = "") -> dict[str, Any]:
    return {"type": "thinking", "thinking": words, "signature": signature}


PLAIN = [
    {"role": "user", "content": [text("do", **MARK)]},
    {"role": "assistant", "content": [thought(), text("well"), call("a"), call("b", "x" * 64)]},
    {"role": "user", "content": [result("b"), result("a", [text()]), text("and")]},
    {"role": "assistant", "content": [{"type": "redacted_thinking", "data": "x"}, call("c")]},
    {"role": "user", "content": [{**result("c"), **MARK}]},
    {"role": "assistant", "content": "said"},
    {"role": "user", "content": "more"},
]

SAID = [
    text(), text(""), text(" "), text("x", citations=[]), text(5), call(), call("b"), call("c d"),
    call("a", "x.y"), call("a", "x" * 65), call(None), call("a", None), call("a", "ls", "{}"),
    thought(), thought(""), thought("@"), thought(seal("gm1.", "m", s="S")), {**thought(), **MARK},
    thought("signed", "Thinking..."), {"type": "redacted_thinking", **MARK}, 5, {},
    {"type": "server_tool_use"}, {"type": "web_search_tool_result", "content": []},
    {**call(), "caller": {"type": "direct"}}, {"type": "future"},
]  # fmt: skip
TOLD = [
    text(), text(""), text("x", citations=[]), text("x", **MARK), text("x", y=1), result(),
    {**result(), "x": 1}, result("a", [text("x", y=1)]), result("b"),
    result("c d"), result(None), result("a", []), result("a", [text("")]), result("a", None),
    result("a", [text("x", **MARK)]), result("a", [{"type": "image", "source": PNG}]),
    {"type": "image", "source": PNG}, {"type": "thinking", "thinking": "", "signature": "x"}, 5,
]  # fmt: skip
ODD = [
    5, {}, {"role": "system", "content": "x"}, {"role": "user", "content": ""},
    {"role": "user", "content": "x", "output_config": {}}, {"role": "user", "content": None},
    {"role": "user", "content": []}, {"role": "assistant", "content": " "},
    {"role": "assistant", "content": [call("c d")]}, {"role": "user", "content": [result("c d")]},
]  # fmt: skip


def replaced(whole: list[Any], others: list[Any]) -> Iterator[list[Any]]:
    """Each of `others` in each place, and instead of what is there."""
    for place in range(len(whole) + 1):
        for other in others:
            yield [*whole[:place], other, *whole[place:]]
            yield [*whole[:place], other, *whole[place + 1 :]]


def histories() -> Iterator[list[Any]]:
    for length in range(1, len(PLAIN) + 1):
        begun = PLAIN[:length]
        yield from replaced(begun, [*ODD, *PLAIN])
        for place, turn in enumerate(begun):
            if isinstance(turn["content"], list):
                others = SAID if turn["role"] == "assistant" else TOLD
                for content in replaced(turn["content"], others):
                    yield [*begun[:place], {**turn, "content": content}, *begun[place + 1 :]]
    for made, legal in (("c d", "c_d"), ("x" * 65, "y")):
        yield [
            {"role": "assistant", "content": [call(made), call(legal)]},
            {"role": "user", "content": [result(made), result(legal)]},
        ]


def test_what_is_plain_at_a_glance_needs_no_repair() -> None:
    count = 0
    for turns in filter(is_plain, histories()):
        count += 1
        draft = Draft.of({"messages": turns})
        mend_names_of_calls(draft)
        assert mend_turns(draft) is False, "no reasoning was taken out"
        mend_pairs(draft)
        mend_ends(draft)
        mend_pictures(draft, BLIND)
        assert (draft.changed, draft.notes, draft.betas) == (False, {}, [])
    assert count > 50


def test_an_agents_loop_is_plain_at_a_glance() -> None:
    assert is_plain(PLAIN)
    for length in (1, 3, 5):
        assert is_plain(PLAIN[:length])


def test_what_lacks_something_is_not() -> None:
    for length in (0, 2, 4, 6):
        assert not is_plain(PLAIN[:length]), "the model has the last word"
    for gone in range(1, 6):
        assert not is_plain([*PLAIN[:gone], *PLAIN[gone + 1 :]])
    assert not is_plain(None)


def test_many_calls_are_looked_through_once() -> None:
    """Each compared with all the others, these would take minutes, and the app with them."""
    ids = [str(number) for number in range(150_000)]
    history = [
        {"role": "user", "content": "do"},
        {"role": "assistant", "content": [call(one) for one in ids]},
        {"role": "user", "content": [result(one) for one in ids]},
    ]
    assert is_plain(history)
    draft = Draft.of({"messages": history})
    mend_pairs(draft)
    assert not draft.changed
