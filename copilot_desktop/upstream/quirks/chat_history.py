"""Repairs of a Chat Completions history that Copilot would refuse (`translation.md` §2, §10.2).

Works on wire messages and copies only what it changes; the same rules are applied to canonical
messages on translated routes, but this path must keep everything else of a message as it came.
Knows no models beyond the facts it is given, and does no I/O.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from copilot_desktop.spelling import (
    FAILED_WITHOUT_RESULT,
    LONGEST_NAME,
    CallIds,
    legal_arguments,
    legal_name,
    object_of,
    read_exactly,
)
from copilot_desktop.upstream.quirks.chat_marks import NAMES

Json = dict[str, Any]

ID_LIMIT = 40
NO_OUTPUT, SEE_IMAGE = "(no output)", "(see attached image)"
_LEGAL_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{ID_LIMIT}}}").fullmatch
_LEGAL_NAME = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST_NAME}}}").fullmatch
_TOLD = ("user", "system", "developer")
_ODD = NAMES | {"reasoning_opaque", "function_call", "function"}


def is_plain(messages: list[Any], *, is_openai: bool, is_claude: bool) -> bool:
    """Whether there is nothing but text and calls, and nothing to repair, as one look shows.

    Most histories are so. The repairs know more: what they would leave alone may not be plain.
    """
    waiting: set[str] = set()  # calls without their result yet
    issued: set[str] = set()
    for message in messages:
        if not isinstance(message, dict) or not _ODD.isdisjoint(message):
            return False
        role, content = message.get("role"), message.get("content")
        if not _is_in_words(content, claudes=is_claude and role == "assistant"):
            return False
        if role == "assistant" and "tool_calls" in message:
            objects = not is_openai
            if waiting or not _add_calls(message["tool_calls"], waiting, issued, objects=objects):
                return False
        elif "tool_calls" in message:
            return False
        elif role == "tool":
            call_id = message.get("tool_call_id")
            if not isinstance(call_id, str) or call_id not in waiting or content is None:
                return False
            waiting.remove(call_id)
        elif waiting or not (
            (role in ("user", "system") and not (is_claude and _is_blank(content)))
            or (role == "assistant" and content)
            or (role == "developer" and is_openai)
        ):
            return False
    return not waiting


def _is_in_words(content: Any, *, claudes: bool) -> bool:
    """`claudes`: of an answer of Claude's, which has to be one text that is not blank."""
    if isinstance(content, list):
        return not claudes and bool(content) and all(map(_is_text, content))
    return content is None or (isinstance(content, str) and not (claudes and content.isspace()))


def _is_text(part: Any) -> bool:
    if not isinstance(part, dict) or part.get("type") != "text":
        return False
    return NAMES.isdisjoint(part) and not _is_blank(part.get("text"))


def _is_blank(text: Any) -> bool:
    return isinstance(text, str) and (not text or text.isspace())


def _add_calls(calls: Any, waiting: set[str], issued: set[str], *, objects: bool) -> bool:
    """Put their ids into both; whether all of them are as they should be. `objects`: their
    arguments, too, each a JSON object."""
    for call in calls if isinstance(calls, list) else ():
        call_id = call.get("id") if isinstance(call, dict) else None
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(call_id, str) or not isinstance(function, dict) or call_id in issued:
            return False
        name, arguments = function.get("name"), function.get("arguments")
        if not isinstance(name, str):
            return False
        if not isinstance(arguments, str) or (objects and _object_text(arguments) is not arguments):
            return False
        if not (_LEGAL_ID(call_id) and _LEGAL_NAME(name)):
            return False
        waiting.add(call_id)
        issued.add(call_id)
    return bool(waiting)


def repaired(messages: list[Any], *, is_openai: bool, is_claude: bool) -> list[Any] | None:
    """The history, legal for Copilot, or None if it is so already."""
    named = _identified(messages)
    changed = named is not messages
    out: list[Any] = []
    for message in named:
        mended = _message(message, is_openai=is_openai, is_claude=is_claude)
        changed = changed or mended is not message
        if mended is not None:
            out.append(mended)
    if not _is_paired(out):
        return list(_paired(out))
    return out if changed else None


