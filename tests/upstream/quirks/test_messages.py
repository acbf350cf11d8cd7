"""Anthropic's format passed through: Copilot gets what it takes, the client what it knows."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from copilot_desktop.canonical import Effort
from copilot_desktop.errors import InvalidRequest, NotExpressible
from copilot_desktop.model import MESSAGES, Model
from copilot_desktop.sealing import seal
from copilot_desktop.sse import Frame, FrameDecoder, encode_json
from copilot_desktop.upstream.quirks import Fixed, nano_credits
from copilot_desktop.upstream.quirks.messages import MessagesQuirks

EXAMPLES = Path(__file__).parents[2] / "examples"
HI = {"role": "user", "content": "hi"}
CALL = {"type": "tool_use", "id": "t", "name": "ls", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t", "content": "ok"}
LS = {"name": "ls", "input_schema": {"type": "object"}}
SUMMARIZED = {"type": "adaptive", "display": "summarized"}
MARK = {"type": "ephemeral"}
CONTEXT_BETA = "context-management-2025-06-27"

CLAUDE = Model(
    id="claude-sonnet-4.5",
    vendor="Anthropic",
    endpoints=(MESSAGES,),
    max_output=32_000,
    structured=True,
    thinking="optional",
    efforts=(Effort.LOW, Effort.MEDIUM),
)


def ask(*messages: Any, **fields: Any) -> dict[str, Any]:
    said = list(messages) or [HI]
    return {"model": CLAUDE.id, "max_tokens": 8000, "messages": said, **fields}


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def text(words: str, **fields: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **fields}


def fix(body: dict[str, Any], model: Model = CLAUDE, *betas: str) -> Fixed:
    """Mended; the client's own body must stay as it was."""
    before = copy.deepcopy(body)
    fixed = MessagesQuirks().fix_request(body, model, betas)
    assert body == before
    return fixed


def fixed_body(body: dict[str, Any], model: Model = CLAUDE, *betas: str) -> dict[str, Any]:
    fixed = fix(body, model, *betas)
    return body if fixed.body is None else fixed.body


# ------------------------------------------------------------------------------------ requests


def test_a_clean_request_keeps_its_bytes() -> None:
    body = ask(
        HI,
        assistant({"type": "thinking", "thinking": "", "signature": "SIG"}, CALL),
        user(RESULT, text("go on", cache_control=MARK)),
        system=[text("Be brief.", cache_control=MARK)],
        tools=[LS],
        tool_choice={"type": "auto"},
        temperature=0.5,
        stream=True,
    )
    assert fix(body) == Fixed(None, (), ())


