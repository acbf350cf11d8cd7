"""How large a conversation is in tokens, before Copilot has counted it (`translation.md` §12.5).

A count by rule of thumb: four characters are a token, a picture is a thousand, and a conversation
costs a little by itself. What one such token is in truth differs by vendor and by language, and is
learned from finished requests as a ratio for each model; whoever has it passes it in. Why there is
no tokenizer stands in `docs/decisions/010-counting-without-a-tokenizer.md`.
"""

from __future__ import annotations

from copilot_desktop.canonical import Request
from copilot_desktop.errors import InputTooLarge
from copilot_desktop.model import Model

PER_MESSAGE = 3
PRIMING = 3
CLAUDE_TOOLS, XAI_TOOLS = 346, 480  # the vendor's own words about tools

SLACK = 1.05  # what a good estimate must be over the limit before nothing is sent
FAR = 1.5  # the same for an estimate that was never compared with the truth


def weigh(request: Request, model: Model) -> int:
    """Tokens of `request` as far as its length tells, without any ratio. At least 1."""
    tokens = request.estimated_tokens() + PER_MESSAGE * len(request.messages) + PRIMING
    if request.tools:
        tokens += CLAUDE_TOOLS if model.is_claude else 0
        tokens += XAI_TOOLS if model.vendor == "xAI" else 0
    return tokens


def weighed(weight: int, ratio: float) -> int:
    """The estimate that a client is told. At least 1."""
    return max(1, round(weight * ratio))


def refuse_overflow(tokens: int, model: Model, *, calibrated: bool) -> None:
    """Save the call if the model surely cannot read so much (P16). Raises InputTooLarge.

    An estimate that was never compared with the truth must be far over the limit: a wrong refusal
    is worse than a call that Copilot refuses.
    """
    if tokens > model.max_prompt * (SLACK if calibrated else FAR):
        raise InputTooLarge(fields={"tokens": str(tokens), "limit": str(model.max_prompt)})


def number_overflow(problem: InputTooLarge, tokens: int, model: Model) -> None:
    """Put in the numbers that Copilot did not name: clients shorten what they send by them (§13.3).

    It was too much, so an estimate below the limit is known to be wrong.
    """
    if not problem.fields.get("tokens"):
        limit = model.max_prompt
        problem.fields |= {"tokens": str(max(tokens, limit + 1)), "limit": str(limit)}


def could_overflow(size: int, ratio: float, model: Model, *, calibrated: bool) -> bool:
    """Whether a body of `size` bytes is worth a look: its text is never longer than that."""
    return size / 4 * ratio > model.max_prompt * (SLACK if calibrated else FAR)
