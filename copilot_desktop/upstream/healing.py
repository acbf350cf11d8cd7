"""What to change when Copilot refuses a request and says why (`translation.md` §14).

A 400 before any byte often names one thing: a field it does not know, an effort it does not take,
a signature that belongs elsewhere. `cure` looks the words up in the table below and gives the
request with that one thing mended, a note for the client, and the lesson that keeps the next
request from the same mistake. Pure: who may try, and how often, is decided by the caller.

A row stands here only if the mended request still asks for the same thing. What would change the
answer unseen (a forced JSON shape, several choices) has no row, so that the client hears of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from copilot_desktop.canonical import Effort
from copilot_desktop.model import CHAT, LADDER, MESSAGES, RESPONSES, Model, effort_of_budget
from copilot_desktop.upstream import mending
from copilot_desktop.upstream.avoiding import BETA
from copilot_desktop.upstream.large_pictures import without_large_pictures
from copilot_desktop.upstream.lessons import TEN_MINUTES, Lesson
from copilot_desktop.upstream.pairing import paired_turns
from copilot_desktop.upstream.quirks.chat_history import repaired
from copilot_desktop.upstream.quirks.messages_caching import settle_marks
from copilot_desktop.upstream.quirks.messages_draft import Draft

Json = dict[str, Any]
Body = Mapping[str, Any]

# Unknown fields that can go without changing what is asked for.
_DISPENSABLE = frozenset({
    "context_management", "scope", "ttl", "cache_control", "output_config", "speed",
    "inference_geo", "diagnostics", "container", "defer_loading", "eager_input_streaming",
    "input_examples", "allowed_callers", "strict", "service_tier", "temperature", "top_p", "top_k",
})  # fmt: skip
# Parameters that are hints. Not `stop`, `n`, `logprobs`, `response_format`: those make the answer.
_HINTS = frozenset({
    "temperature", "top_p", "top_k", "presence_penalty", "frequency_penalty", "seed", "user",
    "metadata", "store", "service_tier", "verbosity", "text.verbosity", "prediction",
    "parallel_tool_calls", "reasoning_effort", "reasoning.effort", "reasoning.summary",
    "thinking_budget", "prompt_cache_key", "prompt_cache_retention", "safety_identifier",
    "truncation", "top_logprobs", "context_management", "max_tool_calls",
})  # fmt: skip
# What makes the request or the answer: never left out, however it is refused.
_MEANT = frozenset({
    "model", "messages", "input", "instructions", "system", "stream", "n", "stop",
    "stop_sequences", "logprobs", "logit_bias", "max_tokens", "max_completion_tokens",
    "max_output_tokens", "response_format", "text", "text.format", "tools", "tool_choice",
    "functions", "function_call", "modalities", "audio",
})  # fmt: skip
# What else Copilot is known to take (`upstream.md` §6.1, §7.2, §7.3, §8.2).
_TAKEN = frozenset({
    *_HINTS, "thinking", "output_config", "stream_options", "snippy", "include", "reasoning",
    "background", "conversation", "previous_response_id", "prompt", "client_metadata",
})  # fmt: skip
# The parts of an item, a message or a tool that are what it says.
_SAID = frozenset({
    "type", "role", "content", "text", "id", "call_id", "name", "namespace", "arguments", "input",
    "output", "summary", "encrypted_content", "image_url", "file_data", "refusal", "parameters",
    "function", "custom", "format", "tools", "tool_calls", "tool_call_id", "strict",
})  # fmt: skip
_UNKNOWN = re.compile(
    r"unknown parameter:? [`'\"]([\w.]+)[`'\"]"
    r"|unrecognized request arguments? supplied: (\w+(?:, *\w+)*)",
    re.IGNORECASE,
)
_WITHIN = re.compile(r"unknown parameter:? [`'\"]([\w.]+\[[\w.\[\]]+)[`'\"]", re.IGNORECASE)
_EXTRA = re.compile(r"([\w.*-]+): Extra inputs are not permitted")
_NAMED = re.compile(r"unsupported (parameter|value):? [`'\"]?([\w.]*\w)", re.IGNORECASE)
_LISTED = re.compile(r"supported values(?: are)?: *(.*)", re.IGNORECASE | re.DOTALL)
_BETAS = re.compile(r"unsupported beta header\(s\): *([\w.,\- ]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Case:
    """A refused request and the refusal. `message` is upstream's own; `code` may be empty."""

    endpoint: str
    body: Body
    model: Model
    message: str
    code: str = ""
    betas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cure:
    """The request to send instead. `row` names what was the matter."""

    row: str
    body: Json
    betas: tuple[str, ...]
    lessons: tuple[Lesson, ...] = ()

    @property
    def note(self) -> str:
        return f"healed={self.row}"


