"""The effort that a key allows at most, put into requests before they go to Copilot.

A wish above it is lowered, as an effort or as a budget of thinking tokens, whichever the request
holds; one below it stays. Where a request says nothing, most models think all the same: by default
OpenAI's `medium` and, once it thinks, Anthropic's `high`. That counts as the wish. A word that no
vendor has counts as too much: Copilot would refuse it, it would be taken out, and the model would
think as by default. What the model takes is still decided by the quirks: one that takes nothing so
low gets the lowest it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeGuard

from copilot_desktop.canonical import Effort, Request
from copilot_desktop.model import (
    LADDER,
    MESSAGES,
    RESPONSES,
    Model,
    budget_of_effort,
    effort_of_budget,
)

Json = dict[str, Any]
Notes = list[str]

_THINKS = ("enabled", "adaptive", "between_tools")


def capped_request(
    request: Request, model: Model, endpoint: str, most: Effort | None
) -> tuple[Request, Notes]:
    """`request` with at most the effort `most`, and what to say about it."""
    if most is None:
        return request, []
    notes: Notes = []
    wish, budget = request.effort, request.thinking_budget
    if budget is not None and _above(effort_of_budget(budget), most):
        budget = budget_of_effort(most) or None
        wish = most if budget is None else wish
        notes.append(_note("thinking_budget", most))
    if wish is None and budget is None:
        wish = _unasked(model, endpoint, thinks=False)
    if wish is not None and _above(wish, most):
        wish = most
        notes.append(_note("effort", most))
    if not notes:
        return request, []
    return replace(request, effort=wish, thinking_budget=budget), notes


def capped_body(body: Json, model: Model, endpoint: str, most: Effort | None) -> tuple[Json, Notes]:
    """The same for a body in the words of `endpoint`; `body` itself if nothing is to be done."""
    if most is None:
        return body, []
    if endpoint == MESSAGES:
        return _messages(body, model, most)
    notes: Notes = []
    path = ("reasoning", "effort") if endpoint == RESPONSES else ("reasoning_effort",)
    beside = ("reasoning", "effort")  # OpenRouter's, which goes along as it is
    if endpoint != RESPONSES and _too_much(_at(body, beside), None, most):
        body = _put(body, beside, most.value)
        notes.append(_note("reasoning", most))
    if _too_much(_at(body, path), _unasked(model, endpoint, thinks=False), most):
        body = _put(body, path, most.value)
        notes.append(_note("effort", most))
    tokens = body.get("thinking_budget")
    if endpoint != RESPONSES and _is_count(tokens) and _above(effort_of_budget(tokens), most):
        body = {**body, "thinking_budget": budget_of_effort(most)}
        notes.append(_note("thinking_budget", most))
    return body, notes


def _messages(body: Json, model: Model, most: Effort) -> tuple[Json, Notes]:
    notes: Notes = []
    thinking = body.get("thinking")
    thinking = thinking if isinstance(thinking, Mapping) else {}
    tokens = thinking.get("budget_tokens")
    thinks = thinking.get("type") in _THINKS
    if thinks and most is Effort.NONE:
        body, thinks = {**body, "thinking": {"type": "disabled"}}, False
        notes.append(_note("thinking", most))
    elif thinks and _is_count(tokens) and _above(effort_of_budget(tokens), most):
        least = max(1024, budget_of_effort(most))  # fewer are refused
        body = {**body, "thinking": {**thinking, "budget_tokens": least}}
        notes.append(_note("thinking_budget", most))
    path = ("output_config", "effort")
    unasked = None if _is_count(tokens) else _unasked(model, MESSAGES, thinks=thinks)
    if _too_much(_at(body, path), unasked, most):
        body = _put(body, path, most.value)
        notes.append(_note("effort", most))
    return body, notes


def _unasked(model: Model, endpoint: str, *, thinks: bool) -> Effort | None:
    """How hard `model` thinks where nothing is said, as far as that is known."""
    if not model.efforts:
        return None
    if endpoint == MESSAGES:
        return Effort.HIGH if thinks or model.thinking == "required" else None
    return Effort.MEDIUM


def _above(wish: Effort, most: Effort) -> bool:
    return LADDER.index(wish) > LADDER.index(most)


def _too_much(word: object, unasked: Effort | None, most: Effort) -> bool:
    """`unasked` is how hard the model thinks where there is no word."""
    if word is None:
        return unasked is not None and _above(unasked, most)
    wish = next((effort for effort in LADDER if effort == word), None)
    return wish is None or _above(wish, most)


def _is_count(value: object) -> TypeGuard[int]:
    """Also a number such as `20000.0`, which is one in JSON."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _note(what: str, most: Effort) -> str:
    return f"limited={what}>{most.value}"


def _at(body: Mapping[str, Any], path: tuple[str, ...]) -> object:
    value: object = body
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _put(body: Json, path: tuple[str, ...], value: str) -> Json:
    first, *rest = path
    if not rest:
        return {**body, first: value}
    inner = body.get(first)
    return {**body, first: {**(inner if isinstance(inner, Mapping) else {}), rest[0]: value}}
