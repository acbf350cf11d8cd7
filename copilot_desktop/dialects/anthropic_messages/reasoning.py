"""How hard the model is to think, in Anthropic's words (`translation.md` §3.5, §4, §10.1).

Claude models differ: older ones take a budget in tokens, newer ones decide by themselves
(`adaptive`) and take an effort, the newest always think. `Model.thinking` says which.
"""

from __future__ import annotations

from copilot_desktop.canonical import Effort, Message, Request, Text, Thinking, ToolResult
from copilot_desktop.dialects import Json
from copilot_desktop.model import Model, budget_of_effort, effort_of_budget
from copilot_desktop.sealing import unseal


def thinks(request: Request, model: Model) -> bool:
    """Whether the rendered request asks for reasoning."""
    limit = request.max_tokens if request.max_tokens is not None else model.max_output
    fields = reasoning_fields(request, model, limit)
    return fields.get("thinking", {}).get("type") in ("enabled", "adaptive")


def reasoning_fields(request: Request, model: Model, limit: int) -> Json:
    """`thinking` and `output_config.effort`, as far as the model takes them."""
    effort, budget = request.effort, request.thinking_budget
    if model.thinking == "none" or (effort is None and budget is None):
        return {}
    if effort is Effort.NONE or (budget is not None and budget <= 0):
        if model.thinking == "required":
            return _effort_field(model, Effort.NONE)  # the lowest it has
        return {"thinking": {"type": "disabled"}}
    if model.thinking == "budget" or (model.thinking == "optional" and budget is not None):
        wish = budget if budget is not None else budget_of_effort(effort or Effort.MEDIUM)
        fields = _effort_field(model, effort) if budget is not None else {}
        return fields | _budget_field(request, model, wish, limit)
    wished = effort if effort is not None else effort_of_budget(budget or 0)
    thinking = {"type": "adaptive", "display": "summarized"}
    return {"thinking": thinking, **_effort_field(model, wished)}


def _budget_field(request: Request, model: Model, wish: int, limit: int) -> Json:
    tokens = model.budget(wish, limit)
    if tokens is None or tokens < 1024 or unexplained_calls(request.messages, model):
        return {}
    return {"thinking": {"type": "enabled", "budget_tokens": tokens}}


def _effort_field(model: Model, wish: Effort | None) -> Json:
    if wish is None:
        return {}
    # No Claude knows `minimal`, and the step below it would be `none`.
    effort = model.effort(Effort.LOW if wish is Effort.MINIMAL else wish)
    return {"output_config": {"effort": effort.value}} if effort is not None else {}


def unexplained_calls(messages: tuple[Message, ...], model: Model) -> bool:
    """Whether the tool loop that goes on lacks the reasoning that started it.

    With a budget Claude refuses such a history, and clients of other formats cannot always keep
    the reasoning; the rest of the loop then runs without it.
    """
    started: Message | None = None
    for message in reversed(messages):
        if message.role == "assistant":
            started = message
        elif message.role == "user" and not any(isinstance(b, ToolResult) for b in message.blocks):
            break
    if started is None or messages[-1].role == "assistant":
        return False
    if not any(isinstance(block, ToolResult) for block in messages[-1].blocks):
        return False
    first = next((b for b in started.blocks if not isinstance(b, Text) or b.text.strip()), None)
    if not isinstance(first, Thinking):
        return True
    return not _replayable(first, model)


def _replayable(block: Thinking, model: Model) -> bool:
    return bool(block.redacted) or (
        bool(block.text) and unseal(block.signature, "gm1.", model.id) is not None
    )