@dataclass(frozen=True, slots=True)
class _Change:
    body: Json | None
    lessons: tuple[Lesson, ...] = ()
    betas: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    says: re.Pattern[str]
    change: Callable[[Case], _Change]


def cure(case: Case, taken: Collection[str] = ()) -> Cure | None:
    """What to send instead, or None if nothing is known against this refusal.

    `taken` are the rows that were tried for this request before.
    """
    words = f"{case.code} {case.message}"
    for row in _ROWS:
        if row.name in taken or not row.says.search(words):
            continue
        change = row.change(case)
        if change.body is None and change.betas is None:
            continue
        body = dict(case.body) if change.body is None else change.body
        betas = case.betas if change.betas is None else change.betas
        return Cure(row.name, body, betas, change.lessons)
    return None


# ------------------------------------------------------------------------------------ reasoning


def _signatures(case: Case) -> _Change:
    if case.endpoint == CHAT and case.model.is_google:
        return _foreign_seals(case)
    return _Change(mending.without_thoughts(case.endpoint, case.body))


def _unbegun(case: Case) -> _Change:
    """The running tool loop was started by a model that did not think, or does not show it: it is
    ended without reasoning."""
    thinking = case.body.get("thinking")
    if not isinstance(thinking, Mapping) or thinking.get("type") != "enabled":
        return _Change(None)
    # Clearing old thinking needs a request that thinks.
    return _Change(mending.without_keys(case.body, ("thinking", "context_management")))


def _enabled(case: Case) -> _Change:
    """This model decides by itself how long it thinks; an effort says how hard."""
    thinking = case.body.get("thinking")
    if not isinstance(thinking, Mapping) or thinking.get("type") != "enabled":
        return _Change(None)
    tokens = thinking.get("budget_tokens")
    wish = effort_of_budget(tokens) if isinstance(tokens, int) else Effort.MEDIUM
    body = {**case.body, "thinking": {"type": "adaptive", "display": "summarized"}}
    return _Change(_with_effort(body, case.model, wish), (Lesson("thinking", "required"),))


def _disabled(case: Case) -> _Change:
    """This model always thinks: as little as it can."""
    thinking = case.body.get("thinking")
    if not isinstance(thinking, Mapping) or thinking.get("type") != "disabled":
        return _Change(None)
    body = {key: value for key, value in case.body.items() if key != "thinking"}
    if "between_tools" in case.message:
        body["thinking"] = {"type": "between_tools"}
    return _Change(_with_effort(body, case.model, Effort.NONE), (Lesson("thinking", "required"),))


def _with_effort(body: Json, model: Model, wish: Effort) -> Json:
    config = body.get("output_config")
    known = dict(config) if isinstance(config, Mapping) else {}
    nearest = model.effort(wish)
    if nearest is None or "effort" in known:
        return body
    return {**body, "output_config": {**known, "effort": nearest.value}}


def _effort(case: Case) -> _Change:
    """The nearest effort of those that the refusal lists; none if it lists none."""
    holder, key = _EFFORTS[case.endpoint]
    place = case.body.get(holder) if holder else case.body
    asked = place.get(key) if isinstance(place, Mapping) else None
    wish = next((effort for effort in LADDER if effort == asked), None)
    listed = _LISTED.search(case.message)
    named = re.findall(r"[a-z]+", listed[1].lower()) if listed else None
    taken = case.model.efforts if named is None else tuple(e for e in LADDER if e.value in named)
    lessons = () if named is None else (Lesson("efforts", ",".join(taken)),)
    if asked is None or not isinstance(place, Mapping):
        return _Change(None)
    told = Model(case.model.id, efforts=taken)
    nearest = told.effort(wish) if wish is not None else None
    nearest = None if nearest == wish else nearest
    rest = {name: value for name, value in place.items() if name != key}
    mended = rest if nearest is None else {**rest, key: nearest.value}
    if not holder:
        return _Change(mended, lessons)
    whole = {**case.body, holder: mended}
    return _Change(whole if mended else {k: v for k, v in whole.items() if k != holder}, lessons)


_EFFORTS = {
    CHAT: ("", "reasoning_effort"),
    RESPONSES: ("reasoning", "effort"),
    MESSAGES: ("output_config", "effort"),
}


def _reasoning_items(case: Case) -> _Change:
    if case.endpoint != RESPONSES:
        return _Change(None)
    return _Change(mending.without_items(case.body, "reasoning"))


