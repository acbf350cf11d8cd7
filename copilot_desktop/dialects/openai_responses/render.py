"""A `Request` as the body that Copilot's `/responses` takes.

Always stateless and streamed: nothing is stored, reasoning comes back encrypted so that it can be
replayed (`translation.md` §3, §4; `upstream.md` §7.2). Capabilities decide, never model names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from copilot_desktop.canonical import (
    Document,
    Effort,
    Image,
    Loss,
    Message,
    Request,
    ResponseFormat,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
)
from copilot_desktop.dialects.openai_responses.tools import is_strict, render_choice, render_tools
from copilot_desktop.model import Model, effort_of_budget
from copilot_desktop.schemas import is_closed
from copilot_desktop.sealing import unseal

Json = dict[str, Any]

SMALLEST_OUTPUT = 16  # tokens; less is refused by the API
GO_ON = "Continue exactly from where the last message stopped."
_ASK_FOR_JSON = "Answer with one JSON object and nothing else."


def cannot(request: Request, model: Model) -> tuple[Loss, ...]:
    """What `/responses` cannot say of `request`, or says in another way."""
    losses: list[Loss] = []
    if request.stop:
        losses.append(Loss("stop", to="local"))
    if request.tools and not model.tools:
        losses.append(Loss("Tool use", semantic=True))
    if any(tool.strict and not is_strict(tool, model) for tool in request.tools):
        losses.append(Loss("tools.strict"))
    if not model.pdf and Document in request.kinds():
        losses.append(Loss("A PDF document", semantic=True))
    if request.is_prefill:
        losses.append(Loss("prefill", to="user", marked=True))
    if request.max_tokens is not None and request.max_tokens < SMALLEST_OUTPUT:
        losses.append(Loss("max_tokens", to=str(SMALLEST_OUTPUT)))
    if _is_forced(request) and model.no_forced_tool:
        asked = request.tool_choice.mode if request.tool_choice is not None else ""
        losses.append(Loss(f"tool_choice.{asked}", to="auto", marked=True))
    thoughts = (b for m in request.messages for b in m.blocks if isinstance(b, Thinking))
    if any(_act(block, model, set()) is None for block in thoughts):
        losses.append(Loss("thinking (history)"))
    word = _reasoning(request, model).get("effort")
    losses += request.reasoning_losses(Effort(word) if word else None)
    return tuple(losses)


def _is_forced(request: Request) -> bool:
    choice = request.tool_choice
    return bool(request.tools) and choice is not None and choice.mode in ("required", "tool")


def render(request: Request, model: Model) -> Json:
    """The body. `request` must have been prepared (`preparation.prepared`)."""
    body: Json = {"model": model.id}
    instructions = "\n\n".join(text.text for text in request.system)
    if _needs_the_word_json(request, instructions):
        instructions = f"{instructions}\n\n{_ASK_FOR_JSON}".strip()
    if instructions:
        body["instructions"] = instructions
    body["input"] = list(_items(request, model))
    body |= _tooling(request, model)
    if request.max_tokens is not None:
        body["max_output_tokens"] = max(SMALLEST_OUTPUT, request.max_tokens)
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.top_p is not None:
        body["top_p"] = request.top_p
    if reasoning := _reasoning(request, model):
        body["reasoning"] = reasoning
    text: Json = {"verbosity": request.verbosity} if request.verbosity else {}
    if request.response_format is not None:
        text["format"] = render_format(request.response_format)
    if text:
        body["text"] = text
    return (
        body
        | _cache_fields(request)
        | {
            "stream": True,
            "store": False,
            "truncation": "disabled",
            "include": ["reasoning.encrypted_content"],
        }
    )


def _cache_fields(request: Request) -> Json:
    """The user's name stays here; its hash still keeps the prompts of one client together."""
    key = request.cache_key
    if request.user and not key:
        key = hashlib.sha256(request.user.encode("utf-8", "replace")).hexdigest()[:32]
    fields = {"prompt_cache_key": key, "prompt_cache_retention": request.cache_retention}
    return {name: value for name, value in fields.items() if value}


def _tooling(request: Request, model: Model) -> Json:
    if not request.tools:
        return {}
    fields: Json = {"tools": render_tools(request.tools, model)}
    if request.tool_choice is not None:
        forced = _is_forced(request) and model.no_forced_tool
        choice = "auto" if forced else render_choice(request.tool_choice, request)
        fields["tool_choice"] = choice
    if request.parallel_tools is not None:
        fields["parallel_tool_calls"] = request.parallel_tools
    return fields


def _reasoning(request: Request, model: Model) -> Json:
    wish = request.effort
    if wish is None and request.thinking_budget is not None:
        wish = effort_of_budget(request.thinking_budget)
    effort = model.effort(wish) if wish is not None else None
    if effort is None:
        return {}
    if Effort.NONE in {effort, wish} or request.hide_reasoning:
        return {"effort": effort.value}
    return {"effort": effort.value, "summary": "auto"}


# ---------------------------------------------------------------------------------------- items


def _items(request: Request, model: Model) -> Iterator[Json]:
    custom = {tool.name for tool in request.tools if tool.custom}
    custom_calls: set[str] = set()
    for message in _without_open_end(request):
        match message.role:
            case "system":
                yield _message("developer", [_input(b) for b in message.blocks if _plain(b)])
            case "user":
                yield from _user_items(message, custom_calls)
            case "assistant":
                for block in message.blocks:
                    if isinstance(block, ToolUse) and block.name in custom:
                        custom_calls.add(block.id)
                yield from _assistant_items(message, model, custom_calls)
    if request.is_prefill:
        yield _message("user", [{"type": "input_text", "text": GO_ON}])


