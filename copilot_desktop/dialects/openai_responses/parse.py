"""The body of `POST /responses`, as a client sends it, read into a `Request`.

The proxy keeps no answers, so everything that refers to stored ones is refused with the way out
(`translation.md` §5). Fields that only advise are left out and noted; what would change the answer
is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copilot_desktop.canonical import Effort, Request, ResponseFormat, Text
from copilot_desktop.dialects import Envelope
from copilot_desktop.dialects.openai_responses.fields import (
    count_of,
    flag_of,
    invalid,
    list_of,
    number_of,
    object_of,
    text_of,
)
from copilot_desktop.dialects.openai_responses.initiator import initiator_of
from copilot_desktop.dialects.openai_responses.items import Turns, read_input
from copilot_desktop.dialects.openai_responses.tools import read_choice, read_tools

_UNDERSTOOD = frozenset({
    "model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls",
    "max_output_tokens", "temperature", "top_p", "reasoning", "text", "include", "stream", "user",
    "prompt_cache_key", "prompt_cache_retention",
    # Known to change nothing that the caller gets:
    "client_metadata", "stream_options", "background",
})  # fmt: skip
_NOTICED = ("truncation", "max_tool_calls")  # ▲ in `translation.md` §5
_ENCRYPTED = "reasoning.encrypted_content"


def parse(body: Mapping[str, Any]) -> Request:
    """Raises InvalidRequest or NotExpressible with a sentence."""
    _refuse_memory(body)
    turns = Turns()
    instructions = text_of(body.get("instructions"), "instructions")
    if instructions:
        turns.system.append(Text(instructions))
    read_input(body.get("input"), turns)
    tools = read_tools(body, turns.losses)
    choice, tools = read_choice(body.get("tool_choice"), tools)
    include = list_of(body.get("include"), "include")
    reasoning = object_of(body.get("reasoning"), "reasoning")
    text = object_of(body.get("text"), "text")
    _note_advice(body, include, turns)
    return Request(
        model=_model(body),
        messages=tuple(turns.messages),
        system=tuple(turns.system),
        tools=tools,
        tool_choice=choice,
        parallel_tools=flag_of(body.get("parallel_tool_calls"), "parallel_tool_calls"),
        max_tokens=count_of(body.get("max_output_tokens"), "max_output_tokens"),
        temperature=number_of(body.get("temperature"), "temperature"),
        top_p=number_of(body.get("top_p"), "top_p"),
        effort=_effort(reasoning.get("effort")),
        response_format=_format(object_of(text.get("format"), "text.format")),
        user=text_of(body.get("user"), "user"),
        verbosity=text_of(text.get("verbosity"), "text.verbosity"),
        cache_key=text_of(body.get("prompt_cache_key"), "prompt_cache_key"),
        cache_retention=text_of(body.get("prompt_cache_retention"), "prompt_cache_retention"),
        stream=body.get("stream") is True,
        echo_reasoning=_ENCRYPTED in include,
        losses=tuple(turns.losses),
    )


def _model(body: Mapping[str, Any]) -> str:
    model = body.get("model")
    if not isinstance(model, str) or not model.strip():
        raise invalid("model", "is missing")
    return model


def _refuse_memory(body: Mapping[str, Any]) -> None:
    """Whatever needs an earlier answer or a later one: nothing is kept here."""
    if body.get("previous_response_id"):
        raise invalid(
            "previous_response_id",
            "answers are not stored here; send the whole conversation in input, "
            "as frameworks do with `store` set to false",
            # Clients that chain know this code and send everything again.
            code="previous_response_not_found",
        )
    for name in ("conversation", "prompt"):
        if body.get(name):
            raise invalid(name, "nothing is stored here; send the whole conversation in input")
    if body.get("background"):
        raise invalid("background", "answers cannot be made in the background through Copilot")


def _note_advice(body: Mapping[str, Any], include: list[Any], turns: Turns) -> None:
    for name, value in body.items():
        harmless = (name == "store" and value is False) or (
            name == "truncation" and value == "disabled"
        )
        if name not in _UNDERSTOOD and value is not None and not harmless:
            turns.lose(name[:64], marked=name in _NOTICED)
    for name in include:
        if name != _ENCRYPTED:
            turns.lose(f"include.{str(name)[:64]}")


def _effort(value: Any) -> Effort | None:
    if value is None:
        return None
    try:
        return Effort(value)
    except ValueError:
        known = ", ".join(Effort)
        raise invalid("reasoning.effort", f"must be one of {known}") from None


def _format(value: Mapping[str, Any]) -> ResponseFormat | None:
    match value.get("type"):
        case None | "text":
            return None
        case "json_object":
            return ResponseFormat()
        case "json_schema":
            inner = object_of(value.get("json_schema"), "text.format.json_schema") or value
            schema = object_of(inner.get("schema"), "text.format.schema")
            strict = inner.get("strict")
            return ResponseFormat(
                dict(schema),
                text_of(inner.get("name"), "text.format.name") or "response",
                strict if isinstance(strict, bool) else None,
            )
        case kind:
            raise invalid("text.format", f"{kind} is not available through Copilot")


# ----------------------------------------------------------------------------------------- peek


def peek(body: Mapping[str, Any]) -> Envelope:
    """Tolerant: raises InvalidRequest only where there is no usable `model`."""
    given = body.get("input")
    items = given if isinstance(given, list) else []
    return Envelope(
        model=_model(body),
        stream=body.get("stream") is True,
        initiator=initiator_of(items, body.get("client_metadata")),
        has_image=any(_shows(item) for item in items),
    )


def _shows(item: Any) -> bool:
    """Whether a picture or PDF stands in this item."""
    if not isinstance(item, dict):
        return False
    return any(
        isinstance(part, dict) and part.get("type") in ("input_image", "input_file")
        for name in ("content", "output")
        for part in (item[name] if isinstance(item.get(name), list) else ())
    )
