"""Counting tokens: as the conversation will be sent, remembered for a while, better with use; and
what is surely too long is refused before it is sent."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from rig import Rig, running_rig

from copilot_desktop.demo import Scenario, Status
from copilot_desktop.demo.faults import Slow
from copilot_desktop.model import Model
from copilot_desktop.proxy import counting
from copilot_desktop.proxy.counting import (
    AT_ONCE,
    CLOSED_SECONDS,
    COUNT_TOKENS,
    KEPT,
    KEPT_SECONDS,
    REST_SECONDS,
    Counting,
    Counts,
)

CHAT, RESPONSES, MESSAGES = "/chat/completions", "/responses", "/v1/messages"
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJ"
    "RU5ErkJggg=="
)


async def post(
    rig: Rig, path: str, body: dict[str, Any], **headers: str
) -> tuple[int, dict[str, Any], str]:
    """Status, answer and notes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession() as http,
        http.post(rig.url + path, json=body, headers=named) as response,
    ):
        notes = response.headers.get("x-copilot-desktop-notes", "")
        return response.status, json.loads(await response.text()), notes


def asking(model: str, text: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def taught(rig: Rig, model: str, ratio: float, times: int = 3) -> None:
    """As if so many requests had shown this ratio."""
    for _ in range(times):
        rig.provider.lessons.weighed(Model(model), 1000, round(1000 * ratio))


async def test_what_is_counted_is_what_would_be_sent() -> None:
    content = [
        {"type": "text", "text": "look", "cache_control": {"type": "ephemeral", "scope": "x"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
    ]
    body = asking(
        "claude-sonnet-5", "", system=[{"type": "text", "text": "x-anthropic-billing-header: a"}],
        max_tokens=900, metadata={"user_id": "me"},
        context_management={"edits": [{"type": "clear_tool_uses_20250919"}]},
    )  # fmt: skip
    body["messages"][0]["content"] = content
    beta = "context-management-2025-06-27"
    async with running_rig() as rig:
        status, answer, notes = await post(rig, COUNT_TOKENS, body, anthropic_beta=beta)
        assert status == 200, answer
        assert "estimate" not in notes
        await post(rig, MESSAGES, body, anthropic_beta=beta)
        (counted,), (sent,) = rig.fake.ledger.to(COUNT_TOKENS), rig.fake.ledger.to(MESSAGES)
    left = {key: value for key, value in sent.body.items() if key != "max_tokens"}
    assert counted.body == left
    for name in ("anthropic-beta", "Copilot-Vision-Request", "anthropic-version"):
        assert counted.headers[name] == sent.headers[name], name


async def test_the_same_question_is_asked_once() -> None:
    async with running_rig() as rig:
        answers = [
            await post(rig, COUNT_TOKENS, asking("claude-sonnet-5", text))
            for text in ("one", "one", "two", "one")
        ]
        assert len(rig.fake.ledger.to(COUNT_TOKENS)) == 2
    assert answers[0] == answers[1] == answers[3]


def test_a_count_is_kept_for_ten_minutes_and_not_too_many() -> None:
    now = [100.0]
    counts = Counts(lambda: now[0])
    counts.put(b"a", 7)
    now[0] += KEPT_SECONDS - 1
    assert counts.get(b"a") == 7
    now[0] += 2
    assert counts.get(b"a") is None
    for number in range(KEPT + 10):
        counts.put(str(number).encode(), number)
    assert counts.get(b"0") is None
    assert counts.get(str(KEPT + 9).encode()) == KEPT + 9


@pytest.mark.parametrize(
    ("status", "headers", "rest"),
    [
        (403, {}, CLOSED_SECONDS), (404, {}, CLOSED_SECONDS), (429, {"retry-after": "50"}, 50.0),
        (429, {}, REST_SECONDS), (429, {"retry-after": "90000"}, CLOSED_SECONDS),
    ],
)  # fmt: skip
async def test_where_nothing_is_counted_nobody_asks_for_a_while(
    status: int, headers: dict[str, str], rest: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, made = [100.0], Counting.__init__
    monkeypatch.setattr(Counting, "__init__", lambda self, relay: made(self, relay, lambda: now[0]))

    async def asked(rig: Rig, text: str) -> tuple[bool, int]:
        """Was it an estimate, and how often has Copilot been asked so far?"""
        code, _, notes = await post(rig, COUNT_TOKENS, asking("claude-sonnet-5", text))
        assert code == 200
        return "estimate" in notes, len(rig.fake.ledger.to(COUNT_TOKENS))

    async with running_rig() as rig:
        # Once more is asked with a fresh token after a 403 without a reason, so this has one.
        body = {"error": {"message": "Not for this plan.", "code": "unauthorized"}}
        rig.fake.add_fault(Status(COUNT_TOKENS, status=status, body=body, headers=headers))
        assert await asked(rig, "one") == (True, 1)
        now[0] += rest - 1
        assert await asked(rig, "two") == (True, 1)
        now[0] += 2
        assert await asked(rig, "three") == (False, 2)


async def test_nobody_waits_twice_for_counts_that_do_not_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running_rig() as rig:
        await post(rig, COUNT_TOKENS, asking("claude-sonnet-5", "warm"))
        monkeypatch.setattr(counting, "_TIMEOUT", 0.3)
        rig.fake.add_fault(Slow(COUNT_TOKENS, times=-1, seconds=600.0))
        told = await asyncio.gather(
            *(post(rig, COUNT_TOKENS, asking("claude-sonnet-5", str(each))) for each in range(6))
        )
        assert all(code == 200 and "estimate" in notes for code, _, notes in told)
        assert len(rig.fake.ledger.to(COUNT_TOKENS)) <= 1 + AT_ONCE


async def test_two_are_counted_at_a_time() -> None:
    async with running_rig() as rig:
        await post(rig, COUNT_TOKENS, asking("claude-sonnet-5", "warm"))
        rig.fake.add_fault(Slow(COUNT_TOKENS, times=-1, seconds=600.0))
        waiting = [
            asyncio.create_task(post(rig, COUNT_TOKENS, asking("claude-sonnet-5", str(number))))
            for number in range(5)
        ]
        async with asyncio.timeout(10):
            while len(rig.fake.ledger.to(COUNT_TOKENS)) < 3:  # noqa: ASYNC110  (a list)
                await asyncio.sleep(0.01)
        for _ in range(20):  # whoever could come has come
            await asyncio.sleep(0.01)
        assert len(rig.fake.ledger.to(COUNT_TOKENS)) == 3
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_an_estimate_gets_better_with_use() -> None:
    """What the fake counts is the truth here; its unit is nearly ours."""
    model, text = "gpt-5.3-codex", "Some words of a conversation. " * 200
    body = asking(model, text, max_tokens=50)
    async with running_rig() as rig:
        taught(rig, model, 2.4, times=1)
        _, first, notes = await post(rig, COUNT_TOKENS, body)
        assert notes == "count=estimate"
        for _ in range(40):
            status, answer, _ = await post(rig, MESSAGES, body)
            assert status == 200, answer
        _, later, _ = await post(rig, COUNT_TOKENS, body)
        usage = answer["usage"]
        truth = usage["input_tokens"] + usage.get("cache_read_input_tokens", 0)
    assert abs(later["input_tokens"] - truth) < 0.1 * truth
    assert abs(first["input_tokens"] - truth) > 1.0 * truth
    assert rig.provider.lessons.ratio(Model(model)).calibrated


async def test_pass_through_teaches_nothing() -> None:
    async with running_rig() as rig:
        text = "Some words of a conversation. " * 200
        status, answer, _ = await post(rig, "/v1/chat/completions", asking("gpt-4.1", text))
        assert status == 200, answer
        assert rig.provider.lessons.ratio(Model("gpt-4.1")).seen == 0


# ------------------------------------------------------------------------------------ too long


def long_text(tokens: float) -> str:
    return "long words " * int(tokens * 4 / 11)


WAYS = [("/v1/messages", CHAT), ("/v1/chat/completions", CHAT)]


@pytest.mark.parametrize(("path", "endpoint"), WAYS, ids=["translated", "same"])
async def test_what_is_far_too_long_is_not_sent(path: str, endpoint: str) -> None:
    async with running_rig() as rig:
        body = asking("gpt-4o", long_text(64_000 * 1.6), max_tokens=50)
        status, answer, _ = await post(rig, path, body)
        assert status == 400, answer
        if path == "/v1/messages":
            assert answer["error"]["type"] == "invalid_request_error"
            assert answer["error"]["message"].startswith("prompt is too long: ")
            assert answer["error"]["message"].endswith(" tokens > 64000 maximum")
        else:
            assert answer["error"]["code"] == "context_length_exceeded"
        assert not rig.fake.ledger.to(endpoint)


@pytest.mark.parametrize(("path", "endpoint"), WAYS, ids=["translated", "same"])
async def test_what_may_be_too_long_is_left_to_copilot_until_the_estimate_is_proven(
    path: str, endpoint: str
) -> None:
    async with running_rig() as rig:
        body = asking("gpt-4o", long_text(64_000 * 1.2), max_tokens=50)
        status, answer, _ = await post(rig, path, body)
        assert status == 400, answer
        assert len(rig.fake.ledger.to(endpoint)) == 1
        taught(rig, "gpt-4o", 1.0)
        status, answer, _ = await post(rig, path, body)
        assert status == 400, answer
        assert len(rig.fake.ledger.to(endpoint)) == 1


@pytest.mark.parametrize(("path", "endpoint"), WAYS, ids=["translated", "same"])
async def test_what_fits_is_sent_although_the_estimate_is_a_little_over(
    path: str, endpoint: str
) -> None:
    async with running_rig(Scenario()) as rig:
        taught(rig, "gpt-4o", 1.04)
        body = asking("gpt-4o", long_text(64_000 * 0.99), max_tokens=50)
        status, answer, _ = await post(rig, path, body)
        assert status == 200, answer
        assert len(rig.fake.ledger.to(endpoint)) == 1


async def test_a_large_picture_is_not_a_long_text() -> None:
    """The body is larger than any prompt, and yet nothing is wrong with it."""
    data = PIXEL + "A" * 4 * 120_000
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    async with running_rig() as rig:
        taught(rig, "gpt-4o", 1.0)
        body = asking("gpt-4o", "")
        body["messages"][0]["content"] = [part, {"type": "text", "text": "look"}]
        await post(rig, "/v1/chat/completions", body)
        assert len(rig.fake.ledger.to(CHAT)) == 1
