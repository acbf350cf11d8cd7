"""Chat Completions answers of Copilot, mended for strict clients, frame by frame."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from copilot_desktop import json_bytes
from copilot_desktop.errors import UpstreamFault
from copilot_desktop.model import Model
from copilot_desktop.sse import FrameDecoder
from copilot_desktop.upstream.quirks.chat import ChatQuirks
from copilot_desktop.upstream.quirks.chat_answers import ChatStream
from copilot_desktop.upstream.quirks.chat_choices import Calls
from copilot_desktop.upstream.quirks.tool_names import ToolNames
from tests.laws import strategies

EXAMPLES = Path(__file__).parents[2] / "examples"
ASKED = {"stream_options": {"include_usage": True}}
SIZES = pytest.mark.parametrize("size", [1, 7, 4096])


def through(raw: bytes, body: dict[str, Any] = ASKED, size: int = 4096) -> tuple[ChatStream, bytes]:
    stream, decoder, out = ChatQuirks().stream(body, "mine"), FrameDecoder(), b""
    for start in range(0, len(raw), size):
        for frame in decoder.feed(raw[start : start + size]):
            out += stream.feed(frame)
    for frame in decoder.close():
        out += stream.feed(frame)
    return stream, out


def example(name: str) -> bytes:
    return next(EXAMPLES.glob(f"{name}-*")).read_bytes()


def payloads(raw: bytes) -> list[Any]:
    frames = [frame for frame in FrameDecoder().feed(raw) if frame.data not in (b"", b"[DONE]")]
    return [frame.json() for frame in frames]


def sse(*items: Any) -> bytes:
    texts = [
        item if isinstance(item, str) else json.dumps(item, separators=(",", ":")) for item in items
    ]
    return "".join(f"data: {text}\n\n" for text in texts).encode()


def chunk(
    delta: Any = None, finish: str | None = None, index: Any = 0, **more: Any
) -> dict[str, Any]:
    choice = {"index": index, "delta": delta or {}}
    if finish:
        choice["finish_reason"] = finish
    return {"choices": [choice], "created": 5, "id": "c1", "model": "up", **more}


def snapshot(raw: bytes) -> dict[str, Any]:
    """What the SDK's accumulator makes of it, each chunk checked against its types."""
    state = ChatCompletionStreamState()
    for payload in payloads(raw):
        state.handle_chunk(ChatCompletionChunk.model_validate(payload))
    found: dict[str, Any] = state.current_completion_snapshot.to_dict()
    return found


# ------------------------------------------------------------------------------------ examples


@SIZES
@pytest.mark.parametrize(
    ("name", "text", "calls", "finish", "total", "cost"),
    [
        ("22", "Hello, world ✓", [], "stop", 25, 0),
        ("23", None, [("call_aaa", '{"city":"Oslo"}'), ("call_bbb", '{"city":"Rome"}')],
         "tool_calls", 122, 0),
        ("24", "Listing the folder.", [("toolu_01C", '{"path":"."}')], "tool_calls", 1479,
         259620000),
        ("25", "One moment.", [("call_gem1", '{"q":"x"}')], "tool_calls", 341, None),
        ("27", "Here is", [], "content_filter", 45, None),
        ("28", "No", [], "content_filter", None, None),
    ],
)  # fmt: skip
def test_the_sdk_understands_each_example(
    *, name: str, text: Any, calls: Any, finish: str, total: Any, cost: Any, size: int
) -> None:
    stream, out = through(example(name), size=size)
    final = snapshot(out)
    (choice,) = final["choices"]
    made = choice["message"].get("tool_calls") or []
    assert choice["message"]["content"] == text
    assert choice["message"]["role"] == "assistant"
    assert [(call["id"], call["function"]["arguments"]) for call in made] == calls
    assert choice["finish_reason"] == finish
    assert (final["id"] != "", final["created"] > 0) == (True, True)
    assert {payload["model"] for payload in payloads(out)} == {"mine"}
    assert {payload["object"] for payload in payloads(out)} == {"chat.completion.chunk"}
    assert (final.get("usage") or {}).get("total_tokens") == total
    assert (stream.complete, stream.failed, stream.nano_credits) == (True, False, cost)
    assert out.endswith(b"data: [DONE]\n\n")
    assert b"copilot_usage" not in out


@SIZES
def test_an_error_midway_is_told_once_and_ends_everything(size: int) -> None:
    stream, out = through(example("26") + sse("[DONE]"), size=size)
    *_, last = payloads(out)
    assert last["error"]["message"] == "upstream connection was reset"
    assert set(last["error"]) == {"message", "type", "param", "code"}
    assert (stream.complete, stream.failed) == (False, True)
    assert b"[DONE]" not in out
    assert b"Partial ans" in out


