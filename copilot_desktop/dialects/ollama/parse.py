"""A chat or generate request, read into the canonical conversation (`translation.md` §11).

Knows the options that still mean something when no model runs on this machine. What would change
the answer without a trace is refused with a sentence; sampling advice that Copilot has no place for
becomes a `Loss`; what only concerns the machine (`num_ctx`, `num_gpu`, `keep_alive`) is ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copilot_desktop.canonical import (
    Effort,
    Loss,
    Message,
    Request,
    ResponseFormat,
    Text,
    Tool,
)
from copilot_desktop.dialects.ollama.history import pictures, read_conversation
from copilot_desktop.dialects.parameters import number, stop_sequences
from copilot_desktop.errors import InvalidRequest, NotExpressible

Json = dict[str, Any]

_ADVICE = (
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "repeat_penalty",
    "repeat_last_n",
    "top_k",
    "min_p",
    "typical_p",
    "tfs_z",
    "mirostat",
    "mirostat_eta",
    "mirostat_tau",
)
_UNSET: tuple[Any, ...] = (None, False, 0, "", [], {})


def parse_chat(body: Mapping[str, Any]) -> Request:
    """Raises InvalidRequest for what makes no sense, NotExpressible for what Copilot lacks."""
    conversation = read_conversation(_list(body, "messages"))
    tools = tuple(_tool(item, f"tools[{place}]") for place, item in enumerate(_list(body, "tools")))
    return _request(body, tuple(conversation.messages), tuple(conversation.system), tools)


def parse_generate(body: Mapping[str, Any]) -> Request:
    """A prompt is a conversation of one turn. Raises like `parse_chat`."""
    for field, what in (
        ("suffix", "Filling in the middle (suffix)"),
        ("raw", "A raw prompt"),
        ("context", "A conversation kept as tokens (context)"),
    ):
        if body.get(field) not in _UNSET:
            raise NotExpressible(fields={"what": what, "model": model_of(body)})
    prompt, system = _words(body, "prompt"), _words(body, "system")
    said = (Text(prompt),) if prompt else ()
    turn = Message("user", (*said, *pictures(body.get("images"), "images")))
    return _request(body, (turn,), (Text(system),) if system else (), ())


def _request(
    body: Mapping[str, Any],
    messages: tuple[Message, ...],
    system: tuple[Text, ...],
    tools: tuple[Tool, ...],
) -> Request:
    model = model_of(body)
    if body.get("logprobs") not in _UNSET or body.get("top_logprobs") not in _UNSET:
        raise NotExpressible(fields={"what": "logprobs", "model": model})
    options = body.get("options")
    if options is None:
        options = {}
    if not isinstance(options, dict):
        raise InvalidRequest("options must be an object.")
    lost = [f"options.{name}" for name in _ADVICE if options.get(name) not in _UNSET]
    lost += ["template"] if body.get("template") not in _UNSET else []
    return Request(
        model=model,
        messages=messages,
        system=system,
        tools=tools,
        max_tokens=_limit(options.get("num_predict")),
        temperature=number(options, "temperature", "options."),
        top_p=number(options, "top_p", "options."),
        stop=stop_sequences(options, "options."),
        effort=_effort(body.get("think")),
        response_format=_format(body.get("format")),
        stream=wants_stream(body),
        losses=tuple(Loss(name) for name in lost),
    )


def model_of(body: Mapping[str, Any]) -> str:
    """The model's name as the client spells it. Raises InvalidRequest if there is none."""
    model = body.get("model")
    if not isinstance(model, str) or not model.strip():
        raise InvalidRequest("model must be a non-empty string.")
    return model


def wants_stream(body: Mapping[str, Any]) -> bool:
    """Ollama streams unless it is told not to."""
    return body.get("stream") is not False


# ------------------------------------------------------------------------------------- fields


def _tool(item: Any, place: str) -> Tool:
    match item:
        case {"function": {"name": str(name), **rest}} if name:
            description, schema = rest.get("description"), rest.get("parameters")
        case _:
            raise InvalidRequest(f"{place} needs a function with a name.")
    if schema is not None and not isinstance(schema, dict):
        raise InvalidRequest(f"{place}.function.parameters must be a JSON schema.")
    return Tool(name, description if isinstance(description, str) else "", schema or {})


def _effort(think: Any) -> Effort | None:
    match think:
        case None | "":
            return None
        case bool():
            return Effort.MEDIUM if think else Effort.NONE
        case str():
            for effort in Effort:
                if effort.value == think.lower():
                    return effort
    words = ", ".join(effort.value for effort in Effort)
    raise InvalidRequest(f"think must be true, false or one of {words}.")


def _format(wish: Any) -> ResponseFormat | None:
    match wish:
        case None | "":
            return None
        case "json":
            return ResponseFormat()
        case dict():
            return ResponseFormat(wish)
    raise InvalidRequest("format must be json or a JSON schema.")


def _limit(value: Any) -> int | None:
    """`num_predict`: nought and less mean no limit."""
    if value is None:
        return None
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole:
        raise InvalidRequest("options.num_predict must be a whole number.")
    return int(value) if value > 0 else None


def _list(body: Mapping[str, Any], key: str) -> list[Any]:
    value = body.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidRequest(f"{key} must be a list.")
    return value


def _words(body: Mapping[str, Any], key: str) -> str:
    value = body.get(key)
    if value is not None and not isinstance(value, str):
        raise InvalidRequest(f"{key} must be a string.")
    return value or ""
