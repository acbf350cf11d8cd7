"""Thinking and effort of a `/v1/messages` request, as the model takes them.

Clients send what the Claude they know takes: a budget to a model that decides by itself, an
effort to one that has none. `Model.thinking` decides; the client's wish is kept as near as can be
(`translation.md` §10.1). Also what thinking forbids beside it: sampling parameters and forced
tools.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copilot_desktop.canonical import Effort
from copilot_desktop.model import LADDER, Model, budget_of_effort, effort_of_budget
from copilot_desktop.upstream.quirks.messages_draft import Draft, Json
from copilot_desktop.upstream.quirks.messages_turns import lacks_reasoning

INTERLEAVED = "interleaved-thinking-2025-05-14"
# Claude Code's `updates` needs a beta that Copilot does not know.
_DISPLAYS = (None, "summarized", "omitted")
_ACTIVE = ("enabled", "adaptive", "between_tools")


def settle_thinking(draft: Draft, model: Model, *, unsealed: bool) -> None:
    """Mend `thinking`, `output_config.effort`, sampling and tool choice.

    `unsealed`: reasoning was taken out of the history, so that a running tool loop may lack it.
    """
    given = draft.body.get("thinking")
    before = given if isinstance(given, dict) else None  # upstream names any other value
    wish = _wish(draft)
    after, effort = _settled(before, wish, model, draft.body.get("max_tokens"))
    converted = after is not before and after is not None and after.get("type") == "enabled"
    if after is not None and after.get("display") not in _DISPLAYS:
        after = {**after, "display": "summarized"}
    if (
        (converted or unsealed)
        and after is not None
        and after.get("type") == "enabled"
        and lacks_reasoning(draft.body.get("messages") or [])
    ):
        after = None
    if after is None and before is not None:
        draft.drop("thinking")
    elif after is not None and after != before:
        draft.put("thinking", after)
    _put_effort(draft, before, wish, effort)
    kind = after.get("type") if after is not None else None
    if kind == "enabled" and draft.body.get("tools") and INTERLEAVED not in draft.betas:
        draft.betas.append(INTERLEAVED)
    _settle_companions(draft, model, active=kind in _ACTIVE, effort=effort)


def _wish(draft: Draft) -> Effort | None:
    config = draft.body.get("output_config")
    word = config.get("effort") if isinstance(config, dict) else None
    return next((effort for effort in LADDER if effort == word), None) if word else None


def _settled(
    thinking: Mapping[str, Any] | None, wish: Effort | None, model: Model, limit: Any
) -> tuple[Mapping[str, Any] | None, Effort | None]:
    """The `thinking` object and the effort that this model takes."""
    kind = thinking.get("type") if thinking is not None else None
    if thinking is None or kind not in (*_ACTIVE, "disabled"):
        return thinking, _nearest(model, wish)
    room = limit if isinstance(limit, int) and not isinstance(limit, bool) else None
    match kind, model.thinking:
        case _, "none":
            return None, _nearest(model, wish)
        case "enabled", "required":
            tokens = _tokens(thinking)
            wish = wish or (effort_of_budget(tokens) if tokens is not None else Effort.MEDIUM)
            return {"type": "adaptive", "display": "summarized"}, _nearest(model, wish)
        case "enabled", _:
            return _budgeted(thinking, _tokens(thinking), model, room), _nearest(model, wish)
        case "adaptive", "budget":
            tokens = budget_of_effort(wish or Effort.MEDIUM)
            return _budgeted({"type": "enabled"}, tokens, model, room), _nearest(model, wish)
        case "adaptive", _:
            return _adaptive(thinking), _nearest(model, wish)
        case "disabled", "required":
            return None, _nearest(model, Effort.NONE)
        case "between_tools", "budget":
            return None, _nearest(model, wish)
        case "between_tools", "optional":
            return {"type": "disabled"}, _nearest(model, wish)
    return thinking, _nearest(model, wish)


def _tokens(thinking: Mapping[str, Any]) -> int | None:
    tokens = thinking.get("budget_tokens")
    return tokens if isinstance(tokens, int) and not isinstance(tokens, bool) else None


def _budgeted(
    thinking: Mapping[str, Any], wish: int | None, model: Model, limit: int | None
) -> Mapping[str, Any] | None:
    """The budget within the model's bounds and below `max_tokens`, or None if there is no room."""
    if wish is None:
        return thinking  # upstream names the missing budget
    tokens = model.budget(wish, limit)
    if tokens is None or tokens < 1024:
        return None
    return thinking if tokens == _tokens(thinking) else {**thinking, "budget_tokens": tokens}


def _adaptive(thinking: Mapping[str, Any]) -> Mapping[str, Any]:
    """Newer models hide their reasoning unless asked for a summary."""
    kept: Json = {k: v for k, v in thinking.items() if not k.startswith("budget_tokens")}
    kept.setdefault("display", "summarized")
    return thinking if kept == thinking else kept


def _nearest(model: Model, wish: Effort | None) -> Effort | None:
    if wish is None:
        return None
    # No Claude knows `minimal`, and the step below it would be `none`.
    return model.effort(Effort.LOW if wish is Effort.MINIMAL else wish)


def _put_effort(
    draft: Draft, thinking: Mapping[str, Any] | None, wish: Effort | None, effort: Effort | None
) -> None:
    config = draft.body.get("output_config")
    known = dict(config) if isinstance(config, dict) else {}
    if known.get("effort") == (effort.value if effort is not None else None):
        return
    if effort is None:
        known.pop("effort")
        draft.note("dropped=output_config.effort")
    else:
        known["effort"] = effort.value
        budget = thinking is not None and thinking.get("type") == "enabled" and wish is None
        origin = "thinking.budget" if budget else "effort" if wish is not None else "thinking"
        draft.note(f"mapped={origin}>effort:{effort.value}")
    if known:
        draft.put("output_config", known)
    else:
        draft.drop("output_config", note="")


def _settle_companions(draft: Draft, model: Model, *, active: bool, effort: Effort | None) -> None:
    """Sampling and forced tools do not go with thinking; Claude takes one kind of sampling."""
    if active or model.thinking == "required" or effort not in {None, Effort.NONE}:
        for key in ("temperature", "top_p", "top_k"):
            draft.drop(key)
    elif model.is_claude and draft.body.get("temperature") is not None:
        draft.drop("top_p")
    choice = draft.body.get("tool_choice")
    if active and isinstance(choice, dict) and choice.get("type") in ("any", "tool"):
        kept = {k: v for k, v in choice.items() if k == "disable_parallel_tool_use"}
        note = f"mapped=tool_choice.{choice['type']}>auto"
        draft.put("tool_choice", {"type": "auto", **kept})
        draft.note(note, marked=True)