@SIZES
def test_a_cut_stream_is_not_complete_and_its_half_event_is_held_back(size: int) -> None:
    stream, out = through(example("29"), size=size)
    assert (stream.complete, stream.failed) == (False, False)
    assert [p["choices"][0]["delta"]["content"] for p in payloads(out)] == ["Half a sen"]


# ------------------------------------------------------------------------------------ frames


def test_a_frame_with_nothing_missing_keeps_its_bytes() -> None:
    chunks = [
        b'data: {"id":"c1","object":"chat.completion.chunk","created":5,"model":"mine","choices":'
        b'[{"index":0,"delta":{%s},"logprobs":null,"finish_reason":null}], "x": 1}\n\n' % delta
        for delta in (b'"role":"assistant","content":""', b'"content":"a"', b'"content":"\\u00e9"')
    ]
    for size in (1, 4096):
        assert through(b"".join(chunks), size=size)[1] == b"".join(chunks)


@pytest.mark.parametrize("name", ["22", "24"])
def test_plain_frames_are_never_parsed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[bytes] = []
    read = json_bytes.read
    frames = example(name).split(b"\n\n")
    text = next(frame for frame in frames if b'"content":"' in frame and b"role" not in frame)
    opening = next(frame for frame in frames if b'"role"' in frame)
    raw = b"\n\n".join([opening, *[text] * 50, b""])
    monkeypatch.setattr(json_bytes, "read", lambda data: parsed.append(data) or read(data))
    _, out = through(raw)
    assert len(parsed) == 1
    assert out.count(b'"model":"mine"') == 51


def test_the_first_text_gets_the_role_and_begins_the_run() -> None:
    """Who waits for the first word should not wait for more than it takes to set the role in."""
    for first in ({"content": "a"}, {}, {"content": None}):
        raw = sse(chunk(first), chunk({"content": "b"}))
        stream, out = through(raw)
        deltas = [payload["choices"][0]["delta"] for payload in payloads(out)]
        assert deltas == [{"role": "assistant", **first}, {"content": "b"}]
        assert stream.run is not None
    stream, _ = through(sse(chunk({"content": "a"})))
    assert stream.run is not None


@pytest.mark.parametrize(
    "first",
    [{"content": "a", "role": None}, {"content": "a", "role": ""}, {"reasoning_text": "a"},
     {"content": "a", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}]}],
)  # fmt: skip
def test_whatever_comes_first_the_role_is_told_with_it(first: dict[str, Any]) -> None:
    told = payloads(through(sse(chunk(first), chunk({"content": "b"})))[1])
    roles = [payload["choices"][0]["delta"].get("role") for payload in told]
    assert roles == ["assistant", None]


def test_a_last_frame_without_its_blank_line_gets_one() -> None:
    """What follows, an error perhaps, must not end up on the same line."""
    envelope = {"id": "c1", "object": "chat.completion.chunk", "created": 5, "model": "mine"}
    choice = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": None}
    opening = {**envelope, "choices": [choice | {"delta": {"role": "assistant", "content": ""}}]}
    last = {**envelope, "choices": [choice | {"delta": {"content": "a"}}]}
    _, out = through(sse(opening, last)[:-2])
    assert out.endswith(b"\n\n")
    assert payloads(out) == [opening, last]


def test_two_choices_in_a_known_frame_become_one() -> None:
    both = chunk({"content": "a"})
    both["choices"].append({"index": 1, "delta": {"content": "b"}})
    raw = sse(chunk({"role": "assistant", "content": ""}), both)
    assert [choice["delta"] for choice in payloads(through(raw)[1])[1]["choices"]] == [
        {"content": "ab"}
    ]


def test_comments_pass() -> None:
    assert through(b": ping\n\n")[1] == b": ping\n\n"


