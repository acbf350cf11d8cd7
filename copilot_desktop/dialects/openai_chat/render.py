"""The canonical conversation, written as a Chat Completions body for Copilot.

Covers `translation.md` §3 and §5 with Chat Completions as the target, and `upstream.md` §6.1 for
what Copilot takes. Knows the target model's capabilities only through `Model`; must not know where
the request came from. Expects a prepared request: legal tool names and ids, paired calls, repaired
schemas. `cannot` names every loss that `render_request` inflicts; a semantic one is refused by the
caller before anything is rendered.
"""

from __future__ import annotations

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
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
    free_text_schema,
)
from copilot_desktop.model import Model, budget_of_effort, effort_of_budget
from copilot_desktop.schemas import is_closed
from copilot_desktop.sealing import unseal

Json = dict[str, Any]

MAX_STOPS = 4
CONTINUE = "Continue exactly from where the last message stopped."
ONLY_JSON = "Reply with one JSON object and nothing else."
NO_OUTPUT = "(no output)"
SEE_IMAGE = "(see attached image)"
_SAID = (Text, Image)
# What clients call the fields that have no word here.
_WIRE = {"cache_key": "prompt_cache_key", "cache_retention": "prompt_cache_retention"}


def cannot(request: Request, model: Model) -> tuple[Loss, ...]:
    """What gets lost or changed on the way to this model over `/chat/completions`."""
    losses: list[Loss] = []
    kinds = request.kinds()
    if Document in kinds:
        losses.append(Loss("A PDF document", semantic=True))
    if request.tools and not model.tools:
        losses.append(Loss("Calling tools", semantic=True))
    wanted = request.response_format
    if wanted and wanted.schema is not None and not _keeps_schema(model):
        losses.append(Loss("A JSON schema for the answer", semantic=True))
    if wanted and wanted.schema is None and model.is_claude:
        losses.append(Loss("response_format", to="instruction", marked=True))
    if len(request.stop) > MAX_STOPS:
        losses.append(Loss("stop", to=f"first {MAX_STOPS}", marked=True))
    if any(tool.custom for tool in request.tools):
        losses.append(Loss("tools.custom", to="function", marked=True))
    if any(tool.strict and not _is_strict(tool, model) for tool in request.tools):
        losses.append(Loss("tools.strict"))
    if _is_forced(request) and model.no_forced_tool:
        asked = request.tool_choice.mode if request.tool_choice is not None else ""
        losses.append(Loss(f"tool_choice.{asked}", to="auto", marked=True))
    if request.parallel_tools is False and request.tools and not model.parallel_tools:
        losses.append(Loss("parallel_tool_calls"))
    if Thinking in kinds and _has_foreign_thoughts(request, model):
        losses.append(Loss("thinking (history)"))
    sent = _reasoning(request, model)
    word = sent.get("reasoning_effort")
    losses += request.reasoning_losses(Effort(word) if word else None, sent.get("thinking_budget"))
    if request.is_prefill:
        losses.append(Loss("prefill", to="user", marked=True))
    unsaid = ("user", "verbosity", "cache_key", "cache_retention")
    losses += [Loss(_WIRE.get(name, name)) for name in unsaid if getattr(request, name)]
    return tuple(losses)


