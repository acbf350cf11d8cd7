"""What Codex wants told in its own way, found by running it against scripted answers.

Two things. With credentials from a command it asks for `/v1/models?client_version=…` and reads a
catalogue of its own shape instead of OpenAI's list; one entry without a required field and it takes
nothing at all. And it repeats a 402 five times within seconds before it shows it, while a 429 whose
type is `usage_limit_reached` is shown at once with the date. Of any other 429 it sleeps through the
whole `retry-after` without a word, be it hours; without one it gives up at once, and shows only the
number. OpenAI's SDKs see nothing of this.

An entry's `base_instructions` replace the ones that Codex carries for models that it does not know,
so an empty text would leave the agent without any. Must not know how models are found or sent.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from copilot_desktop.canonical import Effort
from copilot_desktop.errors import Problem, QuotaExhausted, RateLimited
from copilot_desktop.model import Model
from copilot_desktop.proxy.exchange import client_name

Json = dict[str, Any]

USAGE_LIMIT_REACHED = "usage_limit_reached"
LONGEST_WAIT = 60.0  # seconds that a person may be left without a word
# Released together with the word; an older Codex would take nothing of a list that holds it.
_SINCE: dict[Effort, tuple[int, ...]] = {Effort.MAX: (0, 153)}

INSTRUCTIONS = """\
You are a coding agent that works for a user in Codex, a command line program on the user's \
computer. You can run commands and change files there. Keep going until the request is fully done, \
and end your turn only then, or when you need something that only the user can give.

How to work:
- Look before you act: read the files that matter, and follow the conventions that you find there. \
AGENTS.md files hold the project's own rules; the one that is nearest to a file counts most for it.
- Prefer `rg` over slower searches. Read a file again before you edit it if it may have changed.
- Make the smallest change that solves the cause of the problem. Do not repair what you were not \
asked about; mention it instead.
- The working tree may hold changes of other people. Never undo them, and never run a command that \
destroys work, unless the user asked for exactly that.
- Run the tests or checks that the project has for what you changed. Say honestly which ones you \
ran and what they showed. Never claim that something works if you did not see it.
- For a task with several steps, say in one sentence what you are about to do before you start.

How to answer:
- Be short, friendly and plain. Say first what was done or found, then where: file paths in \
backticks, with a line number where it helps.
- Do not print whole files that you have written; the user has them.
- If something failed or is left to do, say so, and suggest the next step.
"""


def is_codex(user_agent: str) -> bool:
    return client_name(user_agent) == "Codex"


def catalogue(models: Sequence[Model], shown: Sequence[Model], client_version: str) -> Json:
    """The answer to `/v1/models?client_version=…`; `shown` are those that a picker should offer."""
    offered = {model.id for model in shown}
    version = _numbers(client_version)
    # The first one is what Codex starts with if nobody has chosen.
    ordered = sorted(models, key=lambda model: (model.id not in offered, not model.is_default))
    return {
        "models": [
            _entry(model, place, listed=model.id in offered, version=version)
            for place, model in enumerate(ordered)
        ]
    }


def _entry(model: Model, place: int, *, listed: bool, version: tuple[int, ...]) -> Json:
    """`context_window` is what a prompt may hold: at 90 % of it Codex shortens its history."""
    efforts = [effort for effort in model.efforts if version >= _SINCE.get(effort, ())]
    usual = model.effort(Effort.MEDIUM)
    return {
        "slug": model.id,
        "display_name": model.name or model.id,
        "description": model.vendor or None,
        "default_reasoning_level": usual.value if usual in efforts else None,
        "supported_reasoning_levels": [
            {"effort": effort.value, "description": ""} for effort in efforts
        ],
        "shell_type": "shell_command",
        "visibility": "list" if listed else "hide",
        "supported_in_api": True,
        "priority": place,
        "availability_nux": None,
        "upgrade": None,
        "base_instructions": INSTRUCTIONS,
        "supports_reasoning_summaries": bool(efforts),
        "support_verbosity": False,
        "default_verbosity": None,
        "apply_patch_tool_type": None,
        "truncation_policy": {"mode": "tokens", "limit": 10_000},
        "supports_parallel_tool_calls": model.parallel_tools,
        "context_window": model.max_prompt,
        "max_context_window": model.max_prompt,
        "experimental_supported_tools": [],
        "input_modalities": ["text", "image"] if model.vision else ["text"],
    }


def limit_answer(problem: Problem, body: Json) -> tuple[int, Json, dict[str, str]] | None:
    """Status, body and headers for a limit that lasts; None for any other problem.

    `body` is what every other client gets. Codex puts its own sentence together from the date and
    from the header's words, which it ends with ", or try again at …": it shows no other.
    """
    match problem:
        case QuotaExhausted():
            until, words = _resets_at(problem), problem.advice
        case RateLimited(retry_after=wait) if wait is None or wait > LONGEST_WAIT:
            until = None if wait is None else int(time.time() + wait)
            words = problem.headline.rstrip(".")
        case _:
            return None
    error = {**body["error"], "type": USAGE_LIMIT_REACHED}
    if until is not None:
        error["resets_at"] = until
    return 429, {**body, "error": error}, {"x-codex-promo-message": words}


def _resets_at(problem: QuotaExhausted) -> int | None:
    """Seconds since the epoch, from the sentence's `2026-12-01` or `2026-12-01 08:30 UTC`."""
    told = problem.fields.get("reset", "").removesuffix(" UTC")
    try:
        return int(datetime.fromisoformat(told).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    """`0.169.0-alpha.2` is (0, 169, 0); what is no version counts as the newest."""
    parts = version.partition("-")[0].split(".")
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        return (10**9,)
    return tuple(int(part) for part in parts)