def test_text_that_looks_like_the_envelope_is_left_alone() -> None:
    text = '"model":"up","choices":[{"index":0,"role":"assistant"'
    raw = sse(chunk({"role": "assistant", "content": "a"}), chunk({"content": text}))
    assert payloads(through(raw)[1])[1]["choices"][0]["delta"] == {"content": text}


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["content", "reasoning_text", "role", "refusal"]),
            st.none() | st.text(max_size=20) | st.just('"delta":{"role":"assistant",'),
            max_size=3,
        ),
        max_size=5,
    ),
    st.booleans(),
    st.booleans(),
)
def test_setting_bytes_in_says_the_same_as_parsing(
    deltas: list[Any], ours_first: bool, pretty: bool
) -> None:
    """Both layouts of a chunk that are seen, and one (with spaces) that must be parsed."""
    chunks = [chunk({"role": "assistant", "content": ""}), *(chunk(delta) for delta in deltas)]
    if ours_first:
        chunks = [dict(reversed(item.items())) for item in chunks]
    space = " " if pretty else ""
    texts = [json.dumps(item, separators=("," + space, ":" + space)) for item in chunks]
    told = payloads(through(sse(*texts))[1])
    for sent, given_chunk in zip(told, chunks, strict=True):
        expected = {**given_chunk, "model": "mine", "object": "chat.completion.chunk"}
        choice = dict(given_chunk["choices"][0], logprobs=None, finish_reason=None)
        if given_chunk is not chunks[0] and choice["delta"].get("role", "") == "assistant":
            choice["delta"] = {k: v for k, v in choice["delta"].items() if k != "role"}
        sent["choices"][0]["delta"].setdefault("role", None)
        choice["delta"] = {"role": None, **choice["delta"]}
        if choice["delta"]["role"] != sent["choices"][0]["delta"]["role"]:
            # A role that is no role is left out where the frame is parsed.
            choice["delta"]["role"] = None
        assert sent == {**expected, "choices": [choice]}


@pytest.mark.parametrize(("before", "after"), [
    (b"data: {", b"data:  {"), (b"data: {", b"data\ndata: {"), (b'"delta":', b'"delta":\ndata: '),
    (b'],"created"', b'],\ndata: "created"'), (b'"id":"c1"', b'\ndata: "id":"c1"'),
])  # fmt: skip
def test_white_space_in_an_event_ends_up_in_no_frame(before: bytes, after: bytes) -> None:
    """Nothing is set into such bytes: a line of its own would be no part of the event any more."""
    told = [chunk({"content": words}) for words in ("a", "b", "c")]
    _, known = through(sse(*told))
    _, out = through(sse(*told).replace(before, after))
    assert payloads(out) == payloads(known)


def test_the_filter_chunk_and_chunks_of_references_are_left_out() -> None:
    raw = sse({"choices": [], "id": "", "created": 0}, {"choices": None, "copilot_references": []})
    assert through(raw)[1] == b""


def test_the_role_is_told_once() -> None:
    raw = sse(
        chunk({"content": "a", "role": "assistant"}),
        chunk({"content": "b", "role": "assistant"}),
        chunk({"role": "assistant", "content": "c"}),
        chunk({"role": "assistant"}),
    )
    roles = [payload["choices"][0]["delta"].get("role") for payload in payloads(through(raw)[1])]
    assert roles == ["assistant", None, None, None]


def test_split_choices_become_one() -> None:
    first = {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}]}
    second = {"tool_calls": [{"index": 0, "id": "b", "function": {"name": "g", "arguments": "{}"}}]}
    ends = [
        {"index": 0, "delta": {}, "finish_reason": "stop"},
        {"index": 1, "delta": {}, "finish_reason": "tool_calls"},
    ]
    raw = sse(
        chunk({"content": "Hm.", "role": "assistant"}),
        chunk(first, index=1),
        chunk(second, index=2),
        {"choices": ends, "id": "c1", "created": 5, "model": "up"},
        "[DONE]",
    )
    (choice,) = snapshot(through(raw)[1])["choices"]
    assert choice["message"]["content"] == "Hm."
    names = [call["function"]["name"] for call in choice["message"]["tool_calls"]]
    assert names == ["f", "g"]
    assert choice["finish_reason"] == "tool_calls"


def test_choices_stay_apart_if_several_answers_were_asked_for() -> None:
    raw = sse(chunk({"content": "a"}), chunk({"content": "b"}, index=1), chunk({}, "stop"))
    _, out = through(raw, {"n": 2})
    assert [payload["choices"][0]["index"] for payload in payloads(out)] == [0, 1, 0]


def test_each_of_several_answers_has_calls_of_its_own() -> None:
    """They were counted on from answer to answer, and an answer without any seemed to call."""
    call = {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}
    raw = sse(
        chunk({"tool_calls": [call]}),
        chunk({"tool_calls": [call | {"id": "b"}]}, index=1),
        chunk({"content": "no"}, index=2),
        chunk({}, "tool_calls"), chunk({}, "stop", index=1), chunk({}, "stop", index=2),
    )  # fmt: skip
    choices = snapshot(through(raw, {"n": 3})[1])["choices"]
    ends = ["tool_calls", "tool_calls", "stop"]
    assert [choice["finish_reason"] for choice in choices] == ends
    made = [call for choice in choices for call in choice["message"].get("tool_calls") or ()]
    assert [(call["id"], call["function"]["arguments"]) for call in made] == [
        ("a", "{}"), ("b", "{}")
    ]  # fmt: skip


