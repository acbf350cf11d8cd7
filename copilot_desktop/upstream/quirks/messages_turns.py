"""The history of a `/v1/messages` request, as Copilot takes it (`translation.md` §2, §10.1).

Copilot refuses what Anthropic forgives or reads: empty text, pictures behind addresses, input that
was stored as text, an answer begun by the client, instructions in mid-conversation. Reasoning
goes back only as Anthropic signed it; what came from another route carries a seal of ours and
stays here.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby, pairwise
from typing import Any

from copilot_desktop.errors import InvalidRequest, NotExpressible
from copilot_desktop.findings import in_words
from copilot_desktop.sealing import is_sealed
from copilot_desktop.spelling import object_of
from copilot_desktop.upstream.quirks.messages_draft import Draft, Json

MID_SYSTEM = "mid-conversation-system-2026-04-07"
BEGUN = "(The conversation begins.)"
CONTINUE = "Continue exactly from where the last message stopped."
TURN = frozenset({"role", "content"})
# What Copilot knows of each kind of block: anything else is "Extra inputs are not permitted".
_MEMBERS: Mapping[str, frozenset[str]] = {
    kind: frozenset({"type", "cache_control", *members})
    for kind, members in {
        "text": ("text", "citations"),
        "image": ("source",),
        "document": ("source", "title", "context", "citations"),
        "search_result": ("source", "title", "content", "citations"),
        "tool_use": ("id", "name", "input"),
        "tool_result": ("tool_use_id", "content", "is_error"),
        "tool_reference": ("tool_name",),
        "thinking": ("thinking", "signature"),
        "redacted_thinking": ("data",),
    }.items()
}
_PLACEHOLDERS = ("Thinking...", "Thinking…")


def mend_turns(draft: Draft) -> bool:
    """Mend `messages`; whether reasoning was taken out of the history."""
    given = draft.body.get("messages")
    if not isinstance(given, list):
        return False
    turns: list[Any] = []
    altered = gone = unsealed = False
    for place, turn in enumerate(given):
        mended, without_thinking = _turn(turn, f"messages.{place}", draft)
        unsealed = unsealed or without_thinking
        altered = altered or mended is not turn
        if mended is None:
            gone = True
        else:
            turns.append(mended)
    if given and not turns:
        raise InvalidRequest("messages: at least one non-empty message is required")
    turns, wrapped = _with_instructions(turns, draft)
    neighbours = any(_role(a) == _role(b) != "system" for a, b in pairwise(turns))
    if gone or wrapped or neighbours:
        altered = True
        turns = _merged(turns)
    if altered:
        draft.put("messages", turns)
    return unsealed


def mend_ends(draft: Draft) -> None:
    """The user begins and ends. To be called when it is known which turns there are."""
    turns = draft.body.get("messages")
    if not isinstance(turns, list):
        return
    ended = _ended_by_user(_begun_by_user(turns, draft), draft)
    if ended is not turns:
        draft.put("messages", ended)


def lacks_reasoning(messages: Any) -> bool:
    """Whether the tool loop that goes on was started without reasoning.

    With a thinking budget Claude refuses to continue such a loop.
    """
    turns = [turn for turn in messages if isinstance(turn, dict)]
    if not turns or not _has_results(turns[-1]):
        return False
    started: Mapping[str, Any] | None = None
    for turn in reversed(turns):
        if turn.get("role") == "assistant":
            started = turn
        elif turn.get("role") == "user" and not _has_results(turn):
            break
    blocks = _blocks(started) if started is not None else []
    first = blocks[0].get("type") if blocks else None
    return first not in ("thinking", "redacted_thinking")


# ------------------------------------------------------------------------------------ one turn


def _turn(turn: Any, where: str, draft: Draft) -> tuple[Any, bool]:
    """The turn itself if nothing had to change, None if nothing is left of it."""
    if not isinstance(turn, dict):
        return turn, False
    turn = _bare(turn, draft)
    content = turn.get("content")
    if content == [] or (isinstance(content, str) and not content.strip()):
        return None, False
    if not isinstance(content, list):
        return turn, False
    assistant = turn.get("role") == "assistant"
    kept: list[Any] = []
    altered = unsealed = False
    for place, block in enumerate(content):
        mended = _block(block, f"{where}.content.{place}", draft, assistant=assistant)
        altered = altered or mended is not block
        if mended is not None:
            kept.append(mended)
        elif isinstance(block, dict) and block.get("type") == "thinking":
            unsealed = True
    if not altered:
        return turn, False
    return ({**turn, "content": kept} if kept else None), unsealed


def _bare(turn: Mapping[str, Any], draft: Draft) -> Mapping[str, Any]:
    """The turn without fields that need a beta which Copilot has not.

    Claude Code gives a turn an `output_config` of its own: "Extra inputs are not permitted".
    """
    if turn.keys() <= TURN:
        return turn
    for key in sorted(turn.keys() - TURN):
        draft.note(f"dropped=messages.{key}")
    return {key: value for key, value in turn.items() if key in TURN}


def is_bare(block: Mapping[str, Any]) -> bool:
    """Whether the block says nothing that Copilot does not know."""
    kind = block.get("type")
    known = _MEMBERS.get(kind) if isinstance(kind, str) else None
    return known is None or block.keys() <= known


def _bare_block(block: Mapping[str, Any], draft: Draft) -> Mapping[str, Any]:
    """Without the rest: Anthropic's own answers say who made a call (`caller`), for example."""
    if is_bare(block):
        return block
    kind = block["type"]
    for key in sorted(block.keys() - _MEMBERS[kind]):
        draft.note(f"dropped=messages.{kind}.{key}")
    return {key: value for key, value in block.items() if key in _MEMBERS[kind]}


