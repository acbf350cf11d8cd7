"""Who started a call, whether pictures are in it, and whether it asks anything."""

from __future__ import annotations

import pytest

from copilot_desktop.dialects.ollama import OLLAMA
from copilot_desktop.dialects.ollama.peek import of_chat, of_prompt

USER, SYSTEM = {"role": "user", "content": "a"}, {"role": "system", "content": "b"}
TOOL, SAID = {"role": "tool", "content": "c"}, {"role": "assistant", "content": "d"}


@pytest.mark.parametrize(
    ("messages", "initiator"),
    [([USER], "user"), ([USER, SYSTEM], "user"), ([SYSTEM], "user"), ([USER, SAID], "agent"),
     ([USER, SAID, TOOL], "agent"), ([USER, SAID, TOOL, SYSTEM], "agent"),
     ([USER, SAID, TOOL, USER], "user"), (["x", USER], "user")],
)  # fmt: skip
def test_the_last_turn_says_who_started_the_call(messages, initiator):
    assert of_chat({"model": "m", "messages": messages}).initiator == initiator


def test_pictures_are_seen_wherever_they_stand():
    shown = {**USER, "images": ["iVBO"]}
    assert of_chat({"model": "m", "messages": [shown, SAID, USER]}).has_image
    assert not of_chat({"model": "m", "messages": [{**USER, "images": []}]}).has_image
    assert of_prompt({"model": "m", "prompt": "x", "images": ["iVBO"]}).has_image


@pytest.mark.parametrize("nothing", [{}, {"messages": []}, {"messages": None}, {"prompt": ""}])
@pytest.mark.parametrize("dialect", OLLAMA, ids=["chat", "generate"])
def test_whoever_asks_nothing_is_answered_at_once(dialect, nothing):
    answer = dialect.peek({"model": "m:latest", **nothing}).answer
    assert (answer["model"], answer["done"], answer["done_reason"]) == ("m:latest", True, "load")
    left = dialect.peek({"model": "m", "keep_alive": 0, **nothing}).answer
    assert left["done_reason"] == "unload"


def test_the_answer_to_nothing_has_the_form_of_all_others():
    assert of_chat({"model": "m"}).answer["message"] == {"role": "assistant", "content": ""}
    assert of_prompt({"model": "m"}).answer["response"] == ""


def test_whoever_asks_something_is_not():
    assert of_chat({"model": "m", "messages": [USER]}).answer is None
    assert of_prompt({"model": "m", "prompt": "x"}).answer is None
    assert of_prompt({"model": "m", "suffix": "x"}).answer is None
