"""One tiny question, asked the way a connected editor asks: its format, its key, its model.

It goes through the proxy's own port, so that what answers here answers there.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp

from copilot_desktop.core.playground import PATHS, Question, body_of
from copilot_desktop.errors import InvalidRequest
from copilot_desktop.integrations.refusals import refused
from copilot_desktop.integrations.tool import Link, Tool
from copilot_desktop.upstream.http import NETWORK_ERRORS

SECONDS = 30.0
TOKENS = 16  # the least that every model takes
AGENT = "CopilotDesktop-Test"


async def ask(tool: Tool, link: Link, seconds: float = SECONDS) -> dict[str, Any]:
    """`ms` and `model`. Raises InvalidRequest with the proxy's own words."""
    # A tool that no model was chosen for may ask any of them.
    model = next(iter((*link.chosen.values(), *(each.id for each in link.models))), "")
    if not model:
        raise refused("no_models")
    dialect = "messages" if tool.dialect == "anthropic" else "chat"
    question = Question(dialect, model, "Answer with OK.", stream=False, max_tokens=TOKENS)  # type: ignore[arg-type]
    began = time.monotonic()
    try:
        async with asyncio.timeout(seconds):
            status, answer = await _exchange(link, PATHS[question.dialect], body_of(question))
    except TimeoutError:
        raise refused("no_answer") from None
    except NETWORK_ERRORS:
        raise refused("not_running") from None
    if status >= 400:
        raise InvalidRequest(_words(answer) or f"The proxy answered with {status}.")
    return {"ms": round((time.monotonic() - began) * 1000), "model": model}


async def _exchange(link: Link, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {link.key}", "User-Agent": AGENT}
    async with (
        # No proxy from the environment: this never leaves the computer.
        aiohttp.ClientSession(trust_env=False) as http,
        http.post(link.address + path, json=body, headers=headers) as answer,
    ):
        try:
            return answer.status, await answer.json()
        except ValueError:
            return answer.status, None


def _words(answer: Any) -> str:
    """The sentence of an error, which both formats keep in the same place."""
    error = answer.get("error") if isinstance(answer, dict) else None
    words = error.get("message") if isinstance(error, dict) else None
    return words if isinstance(words, str) else ""