def _block(
    block: Any, where: str, draft: Draft, *, assistant: bool = False, inner: bool = False
) -> Any:
    """The block itself, a mended copy, or None to leave it out. `inner`: of a tool's result."""
    if not isinstance(block, dict):
        return block
    block = _bare_block(block, draft)
    match block.get("type"):
        case "text":
            return _text(block, assistant=assistant)
        case "thinking":
            if assistant and is_genuine(block):
                return _unmarked(block)
            draft.note("dropped=thinking (history)")
            return None
        case "redacted_thinking":
            return _unmarked(block) if assistant else None
        case "tool_use":
            return _tool_use(block)
        case "tool_result":
            return _tool_result(block, where, draft)
        case "search_result" if inner:
            return {"type": "text", "text": _found(block)}
        case "image" | "document":
            return _enclosed(block, where, assistant=assistant)
        case str(kind) if assistant and kind.endswith("_tool_result"):
            draft.note(f"mapped={kind}>text")
            words = in_words(block.get("content"))
            return {"type": "text", "text": words} if words else None
        case str(kind) if assistant:  # what a server did, and whatever comes next
            draft.note(f"dropped={kind}")
            return None
    return block


def _text(block: Mapping[str, Any], *, assistant: bool) -> Mapping[str, Any] | None:
    """Nothing of an empty one. Only what a model wrote has citations."""
    text = block.get("text")
    if isinstance(text, str) and not text.strip():
        return None
    if assistant or "citations" not in block:
        return block
    return {key: value for key, value in block.items() if key != "citations"}


def is_genuine(block: Mapping[str, Any]) -> bool:
    """Signed by Anthropic. Its text may be empty: newer models hide it."""
    signature = block.get("signature")
    if not isinstance(signature, str) or signature in ("", "@") or is_sealed(signature):
        return False
    return block.get("thinking") not in _PLACEHOLDERS


def _unmarked(block: Mapping[str, Any]) -> Mapping[str, Any]:
    if "cache_control" not in block:
        return block
    return {key: value for key, value in block.items() if key != "cache_control"}


def _found(block: Mapping[str, Any]) -> str:
    """A search result in words: Copilot takes none within a tool's result (`upstream.md` §8.2)."""
    lines = (block.get("title"), block.get("source"), in_words(block.get("content")))
    return "\n".join(line for line in lines if isinstance(line, str) and line)


def _tool_use(block: Mapping[str, Any]) -> Mapping[str, Any]:
    given = block.get("input")
    return block if isinstance(given, dict) else {**block, "input": object_of(given)}