def _identified(messages: list[Any]) -> list[Any]:
    """Calls with legal ids, each its own, and results with those of their calls; the list itself if
    all is well."""
    ids = CallIds(ID_LIMIT)
    out: list[Any] = []
    for place, message in enumerate(messages):
        role = _role(message)
        if role == "assistant":
            ids.next_turn()
            calls = message.get("tool_calls")
            calls = calls if isinstance(calls, list) else []
            named = [_named(call, ids, f"{place}.{n}") for n, call in enumerate(calls)]
            if any(new is not old for new, old in zip(named, calls, strict=True)):
                message = {**message, "tool_calls": named}
        elif role == "tool" and _may_be_named(given := message.get("tool_call_id")):
            own = ids.of_result(given or "", str(place))
            message = message if own == given else {**message, "tool_call_id": own}
        out.append(message)
    return out if any(new is not old for new, old in zip(out, messages, strict=True)) else messages


def _named(call: Any, ids: CallIds, place: str) -> Any:
    if not isinstance(call, dict) or not _may_be_named(given := call.get("id")):
        return call
    function = call.get("function")
    function = function if isinstance(function, dict) else {}
    own = ids.of_call(given or "", place, str(function.get("name")), str(function.get("arguments")))
    return call if own == given else {**call, "id": own}


def _may_be_named(call_id: Any) -> bool:
    """Whether this is an id, or none; upstream names anything else."""
    return call_id is None or isinstance(call_id, str)


# ------------------------------------------------------------------------------------- one message


def _message(message: Any, *, is_openai: bool, is_claude: bool) -> Any:
    """`message` itself if it is fine, a changed copy, or None if nothing of it may be sent."""
    if not isinstance(message, dict):
        return message
    changes = _without_blanks(message, texts=is_claude)
    if changes is None:
        return None
    content = changes.get("content", message.get("content"))
    match message.get("role"):
        case "developer" if not is_openai:
            changes["role"] = "system"
        case "tool" if content is None:
            changes["content"] = NO_OUTPUT
        case "assistant":
            calls = message.get("tool_calls")
            if not calls and not content and not message.get("function_call"):
                if not (refusal := message.get("refusal")):
                    return None
                changes["content"] = refusal
            if is_claude and isinstance(text := _joined(content), str):
                changes["content"] = text
            if isinstance(calls, list) and calls:
                legal = [_call(call, objects=not is_openai) for call in calls]
                changes |= {"tool_calls": legal} if legal != calls else {}
    without = "tool_calls" if message.get("tool_calls") == [] else None
    if not changes and without is None:
        return message
    return {key: value for key, value in message.items() if key != without} | changes


def _joined(content: Any) -> str | None:
    """Text parts as one string; None for anything else."""
    if not isinstance(content, list) or not content:
        return None
    texts = [part.get("text") if isinstance(part, dict) else None for part in content]
    return "".join(map(str, texts)) if all(isinstance(text, str) for text in texts) else None


def _without_blanks(message: Json, *, texts: bool) -> Json | None:
    """P6: parts without words are refused, and by Claude whole `texts` without any. What changes
    without them; None if nothing is left. Clients send such a part beside a picture to which
    nothing was said."""
    content, is_told = message.get("content"), message.get("role") in _TOLD
    if texts and is_told and _is_blank(content):
        return None
    if texts and message.get("role") == "assistant" and content and _is_blank(content):
        return {"content": None}
    if not isinstance(content, list):
        return {}
    kept = [part for part in content if not _is_blank_part(part)]
    if kept and len(kept) == len(content):
        return {}
    if not kept and is_told:
        return None
    nothing = NO_OUTPUT if message.get("role") == "tool" else None
    return {"content": kept or nothing}