def render_request(request: Request, model: Model) -> Json:
    """The body to send. Always asks for a stream and for the usage at its end."""
    body: Json = {
        "model": model.id,
        "messages": _messages(request, model),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.max_tokens is not None:
        body[model.max_tokens_key] = request.max_tokens
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.top_p is not None:
        body["top_p"] = request.top_p
    if request.stop:
        body["stop"] = list(request.stop[:MAX_STOPS])
    body |= _tools(request, model)
    body |= _reasoning(request, model)
    if request.response_format is not None:
        body |= _response_format(request.response_format, model)
    return body


# ------------------------------------------------------------------------------------- messages


def _messages(request: Request, model: Model) -> list[Json]:
    out: list[Json] = []
    system = [text.text for text in request.system]
    if _needs_json_words(request, model):
        system.append(ONLY_JSON)
    if system:
        first = {"role": "system", "content": "\n\n".join(system)}
        out.append(_marked(first, any(text.cached for text in request.system)))
    # Tool results must follow their calls directly: an instruction between them waits.
    waiting: list[Json] = []
    for message in request.messages:
        turn: Json | None
        if message.role == "system":
            if (turn := _aside(message, model)) is not None:
                (waiting if out and out[-1].get("tool_calls") else out).append(turn)
            continue
        if message.role == "user":
            results = [block for block in message.blocks if isinstance(block, ToolResult)]
            out += map(_result, results)
            turn = _user_turn(message, results)
        else:
            turn = _assistant_turn(message, model)
        out += waiting
        waiting = []
        if turn is not None:
            out.append(turn)
    out += waiting
    return _continued(out)


def _aside(message: Message, model: Model) -> Json | None:
    """An instruction in mid-conversation: its own role where the vendor knows that."""
    text = "\n\n".join([block.text for block in message.blocks if isinstance(block, Text)])
    if not text:
        return None
    if model.is_openai:
        return {"role": "system", "content": text}
    return {"role": "user", "content": f"<system-reminder>{text}</system-reminder>"}


def _result(result: ToolResult) -> Json:
    """The tool role takes text alone; pictures follow in a user turn."""
    lines: list[str] = []
    after: list[str] = []
    for part in result.content:
        if isinstance(part, Text):
            lines += [part.text] if part.text else []
        elif isinstance(part, Document):
            after.append(f"(document {part.title})")
    lines += after
    if Image in map(type, result.content):
        lines.append(SEE_IMAGE)
    text = "\n".join(lines) or NO_OUTPUT
    if result.is_error and not text.lower().startswith("error"):
        text = f"[tool error] {text}"
    answer = {"role": "tool", "tool_call_id": result.tool_use_id, "content": text}
    return _marked(answer, result.cached or any(part.cached for part in result.content))


def _user_turn(message: Message, results: list[ToolResult]) -> Json | None:
    """What is left of a user turn after its tool results: pictures of tools, then the rest."""
    parts: list[Text | Image] = []
    for result in results:
        images = [part for part in result.content if isinstance(part, Image)]
        if images:
            parts += [Text(f"Image(s) returned by tool call {result.tool_use_id}:"), *images]
    said = [block for block in message.blocks if isinstance(block, _SAID)]
    parts += said
    if not parts:
        return None
    content: str | list[Json]
    if Image in map(type, parts):
        content = [_part(part) for part in parts]
    else:
        content = "\n\n".join([part.text for part in parts if isinstance(part, Text)])
    return _marked({"role": "user", "content": content}, any(block.cached for block in said))


def _marked(message: Json, cached: bool) -> Json:
    """Copilot's own spelling of a cache mark. Its quirks take out what is too much, and all of them
    for models that need none."""
    return {**message, "copilot_cache_control": {"type": "ephemeral"}} if cached else message


def _part(part: Text | Image) -> Json:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    url = f"data:{part.media_type};base64,{part.data}"
    return {"type": "image_url", "image_url": {"url": url}}


def _assistant_turn(message: Message, model: Model) -> Json | None:
    """None, if only reasoning that this model cannot read is left."""
    texts = [block for block in message.blocks if isinstance(block, Text)]
    uses = [block for block in message.blocks if isinstance(block, ToolUse)]
    text = "".join([block.text for block in texts])
    if not text and not uses:
        return None
    turn: Json = {"role": "assistant", "content": text or None}
    if len(texts) + len(uses) < len(message.blocks):
        turn |= _replayed(message, model)
    if uses:
        turn["tool_calls"] = [
            {
                "id": block.id,
                "type": "function",
                "function": {"name": block.name, "arguments": block.arguments.strip() or "{}"},
            }
            for block in uses
        ]
    cached = any(block.cached for block in texts) or any(block.cached for block in uses)
    return _marked(turn, cached)


def _replayed(message: Message, model: Model) -> Json:
    """Reasoning that this very model issued over this endpoint (`translation.md` §2.6).

    Unsigned reasoning beside an own seal belongs to it: Gemini sends its seal after the text.
    """
    thoughts = [block for block in message.blocks if isinstance(block, Thinking)]
    seals = [opened["o"] for block in thoughts if (opened := _opened(block, model))]
    if not seals:
        return {}
    own = [block.text for block in thoughts if not block.signature or _opened(block, model)]
    text = "\n\n".join(words for words in own if words)
    return ({"reasoning_text": text} if text else {}) | {"reasoning_opaque": seals[-1]}


def _opened(block: Thinking, model: Model) -> dict[str, str] | None:
    opened = unseal(block.signature, "gc1.", model.id)
    return opened if opened and opened.get("o") else None


def _has_foreign_thoughts(request: Request, model: Model) -> bool:
    return any(
        isinstance(block, Thinking) and _opened(block, model) is None
        for message in request.messages
        for block in message.blocks
    )


def _continued(messages: list[Json]) -> list[Json]:
    """A last turn of the assistant's own is followed by a wish to go on: prefill is refused."""
    last = messages[-1] if messages else None
    if last is None or last["role"] != "assistant" or last.get("tool_calls"):
        return messages
    begun = last | {"content": (last["content"] or "").rstrip()}
    return [*messages[:-1], begun, {"role": "user", "content": CONTINUE}]


# ------------------------------------------------------------------------------------- tools


def _tools(request: Request, model: Model) -> Json:
    if not request.tools:
        return _tools_of_history(request) if model.is_claude else {}
    body: Json = {"tools": [_tool(tool, model) for tool in request.tools]}
    if request.tool_choice is not None:
        forced = _is_forced(request) and model.no_forced_tool
        body["tool_choice"] = "auto" if forced else _choice(request.tool_choice)
    if request.parallel_tools is False and model.parallel_tools:
        body["parallel_tool_calls"] = False
    return body


def _tool(tool: Tool, model: Model) -> Json:
    function: Json = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    empty: Json = {"type": "object", "properties": {}}
    function["parameters"] = free_text_schema(tool) if tool.custom else tool.schema or empty
    if _is_strict(tool, model):
        function["strict"] = True
    return _marked({"type": "function", "function": function}, tool.cached)


def _is_strict(tool: Tool, model: Model) -> bool:
    """Anthropic's strict tools may have optional fields; OpenAI refuses those."""
    return bool(tool.strict) and model.structured and not tool.custom and is_closed(tool.schema)


def _is_forced(request: Request) -> bool:
    choice = request.tool_choice
    return bool(request.tools) and choice is not None and choice.mode in ("required", "tool")


def _choice(choice: ToolChoice) -> str | Json:
    if choice.mode == "tool":
        return {"type": "function", "function": {"name": choice.name}}
    return choice.mode


def _tools_of_history(request: Request) -> Json:
    """Claude refuses a history of tool calls without tools: declare them, but allow none."""
    names = request.called_tools()
    if not names:
        return {}
    schema: Json = {"type": "object", "properties": {}}
    functions = [{"name": name, "parameters": schema} for name in names]
    return {
        "tools": [{"type": "function", "function": function} for function in functions],
        "tool_choice": "none",
    }


# ------------------------------------------------------------------------------------- options


def _reasoning(request: Request, model: Model) -> Json:
    """`translation.md` §3.5: Claude takes a budget, the others a word."""
    effort, budget = request.effort, request.thinking_budget
    if effort is None and budget is None:
        return {}
    if model.is_claude:
        return _claude_reasoning(effort, budget, request.max_tokens, model)
    wish = effort if effort is not None else effort_of_budget(budget or 0)
    if (nearest := model.effort(wish)) is not None:
        return {"reasoning_effort": nearest.value}
    if model.thinking == "none":
        return {}
    return _budget(budget_of_effort(wish) if budget is None else budget, request.max_tokens, model)


def _claude_reasoning(
    effort: Effort | None, budget: int | None, max_tokens: int | None, model: Model
) -> Json:
    if model.thinking == "none" or (budget is None and effort is Effort.NONE):
        return {}
    if budget is not None:
        return _budget(budget, max_tokens, model)
    wish = effort or Effort.MEDIUM
    if model.thinking == "budget":
        return _budget(budget_of_effort(wish), max_tokens, model)
    nearest = model.effort(wish)
    return {} if nearest is None else {"reasoning_effort": nearest.value}


def _budget(wish: int, max_tokens: int | None, model: Model) -> Json:
    granted = model.budget(wish, max_tokens) if wish > 0 else None
    return {} if granted is None else {"thinking_budget": granted}


def _keeps_schema(model: Model) -> bool:
    """Claude takes a schema on this endpoint and silently ignores it (`upstream.md` §6.1)."""
    return model.structured and not model.is_claude


def _response_format(wanted: ResponseFormat, model: Model) -> Json:
    if wanted.schema is None:
        return {} if model.is_claude else {"response_format": {"type": "json_object"}}
    if not _keeps_schema(model):
        return {}
    strict = wanted.strict is not False and is_closed(wanted.schema)
    schema = {"name": wanted.name, "schema": wanted.schema, "strict": strict}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _needs_json_words(request: Request, model: Model) -> bool:
    """Whether JSON must be asked for in words: Claude hears nothing else, OpenAI insists on it."""
    if request.response_format is None or request.response_format.schema is not None:
        return False
    if model.is_claude:
        return True
    said = [text.text for text in request.system]
    said += [b.text for m in request.messages for b in m.blocks if isinstance(b, Text)]
    return not any("json" in text.lower() for text in said)
