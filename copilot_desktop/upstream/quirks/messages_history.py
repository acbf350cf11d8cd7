"""Repairs of a `/v1/messages` history that Copilot would refuse (`translation.md` §2, P7 to P11).

The translated routes do the same on canonical messages (`preparation`); here everything else of a
block stays as the client sent it. Names are given back in the reply (`tool_names`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from copilot_desktop.model import Model
from copilot_desktop.pictures import PICTURES, picture_type
from copilot_desktop.spelling import CallIds, legal_name
from copilot_desktop.upstream.pairing import paired_turns
from copilot_desktop.upstream.quirks.messages_draft import Draft
from copilot_desktop.upstream.quirks.pictures import Sight

ID_LIMIT = 64

Block = Mapping[str, Any]


def mend_names(draft: Draft) -> None:
    """P8: names of declared and chosen tools in letters that Copilot takes."""
    tools = draft.body.get("tools")
    given = tools if isinstance(tools, list) else []
    named = [_legally_named(tool) for tool in given]
    if any(new is not old for new, old in zip(named, given, strict=True)):
        draft.put("tools", named, "mapped=tools.name")
    choice = draft.body.get("tool_choice")
    if isinstance(choice, dict) and (mended := _legally_named(choice)) is not choice:
        draft.put("tool_choice", mended)


def mend_names_of_calls(draft: Draft) -> None:
    """P8: the same in the history."""
    _mend_blocks(draft, lambda b: _legally_named(b) if b.get("type") == "tool_use" else b)


def _legally_named(holder: Any) -> Any:
    """With a legal `name`; the holder itself if it has one."""
    name = holder.get("name") if isinstance(holder, dict) else None
    if not isinstance(name, str) or not _is_custom(holder) or legal_name(name) == name:
        return holder
    return {**holder, "name": legal_name(name)}


def _is_custom(tool: Mapping[str, Any]) -> bool:
    return tool.get("type") in (None, "custom", "tool_use", "tool")


def mend_pairs(draft: Draft) -> None:
    """P7, P9: ids that Copilot takes, each for one call, and each call with its result."""
    messages = draft.body.get("messages")
    if not isinstance(messages, list) or not all(isinstance(m, dict) for m in messages):
        return  # upstream names what is wrong
    if not any(_is_tool(block) for turn in messages for block in _mappings(turn.get("content"))):
        return
    told = list(_told_apart(messages))
    paired = paired_turns(told) or told
    if paired != messages:
        draft.put("messages", paired, "mapped=tool results" if paired != told else "")


def _told_apart(messages: list[Any]) -> Iterator[Mapping[str, Any]]:
    """The turns with legal ids; what came without one, or under a used one, gets its own."""
    ids = CallIds(ID_LIMIT)
    for place, turn in enumerate(messages):
        if turn.get("role") == "assistant":
            ids.next_turn()
        content = turn.get("content")
        blocks = content if isinstance(content, list) else []
        mended = [_identified(block, ids, f"{place}.{n}") for n, block in enumerate(blocks)]
        changed = any(new is not old for new, old in zip(mended, blocks, strict=True))
        yield {**turn, "content": mended} if changed else turn


def _identified(block: Any, ids: CallIds, place: str) -> Any:
    """The block itself if its id is its own, or no matter."""
    kind = block.get("type") if isinstance(block, dict) else None
    if kind == "tool_use":
        key, given = "id", str(block.get("id") or "")
        own = ids.of_call(given, place, str(block.get("name")))
    elif kind == "tool_result":
        key, given = "tool_use_id", str(block.get("tool_use_id") or "")
        own = ids.of_result(given, place)
    else:
        return block
    return block if block.get(key) == own else {**block, key: own}


def _is_tool(block: Block) -> bool:
    return block.get("type") in ("tool_use", "tool_result")


def recall_tools(draft: Draft) -> None:
    """Claude refuses calls in the history without a declaration: name them, forbid their use."""
    if draft.body.get("tools"):
        return
    turns = _mappings(draft.body.get("messages"))
    called = [
        str(block.get("name"))
        for turn in turns
        for block in _mappings(turn.get("content"))
        if block.get("type") == "tool_use"
    ]
    if called:
        schema = {"type": "object", "properties": {}}
        tools = [{"name": name, "input_schema": dict(schema)} for name in dict.fromkeys(called)]
        draft.put("tools", tools)
        draft.put("tool_choice", {"type": "none"})


def mend_references(draft: Draft) -> None:
    """What a search for tools has found, by the names that are sent. Claude refuses every request
    that refers to a tool which is not offered, as when its server is gone: those are left out."""
    named = (tool.get("name") for tool in _mappings(draft.body.get("tools")))
    offered = {name for name in named if isinstance(name, str)}
    _mend_blocks(draft, lambda block: _referring(block, offered, draft))


def _referring(block: Block, offered: set[str], draft: Draft) -> Block:
    parts = block.get("content") if block.get("type") == "tool_result" else None
    if not any(part.get("type") == "tool_reference" for part in _mappings(parts)):
        return block
    assert isinstance(parts, list)
    kept: list[Any] = []
    gone: list[str] = []
    for part in parts:
        name = part.get("tool_name") if isinstance(part, dict) else None
        if not isinstance(name, str) or part.get("type") != "tool_reference":
            kept.append(part)
        elif (legal := legal_name(name)) in offered:
            kept.append(part if legal == name else {**part, "tool_name": legal})
        else:
            gone.append(name)
    if gone:
        draft.note("dropped=tool_reference")
    if not kept:
        kept = [{"type": "text", "text": f"[no longer available: {', '.join(gone)}]"}]
    return {**block, "content": kept} if kept != parts else block


# ------------------------------------------------------------------------------------- pictures


def mend_pictures(draft: Draft, model: Model) -> None:
    """P11. Raises InvalidRequest for a picture that the model cannot see."""
    messages = draft.body.get("messages")
    turns = messages if isinstance(messages, list) else []
    total = sum(_pictures(turn.get("content")) for turn in _mappings(turns))
    if not total:
        return
    sight = Sight(model, total)
    users = [i for i, turn in enumerate(turns) if _role(turn) == "user"]
    last = users[-1] if users else -1
    mended = [_seen_turn(turn, sight, newest=i == last) for i, turn in enumerate(turns)]
    if any(new is not old for new, old in zip(mended, turns, strict=True)):
        draft.put("messages", mended, "mapped=images" if sight.omitted else "")


def _pictures(content: Any) -> int:
    return sum(
        block.get("type") == "image" or _pictures(block.get("content"))
        for block in _mappings(content)
    )


def _seen_turn(turn: Any, sight: Sight, *, newest: bool) -> Any:
    content = turn.get("content") if isinstance(turn, dict) else None
    if not isinstance(content, list):
        return turn
    seen = [_seen(block, sight, newest=newest) for block in content]
    altered = any(new is not old for new, old in zip(seen, content, strict=True))
    return {**turn, "content": seen} if altered else turn


def _seen(block: Any, sight: Sight, *, newest: bool) -> Any:
    if not isinstance(block, dict):
        return block
    if block.get("type") == "tool_result":
        return _seen_turn(block, sight, newest=False)
    if block.get("type") != "image":
        return block
    if (words := sight.instead(newest=newest)) is not None:
        mark = {k: v for k, v in block.items() if k == "cache_control"}
        return {"type": "text", "text": words, **mark}
    source = block.get("source")
    if not isinstance(source, dict) or not isinstance(data := source.get("data"), str):
        return block
    declared = str(source.get("media_type"))
    kind = picture_type(data, declared)
    if kind == declared or kind not in PICTURES:
        return block
    return {**block, "source": {**source, "media_type": kind}}


# ------------------------------------------------------------------------------------- pieces


def _mend_blocks(draft: Draft, mend: Callable[[Block], Any]) -> None:
    """`mend` applied to every block of every turn."""
    messages = draft.body.get("messages")
    turns: list[Any] = []
    changed = False
    for turn in messages if isinstance(messages, list) else []:
        content = turn.get("content") if isinstance(turn, dict) else None
        if isinstance(content, list):
            new = [mend(block) if isinstance(block, dict) else block for block in content]
            if any(one is not other for one, other in zip(new, content, strict=True)):
                turn = {**turn, "content": new}
                changed = True
        turns.append(turn)
    if changed:
        draft.put("messages", turns)


def _role(turn: Any) -> Any:
    return turn.get("role") if isinstance(turn, dict) else None


def _mappings(value: Any) -> list[Block]:
    return [e for e in value if isinstance(e, dict)] if isinstance(value, list) else []
