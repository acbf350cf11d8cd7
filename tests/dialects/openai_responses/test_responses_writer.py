"""What a client of the Responses API is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from copilot_desktop import errors
from copilot_desktop.canonical import (
    Begin,
    BlockDelta,
    BlockEnd,
    BlockStart,
    End,
    Reply,
    StopReason,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolUse,
    Usage,
)
from copilot_desktop.sealing import seal

from .responses_samples import DIALECT, HELLO, payloads_of, written

ANSWER = Reply("", (Text("4"),), StopReason.END, Usage(3, 1))
CUT = "response.function_call_arguments.done"


def types(data: bytes) -> list[str]:
    return [payload["type"].removeprefix("response.") for payload in payloads_of(data)]


def test_a_text_step_by_step():
    payloads = payloads_of(written(ANSWER))
    assert [payload["type"].removeprefix("response.") for payload in payloads] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [payload["sequence_number"] for payload in payloads] == list(range(9))
    assert len({payload["response"]["id"] for payload in payloads if "response" in payload}) == 1


def test_every_item_has_one_id_for_life():
    reply = Reply(
        "",
        (Thinking("hm"), Text("a"), ToolUse("c1", "f", '{"d":1}'), Text("b")),
        StopReason.TOOL_USE,
    )
    payloads = payloads_of(written(reply))
    output = payloads[-1]["response"]["output"]
    ids = [item["id"] for item in output]
    assert [identifier.split("_")[0] for identifier in ids] == ["rs", "msg", "fc", "msg"]
    assert len(set(ids)) == 4
    for payload in payloads:
        if "output_index" in payload:
            found = payload.get("item_id") or payload["item"]["id"]
            assert found == ids[payload["output_index"]]
    done = [p["item"] for p in payloads if p["type"] == "response.output_item.done"]
    assert done == output


def test_claudes_reply_to_a_client_that_wants_encrypted_reasoning():
    """Thinking, text and cached usage as the other endpoints deliver them (worked example A9)."""
    sealed = seal("gm1.", "claude-x", s="SIG")
    reply = Reply(
        "msg_01",
        (Thinking("hm", sealed), Text("4")),
        StopReason.END,
        Usage(10, 9, cache_read=5, cache_write=2, reasoning=6),
    )
    body = DIALECT.render_reply(reply, replace(HELLO, echo_reasoning=True))
    thought, text = body["output"]
    assert thought["summary"] == [{"type": "summary_text", "text": "hm"}]
    assert thought["encrypted_content"] == sealed
    assert text["content"][0]["text"] == "4"
    assert (body["status"], body["model"]) == ("completed", "gpt-x")
    assert body["usage"] == {
        "input_tokens": 17,
        "input_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 2},
        "output_tokens": 9,
        "output_tokens_details": {"reasoning_tokens": 6},
        "total_tokens": 26,
    }
    quiet = DIALECT.render_reply(reply, HELLO)
    assert "encrypted_content" not in quiet["output"][0]


def test_empty_blocks_are_not_shown():
    sealed = seal("gm1.", "claude-x", s="SIG")
    blocks = (Text(""), Thinking("", sealed), Thinking("", redacted="opaque"), Text("x"))
    reply = Reply("", blocks, StopReason.END)
    assert [item["type"] for item in DIALECT.render_reply(reply, HELLO)["output"]] == ["message"]
    asked = replace(HELLO, echo_reasoning=True)
    thought, _ = DIALECT.render_reply(reply, asked)["output"]
    assert (thought["summary"], thought["encrypted_content"]) == ([], sealed)


def test_names_are_given_back_as_the_client_declared_them():
    request = replace(
        HELLO,
        tools=(
            Tool("ns__spawn", original="spawn", namespace="ns"),
            Tool("patch", custom=True),
            Tool("long_1a2b", original="long name"),
        ),
        tool_choice=ToolChoice("tool", "ns__spawn"),
    )
    calls = (
        ToolUse("c1", "ns__spawn", "{}"),
        ToolUse("c2", "patch", '{"input":"*** x\\n"}'),
        ToolUse("c3", "LONG_1a2b", "{}"),
        ToolUse("c4", "spawn", "{}"),
        ToolUse("c5", "unknown", "{}"),
    )
    body = DIALECT.render_reply(Reply("", calls, StopReason.TOOL_USE), request)
    named = [(i["type"], i["name"], i.get("namespace")) for i in body["output"]]
    assert named == [
        ("function_call", "spawn", "ns"),
        ("custom_tool_call", "patch", None),
        ("function_call", "long name", None),
        ("function_call", "spawn", "ns"),
        ("function_call", "unknown", None),
    ]
    assert body["output"][1]["input"] == "*** x\n"
    assert body["tool_choice"] == {"type": "function", "name": "spawn", "namespace": "ns"}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ('{"input":"a"}', "a"),
        ('{"patch":"a"}', "a"),
        ("", ""),
        ("plain words", "plain words"),
        ('{"a":1}', '{"a":1}'),
    ],
)
def test_custom_tools_get_their_free_text(arguments, text):
    request = replace(HELLO, tools=(Tool("p", custom=True),))
    reply = Reply("", (ToolUse("c", "p", arguments),), StopReason.TOOL_USE)
    kinds = types(written(reply, request))
    assert DIALECT.render_reply(reply, request)["output"][0]["input"] == text
    assert "custom_tool_call_input.done" in kinds
    assert not any(kind.startswith("function_call") for kind in kinds)


def test_a_call_without_arguments_gets_an_empty_object():
    reply = Reply("", (ToolUse("c", "f", ""),), StopReason.TOOL_USE)
    done = next(p for p in payloads_of(written(reply)) if p["type"] == CUT)
    assert done["arguments"] == "{}"


@pytest.mark.parametrize(
    ("reason", "status", "details"),
    [
        (StopReason.END, "completed", None),
        (StopReason.STOP_SEQUENCE, "completed", None),
        (StopReason.TOOL_USE, "completed", None),
        (StopReason.LENGTH, "incomplete", {"reason": "max_output_tokens"}),
        (StopReason.REFUSAL, "incomplete", {"reason": "content_filter"}),
        (StopReason.PAUSE, "incomplete", None),
    ],
)
def test_why_it_stopped(reason, status, details):
    data = written(replace(ANSWER, reason=reason))
    assert payloads_of(data)[-1]["type"] == f"response.{status}"
    response = payloads_of(data)[-1]["response"]
    assert (response["status"], response["incomplete_details"]) == (status, details)


def test_a_cut_call_is_never_announced_as_complete():
    writer = DIALECT.writer(HELLO)
    out = writer.feed(Begin())
    out += writer.feed(BlockStart(0, ToolUse("c", "f", "")))
    out += writer.feed(BlockDelta(0, '{"p":"a'))
    out += writer.feed(BlockEnd(0))
    assert CUT not in {p["type"] for p in payloads_of(out)}
    last = payloads_of(writer.feed(End(StopReason.LENGTH)))
    item = last[-1]["response"]["output"][0]
    assert (item["status"], item["arguments"]) == ("incomplete", '{"p":"a')


def test_a_whole_call_is_announced_at_once_so_that_the_client_can_start():
    writer = DIALECT.writer(HELLO)
    writer.feed(Begin())
    writer.feed(BlockStart(0, ToolUse("c", "f", "")))
    writer.feed(BlockDelta(0, "{}"))
    assert "response.output_item.done" in {p["type"] for p in payloads_of(writer.feed(BlockEnd(0)))}


def test_refusals_have_their_own_events():
    reply = Reply("", (Text("I cannot.", refusal=True),), StopReason.REFUSAL)
    data = written(reply)
    assert {"refusal.delta", "refusal.done"} <= set(types(data))
    content = payloads_of(data)[-1]["response"]["output"][0]["content"]
    assert content == [{"type": "refusal", "refusal": "I cannot."}]


def test_an_upstream_id_is_kept_only_if_it_looks_like_one():
    assert DIALECT.render_reply(replace(ANSWER, id="resp_1"), HELLO)["id"] == "resp_1"
    assert DIALECT.render_reply(replace(ANSWER, id="msg_1"), HELLO)["id"].startswith("resp_")


def test_silence_is_bridged_by_a_comment():
    assert DIALECT.writer(HELLO).ping().startswith(b":")


# -------------------------------------------------------------------------------------- errors


def test_a_failure_in_mid_answer_fails_the_response_and_finishes_nothing():
    writer = DIALECT.writer(HELLO)
    writer.feed(Begin())
    writer.feed(BlockStart(0, ToolUse("c", "f", "")))
    writer.feed(BlockDelta(0, '{"p"'))
    (failed,) = payloads_of(writer.fail(errors.CutShort()))
    assert failed["type"] == "response.failed"
    assert failed["response"]["status"] == "failed"
    assert failed["response"]["output"] == []
    assert failed["response"]["error"]["code"] == "server_error"
    assert failed["error"]["code"] == "cut_short"
    assert writer.fail(errors.CutShort()) == b""


def test_a_failure_before_the_first_event_is_an_error_event_in_both_forms():
    for out in (
        DIALECT.writer(HELLO).fail(errors.Overloaded()),
        DIALECT.fault(errors.Overloaded()),
    ):
        (event,) = payloads_of(out)
        assert event["type"] == "error"
        assert event["code"] == event["error"]["code"] == "overloaded"
        assert event["message"] == event["error"]["message"]
        assert b"[DONE]" not in out


@pytest.mark.parametrize(
    ("problem", "status", "kind", "code"),
    [
        (errors.InvalidRequest("x"), 400, "invalid_request_error", None),
        (errors.NotExpressible(), 400, "invalid_request_error", None),
        (errors.BodyTooLarge(), 413, "invalid_request_error", "request_too_large"),
        (errors.ContentFiltered(), 400, "invalid_request_error", "content_filter"),
        (errors.UnknownModel(), 404, "invalid_request_error", "model_not_found"),
        (errors.NotSignedIn(), 401, "authentication_error", "reauth_required"),
        (errors.SignInExpired(), 401, "authentication_error", "reauth_required"),
        (errors.NoCopilot(), 403, "permission_error", "copilot_not_enabled"),
        (errors.Blocked(), 403, "permission_error", "blocked_by_policy"),
        (errors.Refused(), 403, "permission_error", "refused"),
        (errors.WrongKey(), 401, "authentication_error", "invalid_api_key"),
        (errors.QuotaExhausted(), 402, "insufficient_quota", "insufficient_quota"),
        (errors.RateLimited(code="user_x"), 429, "rate_limit_error", "user_x"),
        (errors.RateLimited(), 429, "rate_limit_error", "rate_limit_exceeded"),
        (errors.Unreachable(), 502, "api_error", "upstream_unreachable"),
        (errors.UpstreamTimeout(), 504, "api_error", "timeout"),
        (errors.UpstreamFault(), 502, "api_error", "upstream_fault"),
        (errors.Overloaded(), 503, "api_error", "overloaded"),
        (errors.Outdated(), 400, "invalid_request_error", "client_outdated"),
        (errors.ShuttingDown(), 503, "api_error", "shutting_down"),
        (errors.Problem(), 500, "api_error", "internal_error"),
    ],
)
def test_error_bodies(problem, status, kind, code):
    body = DIALECT.render_problem(problem)["error"]
    assert DIALECT.problem_status(problem) == status
    assert (body["type"], body["code"]) == (kind, code)
    assert set(body) == {"message", "type", "param", "code"}
    assert body["message"]


def test_overflow_is_worded_as_openai_words_it():
    problem = errors.InputTooLarge(fields={"tokens": "140211", "limit": "128000"})
    assert DIALECT.render_problem(problem)["error"] == {
        "message": "This model's maximum context length is 128000 tokens, "
        "however you requested 140211 tokens.",
        "type": "invalid_request_error",
        "param": "input",
        "code": "context_length_exceeded",
    }


def test_counts_that_copilot_never_told_are_estimated():
    reply = Reply("resp_1", (Text("x" * 400),), StopReason.END, None)
    usage = payloads_of(written(reply))[-1]["response"]["usage"]
    assert usage["output_tokens"] == 100
    assert usage["input_tokens"] > 0
    assert usage["total_tokens"] == usage["input_tokens"] + 100
