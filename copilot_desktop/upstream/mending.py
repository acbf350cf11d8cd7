"""Changes to a request body of Copilot's three formats that make it acceptable.

One function for each thing that Copilot refuses (`translation.md` §14). They are used twice: by
`healing`, after a refusal has named the reason, and by `avoiding`, before sending, where an earlier
refusal has taught what this model does not take. Each is pure, gives a changed copy, or None if
there is nothing to change; what is not concerned keeps its place and order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from copilot_desktop.findings import in_words
from copilot_desktop.model import CHAT, MESSAGES, RESPONSES
from copilot_desktop.upstream.quirks.messages_turns import CONTINUE, lacks_reasoning

Json = dict[str, Any]
Body = Mapping[str, Any]

SAMPLING = ("temperature", "top_p", "top_k")
_BILLING = "x-anthropic-billing-header"
_THOUGHTS = ("thinking", "redacted_thinking")
_OPAQUE = ("reasoning_opaque", "reasoning_text", "reasoning_content")
_FORCED = ("any", "tool", "function", "custom", "allowed_tools")


# ------------------------------------------------------------------------------------ fields


def without_keys(body: Body, names: Iterable[str]) -> Json | None:
    """Without these top-level fields."""
    gone = {name for name in names if name in body}
    return {key: value for key, value in body.items() if key not in gone} if gone else None


def without_paths(body: Body, paths: Iterable[str]) -> Json | None:
    """Without what stands at each path; `*` is any place of a list.

    Copilot's paths name the kind of a block beside its field (`tools.*.custom.strict`); a step that
    is no field is taken for such a name.
    """
    current: Any = body
    for path in paths:
        current = _without(current, path.split("."))
    return dict(current) if current is not body else None


def _without(found: Any, steps: list[str]) -> Any:
    """`found` itself if the path leads nowhere."""
    if isinstance(found, list):
        rest = steps[1:] if steps and steps[0] == "*" else steps
        mended = [_without(each, rest) for each in found]
        return mended if any(n is not o for n, o in zip(mended, found, strict=True)) else found
    if not isinstance(found, dict) or not steps:
        return found
    first, rest = steps[0], steps[1:]
    if first in found and not rest:
        return {key: value for key, value in found.items() if key != first}
    if first in found:
        below = _without(found[first], rest)
        if below is not found[first]:
            return {**found, first: below}
    kind = found.get("type")
    # `custom` and `enabled` name the kind; a tool without one is custom.
    named = first == kind or (kind is None and first == "custom")
    return _without(found, rest) if named and rest else found


def holds_schema(body: Body, path: str) -> bool:
    """Whether a forced JSON shape would go with what stands at `path`."""
    config = body.get("output_config") if path == "output_config" else None
    return isinstance(config, dict) and config.get("format") is not None


def general_path(path: str) -> str:
    """`tools.0.custom.strict -> tools.*.custom.strict`: Copilot names only the first place."""
    return ".".join("*" if step.isdigit() else step for step in path.split("."))


def with_limit_key(body: Body, key: str) -> Json | None:
    """The output limit under `key`, `max_tokens` or `max_completion_tokens`."""
    other = "max_tokens" if key == "max_completion_tokens" else "max_completion_tokens"
    if other not in body:
        return None
    limit = body[other]
    rest = {name: value for name, value in body.items() if name != other}
    return {**rest, key: rest.get(key, limit)}


def unforced(endpoint: str, body: Body) -> Json | None:
    """The model may call a tool, but need not."""
    choice = body.get("tool_choice")
    kind = choice.get("type") if isinstance(choice, dict) else choice
    if kind not in (*_FORCED, "required"):
        return None
    if endpoint != MESSAGES:
        return {**body, "tool_choice": "auto"}
    given = choice if isinstance(choice, dict) else {}
    kept = {k: v for k, v in given.items() if k == "disable_parallel_tool_use"}
    return {**body, "tool_choice": {"type": "auto", **kept}}


def without_billing(body: Body) -> Json | None:
    """Instructions without Claude Code's billing line, whose name is reserved upstream."""
    changes: Json = {}
    system, instructions = body.get("system"), body.get("instructions")
    if isinstance(system, list):
        kept = [mended for block in system if (mended := _unbilled(block)) is not None]
        if kept != system:
            changes["system"] = kept
    for key, text in (("system", system), ("instructions", instructions)):
        if isinstance(text, str) and _BILLING in text:
            changes[key] = _without_line(text)
    messages = body.get("messages")
    if isinstance(messages, list):
        mended = [_unbilled_message(message) for message in messages]
        if mended != messages:
            changes["messages"] = [message for message in mended if message is not None]
    if not changes:
        return None
    whole = {**body, **changes}
    return {k: v for k, v in whole.items() if k not in ("system", "instructions") or v}