def _seals(case: Case) -> _Change:
    return _Change(mending.calls_as_text(case.body) if case.endpoint == CHAT else None)


def _foreign_seals(case: Case) -> _Change:
    """Seals that Gemini does not know, of another model or account. Without them it would refuse
    the calls next, so these are told in words at once."""
    bare = mending.without_thoughts(CHAT, case.body) if case.endpoint == CHAT else None
    return _Change(bare and (mending.calls_as_text(bare) or bare))


# ------------------------------------------------------------------------------------ fields


def _extra(case: Case) -> _Change:
    paths = [mending.general_path(path) for path in _EXTRA.findall(case.message)]
    if not paths or any(path.rpartition(".")[2] not in _DISPENSABLE for path in paths):
        return _Change(None)
    if any(mending.holds_schema(case.body, path) for path in paths):
        return _Change(None)
    lessons = tuple(Lesson("bad_path", path, TEN_MINUTES) for path in paths)
    return _Change(mending.without_paths(case.body, paths), lessons)


def _parameter(case: Case) -> _Change:
    """The field that is named. Where only its value is refused, another one may be fine: nothing
    is learned then, except of sampling, where only the default is ever taken."""
    found = _NAMED.search(case.message)
    kind, name = (found[1].lower(), found[2]) if found else ("", "")
    if name not in _HINTS:
        return _Change(None)
    if name == "temperature":
        body = mending.without_paths(case.body, mending.SAMPLING)
        return _Change(body, (Lesson("no_temperature"),))
    lasting = kind == "parameter" or name in mending.SAMPLING
    lessons = (Lesson("bad_path", name),) if lasting else ()
    return _Change(mending.without_paths(case.body, (name,)), lessons)


def _unknown(case: Case) -> _Change:
    """Fields of other vendors, such as `min_p` (`translation.md` §10.2). One is named at a time, so
    all that are like it go with it."""
    found = _UNKNOWN.search(case.message)
    named = re.findall(r"[\w.]+", found[1] or found[2]) if found else []
    if not named or not _MEANT.isdisjoint(named):
        return _Change(None)
    alike = [name for name in case.body if name not in _MEANT and name not in _TAKEN]
    names = tuple(dict.fromkeys((*named, *alike)))
    lessons = tuple(Lesson("bad_path", name, TEN_MINUTES) for name in names)
    return _Change(mending.without_paths(case.body, names), lessons)


def _unknown_within(case: Case) -> _Change:
    """A field of an item that only its maker knows, such as Codex's own notes on each message: it
    goes from all items, with whatever it holds."""
    found = _WITHIN.search(case.message)
    steps = re.sub(r"\[\d+\]", ".*", found[1] if found else "").split(".")
    named = len(steps) - steps[::-1].index("*") if "*" in steps else len(steps)
    if named == len(steps) or steps[named] in _SAID:
        return _Change(None)
    path = ".".join(steps[: named + 1])
    lessons = (Lesson("bad_path", path, TEN_MINUTES),)
    return _Change(mending.without_paths(case.body, (path,)), lessons)


def _limit_key(case: Case) -> _Change:
    older = case.body.get("max_tokens") is not None
    key = "max_completion_tokens" if older else "max_tokens"
    return _Change(mending.with_limit_key(case.body, key), (Lesson("max_tokens_key", key),))


def _stream_options(case: Case) -> _Change:
    name = "stream_options"
    return _Change(mending.without_keys(case.body, (name,)), (Lesson("bad_path", name),))


def _choice(case: Case) -> _Change:
    """With reasoning in play the choice may be fine without it: nothing is learned then."""
    beside = "thinking" in case.message.lower() or "reasoning" in case.message.lower()
    lessons = () if beside else (Lesson("no_forced_tool"),)
    return _Change(mending.unforced(case.endpoint, case.body), lessons)


def _marks(case: Case) -> _Change:
    draft = Draft.of(case.body)
    settle_marks(draft)
    return _Change(draft.body if draft.changed else None)


def _billing(case: Case) -> _Change:
    return _Change(mending.without_billing(case.body))


def _betas(case: Case) -> _Change:
    found = _BETAS.search(case.message)
    named = {name.strip() for name in found[1].split(",")} if found else set()
    left = tuple(beta for beta in case.betas if beta not in named)
    if left == case.betas:
        return _Change(None)
    lessons = [Lesson("bad_path", BETA + beta) for beta in case.betas if beta in named]
    body = None
    if any(beta.startswith("context-management-") for beta in named):
        body = mending.without_keys(case.body, ("context_management",))
        lessons.append(Lesson("bad_path", "context_management"))
    return _Change(body, tuple(lessons), left)


