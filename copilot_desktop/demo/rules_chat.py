"""What `/chat/completions` refuses (`upstream.md` 6.1), by vendor.

OpenAI checks its own parameters; Claude's back end applies much of what `/v1/messages` does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from copilot_desktop.demo import opaque, rules
from copilot_desktop.demo.ask import parts
from copilot_desktop.demo.catalogue import Facts
from copilot_desktop.demo.gate import whole_number
from copilot_desktop.demo.refusals import gateway, openai
from copilot_desktop.demo.rules import Body, Say
from copilot_desktop.demo.wire_chat import CLAUDE_THOUGHT, GEMINI_THOUGHT
from copilot_desktop.demo.world import World

_ROLES = {"system", "user", "assistant", "tool"}
_ID_LENGTH = 40  # OpenAI's limit for the id of a tool call
_CLAUDE_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_PARTS = {
    "system": {"text"},
    "developer": {"text"},
    "user": {"text", "image_url"},
    "assistant": {"text", "refusal"},
    "tool": {"text"},
}
_STOPS = 4


def pictures(body: Body) -> list[Mapping[str, Any]]:
    """All image parts of a request."""
    messages = body.get("messages")
    found = [m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []
    return [
        part for m in found for part in parts(m.get("content")) if part.get("type") == "image_url"
    ]


def check(body: Body, facts: Facts, headers: Mapping[str, str], world: World) -> None:
    """Raises Refused."""
    del headers
    say = rules.sentence(facts)
    _messages(body, facts, say)
    _images(body, facts, say)
    _pairing(body["messages"], facts, say)
    _tools(body, facts, say)
    _settings(body, facts, say)
    _thought(body["messages"], facts, world)


def _messages(body: Body, facts: Facts, say: Say) -> None:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise say("Invalid 'messages': empty array. Expected an array with minimum length 1.")
    for place, message in enumerate(messages):
        where = f"messages[{place}]"
        if not isinstance(message, dict):
            raise say(f"Invalid type for '{where}': expected an object.")
        allowed = _ROLES | ({"developer"} if facts.openai else set())
        if message.get("role") not in allowed:
            raise say(
                f"Invalid value: '{message.get('role')}'. Supported values for '{where}.role' "
                f"are: {', '.join(sorted(allowed))}."
            )
        _content(message, where, facts, say)
    if facts.claude and messages[-1]["role"] == "assistant":
        raise say(
            "This model does not support assistant message prefill. "
            "The conversation must end with a user message."
        )
    if all(message["role"] in {"system", "developer"} for message in messages):
        raise say("messages: at least one message is required")


def _content(message: Body, where: str, facts: Facts, say: Say) -> None:
    role, content = message["role"], message.get("content")
    if content is None:
        if role == "assistant" and message.get("tool_calls"):
            return
        raise say(f"Invalid value for 'content': expected a string, got null ({where}).")
    if isinstance(content, str):
        if facts.claude and role == "user" and not content:
            raise say(f"{where}: user messages must have non-empty content")
        return
    if not isinstance(content, list) or not content:
        raise say(f"Invalid type for '{where}.content': expected a string or an array of objects.")
    for place, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in _PARTS[role]:
            raise say(
                f"Invalid value: '{kind}'. Supported values for '{where}.content[{place}].type' "
                f"are: {', '.join(sorted(_PARTS[role]))}."
            )
        if kind == "text":
            text = part.get("text")
            if not isinstance(text, str):
                raise say(f"Missing required parameter: '{where}.content[{place}].text'.")
            if facts.claude and not text:
                raise say("messages: text content blocks must be non-empty")


def _images(body: Body, facts: Facts, say: Say) -> None:
    found = pictures(body)
    for part in found:
        rules.inline_picture((part.get("image_url") or {}).get("url"), facts, say)
    most = (facts.limits.get("vision") or {}).get("max_prompt_images")
    if most is not None:
        rules.picture_count(found, most, say)


def _pairing(messages: list[Body], facts: Facts, say: Say) -> None:
    """Each call is answered at once, each answer has a call."""
    open_calls: set[str] = set()
    known: set[str] = set()
    for place, message in enumerate(messages):
        if message["role"] == "tool":
            claim = message.get("tool_call_id")
            if claim not in known:
                raise say(
                    "Invalid parameter: messages with role 'tool' must be a response to a "
                    f"preceding message with 'tool_calls' (messages[{place}], {claim})."
                )
            if claim not in open_calls:
                raise say(f"messages[{place}]: duplicate tool result for {claim}")
            open_calls.discard(claim)
            continue
        _answered(open_calls, say)
        known = open_calls = set()
        if message.get("tool_calls") is not None:
            open_calls = _calls(message, f"messages[{place}]", facts, say)
            known = set(open_calls)
    _answered(open_calls, say)


def _answered(open_calls: set[str], say: Say) -> None:
    if open_calls:
        raise say(
            "An assistant message with 'tool_calls' must be followed by tool messages responding "
            "to each 'tool_call_id'. The following tool_call_ids did not have response messages: "
            + ", ".join(sorted(open_calls))
        )


def _calls(message: Body, where: str, facts: Facts, say: Say) -> set[str]:
    calls = message["tool_calls"]
    if message["role"] != "assistant" or not isinstance(calls, list) or not calls:
        raise say(f"Invalid '{where}.tool_calls': expected a non-empty array.")
    found: set[str] = set()
    for place, call in enumerate(calls):
        what = f"{where}.tool_calls[{place}]"
        claim = call.get("id")
        if not isinstance(claim, str) or not claim:
            raise say(f"Missing required parameter: '{what}.id'.")
        if facts.openai and len(claim) > _ID_LENGTH:
            raise say(
                f"Invalid '{what}.id': string too long. Expected a string with maximum length "
                f"{_ID_LENGTH}, but got a string with length {len(claim)} instead."
            )
        if facts.claude and not _CLAUDE_ID.fullmatch(claim):
            raise say(f"{what}.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
        if claim in found:
            raise say(f"{what}: `tool_use` ids must be unique")
        found.add(claim)
        if call.get("type") == "custom":
            continue
        function = call.get("function") or {}
        rules.tool_names([function.get("name")], say, what)
        arguments = function.get("arguments")
        rules.arguments(arguments, f"{what}.arguments", say, is_object=facts.claude or facts.gemini)
    return found


def _tools(body: Body, facts: Facts, say: Say) -> None:
    tools = body.get("tools")
    history = any(m["role"] == "tool" or m.get("tool_calls") for m in body["messages"])
    if tools is None:
        if facts.claude and history:
            raise say("Requests which include `tool_use` or `tool_result` blocks must define tools")
        for name in ("tool_choice", "parallel_tool_calls"):
            if facts.openai and body.get(name) is not None:
                raise say(f"'{name}' is only allowed when 'tools' are specified.")
        return
    if not isinstance(tools, list) or (not tools and facts.openai):
        raise say("Invalid 'tools': empty array. Expected an array with minimum length 1.")
    names = []
    for place, tool in enumerate(tools):
        kind = tool.get("type") if isinstance(tool, dict) else None
        inner = tool.get(kind) if kind in {"function", "custom"} else None
        if not isinstance(inner, dict) or (kind == "custom" and not facts.openai):
            raise say(f"Invalid value: '{kind}' for 'tools[{place}].type'. Supported: function.")
        names.append(inner.get("name"))
        if kind == "function" and inner.get("parameters") is not None:
            strict = bool(inner.get("strict")) and facts.openai
            name = str(inner.get("name"))
            rules.schema(inner["parameters"], name, say, strict=strict, properties=facts.openai)
            if facts.gemini:
                rules.google_schema(inner["parameters"])
    rules.tool_names(names, say)
    _choice(body.get("tool_choice"), names, say)


def _choice(choice: Any, names: list[Any], say: Say) -> None:
    if choice is None or choice in ("auto", "none", "required"):
        return
    name = (
        (choice.get("function") or choice.get("custom") or {}).get("name")
        if isinstance(choice, dict)
        else None
    )
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        return
    if name not in names:
        raise say(f"Invalid value for 'tool_choice': {name or choice} is not one of the tools.")


def _settings(body: Body, facts: Facts, say: Say) -> None:
    if body.get("service_tier") is not None:
        raise openai(
            "Unsupported parameter: 'service_tier' is not supported with this model.",
            param="service_tier",
            code="unsupported_parameter",
        )
    if body.get("store") is True:
        raise gateway("store is not supported")
    if body.get("n") not in (None, 1):
        raise say("Unsupported value: 'n' must be 1.")
    if facts.openai and body.get("stream_options") is not None and body.get("stream") is not True:
        raise say("The 'stream_options' parameter is only allowed when 'stream' is enabled.")
    most = facts.limits.get("max_output_tokens")
    for name in ("max_tokens", "max_completion_tokens"):
        whole_number(body, name, least=1, most=most)
    stop = body.get("stop") or []
    if not all(isinstance(text, str) for text in ([stop] if isinstance(stop, str) else stop)):
        raise say("Invalid type for 'stop': expected a string or an array of strings.")
    if facts.openai and isinstance(stop, list) and len(stop) > _STOPS:
        raise say(f"Invalid 'stop': array too long. Expected at most {_STOPS} entries.")
    effort = body.get("reasoning_effort")
    rules.effort(effort, facts, say, "reasoning_effort")
    rules.sampling(body, facts, effort=effort, say=say)
    _budget(body.get("thinking_budget"), facts, say)
    _form(body, facts, say)


def _budget(budget: Any, facts: Facts, say: Say) -> None:
    if budget is None:
        return
    least = facts.supports.get("min_thinking_budget")
    most = facts.supports.get("max_thinking_budget")
    if least is None or most is None:
        raise say("thinking_budget is not supported by this model")
    if not isinstance(budget, int) or not least <= budget <= most:
        raise say(f"thinking_budget must be between {least} and {most}")


def _form(body: Body, facts: Facts, say: Say) -> None:
    form = body.get("response_format")
    if form is None or not facts.openai:
        return
    match form.get("type"):
        case "json_schema":
            if not facts.supports.get("structured_outputs"):
                raise say(
                    "Invalid parameter: 'response_format' of type 'json_schema' is not supported "
                    "with this model."
                )
            found = form.get("json_schema") or {}
            rules.tool_names([found.get("name")], say, "response_format.json_schema")
            if found.get("strict"):
                rules.strict_schema(found.get("schema"), "response_format", say)
        case "json_object":
            if not rules.mentions_json(*(m.get("content") for m in body["messages"])):
                raise say(
                    "'messages' must contain the word 'json' in some form, to use "
                    "'response_format' of type 'json_object'."
                )
        case "text":
            return
        case kind:
            raise say(f"Invalid value: '{kind}'. Supported: text, json_object, json_schema.")


def _thought(messages: list[Body], facts: Facts, world: World) -> None:
    """Reasoning that comes back must be what was given out."""
    kind = CLAUDE_THOUGHT if facts.claude else GEMINI_THOUGHT
    if not (facts.claude or facts.gemini):
        return
    for message in messages:
        claim = message.get("reasoning_opaque")
        if claim is None:
            if facts.gemini and message.get("tool_calls") and world.scenario.thought_signatures:
                raise gateway("Function call is missing a thought_signature in functionCall parts.")
            continue
        if not opaque.is_thought(kind, claim, message.get("reasoning_text")):
            raise gateway("Invalid `signature` in `thinking` block")