def _tool_result(block: Mapping[str, Any], where: str, draft: Draft) -> Mapping[str, Any]:
    """Empty text goes; a cache mark inside moves to the result itself."""
    content = block.get("content")
    if not isinstance(content, list):
        return block
    kept: list[Any] = []
    mark: Any = None
    altered = False
    for place, part in enumerate(content):
        mended = _block(part, f"{where}.content.{place}", draft, inner=True)
        if isinstance(mended, dict) and "cache_control" in mended:
            mark = mended["cache_control"] or mark
            mended = _unmarked(mended)
        altered = altered or mended is not part
        if mended is not None:
            kept.append(mended)
    if not altered:
        return block
    result: Json = {**block, "content": kept}
    if not kept:
        result["content"] = "(no output)"
    if mark and not result.get("cache_control"):
        result["cache_control"] = mark
    return result


def _enclosed(block: Mapping[str, Any], where: str, *, assistant: bool) -> Mapping[str, Any]:
    """Pictures and files must be in the request, and the user's. Raises InvalidRequest."""
    if assistant:
        raise InvalidRequest(f"{where}: {block['type']} blocks belong in user messages")
    source = block.get("source")
    if not isinstance(source, dict):
        return block
    if source.get("type") in ("url", "file"):
        raise NotExpressible(
            f"{where}: Copilot only takes pictures and files that are in the request (base64), "
            "not addresses or file ids."
        )
    if source.get("media_type") == "image/jpg":
        return {**block, "source": {**source, "media_type": "image/jpeg"}}
    return block


# ------------------------------------------------------------------------------------ order


def _with_instructions(turns: list[Any], draft: Draft) -> tuple[list[Any], bool]:
    """Instructions after a user turn stay (that needs a beta); others become a reminder."""
    placed: list[Any] = []
    wrapped = False
    for turn in turns:
        if not isinstance(turn, dict) or turn.get("role") != "system":
            placed.append(turn)
        elif placed and isinstance(placed[-1], dict) and placed[-1].get("role") == "user":
            placed.append(turn)
            if MID_SYSTEM not in draft.betas:
                draft.betas.append(MID_SYSTEM)
        else:
            content = turn.get("content")
            words = content if isinstance(content, str) else _words(_blocks(turn))
            text = f"<system-reminder>\n{words}\n</system-reminder>"
            placed.append({"role": "user", "content": [{"type": "text", "text": text}]})
            draft.note("mapped=system>user")
            wrapped = True
    return placed, wrapped


def _role(turn: Any) -> Any:
    return turn.get("role") if isinstance(turn, dict) else "system"  # upstream names it


def _words(blocks: list[Mapping[str, Any]]) -> str:
    return "\n\n".join(text for block in blocks if isinstance(text := block.get("text"), str))


def _merged(turns: list[Any]) -> list[Any]:
    """Neighbours of one role become one turn, its results first."""
    merged: list[Any] = []
    for role, neighbours in groupby(turns, _role):
        group = list(neighbours)
        if role == "system" or len(group) == 1:
            merged += group
            continue
        content = [block for turn in group for block in _as_blocks(turn)]
        if role == "user":
            content.sort(key=lambda block: block.get("type") != "tool_result")
        merged.append({**group[0], "content": content})
    return merged


def _begun_by_user(turns: list[Any], draft: Draft) -> list[Any]:
    """Some programs greet first, and a first turn without a word is gone by now."""
    if not turns or _role(turns[0]) != "assistant":
        return turns
    draft.note("mapped=first turn>user")
    return [{"role": "user", "content": [{"type": "text", "text": BEGUN}]}, *turns]


def _ended_by_user(turns: list[Any], draft: Draft) -> list[Any]:
    """Copilot takes no answer begun by the client: it is continued on request instead."""
    last = turns[-1] if turns else None
    if not isinstance(last, dict) or last.get("role") != "assistant":
        return turns
    content = _as_blocks(last)
    if not content or content[-1].get("type") != "text":
        return turns
    text = content[-1].get("text")
    content[-1] = {**content[-1], "text": text.rstrip() if isinstance(text, str) else text}
    draft.note("mapped=prefill>user", marked=True)
    return [
        *turns[:-1],
        {**last, "content": content},
        {"role": "user", "content": [{"type": "text", "text": CONTINUE}]},
    ]


def _as_blocks(turn: Mapping[str, Any]) -> list[Json]:
    content = turn.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content.strip() else []
    return [dict(block) for block in _blocks(turn)]


def _blocks(turn: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = turn.get("content")
    return [b for b in content if isinstance(b, dict)] if isinstance(content, list) else []


def _has_results(turn: Mapping[str, Any]) -> bool:
    return any(block.get("type") == "tool_result" for block in _blocks(turn))