def test_calls_get_a_number_and_say_who_they_are_once() -> None:
    raw = sse(
        chunk({"tool_calls": [{"id": "a", "function": {"name": "f", "arguments": '{"x"'}}]}),
        chunk({"tool_calls": [{"id": "a", "function": {"name": None, "arguments": ":1}"}}]}),
        chunk({}, "stop"),
        "[DONE]",
    )
    (choice,) = snapshot(through(raw)[1])["choices"]
    (made,) = choice["message"]["tool_calls"]
    assert (made["id"], made["function"]["name"], made["function"]["arguments"]) == (
        "a", "f", '{"x":1}'
    )  # fmt: skip
    assert choice["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("size", [1, 3, 100])
def test_line_ends_and_tabs_that_a_model_writes_as_they_are_can_be_parsed(size: int) -> None:
    written = '{\n"x": "a\n\tb \\\nc"\n}'
    pieces = [written[start : start + size] for start in range(0, len(written), size)]
    first = {"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}
    calls = [first, *({"index": 0, "function": {"arguments": piece}} for piece in pieces)]
    raw = sse(*(chunk({"tool_calls": [call]}) for call in calls), chunk({}, "tool_calls"))
    (made,) = snapshot(through(raw)[1])["choices"][0]["message"]["tool_calls"]
    assert json.loads(made["function"]["arguments"]) == {"x": "a\n\tb \\\nc"}


ONE, TWO = ({"name": "ls", "arguments": f'{{"n":{n}}}'} for n in (1, 2))


def test_calls_under_one_id_are_told_apart_by_their_numbers() -> None:
    fragments = [
        {"index": place, "id": "a", "type": "function", "function": function}
        for place, function in enumerate((ONE, TWO))
    ]
    _, out = through(sse(*(chunk({"tool_calls": [fragment]}) for fragment in fragments)))
    deltas = [payload["choices"][0]["delta"] for payload in payloads(out)]
    told = [call for delta in deltas for call in delta["tool_calls"]]
    assert told == [fragments[0], {**fragments[1], "id": "a_2"}]


@pytest.mark.parametrize("ids", [("a", "a"), ("", ""), (None, None)])
@pytest.mark.parametrize("split", [True, False])
def test_whole_calls_are_never_taken_for_pieces_of_one(ids: Any, split: bool) -> None:
    calls = [
        {"id": call_id, "type": "function", "function": function}
        for call_id, function in zip(ids, (ONE, TWO), strict=True)
    ]
    groups = [[call] for call in calls] if split else [calls]
    choices = [{"message": {"tool_calls": group}, "finish_reason": "stop"} for group in groups]
    told = ChatQuirks().fix_reply({"choices": choices}, "m")["choices"][0]["message"]["tool_calls"]
    assert [call["function"] for call in told] == [ONE, TWO]
    assert len({call["id"] for call in told} - {""}) == 2, "a client tells them apart by it"


def test_shortened_names_come_back_long() -> None:
    name = "server/" + "x" * 70
    quirks = ChatQuirks()
    body: Any = {
        "model": "m",
        "messages": [{"role": "user", "content": "q"}],
        "tools": [{"type": "function", "function": {"name": name, "parameters": {}}}],
    }
    fixed = quirks.fix_request(body, Model("m", vendor="OpenAI"), ())
    assert fixed.body is not None
    short = fixed.body["tools"][0]["function"]["name"]
    call = {"index": 0, "id": "a", "type": "function", "function": {"name": short}}
    raw = sse(chunk({"tool_calls": [call]}))
    (payload,) = payloads(through(raw, body)[1])
    assert payload["choices"][0]["delta"]["tool_calls"][0]["function"]["name"] == name
    whole = {"choices": [{"message": {"tool_calls": [call]}, "finish_reason": "stop"}]}
    (choice,) = quirks.fix_reply(whole, "m")["choices"]
    assert choice["message"]["tool_calls"][0]["function"]["name"] == name


def test_usage_is_told_last_to_who_asked_and_never_to_others() -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    zero = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    raw = sse(chunk({"content": "a"}, usage=zero), chunk({}, "stop", usage=usage), "[DONE]")
    stream, out = through(raw)
    told = [payload.get("usage") for payload in payloads(out)]
    assert told == [None, None, usage]
    assert payloads(out)[-1]["choices"] == []
    stream, out = through(raw, {})
    assert b"usage" not in out
    assert stream.usage == usage


def test_no_reason_no_done() -> None:
    stream, out = through(sse(chunk({"content": "a"}), "[DONE]"))
    assert not stream.complete
    assert b"[DONE]" not in out


@pytest.mark.parametrize(
    "broken",
    [
        sse('{"choices":[{'),
        sse(chunk({}, "error")),
        sse({"error": "words"}),
        b'{"error":{"code":500,"message":"tail"}}',
        sse(
            *[
                chunk(
                    {"tool_calls": [{"index": 0, "id": "a", "function": {"arguments": " " * 99}}]}
                )
                for _ in range(6)
            ]
        ),
    ],
)
def test_trouble_becomes_one_error_event(broken: bytes) -> None:
    stream, out = through(sse(chunk({"content": "a"})) + broken + sse(chunk({}, "stop"), "[DONE]"))
    assert (stream.failed, stream.complete) == (True, False)
    assert sum("error" in payload for payload in payloads(out)) == 1
    assert "error" in payloads(out)[-1]


def test_secrets_in_an_error_do_not_reach_the_client() -> None:
    _, out = through(sse({"error": {"message": "token gho_abcdefghijklmnop was refused"}}))
    assert b"gho_" not in out


@given(st.lists(strategies.junk, max_size=4))
def test_no_stream_breaks_the_quirks(items: list[Any]) -> None:
    raw = sse(*items, *({"choices": item} for item in items), *(chunk(item) for item in items))
    through(raw)


# ------------------------------------------------------------------------------------ unstreamed


def whole(name: str) -> dict[str, Any]:
    fixed = ChatQuirks().fix_reply(json.loads(example(name)), "mine")
    ChatCompletion.model_validate(fixed)
    return fixed


def test_a_whole_gpt_answer() -> None:
    answer = whole("20")
    assert answer["object"] == "chat.completion"
    assert answer["model"] == "mine"
    (choice,) = answer["choices"]
    assert choice["message"] == {"role": "assistant", "content": "Paris.", "refusal": None}
    assert not [key for key in answer if "filter" in key or "copilot" in key]
    assert "content_filter_results" not in choice
    assert answer["usage"]["total_tokens"] == 24


def test_a_whole_claude_answer_is_one_message() -> None:
    (choice,) = whole("21")["choices"]
    assert (choice["index"], choice["finish_reason"]) == (0, "tool_calls")
    assert choice["message"]["content"] == "I'll look at both files."
    calls = choice["message"]["tool_calls"]
    assert [call["id"] for call in calls] == ["toolu_01A", "toolu_01B"]
    assert [call["function"]["arguments"] for call in calls] == [
        '{"path":"a.py"}', '{"path":"b.py"}'
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("choices", "finish"),
    [
        ([{"message": {"content": "a"}, "finish_reason": None}], "stop"),
        ([{"message": {"content": "a"}, "finish_reason": "tool_calls"}], "stop"),
        ([{"message": {"content": "a"}, "finish_reason": "length"},
          {"message": {"tool_calls": [{"id": "c", "function": {"name": "f"}}]}}], "length"),
        ([{"message": {"toolCalls": [{"id": "c", "function": {"name": "f"}}]},
           "finish_reason": "stop"}], "tool_calls"),
    ],
)  # fmt: skip
def test_whole_endings(choices: Any, finish: str) -> None:
    answer = ChatQuirks().fix_reply({"choices": choices}, "m")
    assert answer["choices"][0]["finish_reason"] == finish


@pytest.mark.parametrize(
    "answer",
    [{}, {"choices": []}, {"choices": None}, {"choices": [{"finish_reason": "error"}]}],
)
def test_an_answer_without_a_message_is_an_error(answer: Any) -> None:
    with pytest.raises(UpstreamFault):
        ChatQuirks().fix_reply(answer, "m")


def test_calls_of_free_text_pass_as_they_are():
    custom = {"index": 0, "id": "call_1", "type": "custom", "custom": {"name": "sh", "input": "l"}}
    rest = {"index": 0, "custom": {"input": "s"}}
    calls = Calls(ToolNames.of({}))
    assert calls.mended(custom, 0) == custom
    assert calls.mended(rest, 0) == rest
    assert calls.usable == 1
    assert calls.missing() == []


def test_an_event_without_its_blank_line_gets_one_so_that_an_error_can_follow() -> None:
    choice = {"index": 0, "delta": {"content": "a"}, "logprobs": None, "finish_reason": None}
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "mine"}
    event = sse({**head, "choices": [choice]})  # as most are: passed on as bytes
    _, out = through(event * 5 + event[:-1])
    assert out.endswith(b"}\n\n")
    assert len(payloads(out)) == 6