def _unbilled_message(message: Any) -> Any:
    """None if nothing is left of it."""
    if not isinstance(message, dict) or message.get("role") not in ("system", "developer"):
        return message
    content = message.get("content")
    if isinstance(content, str) and _BILLING in content:
        left = _without_line(content)
        return {**message, "content": left} if left else None
    if isinstance(content, list):
        kept = [mended for part in content if (mended := _unbilled(part)) is not None]
        if kept != content:
            return {**message, "content": kept} if kept else None
    return message


def _unbilled(block: Any) -> Any:
    text = block.get("text") if isinstance(block, dict) else None
    if not isinstance(text, str) or _BILLING not in text:
        return block
    left = _without_line(text)
    return {**block, "text": left} if left else None


def _without_line(text: str) -> str:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith(_BILLING)]
    return "\n".join(lines).strip()


# ------------------------------------------------------------------------------------ the end


def continued(endpoint: str, body: Body) -> Json | None:
    """A last turn of the assistant's own is followed by a wish to go on."""
    key, turns = _turns(endpoint, body)
    last = turns[-1] if turns else None
    if not isinstance(last, dict) or last.get("role") != "assistant" or last.get("tool_calls"):
        return None
    if any(block.get("type") == "tool_use" for block in blocks(last)):
        return None
    wish: Json = {"role": "user", "content": CONTINUE}
    if endpoint == MESSAGES:
        wish["content"] = [{"type": "text", "text": CONTINUE}]
    trimmed_body = trimmed(endpoint, body)
    turns = _turns(endpoint, trimmed_body or body)[1]
    return {**body, key: [*turns, wish]}


def trimmed(endpoint: str, body: Body) -> Json | None:
    """The assistant's last text without white space at its end."""
    key, turns = _turns(endpoint, body)
    for place in range(len(turns) - 1, -1, -1):
        turn = turns[place]
        if isinstance(turn, dict) and turn.get("role") == "assistant":
            mended = _trimmed_turn(turn)
            return None if mended is turn else {**body, key: _with(turns, place, mended)}
    return None


def _trimmed_turn(turn: Mapping[str, Any]) -> Mapping[str, Any]:
    content = turn.get("content")
    if isinstance(content, str):
        return turn if content == content.rstrip() else {**turn, "content": content.rstrip()}
    if not isinstance(content, list) or not content or not isinstance(content[-1], dict):
        return turn
    text = content[-1].get("text")
    if not isinstance(text, str) or text == text.rstrip():
        return turn
    last = [{**content[-1], "text": text.rstrip()}] if text.strip() else []
    return {**turn, "content": [*content[:-1], *last]}


# ------------------------------------------------------------------------------------ reasoning


def without_thoughts(endpoint: str, body: Body) -> Json | None:
    """No reasoning in the history, and none asked for where the running tool loop needs it."""
    if endpoint == RESPONSES:
        return without_items(body, "reasoning")
    key, turns = _turns(endpoint, body)
    bare = _bare_message if endpoint == CHAT else _bare_turn
    mended = [bare(turn) for turn in turns]
    if all(new is old for new, old in zip(mended, turns, strict=True)):
        return None
    left = [turn for turn in mended if turn is not None]
    if endpoint == CHAT:
        return {**body, key: left}
    changed: Json = {**body, key: _merged(left)}
    thinking = body.get("thinking")
    budget = isinstance(thinking, dict) and thinking.get("type") == "enabled"
    if budget and lacks_reasoning(changed[key]):
        del changed["thinking"]
    return changed


def _bare_message(message: Any) -> Any:
    if not isinstance(message, dict) or not any(name in message for name in _OPAQUE):
        return message
    return {name: value for name, value in message.items() if name not in _OPAQUE}


