"""Lines and whole answers, as Ollama's clients take them apart."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from copilot_desktop.canonical import (
    Effort,
    Reply,
    Request,
    StopReason,
    Text,
    Thinking,
    Tool,
    ToolUse,
    Usage,
    unfold,
)
from copilot_desktop.dialects.ollama import OLLAMA
from copilot_desktop.dialects.ollama.lines import line, now
from copilot_desktop.errors import CutShort

CHAT, GENERATE = OLLAMA
ASKED = Request("asked:latest", (), tools=(Tool("ls_1", original="ls/1"),))
WHOLE = Reply(
    "r",
    (Thinking("hm"), Text("Hi "), ToolUse("c1", "ls_1", '{"d": 1}'), ToolUse("c2", "ls_1", "")),
    StopReason.TOOL_USE,
    Usage(5, 7, 3, 1),
)


def written(dialect, reply, request=ASKED):
    writer = dialect.writer(request)
    raw = b"".join(writer.feed(event) for event in unfold(reply))
    return [json.loads(each) for each in raw.splitlines()]


def pieces(lines, key="message"):
    """The message of each line, without what is always the same."""
    return [{k: v for k, v in each[key].items() if k != "role" and v != ""} for each in lines]


def test_each_line_says_one_thing_and_the_last_one_counts():
    lines = written(CHAT, WHOLE)
    assert pieces(lines) == [
        {"thinking": "hm"},
        {"content": "Hi "},
        {"tool_calls": [
            {"id": "c1", "function": {"index": 0, "name": "ls/1", "arguments": {"d": 1}}}
        ]},
        {"tool_calls": [
            {"id": "c2", "function": {"index": 1, "name": "ls/1", "arguments": {}}}
        ]},
        {},
    ]  # fmt: skip
    assert [each["done"] for each in lines] == [False] * 4 + [True]
    assert {each["model"] for each in lines} == {"asked:latest"}
    assert all(each["message"]["role"] == "assistant" for each in lines)
    last = lines[-1]
    assert last["done_reason"] == "stop"
    assert (last["prompt_eval_count"], last["eval_count"]) == (9, 7)
    assert last["total_duration"] >= last["eval_duration"] > 0
    assert all(type(last[key]) is int for key in last if key.endswith("_duration"))


def test_generate_has_the_bare_text():
    lines = written(GENERATE, Reply("", (Thinking("hm"), Text("Hi")), StopReason.END))
    assert [(each["response"], each.get("thinking")) for each in lines] == [
        ("", "hm"), ("Hi", None), ("", None),
    ]  # fmt: skip
    assert not any("message" in each for each in lines)


def test_the_whole_answer_says_what_the_lines_said():
    told = CHAT.render_reply(WHOLE, ASKED)
    lines = written(CHAT, WHOLE)
    calls = [call for each in lines for call in each["message"].get("tool_calls", [])]
    assert told["message"] == {
        "role": "assistant", "content": "Hi ", "thinking": "hm", "tool_calls": calls,
    }  # fmt: skip
    assert told.keys() == lines[-1].keys()
    assert (told["done"], told["done_reason"]) == (True, "stop")
    assert (told["prompt_eval_count"], told["eval_count"]) == (9, 7)
    told = GENERATE.render_reply(WHOLE, ASKED)
    assert (told["response"], told["thinking"]) == ("Hi ", "hm")


def test_numbers_that_json_does_not_know_spoil_no_line():
    blocks = (ToolUse("c1", "f", '{"a": NaN, "b": [1e999, 1.5]}'),)
    reply = Reply("", blocks, StopReason.TOOL_USE)
    told = [each["message"].get("tool_calls") for each in written(CHAT, reply)]
    told.append(CHAT.render_reply(reply, ASKED)["message"]["tool_calls"])
    found = [call["function"]["arguments"] for calls in filter(None, told) for call in calls]
    assert found == [{"a": None, "b": [None, 1.5]}] * 2


@pytest.mark.parametrize("arguments", ["", '{"d": "a', '["x"]'])
def test_a_call_that_was_cut_off_is_not_handed_out(arguments):
    blocks = (ToolUse("c1", "f", "{}"), ToolUse("c2", "f", arguments))
    reply = Reply("", blocks, StopReason.LENGTH)
    lines = written(CHAT, reply)
    calls = [call["id"] for each in lines for call in each["message"].get("tool_calls", [])]
    assert calls == ["c1"]
    assert lines[-1]["done_reason"] == "length"
    whole = CHAT.render_reply(reply, ASKED)
    assert [call["id"] for call in whole["message"]["tool_calls"]] == ["c1"]


@pytest.mark.parametrize("reason", StopReason)
def test_every_end_is_one_that_clients_know(reason):
    wanted = "length" if reason is StopReason.LENGTH else "stop"
    reply = Reply("", (Text("x"),), reason)
    assert written(CHAT, reply)[-1]["done_reason"] == wanted
    assert CHAT.render_reply(reply, ASKED)["done_reason"] == wanted


def test_thinking_is_hidden_from_whoever_does_not_want_it():
    quiet = Request("m", (), effort=Effort.NONE)
    reply = Reply("", (Thinking("hm"), Text("Hi")), StopReason.END)
    assert pieces(written(CHAT, reply, quiet)) == [{"content": "Hi"}, {}]
    assert "thinking" not in CHAT.render_reply(reply, quiet)["message"]


def test_without_counts_there_is_an_estimate():
    reply = Reply("", (Text("x" * 400),), StopReason.END)
    assert written(CHAT, reply)[-1]["eval_count"] == 100
    assert CHAT.render_reply(reply, ASKED)["eval_count"] == 100


def test_after_trouble_there_is_one_line_and_no_half_trusted_call():
    writer = CHAT.writer(ASKED)
    for event in list(unfold(WHOLE))[:-1]:
        writer.feed(event)
    (told,) = writer.fail(CutShort()).splitlines()
    assert json.loads(told) == {"error": CutShort().message}
    assert CHAT.fault(CutShort()) == told + b"\n"


def test_silence_is_not_filled():
    assert CHAT.writer(ASKED).ping() == b""


def test_a_line_is_a_line_whatever_is_in_it():
    raw = line({"a": "1\n2\u2028\ud800"})
    assert raw.count(b"\n") == 1
    assert raw.endswith(b"\n")
    assert raw.isascii()


def test_time_is_told_with_its_zone():
    assert now().endswith("Z")
    assert datetime.fromisoformat(now()).utcoffset().total_seconds() == 0
