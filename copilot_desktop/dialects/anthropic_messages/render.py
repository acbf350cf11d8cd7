"""From a canonical `Request` to the body for Copilot's `/v1/messages` (`translation.md` §4, §5).

Knows Anthropic's grammar as Copilot enforces it: results lead the user turn, the first and the last
turn are the user's, no empty text, instructions only at the top. What the `Model` cannot do is left
out here and declared by `cannot`. Ids, names, pairing and limits have been made legal before
(`preparation`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from copilot_desktop.canonical import (
    Block,
    Document,
    Effort,
    Image,
    Loss,
    Message,
    Request,
    Text,
    Thinking,
    Tool,
    ToolResult,
    ToolUse,
    free_text_schema,
)
from copilot_desktop.dialects import Json
from copilot_desktop.dialects.anthropic_messages.reasoning import reasoning_fields, thinks
from copilot_desktop.model import Model
from copilot_desktop.sealing import unseal
from copilot_desktop.spelling import object_of

BEGUN = "(The conversation begins.)"
CONTINUE = "Continue exactly from where the last message stopped."
JSON_ONLY = "Reply with one JSON object and nothing else."
# What the client calls the fields that have no word here.
_WIRE = {"cache_key": "prompt_cache_key", "cache_retention": "prompt_cache_retention"}


def cannot(request: Request, model: Model) -> tuple[Loss, ...]:
    """What `/v1/messages` cannot say of `request` to `model`, or says in another way."""
    losses: list[Loss] = []
    wanted = request.response_format
    if wanted is not None and wanted.schema is not None and not model.structured:
        losses.append(Loss("Output that follows a JSON schema", semantic=True))
    if wanted is not None and wanted.schema is None:
        losses.append(Loss("response_format", to="instruction", marked=True))
    if request.tools and not model.tools:
        losses.append(Loss("Tool use", semantic=True))
    if not (model.pdf or model.is_claude) and Document in request.kinds():
        losses.append(Loss("A PDF document", semantic=True))
    if any(not word.strip() for word in request.stop):
        losses.append(Loss("stop (white space only)"))
    losses += _reasoning_losses(request, model)
    if _forces(request) and _must_be_free(request, model):
        asked = request.tool_choice.mode if request.tool_choice is not None else ""
        losses.append(Loss(f"tool_choice.{asked}", to="auto", marked=True))
    if any(tool.custom for tool in request.tools):
        losses.append(Loss("tools.custom", to="function", marked=True))
    if any(tool.strict for tool in request.tools):
        losses.append(Loss("tools.strict"))
    losses += _added_turns(request)
    if _caches_by_itself(request):
        losses.append(Loss("cache", to="ephemeral"))
    unsaid = ("user", "verbosity", "cache_key", "cache_retention")
    losses += [Loss(_WIRE.get(name, name)) for name in unsaid if getattr(request, name)]
    if _sampling(request, model) != _asked_sampling(request):
        losses.append(Loss("temperature, top_p (beside reasoning, or both)"))
    return tuple(losses)


def _added_turns(request: Request) -> Iterator[Loss]:
    """The user's words at both ends, where the assistant has spoken first or last."""
    if request.messages[0].role == "assistant":
        yield Loss("first turn", to="user")
    if request.is_prefill:
        yield Loss("prefill", to="user", marked=True)


def _reasoning_losses(request: Request, model: Model) -> Iterator[Loss]:
    limit = request.max_tokens if request.max_tokens is not None else model.max_output
    fields = reasoning_fields(request, model, limit)
    word = fields.get("output_config", {}).get("effort")
    tokens = fields.get("thinking", {}).get("budget_tokens")
    yield from request.reasoning_losses(Effort(word) if word else None, tokens)
    if any(
        isinstance(block, Thinking) and _thinking(block, model) is None
        for message in request.messages
        for block in message.blocks
    ):
        yield Loss("thinking (history)")