def _bare_turn(turn: Any) -> Any:
    """None if nothing but reasoning was in it."""
    if not isinstance(turn, dict) or turn.get("role") != "assistant":
        return turn
    content = turn.get("content")
    if not isinstance(content, list) or not any(_is_thought(block) for block in content):
        return turn
    kept = [block for block in content if not _is_thought(block)]
    return {**turn, "content": kept} if kept else None


def _is_thought(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") in _THOUGHTS


def _merged(turns: list[Any]) -> list[Any]:
    """Neighbours of one role become one turn again."""
    out: list[Any] = []
    for turn in turns:
        last = out[-1] if out else None
        if (
            isinstance(turn, dict)
            and isinstance(last, dict)
            and turn.get("role") == last.get("role") != "system"
        ):
            out[-1] = {**last, "content": [*blocks(last), *blocks(turn)]}
        else:
            out.append(turn)
    return out


def calls_as_text(body: Body) -> Json | None:
    """Calls whose seal was lost, and their results, told in words (Gemini over chat)."""
    told: set[str] = set()
    out: list[Any] = []
    for message in _turns(CHAT, body)[1]:
        if not isinstance(message, dict):
            out.append(message)
            continue
        calls = message.get("tool_calls")
        if isinstance(calls, list) and calls and not message.get("reasoning_opaque"):
            told |= {str(call.get("id")) for call in calls if isinstance(call, dict)}
            words = [in_words(message.get("content")), *map(_call_in_words, calls)]
            out.append({"role": "assistant", "content": "\n".join(filter(None, words))})
        elif message.get("role") == "tool" and str(message.get("tool_call_id")) in told:
            said = in_words(message.get("content"))
            out.append({"role": "user", "content": f"[Result of the tool call]\n{said}"})
        else:
            out.append(message)
    return {**body, "messages": out} if told else None


def _call_in_words(call: Any) -> str:
    function = call.get("function") if isinstance(call, dict) else None
    named = function if isinstance(function, dict) else {}
    return f"[Called the tool {named.get('name')} with {named.get('arguments') or '{}'}]"


# ------------------------------------------------------------------------------------ Responses


def without_items(body: Body, kind: str) -> Json | None:
    """Without the items of one kind."""
    items = body.get("input")
    if not isinstance(items, list):
        return None
    kept = [item for item in items if not (isinstance(item, dict) and item.get("type") == kind)]
    return {**body, "input": kept} if len(kept) < len(items) else None


def without_item_ids(body: Body) -> Json | None:
    """Items without their own ids, and without those that need one. Calls and results still meet by
    `call_id`."""
    items = body.get("input")
    if not isinstance(items, list) or not any(isinstance(i, dict) and "id" in i for i in items):
        return None
    bare = {**body, "input": [_anonymous(item) for item in items]}
    return without_nameless(bare) or bare


def without_nameless(body: Body) -> Json | None:
    """Without what a server did on its own, a web search say, where the item has no id.

    What was said, thought, called and answered stays: none of it needs an id of its own.
    """
    items = body.get("input")
    if not isinstance(items, list):
        return None
    kept = [item for item in items if not (isinstance(item, dict) and _nameless(item))]
    return {**body, "input": kept} if len(kept) < len(items) else None


def _nameless(item: Json) -> bool:
    return item.get("type") == "web_search_call" and item.get("id") is None


def _anonymous(item: Any) -> Any:
    if not isinstance(item, dict) or item.get("type") == "item_reference":
        return item
    return {key: value for key, value in item.items() if key != "id"}


# ------------------------------------------------------------------------------------ shared


def blocks(turn: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The content of a turn as blocks, in Anthropic's form."""
    content = turn.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content.strip() else []
    return [b for b in content if isinstance(b, dict)] if isinstance(content, list) else []


def _turns(endpoint: str, body: Body) -> tuple[str, list[Any]]:
    key = "input" if endpoint == RESPONSES else "messages"
    found = body.get(key)
    return key, found if isinstance(found, list) else []


def _with(turns: list[Any], place: int, turn: Any) -> list[Any]:
    return [*turns[:place], turn, *turns[place + 1 :]]
