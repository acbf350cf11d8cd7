"""From the bodies of the three endpoints to an `Ask`. Sees only bodies that the rules accept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from copilot_desktop.demo.ask import Ask, Tool, Turn, join, parts
from copilot_desktop.demo.catalogue import Facts

Body = Mapping[str, Any]


def _role(name: Any) -> Literal["user", "assistant", "system"]:
    if name == "assistant":
        return "assistant"
    return "system" if name in {"system", "developer"} else "user"


def _count(content: Any, kind: str) -> int:
    return sum(1 for part in parts(content) if part.get("type") == kind)


def _choice(value: Any) -> tuple[Literal["auto", "none", "any"], str]:
    """Tool choice in any spelling: the mode and the forced name."""
    if isinstance(value, dict):
        name = value.get("name") or (value.get("function") or value.get("custom") or {}).get("name")
        kind = value.get("type")
        if name:
            return "any", str(name)
        return ("any" if kind == "any" else "none" if kind == "none" else "auto"), ""
    return ("any" if value in {"required", "any"} else "none" if value == "none" else "auto"), ""


# /chat/completions


def chat(body: Body, facts: Facts) -> Ask:
    """Of a chat request."""
    choice, forced = _choice(body.get("tool_choice"))
    effort = body.get("reasoning_effort")
    visible = facts.gemini or (facts.claude and (effort or body.get("thinking_budget")))
    silent = facts.reasons and effort != "none"
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    stops = body.get("stop") or ()
    return Ask(
        turns=tuple(_chat_turn(message) for message in body["messages"]),
        tools=tuple(_chat_tool(tool) for tool in body.get("tools") or ()),
        choice=choice,
        forced=forced,
        parallel=body.get("parallel_tool_calls") is not False,
        form=None if facts.claude else _chat_form(body.get("response_format")),
        limit=limit,
        stops=(stops,) if isinstance(stops, str) else tuple(stops),
        think=bool(visible or silent),
    )


def _chat_turn(message: Body) -> Turn:
    content = message.get("content")
    text = join(parts(content))
    if message["role"] == "tool":
        return Turn("user", results=(text,))
    return Turn(
        _role(message["role"]),
        text,
        calls=len(message.get("tool_calls") or ()),
        images=_count(content, "image_url"),
    )


def _chat_tool(tool: Body) -> Tool:
    if tool.get("type") == "custom":
        return Tool(tool["custom"]["name"], free=True)
    function = tool["function"]
    return Tool(function["name"], function.get("parameters") or {})


def _chat_form(form: Any) -> Mapping[str, Any] | None:
    if not isinstance(form, dict) or form.get("type") in {None, "text"}:
        return None
    found = (form.get("json_schema") or {}).get("schema")
    return found if isinstance(found, dict) else {}


# /responses


def responses(body: Body, facts: Facts) -> Ask:
    """Of a Responses request."""
    choice, forced = _choice(body.get("tool_choice"))
    found = body["input"]
    items = [{"role": "user", "content": found}] if isinstance(found, str) else found
    effort = (body.get("reasoning") or {}).get("effort")
    turns = [Turn("system", body["instructions"])] if body.get("instructions") else []
    form = (body.get("text") or {}).get("format") or {}
    return Ask(
        turns=(*turns, *_item_turns(items)),
        tools=tuple(_flat_tool(tool) for tool in body.get("tools") or () if "name" in tool),
        choice=choice,
        forced=forced,
        parallel=body.get("parallel_tool_calls") is not False,
        form=None if form.get("type") in {None, "text"} else form.get("schema") or {},
        limit=body.get("max_output_tokens"),
        think=bool(facts.efforts) and effort != "none",
    )


def _flat_tool(tool: Body) -> Tool:
    if tool["type"] == "custom":
        return Tool(tool["name"], free=True, kind="custom")
    return Tool(tool["name"], tool.get("parameters") or {})


def _item_turns(items: list[Body]) -> list[Turn]:
    """Calls that follow each other, and a message before them, are one turn of the assistant."""
    turns: list[Turn] = []
    for item in items:
        kind = item.get("type", "message")
        if kind == "message":
            content = item.get("content")
            images = _count(content, "input_image")
            turns.append(Turn(_role(item["role"]), join(parts(content)), images=images))
        elif kind in {"function_call", "custom_tool_call"}:
            before = turns.pop() if turns and turns[-1].role == "assistant" else Turn("assistant")
            turns.append(Turn("assistant", before.text, before.calls + 1))
        elif kind in {"function_call_output", "custom_tool_call_output"}:
            output = item.get("output")
            images = _count(output, "input_image")
            turns.append(Turn("user", results=(join(parts(output)),), images=images))
    return turns


# /v1/messages


def messages(body: Body, facts: Facts) -> Ask:
    """Of a Messages request. A model that takes no empty thought back hides none."""
    wish = body.get("tool_choice") or {}
    choice, forced = _choice(wish)
    thinking = body.get("thinking") or {}
    form = ((body.get("output_config") or {}).get("format") or {}).get("schema")
    system = body.get("system")
    turns = [Turn("system", join(parts(system)))] if system else []
    return Ask(
        turns=(*turns, *(_message_turn(message) for message in body["messages"])),
        tools=tuple(
            Tool(tool["name"], tool.get("input_schema") or {}, kind=tool.get("type") or "custom")
            for tool in body.get("tools") or ()
        ),
        choice=choice,
        forced=forced,
        parallel=not wish.get("disable_parallel_tool_use"),
        form=form,
        limit=body["max_tokens"],
        stops=tuple(body.get("stop_sequences") or ()),
        think=thinking.get("type") in {"enabled", "adaptive"},
        show_thought=thinking.get("display") != "omitted"
        or not facts.supports.get("adaptive_thinking"),
    )


def _message_turn(message: Body) -> Turn:
    content = parts(message.get("content"))
    results = [part for part in content if part.get("type") == "tool_result"]
    said = [part for part in content if part.get("type") == "text"]
    inner = sum(_count(part.get("content"), "image") for part in results)
    return Turn(
        _role(message["role"]),
        join(said),
        calls=sum(1 for part in content if part.get("type") == "tool_use"),
        results=tuple(join(parts(part.get("content"))) for part in results),
        images=_count(message.get("content"), "image") + inner,
    )


def limited(ask: Ask, cap: int) -> Ask:
    """The same, with at most `cap` tokens of output."""
    return replace(ask, limit=cap)