def test_what_claude_code_sends() -> None:
    body = ask(
        HI,
        system=[text("x-anthropic-billing-header: cch=1;"), text("You code.", cache_control=MARK)],
        tools=[LS],
        metadata={"user_id": "u"},
        max_tokens=64_000,
        thinking={"type": "adaptive", "display": "omitted"},
        context_management={"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        output_config={"effort": "high"},
        stream=True,
        model="claude-sonnet-4-5-20250929",
    )
    betas = (
        "claude-code-20250219,interleaved-thinking-2025-05-14",
        CONTEXT_BETA,
        "thinking-token-count-2026-05-13, advanced-tool-use-2025-11-20, effort-2025-11-24",
    )
    fixed = fix(body, CLAUDE, *betas)
    assert fixed.betas == (
        "interleaved-thinking-2025-05-14",
        CONTEXT_BETA,
        "advanced-tool-use-2025-11-20",
    )
    assert fixed.body == {
        **{key: value for key, value in body.items() if key != "metadata"},
        "model": "claude-sonnet-4.5",
        "system": [text("You code.", cache_control=MARK)],
        "max_tokens": 32_000,
        "output_config": {"effort": "medium"},
    }
    assert {"dropped=metadata", "mapped=effort>effort:medium"} <= set(fixed.notes)


@pytest.mark.parametrize("rest", ["a\tb", "caf\udce9", "a\u2028b", "x" * 100, 'a"b', ""])
def test_what_is_no_beta_becomes_no_header(rest: str) -> None:
    beta = f"interleaved-thinking-{rest}"
    assert fix(ask(HI), CLAUDE, beta).betas == (() if rest else (beta,))


def test_context_management_needs_its_beta_and_thinking() -> None:
    clear = {"type": "clear_thinking_20251015"}
    tools = {"type": "clear_tool_uses_20250919"}
    body = ask(context_management={"edits": [clear, tools]})
    assert "context_management" not in fixed_body(body)
    assert fixed_body(body, CLAUDE, CONTEXT_BETA)["context_management"] == {"edits": [tools]}
    thinking = {**body, "thinking": {"type": "adaptive", "display": "omitted"}}
    assert fix(thinking, CLAUDE, CONTEXT_BETA).body is None
    simple = replace(CLAUDE, thinking="none")
    only = {**thinking, "context_management": {"edits": [clear]}}
    assert not {"context_management", "thinking"} & fixed_body(only, simple, CONTEXT_BETA).keys()


def test_unknown_fields_go_and_are_named() -> None:
    fixed = fix(ask(service_tier="auto", inference_geo="us", speed="fast", brand_new=1))
    assert fixed.body == ask()
    assert set(fixed.notes) == {
        "dropped=service_tier", "dropped=inference_geo", "dropped=speed", "dropped=brand_new",
    }  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        ask(mcp_servers=[{"url": "https://x"}]),
        ask(max_tokens=0),
        ask(tools=[{"type": "web_search_20250305", "name": "web_search"}]),
        ask(
            tools=[LS, {"type": "web_search_20250305", "name": "web_search"}],
            tool_choice={"type": "tool", "name": "web_search"},
        ),
        ask(user({"type": "image", "source": {"type": "url", "url": "https://x/a.png"}})),
        ask(user({"type": "document", "source": {"type": "file", "file_id": "f"}})),
        ask(
            HI,
            assistant(CALL),
            user({**RESULT, "content": [{"type": "image", "source": {"type": "url"}}]}),
        ),
    ],
)
def test_what_copilot_cannot_do_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(NotExpressible, match="Copilot"):
        fix(body)


# ------------------------------------------------------------------------------------ thinking

BUDGET = {"type": "enabled", "budget_tokens": 30_000}


@pytest.mark.parametrize(
    ("caps", "thinking", "wish", "expected", "effort"),
    [
        ("none", BUDGET, None, None, None),
        ("none", {"type": "adaptive"}, None, None, None),
        ("none", {"type": "disabled"}, None, None, None),
        ("budget", BUDGET, None, {"type": "enabled", "budget_tokens": 7999}, None),
        ("budget", {"type": "adaptive"}, None, {"type": "enabled", "budget_tokens": 7999}, None),
        ("budget", {"type": "adaptive"}, "low", {"type": "enabled", "budget_tokens": 4096}, "low"),
        ("budget", {"type": "disabled"}, None, {"type": "disabled"}, None),
        ("budget", {"type": "between_tools"}, None, None, None),
        ("optional", {**BUDGET, "budget_tokens": 500}, None, {**BUDGET, "budget_tokens": 1024},
         None),
        ("optional", {"type": "adaptive"}, "max", SUMMARIZED, "medium"),
        ("optional", {"type": "adaptive", "budget_tokens": 9}, None, SUMMARIZED, None),
        ("optional", {"type": "disabled"}, None, {"type": "disabled"}, None),
        ("optional", {"type": "between_tools"}, None, {"type": "disabled"}, None),
        ("required", BUDGET, None, SUMMARIZED, "medium"),
        ("required", {"type": "adaptive", "display": "omitted"}, None,
         {"type": "adaptive", "display": "omitted"}, None),
        ("required", {"type": "adaptive", "display": "updates"}, None, SUMMARIZED, None),
        ("budget", {**BUDGET, "budget_tokens": 2000, "display": "updates"}, None,
         {**BUDGET, "budget_tokens": 2000, "display": "summarized"}, None),
        ("required", {"type": "disabled"}, "medium", None, "low"),
        ("required", {"type": "between_tools"}, None, {"type": "between_tools"}, None),
        ("optional", None, "minimal", None, "low"),
        ("optional", None, None, None, None),
    ],
)  # fmt: skip
def test_thinking_as_the_model_takes_it(
    caps: Any, thinking: Any, wish: str | None, expected: Any, effort: str | None
) -> None:
    body = ask()
    if thinking is not None:
        body["thinking"] = thinking
    if wish is not None:
        body["output_config"] = {"effort": wish}
    mended = fixed_body(body, replace(CLAUDE, thinking=caps))
    assert mended.get("thinking") == expected
    assert mended.get("output_config", {}).get("effort") == effort


