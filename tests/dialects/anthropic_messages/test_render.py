"""What other clients said reaches Claude in a form that Copilot accepts."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from copilot_desktop.canonical import (
    Document,
    Effort,
    Image,
    Message,
    Request,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)
from copilot_desktop.dialects.anthropic_messages import AnthropicMessages
from copilot_desktop.model import Model
from copilot_desktop.sealing import seal

TOOL = Tool("ls", "List", {"type": "object", "properties": {"d": {"type": "string"}}})
HELLO = Message("user", (Text("hi"),))


def ask(*messages: Message, **fields: Any) -> Request:
    return Request("alias", messages or (HELLO,), **fields)


def said(dialect: AnthropicMessages, model: Model, *messages: Message) -> list[Any]:
    found = dialect.render_request(ask(*messages), model)["messages"]
    assert isinstance(found, list)
    return found


def test_only_the_first_of_two_instructions_follows_a_user_turn(
    dialect: AnthropicMessages, claude: Model
) -> None:
    notes = [Message("system", (Text(words),)) for words in ("one", "two")]
    turns = said(dialect, claude, HELLO, *notes, HELLO)
    assert [turn["role"] for turn in turns] == ["user", "system", "user"]
    assert "two" in turns[2]["content"][0]["text"]


def test_the_user_speaks_first_where_a_program_has_greeted(
    dialect: AnthropicMessages, claude: Model
) -> None:
    greeting = Message("assistant", (Text("I am Bob."),))
    first, *rest = said(dialect, claude, greeting, HELLO)
    assert first["role"] == "user"
    assert first["content"][0]["text"].strip()
    assert rest == [
        {"role": "assistant", "content": [{"type": "text", "text": "I am Bob."}]},
        {"role": "user", "content": [{"type": "text", "text": "hi"}]},
    ]
    losses = dialect.cannot(ask(greeting, HELLO), claude)
    assert [loss.note for loss in losses] == ["mapped=first turn>user"]


def test_two_calls_and_their_results(dialect: AnthropicMessages, claude: Model) -> None:
    calls = Message("assistant", (ToolUse("c1", "f", ""), ToolUse("c2", "g", '{"a":1}')))
    results = Message(
        "user",
        (Text("go on"), ToolResult("c1", (Text("one"),)), ToolResult("c2", (Text("two"),))),
    )
    assert said(dialect, claude, HELLO, calls, results)[1:] == [
        {"role": "assistant", "content": [
            {"type": "tool_use", "id": "c1", "name": "f", "input": {}},
            {"type": "tool_use", "id": "c2", "name": "g", "input": {"a": 1}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "c1", "content": "one"},
            {"type": "tool_result", "tool_use_id": "c2", "content": "two"},
            {"type": "text", "text": "go on"}]},
    ]  # fmt: skip


def test_the_top_level(dialect: AnthropicMessages, claude: Model) -> None:
    request = ask(
        system=(Text("Be brief."), Text("Be kind.", cached=True)),
        tools=(TOOL,),
        parallel_tools=False,
        temperature=1.4,
        top_p=0.5,
        stop=("END", "\n"),
        user="u",
    )
    assert dialect.render_request(request, claude) == {
        "model": "claude-sonnet-x",
        "max_tokens": 64_000,
        "stream": True,
        "system": [
            {"type": "text", "text": "Be brief."},
            {"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}},
        ],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        "tools": [{"name": "ls", "description": "List", "input_schema": TOOL.schema}],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
        "temperature": 1.0,
        "stop_sequences": ["END"],
    }
    told = {loss.what for loss in dialect.cannot(request, claude)}
    assert {"stop (white space only)", "user"} < told
    assert not any(loss.semantic for loss in dialect.cannot(request, claude))


@pytest.mark.parametrize(
    ("choice", "rendered"),
    [
        (ToolChoice("auto"), {"type": "auto"}),
        (ToolChoice("required"), {"type": "any"}),
        (ToolChoice("tool", "ls"), {"type": "tool", "name": "ls"}),
        (ToolChoice("none"), {"type": "none"}),
    ],
)
def test_tool_choice(
    dialect: AnthropicMessages, claude: Model, choice: ToolChoice, rendered: Any
) -> None:
    request = ask(tools=(TOOL,), tool_choice=choice)
    assert dialect.render_request(request, claude)["tool_choice"] == rendered
    assert "tool_choice" not in dialect.render_request(replace(request, tools=()), claude)
    thinking = replace(request, effort=Effort.HIGH)
    beside = dialect.render_request(thinking, claude)["tool_choice"]["type"]
    assert beside == ("auto" if rendered["type"] in {"any", "tool"} else rendered["type"])


ADAPTIVE = {"type": "adaptive", "display": "summarized"}
DISABLED = {"type": "disabled"}


def _budget(tokens: int) -> dict[str, Any]:
    return {"type": "enabled", "budget_tokens": tokens}


@pytest.mark.parametrize(
    ("caps", "wish", "shown"),
    [
        ("none", {"effort": Effort.HIGH}, (None, None)),
        ("budget", {"effort": Effort.MEDIUM}, (_budget(12_288), None)),
        ("budget", {"thinking_budget": 90_000}, (_budget(32_000), None)),
        ("budget", {"effort": Effort.NONE}, (DISABLED, None)),
        ("optional", {"effort": Effort.MINIMAL}, (ADAPTIVE, "low")),
        ("optional", {"effort": Effort.MAX}, (ADAPTIVE, "high")),
        ("optional", {"thinking_budget": 2000}, (_budget(2000), None)),
        ("optional", {"effort": Effort.NONE}, (DISABLED, None)),
        ("required", {"effort": Effort.NONE}, (None, "low")),
        ("required", {"thinking_budget": 30_000}, (ADAPTIVE, "high")),
        ("required", {}, (None, None)),
    ],
)
def test_reasoning_in_the_words_of_each_model(
    dialect: AnthropicMessages, claude: Model, caps: Any, wish: Any, shown: Any
) -> None:
    body = dialect.render_request(ask(**wish), replace(claude, thinking=caps))
    effort = body.get("output_config", {}).get("effort")
    assert (body.get("thinking"), effort) == shown


def test_a_budget_leaves_room_for_the_answer(dialect: AnthropicMessages, claude: Model) -> None:
    model = replace(claude, thinking="budget")
    small = dialect.render_request(ask(effort=Effort.HIGH, max_tokens=5000), model)
    assert small["thinking"]["budget_tokens"] == 4999
    assert "thinking" not in dialect.render_request(ask(effort=Effort.HIGH, max_tokens=900), model)


def test_reasoning_returns_only_to_the_model_that_issued_it(
    dialect: AnthropicMessages, claude: Model
) -> None:
    def thought(signature: str, text: str = "hm") -> list[Any]:
        turn = Message("assistant", (Thinking(text, signature), Text("4")))
        found = said(dialect, claude, HELLO, turn, HELLO)[1]["content"]
        assert isinstance(found, list)
        return found

    own = seal("gm1.", claude.id, s="SIG")
    assert thought(own)[0] == {"type": "thinking", "thinking": "hm", "signature": "SIG"}
    for foreign in (seal("gm1.", "other", s="SIG"), seal("gc1.", claude.id, o="x"), "", "raw"):
        assert thought(foreign) == [{"type": "text", "text": "4"}]
    assert thought(own, text="") == [{"type": "text", "text": "4"}]


def test_a_tool_loop_without_its_reasoning_goes_on_without_a_budget(
    dialect: AnthropicMessages, claude: Model
) -> None:
    model = replace(claude, thinking="budget")
    thought = Thinking("hm", seal("gm1.", model.id, s="SIG"))
    result = Message("user", (ToolResult("c", (Text("ok"),)),))

    def thinks(*blocks: Any) -> bool:
        call = Message("assistant", (*blocks, ToolUse("c", "ls", "{}")))
        request = ask(HELLO, call, result, tools=(TOOL,), effort=Effort.HIGH)
        return "thinking" in dialect.render_request(request, model)

    assert thinks(thought)
    assert not thinks()
    assert not thinks(Thinking("hm", "foreign"))


def test_instructions_stay_after_a_user_turn_and_become_reminders_elsewhere(
    dialect: AnthropicMessages, claude: Model
) -> None:
    aside = Message("system", (Text("Be brief."),))
    done = Message("assistant", (Text("ok"),))
    turns = said(dialect, claude, HELLO, aside, done, aside, HELLO)
    assert [turn["role"] for turn in turns] == ["user", "system", "assistant", "user"]
    assert turns[1]["content"] == [{"type": "text", "text": "Be brief."}]
    assert turns[3]["content"][0]["text"] == "<system-reminder>\nBe brief.\n</system-reminder>"


def test_what_a_client_without_marks_sends_again_and_again_is_cached(
    dialect: AnthropicMessages, claude: Model
) -> None:
    request = ask(HELLO, system=(Text("Be brief."),), tools=(TOOL, replace(TOOL, name="rm")))
    body = dialect.render_request(request, claude)
    marked = [body["system"][-1], body["tools"][-1], body["messages"][-1]["content"][-1]]
    assert all(block["cache_control"] == {"type": "ephemeral"} for block in marked)
    assert json.dumps(body).count("cache_control") == 3
    assert "mapped=cache>ephemeral" in {loss.note for loss in dialect.cannot(request, claude)}
    without = dialect.render_request(replace(request, tools=()), claude)
    assert "cache_control" not in json.dumps(without)


def test_a_started_answer_is_continued_on_request(
    dialect: AnthropicMessages, claude: Model
) -> None:
    turns = said(dialect, claude, HELLO, Message("assistant", (Text("The answer is  "),)))
    assert turns[1]["content"][0]["text"] == "The answer is"
    assert turns[2]["role"] == "user"


def test_pictures_documents_and_odd_results(dialect: AnthropicMessages, claude: Model) -> None:
    picture = {"type": "base64", "media_type": "image/png", "data": "iVBO"}
    turns = said(
        dialect,
        claude,
        HELLO,
        Message("assistant", (ToolUse("a", "f", "[1]"), ToolUse("b", "f", '{"x":1e999}'))),
        Message(
            "user",
            (
                ToolResult("a", (Text("shot"), Image("image/png", "iVBO"))),
                ToolResult("b", (), is_error=True),
                ToolResult("c", (Text(" "),)),
                Document("application/pdf", "JVBE", "T"),
            ),
        ),
    )
    assert [block["input"] for block in turns[1]["content"]] == [{}, {"x": None}]
    first, second, third, document = turns[2]["content"]
    assert first["content"] == [
        {"type": "text", "text": "shot"},
        {"type": "image", "source": picture},
    ]
    assert second["is_error"] is True
    assert second["content"]
    assert "content" not in third
    assert document["title"] == "T"


def test_calls_in_the_history_are_declared(dialect: AnthropicMessages, claude: Model) -> None:
    call = Message("assistant", (ToolUse("c", "ls", "{}"),))
    result = Message("user", (ToolResult("c", (Text("ok"),)),))
    body = dialect.render_request(ask(HELLO, call, result), claude)
    assert [tool["name"] for tool in body["tools"]] == ["ls"]
    assert body["tool_choice"] == {"type": "none"}


def test_free_text_tools_become_functions(dialect: AnthropicMessages, claude: Model) -> None:
    body = dialect.render_request(ask(tools=(Tool("apply_patch", custom=True),)), claude)
    assert body["tools"][0]["input_schema"]["required"] == ["input"]


def test_structured_output(dialect: AnthropicMessages, claude: Model) -> None:
    schema = {"type": "object", "properties": {}}
    request = ask(response_format=ResponseFormat(schema, "r", True), effort=Effort.LOW)
    assert dialect.render_request(request, claude)["output_config"] == {
        "effort": "low",
        "format": {"type": "json_schema", "schema": schema},
    }
    refused = dialect.cannot(request, replace(claude, structured=False))
    assert any(loss.semantic for loss in refused)
    loose = ask(response_format=ResponseFormat())
    assert "JSON" in dialect.render_request(loose, claude)["system"][-1]["text"]
    assert not any(loss.semantic for loss in dialect.cannot(loose, claude))


def test_no_sampling_beside_reasoning(dialect: AnthropicMessages, claude: Model) -> None:
    body = dialect.render_request(ask(temperature=0.2, effort=Effort.LOW), claude)
    assert "temperature" not in body
    assert dialect.render_request(ask(temperature=0.2), claude)["temperature"] == 0.2