def render_request(request: Request, model: Model) -> Json:
    """The body; always asks for a stream."""
    limit = request.max_tokens if request.max_tokens is not None else model.max_output
    body: Json = {"model": model.id, "max_tokens": limit, "stream": True}
    system = [text for text in request.system if text.text.strip()]
    wanted = request.response_format
    if wanted is not None and wanted.schema is None:
        system.append(Text(JSON_ONLY))
    if system:
        body["system"] = [_marked(_text(text), text.cached) for text in system]
    body["messages"] = _messages(request, model)
    body |= _tool_fields(request, model)
    if stop := [word for word in request.stop if word.strip()]:
        body["stop_sequences"] = stop
    body |= _sampling(request, model)
    body |= reasoning_fields(request, model, limit)
    if wanted is not None and wanted.schema is not None and model.structured:
        shape = {"type": "json_schema", "schema": wanted.schema}
        body["output_config"] = {**body.get("output_config", {}), "format": shape}
    if _caches_by_itself(request):
        _mark_ends(body)
    return body


def _caches_by_itself(request: Request) -> bool:
    """Whether marks are set for a client whose own format has none.

    Claude caches only what is marked, and an agent sends the same long beginning again and again.
    """
    if not request.tools or any(tool.cached for tool in request.tools):
        return False
    if any(text.cached for text in request.system):
        return False
    blocks = [block for message in request.messages for block in message.blocks]
    return not any(block.cached for block in blocks if not isinstance(block, Thinking))


def _mark_ends(body: Json) -> None:
    """A mark at the end of the instructions, of the tools and of the conversation."""
    last = body["messages"][-1:]  # none, where all that was said is empty
    ends = [body.get("system"), body["tools"], *(message["content"] for message in last)]
    for blocks in ends:
        if blocks:
            blocks[-1]["cache_control"] = {"type": "ephemeral"}


def _marked(rendered: Json, cached: bool) -> Json:
    return {**rendered, "cache_control": {"type": "ephemeral"}} if cached else rendered


def _asked_sampling(request: Request) -> Json:
    asked = {"temperature": request.temperature, "top_p": request.top_p}
    return {key: value for key, value in asked.items() if value is not None}


def _sampling(request: Request, model: Model) -> Json:
    """None beside reasoning; Claude takes one of the two, and no temperature above 1."""
    sampling = _asked_sampling(request)
    limit = request.max_tokens if request.max_tokens is not None else model.max_output
    reasoning = reasoning_fields(request, model, limit)
    idle: tuple[Json, ...] = ({}, {"thinking": {"type": "disabled"}})
    if model.thinking == "required" or reasoning not in idle:
        return {}
    if "temperature" in sampling:
        sampling["temperature"] = min(sampling["temperature"], 1.0)
        if model.is_claude:
            sampling.pop("top_p", None)
    return sampling


# ------------------------------------------------------------------------------------ messages


def _messages(request: Request, model: Model) -> list[Json]:
    """Turns in alternation; an instruction stands alone after a user turn, or is a reminder."""
    turns: list[tuple[str, list[Block]]] = []
    for message in request.messages:
        role, said = _spoken(message, turns[-1][0] if turns else "")
        if turns and turns[-1][0] == role != "system":
            turns[-1][1].extend(said)
        else:
            turns.append((role, list(said)))
    rendered: list[Json] = []
    for role, blocks in turns:
        content = _content(blocks, model, assistant=role == "assistant")
        if not content:
            continue
        if rendered and rendered[-1]["role"] == role != "system":
            rendered[-1]["content"] = _results_first(rendered[-1]["content"] + content)
        else:
            rendered.append({"role": role, "content": content})
    if rendered and rendered[0]["role"] == "assistant":  # some programs greet first
        rendered.insert(0, {"role": "user", "content": [{"type": "text", "text": BEGUN}]})
    return _continued(rendered)


def _spoken(message: Message, before: str) -> tuple[str, tuple[Block, ...]]:
    """Copilot takes an instruction after a user turn (its beta is added by the quirks)."""
    if message.role != "system" or before == "user":
        return message.role, message.blocks
    words = "\n\n".join(block.text for block in message.blocks if isinstance(block, Text))
    if not words.strip():
        return "user", ()
    return "user", (Text(f"<system-reminder>\n{words}\n</system-reminder>"),)


def _content(blocks: Iterable[Block], model: Model, *, assistant: bool) -> list[Json]:
    content = [
        rendered
        for block in blocks
        if (assistant or not isinstance(block, Thinking))
        and (rendered := _block(block, model)) is not None
    ]
    return content if assistant else _results_first(content)


def _results_first(content: list[Json]) -> list[Json]:
    if len(content) < 2:
        return content
    return sorted(content, key=lambda block: block["type"] != "tool_result")