def test_no_room_for_a_budget() -> None:
    assert "thinking" not in fixed_body(ask(thinking=BUDGET, max_tokens=1000))


def test_effort_goes_where_the_model_has_none() -> None:
    plain = replace(CLAUDE, efforts=())
    assert "output_config" not in fixed_body(ask(output_config={"effort": "high"}), plain)
    kept = fixed_body(
        ask(output_config={"effort": "high", "format": {"type": "json_schema", "schema": {}}}),
        plain,
    )
    assert kept["output_config"] == {"format": {"type": "json_schema", "schema": {}}}


def test_thinking_forbids_sampling_and_forced_tools() -> None:
    body = ask(thinking=BUDGET, temperature=0.2, tools=[LS], tool_choice={"type": "any"})
    fixed = fix(body, replace(CLAUDE, thinking="required"))
    assert fixed.body is not None
    assert fixed.body["thinking"] == SUMMARIZED
    assert fixed.body["output_config"] == {"effort": "medium"}
    assert fixed.body["tool_choice"] == {"type": "auto"}
    assert "temperature" not in fixed.body
    assert set(fixed.notes) == {
        "dropped=temperature",
        "mapped=thinking.budget>effort:medium",
        "mapped=tool_choice.any>auto",
    }


def test_claude_takes_one_kind_of_sampling() -> None:
    assert "top_p" not in fixed_body(ask(temperature=0.2, top_p=0.9))
    assert fix(ask(top_p=0.9)).body is None


def test_interleaved_thinking_is_asked_for_with_a_budget_and_tools() -> None:
    beta = "interleaved-thinking-2025-05-14"
    thinking = {"type": "enabled", "budget_tokens": 2000}
    assert fix(ask(thinking=thinking, tools=[LS])).betas == (beta,)
    assert fix(ask(thinking=thinking)).betas == ()
    assert fix(ask(thinking=SUMMARIZED, tools=[LS])).betas == ()


# ------------------------------------------------------------------------------------ history


def thought(signature: str, words: str = "hm") -> dict[str, Any]:
    return {"type": "thinking", "thinking": words, "signature": signature}


def test_reasoning_of_other_routes_stays_here() -> None:
    ours = [seal("gc1.", "m", o="x"), seal("gr1.", "m", e="x"), seal("gm1.", "m", s="x"), "", "@"]
    kept = thought("SIG")
    body = ask(HI, assistant(*map(thought, ours), thought("S", "Thinking..."), kept, text("4")), HI)
    assert fixed_body(body)["messages"][1]["content"] == [kept, text("4")]


def test_a_turn_of_foreign_reasoning_alone_goes() -> None:
    body = ask(HI, assistant(thought("")), user(text("go")))
    assert fixed_body(body)["messages"] == [user(text("hi"), text("go"))]


def test_a_loop_that_lost_its_reasoning_goes_on_without_a_budget() -> None:
    body = ask(HI, assistant(thought("gc1.x"), CALL), user(RESULT), tools=[LS])
    budget = {"type": "enabled", "budget_tokens": 2000}
    assert "thinking" not in fixed_body({**body, "thinking": budget})
    signed = ask(HI, assistant(thought("SIG"), CALL), user(RESULT), tools=[LS], thinking=budget)
    assert fixed_body(signed)["thinking"] == budget
    unthinking = ask(HI, assistant(CALL), user(RESULT), thinking={"type": "adaptive"})
    assert "thinking" not in fixed_body(unthinking, replace(CLAUDE, thinking="budget"))


def test_empty_text_and_stored_input() -> None:
    body = ask(
        user(text(" "), text("hi")),
        assistant(text(""), {**CALL, "input": '{"d": ".\n"}'}, {**CALL, "id": "u", "input": None}),
        user({**RESULT, "content": [text("")]}, {**RESULT, "tool_use_id": "u"}),
    )
    assert fixed_body(body)["messages"] == [
        user(text("hi")),
        assistant({**CALL, "input": {"d": ".\n"}}, {**CALL, "id": "u"}),
        user({**RESULT, "content": "(no output)"}, {**RESULT, "tool_use_id": "u"}),
    ]


