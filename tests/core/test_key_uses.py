"""The daily budget of a key: shown, warned about or stopping, and of this key alone."""

from __future__ import annotations

from pathlib import Path

import anthropic
import openai
import pytest
from core_rig import CoreRig, running_core

from copilot_desktop.core.key_uses import OVER, KeyUses
from copilot_desktop.core.keys import KeyRing
from copilot_desktop.core.ledger import Ledger, Use
from copilot_desktop.days import day_of
from copilot_desktop.errors import KeyBudgetSpent
from copilot_desktop.proxy.exchange import Exchange
from copilot_desktop.proxy.keys import DailyBudget, KeyLimits

NOW = 1_790_000_000.0
HELLO = [{"role": "user", "content": "hello"}]
MODEL = "claude-sonnet-4.5"


def budget(*, stops: bool) -> dict[str, object]:
    return {"budget": {"unit": "credits", "amount": 0.000001, "stops": stops}}


async def ask(rig: CoreRig, key: str) -> None:
    url = f"http://127.0.0.1:{rig.core.store.state.proxy.port}/v1"
    async with openai.AsyncOpenAI(base_url=url, api_key=key, max_retries=0) as client:
        await client.chat.completions.create(model=MODEL, messages=HELLO)


async def ready(rig: CoreRig) -> None:
    await rig.until(lambda state: state.proxy.phase == "running" and state.quota.meters)


async def test_a_spent_budget_stops_its_own_key_only_and_is_told_in_both_formats(
    tmp_path: Path,
) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        await ready(rig)
        one, other = [
            (await rig.do("make_key", name=name, limits=budget(stops=True)))["key"]
            for name in ("codex", "zed")
        ]
        await ask(rig, one)
        with pytest.raises(openai.APIStatusError, match="budget of the key codex") as refused:
            await ask(rig, one)
        assert refused.value.status_code == 402
        url = f"http://127.0.0.1:{rig.core.store.state.proxy.port}"
        async with anthropic.AsyncAnthropic(base_url=url, api_key=one, max_retries=0) as client:
            with pytest.raises(anthropic.APIStatusError, match="budget of the key codex"):
                await client.messages.create(model=MODEL, max_tokens=9, messages=HELLO)
        await ask(rig, other)
        await ask(rig, "anything")
        assert [each.held for each in reversed(rig.core.traffic.recent)] == [
            "", "budget", "budget", "", "",
        ]  # fmt: skip
        await rig.until(lambda state: [each.level for each in state.keys] == ["spent", "spent"])
        shown = rig.snapshot()["proxy"]["keys"][0]
        assert shown["today"]["requests"] == 1
        assert shown["today"]["credits"] > 0
        assert shown["last_day"] == day_of(rig.core.books.now())
        found = await rig.do("usage_history", days=1, by="client")
        assert {row["name"] for row in found["rows"]} == {"codex", "zed", "OpenAI SDK"}


async def test_a_budget_that_warns_lets_requests_go_on_and_says_so(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        await ready(rig)
        key = (await rig.do("make_key", name="codex", limits=budget(stops=False)))["key"]
        for _ in range(2):
            await ask(rig, key)
        last, first = rig.core.traffic.recent
        assert (OVER in first.notes, OVER in last.notes) == (False, True)


def test_the_day_of_the_clock_counts_and_what_is_free_goes_on(tmp_path: Path) -> None:
    ring, ledger, now = KeyRing(tmp_path), Ledger(None, wall=lambda: NOW), [NOW]
    uses = KeyUses(ring, ledger, lambda: now[0])
    ring.make("codex", KeyLimits(budget=DailyBudget("requests", 2, stops=True)))
    ring.make("free")
    for day, client, premium in (
        (day_of(NOW - 86_400), "codex", 50.0),
        (day_of(NOW), "Codex", 50.0),  # came without the key
        (day_of(NOW), "codex", 1.9),
    ):
        ledger.add(Use(day, "", client, "m", requests=1, premium=premium))
    exchange = Exchange(1, "codex", "", key="codex")
    uses.afford(exchange, multiplier=1.0, by_agent=False)
    assert [each.level for each in uses.standings()] == ["low", ""]
    ledger.add(Use(day_of(NOW), "", "codex", "m", premium=0.1))
    with pytest.raises(KeyBudgetSpent, match=r"2 premium requests a day"):
        uses.afford(exchange, multiplier=1.0, by_agent=False)
    uses.afford(exchange, multiplier=0.0, by_agent=False)
    uses.afford(exchange, multiplier=1.0, by_agent=True)
    uses.afford(Exchange(1, "free", "", key="free"), multiplier=1.0, by_agent=False)
    uses.afford(Exchange(1, "codex", ""), multiplier=1.0, by_agent=False)