def _is_blank_part(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") == "text" and _is_blank(part.get("text"))


def _call(call: Any, *, objects: bool) -> Any:
    """A call with a legal name, and with its arguments as text; `objects`: as that of a JSON
    object, since models break them now and then, and only OpenAI's take any other."""
    if not isinstance(call, dict):
        return call
    changes: Json = {}
    function = call.get("function")
    if isinstance(function, dict) and isinstance(name := function.get("name"), str):
        changes["function"] = {**function, "name": legal_name(name)}
        if objects or not isinstance(function.get("arguments"), str):
            changes["function"]["arguments"] = _object_text(function.get("arguments"))
    return {**call, **changes}


def _object_text(arguments: Any) -> str:
    if isinstance(arguments, str):
        legal = legal_arguments(arguments)
        try:
            if isinstance(read_exactly(legal), dict):
                return legal
        except (ValueError, RecursionError):
            pass
    return json.dumps(object_of(arguments), separators=(",", ":"))


# ------------------------------------------------------------------------------------- pairing


def _is_paired(messages: list[Any]) -> bool:
    """Whether each call has its result directly behind it, and each result its call before it."""
    open_ids: list[str] = []
    for message in messages:
        if _role(message) == "tool":
            call_id = message.get("tool_call_id")
            if call_id not in open_ids:
                return False
            open_ids.remove(call_id)
        elif open_ids:
            return False
        else:
            open_ids = _call_ids(message)
    return not open_ids


def _paired(messages: list[Any]) -> Iterator[Any]:
    place = 0
    while place < len(messages):
        message = messages[place]
        place += 1
        ids = _call_ids(message)
        results: list[Any] = []
        between: list[Any] = []  # what somebody said among the results comes behind them
        while place < len(messages) and (
            (is_result := _role(messages[place]) == "tool")
            or (ids and _role(messages[place]) != "assistant")
        ):
            (results if is_result else between).append(messages[place])
            place += 1
        if _role(message) == "tool":  # a history that begins with results
            yield from _answers([], [message, *results])
            continue
        yield message
        yield from _answers(ids, results)
        yield from between


def _answers(wanted: list[str], results: list[Any]) -> Iterator[Any]:
    """One result for each wanted call, in order; the rest becomes words of the user."""
    # The last of several results for one call counts.
    found = {str(result.get("tool_call_id")): result for result in results}
    for call_id in wanted:
        missing = {"role": "tool", "tool_call_id": call_id, "content": FAILED_WITHOUT_RESULT}
        yield found.get(call_id, missing)
    for call_id, result in found.items():
        text = _words(result.get("content"))
        if call_id not in wanted and text:
            yield {"role": "user", "content": f"[Result of an earlier tool call {call_id}]\n{text}"}


def _call_ids(message: Any) -> list[str]:
    calls = message.get("tool_calls") if isinstance(message, dict) else None
    if not isinstance(calls, list) or _role(message) != "assistant":
        return []
    return [
        call["id"] for call in calls if isinstance(call, dict) and isinstance(call.get("id"), str)
    ]


def _role(message: Any) -> str:
    role = message.get("role") if isinstance(message, dict) else None
    return role if isinstance(role, str) else ""


def _words(content: Any) -> str:
    if not isinstance(content, list):
        return content if isinstance(content, str) else ""
    texts = [part.get("text") for part in content if isinstance(part, dict)]
    return "\n".join(text for text in texts if isinstance(text, str))


# ------------------------------------------------------------------------------------- pictures


def with_parts(messages: list[Any], mend: Callable[[Any, bool], Any]) -> list[Any] | None:
    """`mend(part, in_last_user_turn)` applied to every content part; None if it changed none."""
    roles = [_role(message) for message in messages]
    last = len(roles) - 1 - roles[::-1].index("user") if "user" in roles else -1
    out, changed = [], False
    for place, message in enumerate(messages):
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, list):
            parts = [mend(part, place == last) for part in content]
            if any(new is not old for new, old in zip(parts, content, strict=True)):
                message = {**message, "content": parts}
                changed = True
        out.append(message)
    return out if changed else None


def pictures_apart(messages: list[Any]) -> list[Any] | None:
    """Pictures that tools gave back, in a turn of the user behind all results: the tool role takes
    text alone (`translation.md` §3.2). None if there are none."""
    if not any(_role(message) == "tool" and _shown_by(message) for message in messages):
        return None
    out: list[Any] = []
    waiting: list[Any] = []
    for message in messages:
        if _role(message) == "tool":
            if parts := _shown_by(message):
                about = f"Image(s) returned by tool call {message.get('tool_call_id')}:"
                waiting += [{"type": "text", "text": about}, *parts]
                rest = [part for part in message["content"] if not _is_picture(part)]
                see = {"type": "text", "text": SEE_IMAGE}
                message = {**message, "content": [*rest, see]}
        elif waiting:
            if _role(message) == "user" and (said := _as_parts(message.get("content"))) is not None:
                message = {**message, "content": [*waiting, *said]}
            else:
                out.append({"role": "user", "content": waiting})
            waiting = []
        out.append(message)
    return [*out, {"role": "user", "content": waiting}] if waiting else out


def _shown_by(message: Any) -> list[Any]:
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    return [part for part in parts if _is_picture(part)]


def _is_picture(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") == "image_url"


def _as_parts(content: Any) -> list[Any] | None:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return content if isinstance(content, list) else None