@pytest.mark.parametrize("nothing", ["", " \n", [], [text("")]])
def test_turns_without_a_word_go(nothing: Any) -> None:
    said = assistant(text("said"))
    told = ask(HI, {"role": "assistant", "content": nothing}, HI, said, HI)
    words = user(text("hi"), text("hi"))
    assert fixed_body(told)["messages"] == [words, said, HI]
    begun = fixed_body(ask({"role": "user", "content": nothing}, said, HI))["messages"]
    assert begun == [user(text("(The conversation begins.)")), said, HI]
    with pytest.raises(InvalidRequest, match="at least one non-empty message"):
        fix(ask({"role": "user", "content": nothing}))


def test_a_program_may_greet_first() -> None:
    told = fixed_body(ask({"role": "assistant", "content": "Hello!"}, HI))["messages"]
    assert [turn["role"] for turn in told] == ["user", "assistant", "user"]


def test_a_started_answer_is_continued_on_request() -> None:
    fixed = fix(ask(HI, {"role": "assistant", "content": "The answer is "}))
    assert fixed.body is not None
    _, started, ask_on = fixed.body["messages"]
    assert started["content"] == [text("The answer is")]
    assert ask_on["role"] == "user"
    answered = fixed_body(ask(HI, assistant(CALL)))["messages"][2]["content"]
    assert [(block["tool_use_id"], block["is_error"]) for block in answered] == [("t", True)]


def test_instructions_in_mid_conversation() -> None:
    rule = {"role": "system", "content": "Be brief."}
    after_user = fix(ask(HI, rule, assistant(text("ok")), HI))
    assert after_user.body is None
    assert after_user.betas == ("mid-conversation-system-2026-04-07",)
    after_answer = fix(ask(HI, assistant(CALL), rule, user(RESULT, text("go"))))
    assert after_answer.betas == ()
    assert after_answer.body is not None
    result, reminder, words = after_answer.body["messages"][2]["content"]
    assert (result, words) == (RESULT, text("go"))
    assert "Be brief." in reminder["text"]


def test_only_the_first_of_two_instructions_follows_a_user_turn() -> None:
    notes = [{"role": "system", "content": words} for words in ("one", "two")]
    said = fixed_body(ask(HI, *notes, user(text("go"))))["messages"]
    assert [turn["role"] for turn in said] == ["user", "system", "user"]
    assert said[2]["content"] == [text("<system-reminder>\ntwo\n</system-reminder>"), text("go")]


def test_a_call_does_not_say_who_called() -> None:
    called = {**CALL, "caller": {"type": "direct"}}
    fixed = fix(ask(HI, assistant(called), user({**RESULT, "x": 1}, text("y", z=2)), tools=[LS]))
    assert (fixed.body or {})["messages"] == [HI, assistant(CALL), user(RESULT, text("y"))]
    assert fixed.notes == (
        "dropped=messages.tool_use.caller",
        "dropped=messages.tool_result.x",
        "dropped=messages.text.z",
    )


def test_what_a_tool_has_found_is_told_in_words() -> None:
    found = {"type": "search_result", "title": "T", "source": "S", "content": [text("why")]}
    result = {**RESULT, "content": [text("two"), found]}
    said = fixed_body(ask(HI, assistant(CALL), user(result), tools=[LS]))["messages"]
    assert said[2]["content"][0]["content"] == [text("two"), text("T\nS\nwhy")]
    assert fix(ask(user(found, text("well?")))).body is None, "a user may show it"


@pytest.mark.parametrize(
    "block",
    [
        {"type": "mcp_tool_use", "id": "m", "name": "n", "server_name": "s", "input": {}},
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "compaction", "content": "so far"},
    ],
)
def test_what_only_anthropic_runs_goes_out_of_the_history(block: dict[str, Any]) -> None:
    fixed = fix(ask(HI, assistant(block, text("well")), HI))
    assert (fixed.body or {})["messages"] == [HI, assistant(text("well")), HI]
    assert fixed.notes == (f"dropped={block['type']}",)


def test_an_id_that_comes_again_in_a_later_turn_is_another_one() -> None:
    rounds = [assistant(CALL), user(RESULT), assistant(CALL), user(RESULT)]
    said = fixed_body(ask(HI, *rounds, tools=[LS]))["messages"]
    calls = [turn["content"][0]["id"] for turn in said if turn["role"] == "assistant"]
    results = [turn["content"][0]["tool_use_id"] for turn in said[2::2]]
    assert calls == results == ["t", "t_2"]