# ------------------------------------------------------------------------------------ history


def _prefill(case: Case) -> _Change:
    return _Change(mending.continued(case.endpoint, case.body), (Lesson("no_prefill"),))


def _white_space(case: Case) -> _Change:
    return _Change(mending.trimmed(case.endpoint, case.body))


def _pairs(case: Case) -> _Change:
    messages = case.body.get("messages")
    if not isinstance(messages, list):
        return _Change(None)
    if case.endpoint == MESSAGES:
        mended = paired_turns(messages)
    else:
        model = case.model
        mended = repaired(messages, is_openai=model.is_openai, is_claude=model.is_claude)
    if mended is None or mended == messages:
        return _Change(None)
    return _Change({**case.body, "messages": mended})


def _pictures(case: Case) -> _Change:
    return _Change(without_large_pictures(case.endpoint, case.body, case.message))


def _item_ids(case: Case) -> _Change:
    return _Change(mending.without_item_ids(case.body))


def _nameless(case: Case) -> _Change:
    return _Change(mending.without_nameless(case.body))


def _row(name: str, says: str, change: Callable[[Case], _Change]) -> _Row:
    return _Row(name, re.compile(says, re.IGNORECASE | re.DOTALL), change)


# The numbers of the rows in `translation.md` §14; row 10 (another endpoint) is the provider's.
_ROWS = (
    _row(
        "thinking signature",
        r"invalid.*(signature|data)\b.*thinking|thinking block must contain thinking"
        r"|thinking`? blocks .*cannot be modified",
        _signatures,
    ),  # 1
    _row("thinking begun", r"expected `?thinking`? or `?redacted_thinking", _unbegun),
    _row("thinking.enabled", r"thinking\.type\.enabled.*not supported", _enabled),  # 2
    _row("thinking.disabled", r"thinking\.type\.disabled.*not supported", _disabled),  # 3
    _row("effort", r"effort.*supported values|invalid_reasoning_effort", _effort),  # 4
    _row("unknown field", r"extra inputs are not permitted", _extra),  # 5
    _row(
        "prefill",
        r"does not support assistant message prefill|must end with a user message",
        _prefill,
    ),  # 6
    _row("trailing white space", r"cannot end with trailing whitespace", _white_space),  # 7
    _row(
        "output limit",
        r"max_tokens.*max_completion_tokens|max_completion_tokens.*max_tokens",
        _limit_key,
    ),  # 8
    _row("parameter", r"unsupported (parameter|value)", _parameter),  # 9
    _row("unknown item field", _WITHIN.pattern, _unknown_within),
    _row("unknown parameter", r"unknown parameter|unrecognized request arg", _unknown),
    _row(
        "tool results",
        r"tool_use`? ids were found without|unexpected `?tool_use_id",
        _pairs,
    ),  # 11
    _row("cache marks", r"maximum of 4 blocks with cache_control", _marks),  # 12
    _row(
        "reasoning items",
        r"item_id did not match|encrypted content.*could not be verified"
        r"|'reasoning' was provided without its required following item",
        _reasoning_items,
    ),  # 13
    _row(
        "item ids",
        r"invalid 'input\[\d+\]\.id'|without its required ('reasoning'|preceding) item"
        r"|duplicate item found with id",
        _item_ids,
    ),  # 14
    _row("nameless items", r"missing required parameter: 'input\[\d+\]\.id'", _nameless),
    _row("foreign item ids", r"does not belong to this connection", _item_ids),  # upstream.md 7.5
    _row("tool_choice", r"tool_choice.*(forc|not supported)|forc.*tool_choice", _choice),  # 15
    _row("thought signature", r"thought_signature", _seals),  # 16
    _row(
        "foreign thought signature",
        r"(corrupted|invalid) thought signature|thought signature is not valid",
        _foreign_seals,
    ),
    _row("large pictures", r"exceeds? [^:]*(max allowed size|maximum)", _pictures),
    _row("reserved keyword", r"reserved keyword", _billing),  # 17
    _row(
        "stream_options",
        r"(unknown|unrecogni[sz]ed|unsupported|invalid).*stream_options"
        r"|stream_options.*(unknown|unrecogni[sz]ed|unsupported|not (supported|permitted|allowed))",
        _stream_options,
    ),  # 18
    _row("beta header", r"unsupported beta header", _betas),  # upstream.md 8.1
)
