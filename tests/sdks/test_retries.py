"""How often the official SDKs ask again, and that nobody sits in front of a frozen client (§13.2).

Newer Anthropic SDKs sleep as long as `retry-after` says, days if need be, without a word. So long
waits and used up allowances say `x-should-retry: false`, and the SDK raises at once.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web

from tests.sdks.listening import listen

DIALECTS = {
    "messages": "anthropic_messages",
    "chat": "openai_chat",
    "responses": "openai_responses",
}
RETRIES = 2
DATE = "Tue, 01 Sep 2099 00:00:00 GMT"

pytestmark = pytest.mark.timeout(200)


def refusal(status: int, code: str, wait: str) -> Any:
    async def answer(_request: web.Request) -> web.StreamResponse:
        body = {"error": {"message": "Not now, says Copilot.", "code": code}}
        headers = {"retry-after": wait, "x-github-request-id": "FF66:27F1BF"}
        text = json.dumps(body)
        return web.Response(
            status=status, text=text, headers=headers, content_type="application/json"
        )

    return answer


@dataclass(frozen=True)
class Refusal:
    """Upstream's status, code and `retry-after`; the client's status and how often it asks."""

    name: str
    status: int
    code: str
    wait: str
    told: int
    tries: int


REFUSALS = [
    Refusal("78-one-second", 429, "user_model_rate_limited", "1", 429, 1 + RETRIES),
    Refusal("78-ninety-seconds", 429, "user_global_rate_limited", "90", 429, 1),
    Refusal("78-a-day", 429, "user_weekly_rate_limited", "86400", 429, 1),
    Refusal("78-a-date", 429, "user_weekly_rate_limited", DATE, 429, 1),
    Refusal("79-quota", 402, "quota_exceeded", DATE, 402, 1),
    Refusal("79-quota-as-429", 429, "quota_exceeded", "777600", 402, 1),
]


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case.name)
def test_asks_again(generation: tuple[str, str | None], case: Refusal) -> None:
    jobs = [
        {"id": name, "dialect": name, "mode": "raw", "model": "gpt-4.1", "prompt": "Hi", "ask": {},
         "retries": RETRIES}
        for name in DIALECTS
    ]  # fmt: skip
    answer = refusal(case.status, case.code, case.wait)
    found = asyncio.run(listen(jobs, answer, generation[1]))
    for name, dialect in DIALECTS.items():
        assert found[name]["status"] == case.told, found[name]
        assert "Not now, says Copilot." in found[name]["says"]
        assert found["requests"].count(dialect) == case.tries