def test_a_turn_has_no_settings_of_its_own() -> None:
    rule = {"role": "system", "content": [text("Be brief.")]}
    fixed = fix(ask(HI, rule | {"output_config": {"effort": "low"}}))
    assert fixed.body is not None
    assert fixed.body["messages"] == [HI, rule]
    assert fixed.notes == ("dropped=messages.output_config",)


def test_json_output_in_every_spelling() -> None:
    wanted = {"type": "json_schema", "schema": {"type": "object"}}
    for fields in (
        {"output_format": wanted},
        {"output_config": {"format": {**wanted, "name": "n", "strict": True}}},
        {"output_config": {"format": {"type": "json_schema", "json_schema": {**wanted}}}},
    ):
        assert fixed_body(ask(**fields)) == ask(output_config={"format": wanted})


# ------------------------------------------------------------------------------------ cache marks


def test_cache_marks_are_plain() -> None:
    odd = {"type": "ephemeral", "ttl": "1h", "scope": "global"}
    fixed = fixed_body(
        ask(
            user(text("hi", cache_control=odd)),
            assistant({**thought("SIG"), "cache_control": MARK}, CALL),
            user({**RESULT, "content": [text("ok", cache_control=odd)]}),
            system=[text("s", cache_control=odd)],
            tools=[{**LS, "cache_control": odd}],
        )
    )
    assert fixed["system"][0]["cache_control"] == MARK
    assert fixed["tools"][0]["cache_control"] == MARK
    first, second, third = fixed["messages"]
    assert first["content"][0]["cache_control"] == MARK
    assert second["content"] == [thought("SIG"), CALL]
    assert third["content"] == [{**RESULT, "content": [text("ok")], "cache_control": MARK}]


def test_four_marks_at_most_the_best_stay() -> None:
    marked = [text(str(number), cache_control=MARK) for number in range(3)]
    fixed = fix(
        ask(
            user(marked[0]),
            assistant(marked[1]),
            user(marked[2]),
            system=[text("a", cache_control=MARK), text("b", cache_control=MARK)],
            tools=[{**LS, "cache_control": MARK}],
        )
    )
    assert fixed.body is not None
    marks = [
        block.get("cache_control")
        for block in (
            *fixed.body["system"],
            *fixed.body["tools"],
            *(block for turn in fixed.body["messages"] for block in turn["content"]),
        )
    ]
    assert marks == [None, MARK, MARK, None, MARK, MARK]
    assert fixed.notes == ("dropped=cache_control",)


def test_a_mark_for_the_whole_request_becomes_one_on_its_last_block() -> None:
    fixed = fixed_body(ask(cache_control={"type": "ephemeral", "ttl": "5m"}))
    assert fixed == ask(user(text("hi", cache_control=MARK)))


# ------------------------------------------------------------------------------------ answers


def passed(stream: bytes, size: int = 4096, model: str = "claude-x") -> tuple[list[Frame], Any]:
    mending = MessagesQuirks().stream(ask(), model)
    decoder, out = FrameDecoder(), b""
    for start in range(0, len(stream), size):
        for frame in decoder.feed(stream[start : start + size]):
            out += mending.feed(frame)
    out += b"".join(mending.feed(frame) for frame in decoder.close())
    checked = FrameDecoder()
    return [*checked.feed(out), *checked.close()], mending


@pytest.mark.parametrize("total", [10**400, 2**63, -1, 1.5, None])
def test_a_cost_that_is_none_is_not_counted(total: object) -> None:
    """A number that no float holds kept the exchange open for good."""
    assert nano_credits({"copilot_usage": {"total_nano_aiu": total}}) is None


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_a_stream_without_its_accent(size: int) -> None:
    stream = (EXAMPLES / "41-messages-stream-thinking-and-tool.sse").read_bytes()
    frames, mending = passed(stream, size)
    assert frames[0].json()["message"]["model"] == "claude-x"
    assert frames[-1].event == "message_stop"
    assert b"copilot_usage" not in frames[-2].data
    assert b"amazon" not in frames[-1].data
    assert mending.complete
    assert not mending.failed
    assert mending.nano_credits == 1210027500
    assert mending.usage["output_tokens"] == 256
    assert mending.usage["cache_read_input_tokens"] == 18725
    untouched = [f.raw for f in FrameDecoder().feed(stream)][1:-3]
    assert [frame.raw for frame in frames[1:-2]] == untouched