def _without_open_end(request: Request) -> tuple[Message, ...]:
    """White space at the end of a prefill would be said twice."""
    if not request.is_prefill:
        return request.messages
    *before, last = request.messages
    blocks = list(last.blocks)
    if blocks and isinstance(end := blocks[-1], Text):
        blocks[-1:] = [replace(end, text=text)] if (text := end.text.rstrip()) else []
    return (*before, replace(last, blocks=tuple(blocks)))


def _message(role: str, content: list[Json]) -> Json:
    return {"type": "message", "role": role, "content": content}


def _plain(block: object) -> bool:
    return isinstance(block, Text | Image | Document)


def _user_items(message: Message, custom_calls: set[str]) -> Iterator[Json]:
    """Outputs first, then one message with the rest: one order on all routes (§3.2)."""
    for block in message.blocks:
        if isinstance(block, ToolResult):
            kind = "custom_tool_call" if block.tool_use_id in custom_calls else "function_call"
            yield {
                "type": f"{kind}_output",
                "call_id": block.tool_use_id,
                "output": _output(block),
            }
    rest = [_input(block) for block in message.blocks if _plain(block)]
    if rest:
        yield _message("user", rest)


def _output(result: ToolResult) -> str | list[Json]:
    parts: list[Text | Image | Document] = list(result.content)
    if result.is_error:
        first = parts[0] if parts else Text("")
        if not (isinstance(first, Text) and first.text.lower().startswith("error")):
            marked = Text(f"[tool error] {first.text}") if isinstance(first, Text) else None
            parts = [marked, *parts[1:]] if marked else [Text("[tool error]"), *parts]
    if all(isinstance(part, Text) for part in parts):
        return "\n".join(part.text for part in parts if isinstance(part, Text))
    return [_input(part) for part in parts]


def _input(block: object) -> Json:
    match block:
        case Text():
            return {"type": "input_text", "text": block.text}
        case Image():
            url = f"data:{block.media_type};base64,{block.data}"
            return {"type": "input_image", "image_url": url, "detail": "auto"}
        case Document():
            url = f"data:{block.media_type};base64,{block.data}"
            name = block.title or "document.pdf"
            return {"type": "input_file", "filename": name, "file_data": url}
    raise TypeError(type(block).__name__)


def _assistant_items(message: Message, model: Model, custom_calls: set[str]) -> Iterator[Json]:
    """Text runs between calls are messages; ids are left out, since only upstream may mint them."""
    run: list[Json] = []
    for block in message.blocks:
        if isinstance(block, Text):
            key = "refusal" if block.refusal else "text"
            run.append({"type": "refusal" if block.refusal else "output_text", key: block.text})
            continue
        item = _act(block, model, custom_calls)
        if item is None:
            continue
        if run:
            yield _message("assistant", run)
            run = []
        yield item
    if run:
        yield _message("assistant", run)


def _act(block: object, model: Model, custom_calls: set[str]) -> Json | None:
    """A call or a piece of reasoning; None for what cannot be replayed here."""
    match block:
        case Thinking(signature=signature):
            sealed = unseal(signature, "gr1.", model.id)
            if not sealed or not sealed.get("i") or not sealed.get("e"):
                return None
            summary = [{"type": "summary_text", "text": block.text}] if block.text else []
            return {
                "type": "reasoning",
                "id": sealed["i"],
                "summary": summary,
                "encrypted_content": sealed["e"],
            }
        case ToolUse():
            call: Json = {"call_id": block.id, "name": block.name}
            if block.id in custom_calls:
                return {"type": "custom_tool_call", **call, "input": free_text(block.arguments)}
            return {"type": "function_call", **call, "arguments": block.arguments or "{}"}
    return None


def free_text(arguments: str) -> str:
    """The text that a custom tool gets, out of the arguments of its function form.

    Models sometimes choose another field name, or write no JSON at all; the text is kept then.
    """
    try:
        value = json.loads(arguments) if arguments.strip() else {}
    except (ValueError, RecursionError):
        return arguments
    if isinstance(value, dict):
        if isinstance(value.get("input"), str):
            return str(value["input"])
        if not value:
            return ""
        if len(value) == 1 and isinstance(only := next(iter(value.values())), str):
            return only
    return arguments


# --------------------------------------------------------------------------------------- format


def render_format(wanted: ResponseFormat) -> Json:
    """The `text.format` object. Strict only for schemas that OpenAI's strict mode accepts."""
    if wanted.schema is None:
        return {"type": "json_object"}
    return {
        "type": "json_schema",
        "name": wanted.name,
        "schema": wanted.schema,
        "strict": wanted.strict is not False and is_closed(wanted.schema),
    }


def _needs_the_word_json(request: Request, instructions: str) -> bool:
    """The API refuses `json_object` if nobody has spoken of JSON."""
    if request.response_format is None or request.response_format.schema is not None:
        return False
    return "json" not in instructions.lower() and not any(
        "json" in text.lower() for text in _texts(request.messages)
    )


def _texts(messages: Iterable[Message]) -> Iterator[str]:
    for message in messages:
        yield from (block.text for block in message.blocks if isinstance(block, Text))