def _continued(messages: list[Json]) -> list[Json]:
    """Copilot wants the last word to be the user's: a started answer is continued on request."""
    if not messages or messages[-1]["role"] != "assistant":
        return messages
    last = messages[-1]["content"][-1]
    if last["type"] == "tool_use":
        return messages
    if last["type"] == "text":
        last["text"] = last["text"].rstrip()
    return [*messages, {"role": "user", "content": [{"type": "text", "text": CONTINUE}]}]


def _block(block: Block, model: Model) -> Json | None:
    match block:
        case Text():
            return _marked(_text(block), block.cached) if block.text.strip() else None
        case Thinking():
            return _thinking(block, model)
        case Image() | Document():
            return _marked(_enclosure(block), block.cached)
        case ToolUse():
            call = {
                "type": "tool_use",
                "id": block.id,
                "name": block.name,
                "input": object_of(block.arguments),
            }
            return _marked(call, block.cached)
        case ToolResult():
            inner = any(part.cached for part in block.content)
            return _marked(_tool_result(block), block.cached or inner)


def _text(block: Text) -> Json:
    return {"type": "text", "text": block.text}


def _enclosure(block: Image | Document) -> Json:
    kind = "image" if isinstance(block, Image) else "document"
    source = {"type": "base64", "media_type": block.media_type, "data": block.data}
    title = {"title": block.title} if isinstance(block, Document) and block.title else {}
    return {"type": kind, "source": source, **title}


def _thinking(block: Thinking, model: Model) -> Json | None:
    """Only reasoning that this very model issued over this route may come back."""
    if block.redacted:
        return {"type": "redacted_thinking", "data": block.redacted}
    parts = unseal(block.signature, "gm1.", model.id)
    if parts is None or not parts.get("s") or not block.text:
        return None
    return {"type": "thinking", "thinking": block.text, "signature": parts["s"]}


def _tool_result(block: ToolResult) -> Json:
    """A lone text goes as a string. A failed call must say something."""
    result: Json = {"type": "tool_result", "tool_use_id": block.tool_use_id}
    parts = [part for part in block.content if not isinstance(part, Text) or part.text.strip()]
    match parts:
        case []:
            if block.is_error:
                result["content"] = "(no output)"
        case [Text(text)]:
            result["content"] = text
        case _:
            result["content"] = [
                _text(part) if isinstance(part, Text) else _enclosure(part) for part in parts
            ]
    if block.is_error:
        result["is_error"] = True
    return result


# ------------------------------------------------------------------------------------ tools


def _tool_fields(request: Request, model: Model) -> Json:
    if not request.tools:
        return _recalled_tools(request)
    fields: Json = {"tools": [_tool(tool) for tool in request.tools]}
    choice = request.tool_choice
    mode = choice.mode if choice is not None else "auto"
    if mode in ("required", "tool") and _must_be_free(request, model):
        mode = "auto"
    rendered: Json
    match mode:
        case "none":
            fields["tool_choice"] = {"type": "none"}
            return fields
        case "tool" if choice is not None:
            rendered = {"type": "tool", "name": choice.name}
        case "required":
            rendered = {"type": "any"}
        case _:
            rendered = {"type": "auto"}
    if request.parallel_tools is False:
        rendered["disable_parallel_tool_use"] = True
    if choice is not None or request.parallel_tools is False:
        fields["tool_choice"] = rendered
    return fields


def _recalled_tools(request: Request) -> Json:
    """Claude refuses calls in the history without a declaration: name them, forbid their use."""
    names = request.called_tools()
    if not names:
        return {}
    schema = {"type": "object", "properties": {}}
    return {
        "tools": [{"name": name, "input_schema": dict(schema)} for name in names],
        "tool_choice": {"type": "none"},
    }


def _tool(tool: Tool) -> Json:
    rendered: Json = {"name": tool.name}
    if tool.description:
        rendered["description"] = tool.description
    schema = free_text_schema(tool) if tool.custom else tool.schema
    rendered["input_schema"] = schema or {"type": "object", "properties": {}}
    return _marked(rendered, tool.cached)


def _must_be_free(request: Request, model: Model) -> bool:
    """Claude refuses forced tools beside reasoning; some models refuse them always."""
    return model.no_forced_tool or thinks(request, model)


def _forces(request: Request) -> bool:
    choice = request.tool_choice
    return bool(request.tools) and choice is not None and choice.mode in ("required", "tool")