def test_an_error_is_forwarded_and_seen() -> None:
    stream = (EXAMPLES / "42-messages-stream-error.sse").read_bytes()
    frames, mending = passed(stream)
    assert frames[-1].event == "error"
    assert frames[-1].json()["error"] == {"type": "overloaded_error", "message": "Overloaded"}
    assert mending.failed
    assert not mending.complete


def test_errors_are_in_the_shape_that_sdks_recognise_and_without_secrets() -> None:
    frames, mending = passed(b'data: {"error":{"message":"bad ghu_abcdefgh1234","code":5}}\n\n')
    (frame,) = frames
    assert frame.event == "error"
    assert frame.json()["type"] == "error"
    assert "ghu_" not in frame.json()["error"]["message"]
    assert mending.failed


@pytest.mark.parametrize("cut", [10, 200, 700, 1100])
def test_a_cut_stream_is_not_complete_and_ends_with_a_whole_event(cut: int) -> None:
    stream = (EXAMPLES / "41-messages-stream-thinking-and-tool.sse").read_bytes()[:cut]
    frames, mending = passed(stream)
    assert not mending.complete
    for frame in frames:
        assert frame.json()["type"] == frame.event


def test_frames_get_the_name_without_which_sdks_see_nothing() -> None:
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta"}}
    frames, _ = passed(b"data: " + json.dumps(delta).encode() + b"\n\n: comment\n\n")
    assert frames[0].event == "content_block_delta"
    assert frames[0].json() == delta
    assert frames[1].raw == b": comment\n\n"


def test_the_last_event_counts_without_its_last_line_end() -> None:
    delta = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {}}
    last = b'event: message_stop\ndata: {"type":"message_stop"}'
    frames, mending = passed(encode_json(delta, "message_delta") + last)
    assert mending.complete
    assert frames[1].raw == last + b"\n\n"


def test_without_a_reason_there_is_no_end() -> None:
    frames, mending = passed(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')
    assert not frames
    assert not mending.complete


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("", "max_tokens"),
        ("2023-06-01", "max_tokens"),
        ("2026-10-21", "model_context_window_exceeded"),
    ],
)
def test_a_full_context_is_told_in_the_words_of_the_clients_version(
    version: str, reason: str
) -> None:
    quirks = MessagesQuirks()
    quirks.fix_request({"model": "m", "messages": []}, Model("m"), (), version)
    full = {"stop_reason": "model_context_window_exceeded", "stop_sequence": None}
    whole = quirks.fix_reply({"type": "message", "content": [], **full}, "mine")
    assert whole["stop_reason"] == reason
    payload = {"type": "message_delta", "delta": full, "usage": {"output_tokens": 1}}
    (frame,) = FrameDecoder().feed(encode_json(payload, "message_delta"))
    assert f'"stop_reason":"{reason}"' in quirks.stream({}, "mine").feed(frame).decode()


def test_words_that_look_like_the_accent_stay() -> None:
    delta = {"type": "text_delta", "text": "copilot_usage"}
    payload = {"type": "content_block_delta", "index": 0, "delta": delta}
    raw = b"event: content_block_delta\ndata: " + json.dumps(payload).encode() + b"\n\n"
    frames, _ = passed(raw)
    assert frames[0].raw == raw
    noted = {**payload, "copilot_annotations": {}}
    frames, _ = passed(b"event: content_block_delta\ndata: " + json.dumps(noted).encode() + b"\n\n")
    assert frames[0].json() == payload


def test_a_delta_without_counts_gets_them() -> None:
    delta = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
    frames, mending = passed(b"event: message_delta\ndata: " + json.dumps(delta).encode() + b"\n\n")
    assert frames[0].json()["usage"] == {"output_tokens": 0}
    assert mending.complete


def test_an_unstreamed_reply_without_its_accent() -> None:
    reply = json.loads((EXAMPLES / "40-messages-nonstream.json").read_bytes())
    fixed = MessagesQuirks().fix_reply(reply, "claude-x")
    assert fixed["model"] == "claude-x"
    assert not {"copilot_usage", "stop_details"} & fixed.keys()
    assert fixed["content"] == reply["content"]
    assert fixed["usage"]["cache_read_input_tokens"] == 5071
    refused = {**reply, "stop_details": {"type": "refusal"}}
    assert MessagesQuirks().fix_reply(refused, "m")["stop_details"] == {"type": "refusal"}
