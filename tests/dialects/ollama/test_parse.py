"""Requests, read: what means something, what is lost and noted, what is refused."""

from __future__ import annotations

import pytest

from copilot_desktop.canonical import Effort, Image, Loss, Message, ResponseFormat, Text, Tool
from copilot_desktop.dialects.ollama import OLLAMA
from copilot_desktop.dialects.ollama.parse import parse_chat, parse_generate
from copilot_desktop.errors import InvalidRequest, NotExpressible

HI = {"role": "user", "content": "hi"}
PNG = "iVBORw0KGgo="


def chat(**more):
    return parse_chat({"model": "m", "messages": [HI], **more})


def generate(**more):
    return parse_generate({"model": "m", "prompt": "hi", **more})


def test_options_that_mean_something_everywhere_are_kept():
    request = chat(options={"num_predict": 50, "temperature": 0.5, "top_p": 0.9, "stop": ["a", ""]})
    assert (request.max_tokens, request.temperature, request.top_p) == (50, 0.5, 0.9)
    assert request.stop == ("a",)
    assert chat(options={"stop": "a"}).stop == ("a",)
    assert request.losses == ()


@pytest.mark.parametrize("limit", [None, -1, -2, 0])
def test_no_limit_is_no_limit(limit):
    assert chat(options={"num_predict": limit}).max_tokens is None


def test_a_whole_number_may_come_as_a_float():
    assert chat(options={"num_predict": 50.0}).max_tokens == 50


def test_advice_without_a_place_is_noted_and_the_machine_s_settings_are_not():
    request = chat(
        options={"seed": 7, "top_k": 40, "mirostat": 0, "num_ctx": 4096, "num_gpu": 1},
        keep_alive="5m",
        truncate=True,
    )
    assert request.losses == (Loss("options.seed"), Loss("options.top_k"))


@pytest.mark.parametrize(
    ("think", "effort"),
    [(None, None), (True, Effort.MEDIUM), (False, Effort.NONE), ("low", Effort.LOW),
     ("HIGH", Effort.HIGH), ("max", Effort.MAX)],
)  # fmt: skip
def test_thinking_is_a_switch_or_a_word(think, effort):
    assert chat(think=think).effort is effort
    assert generate(think=think).effort is effort


@pytest.mark.parametrize(
    ("wish", "form"),
    [(None, None), ("", None), ("json", ResponseFormat()),
     ({"type": "object"}, ResponseFormat({"type": "object"}))],
)  # fmt: skip
def test_the_form_of_the_answer_is_a_word_or_a_schema(wish, form):
    assert chat(format=wish).response_format == form


@pytest.mark.parametrize(
    ("stream", "streams"), [({}, True), ({"stream": None}, True), ({"stream": False}, False)]
)
def test_an_answer_is_streamed_unless_it_must_not_be(stream, streams):
    assert chat(**stream).stream is streams
    for dialect in OLLAMA:
        assert dialect.peek({"model": "m", **stream}).stream is streams


def test_tools_are_functions_with_a_schema():
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    function = {"name": "f", "description": "does", "parameters": schema}
    request = chat(tools=[{"type": "function", "function": function}, {"function": {"name": "g"}}])
    assert request.tools == (Tool("f", "does", schema), Tool("g"))


def test_a_prompt_is_one_turn():
    request = generate(system="Be brief.", images=[PNG], template="{{ .Prompt }}")
    assert request.messages == (Message("user", (Text("hi"), Image("image/png", PNG))),)
    assert request.system == (Text("Be brief."),)
    assert request.losses == (Loss("template"),)


@pytest.mark.parametrize(
    "field", [{"suffix": "x"}, {"raw": True}, {"context": [1]}, {"logprobs": True},
              {"top_logprobs": 2}]
)  # fmt: skip
def test_what_would_change_the_answer_is_refused(field):
    with pytest.raises(NotExpressible, match="not available for m"):
        generate(**field)


@pytest.mark.parametrize("field", [{"suffix": ""}, {"raw": False}, {"context": []}, {"think": ""}])
def test_what_is_not_set_is_no_wish(field):
    assert generate(**field).losses == ()


@pytest.mark.parametrize(
    ("field", "named"),
    [({"options": []}, "options"), ({"options": {"num_predict": 1.5}}, "num_predict"),
     ({"options": {"num_predict": True}}, "num_predict"),
     ({"options": {"num_predict": float("inf")}}, "num_predict"),
     ({"options": {"temperature": "hot"}}, "temperature"), ({"options": {"stop": [1]}}, "stop"),
     ({"think": "very"}, "think"), ({"think": 3}, "think"), ({"format": "xml"}, "format"),
     ({"format": ["json"]}, "format"), ({"tools": {}}, "tools"), ({"tools": [{}]}, "tools[0]"),
     ({"tools": [{"function": {"name": "f", "parameters": []}}]}, "tools[0]"),
     ({"messages": "hi"}, "messages")],
)  # fmt: skip
def test_nonsense_is_named(field, named):
    with pytest.raises(InvalidRequest) as caught:
        chat(**field)
    assert named in caught.value.message
