"""Who started the call, and whether it shows pictures, without understanding the rest."""

from __future__ import annotations

import time
from typing import Any

import pytest

from copilot_desktop.dialects.anthropic_messages import AnthropicMessages
from copilot_desktop.errors import InvalidRequest

RESULT = {"type": "tool_result", "tool_use_id": "t", "content": "ok"}
REMINDER = {"type": "text", "text": "<system-reminder>\nBe\nnice.\n</system-reminder>\n"}
WORDS = {"type": "text", "text": "<system-reminder>a</system-reminder> stop that"}
LOADED = {"type": "text", "text": "Tool loaded."}
CUT_OFF = {
    "type": "text",
    "text": "Your response above was cut off mid-stream. Resume directly from where it stops — "
    "no apology, no recap. If none of it survived, answer the request from the start.",
}
SENT = {  # Claude Code's words and opencode's for what a person writes while they work
    "type": "text",
    "text": "<system-reminder>\nThe user sent a new message while you were working:\nstop that\n"
    "</system-reminder>",
}
SENT_TOO = {
    "type": "text",
    "text": "<system-reminder>\nThe user sent the following message:\nstop that\n\nPlease address "
    "this message and continue with your tasks.\n</system-reminder>",
}
GO_ON = {  # opencode's
    "type": "text",
    "text": "Continue if you have next steps, "
    "or stop and ask for clarification if you are unsure how to proceed.",
}
SHORTEN = {  # Claude Code's, where the window is full while it works, and what it goes on with
    "type": "text",
    "text": "CRITICAL: Respond with TEXT ONLY. Do NOT call any tools.\n\n- You already have all "
    "the context you need.\n\nYour task is to create a detailed summary of it all.",
}
SHORTENED = {
    "type": "text",
    "text": "This session is being continued from a previous conversation that ran out of context. "
    "The summary below covers the earlier portion of the conversation.\n\nSummary:\n1. all\n"
    "Resume directly. Pick up the last task as if the break never happened.",
}
ABOUT = {"type": "text", "text": "<system-reminder> stands in my log: why?"}


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


@pytest.mark.parametrize(
    ("messages", "initiator"),
    [
        ([user("hi")], "user"),
        ([user([{"type": "text", "text": "hi"}])], "user"),
        ([user([])], "user"),
        ([user([RESULT])], "agent"),
        ([user([RESULT, REMINDER])], "agent"),
        ([user([RESULT, REMINDER, REMINDER])], "agent"),
        ([user([RESULT, LOADED])], "agent"),
        ([user([RESULT, CUT_OFF, REMINDER])], "agent"),
        ([user([RESULT, LOADED, WORDS])], "user"),
        ([user([RESULT, {"type": "text", "text": "Tool loaded. Now go on."}])], "user"),
        ([user([LOADED])], "user"),
        ([user([RESULT, WORDS])], "user"),
        ([user([RESULT, {"type": "text", "text": "<system-reminder>unclosed"}])], "user"),
        ([user("hi"), {"role": "assistant", "content": "Sure"}], "agent"),
        ([user("hi"), {"role": "assistant", "content": "Sure"}, user([REMINDER])], "agent"),
        ([user("hi"), {"role": "assistant", "content": "Sure"}, user(REMINDER["text"])], "agent"),
        ([{"role": "assistant", "content": "Sure"}, user([REMINDER, REMINDER])], "agent"),
        ([{"role": "assistant", "content": "Sure"}, user([REMINDER, WORDS, REMINDER])], "user"),
        ([{"role": "assistant", "content": "Sure"}, user([REMINDER, {"type": "image"}])], "user"),
        ([{"role": "assistant", "content": "Sure"}, user("hi"), user([REMINDER])], "user"),
        ([user([RESULT]), user([REMINDER])], "agent"),
        ([user([REMINDER])], "user"),
        ([user([RESULT, SENT])], "user"),
        ([user([RESULT, REMINDER, SENT_TOO, REMINDER])], "user"),
        ([user([RESULT]), user([SENT])], "user"),
        ([{"role": "assistant", "content": "Sure"}, user([SENT_TOO])], "user"),
        ([{"role": "assistant", "content": "Sure"}, user(SENT_TOO["text"])], "user"),
        ([{"role": "assistant", "content": "Sure"}, user([REMINDER, SENT])], "user"),
        ([{"role": "assistant", "content": "Sure"}, user([ABOUT, REMINDER])], "user"),
        ([user([RESULT, ABOUT, REMINDER])], "user"),
        ([user([RESULT, SHORTEN])], "agent"),
        ([user([RESULT, SHORTEN, WORDS])], "user"),
        ([user("hi"), {"role": "assistant", "content": "Sure"}, user([SHORTEN])], "user"),
        ([user([RESULT, GO_ON])], "agent"),
        ([user([RESULT, GO_ON, WORDS])], "user"),
        ([user([SHORTENED])], "agent"),
        ([user(SHORTENED["text"])], "agent"),
        ([user([REMINDER, SHORTENED, REMINDER]), {"role": "system", "content": "x"}], "agent"),
        ([user([REMINDER, SHORTENED, {"type": "text", "text": "hi"}])], "user"),
        ([user([SHORTENED, REMINDER, WORDS, REMINDER])], "user"),
        ([user([SHORTENED]), user("hi")], "user"),
        ([user(f"What is this? {SHORTENED['text']}")], "user"),
        ([user("hi"), {"role": "system", "content": "Be brief."}], "user"),
        ([user([RESULT]), {"role": "system", "content": "Be brief."}], "agent"),
        ("nonsense", "user"),
    ],
)
def test_the_initiator_is_told_honestly(
    dialect: AnthropicMessages, messages: Any, initiator: str
) -> None:
    assert dialect.peek({"model": "m", "messages": messages}).initiator == initiator


def test_reminders_without_an_end_hold_nobody_up(dialect: AnthropicMessages) -> None:
    words = {"type": "text", "text": "<system-reminder>" * 20_000}
    begun = time.perf_counter()
    assert dialect.peek({"model": "m", "messages": [user([RESULT, words])]}).initiator == "user"
    assert time.perf_counter() - begun < 2


@pytest.mark.parametrize(
    ("block", "shown"),
    [
        ({"type": "text", "text": "image"}, False),
        ({"type": "image", "source": {}}, True),
        ({"type": "document", "source": {"type": "base64"}}, True),
        ({"type": "document", "source": {"type": "text"}}, False),
        ({"type": "document", "source": {"type": "content", "content": [{"type": "image"}]}}, True),
        ({"type": "tool_result", "content": [{"type": "image"}]}, True),
        ({"type": "tool_result", "content": "image"}, False),
    ],
)
def test_pictures_are_seen_anywhere(dialect: AnthropicMessages, block: Any, shown: bool) -> None:
    body = {"model": "m", "messages": [user([block]), user("what was that?")]}
    assert dialect.peek(body).has_image is shown


def test_only_the_model_must_be_there(dialect: AnthropicMessages) -> None:
    envelope = dialect.peek({"model": "m", "stream": True})
    assert (envelope.model, envelope.stream) == ("m", True)
    for body in ({}, {"model": 5}, {"model": " "}):
        with pytest.raises(InvalidRequest, match="model"):
            dialect.peek(body)
