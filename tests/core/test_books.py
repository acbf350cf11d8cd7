"""Real requests end in the history, the budget warns and stops, and a restart forgets nothing."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from core_rig import QUICK, CoreRig, running_core

from copilot_desktop.core.books import FILE_NAME
from copilot_desktop.core.core import Core
from copilot_desktop.core.ledger import Ledger, MeterDay, Use
from copilot_desktop.core.settings import Settings
from copilot_desktop.days import day_of
from copilot_desktop.demo import SCENARIOS, FakeUpstream, Scenario, past
from copilot_desktop.demo.faults import Cut, Slow, Stall, Status
from copilot_desktop.demo.scenario import Person
from copilot_desktop.errors import BudgetSpent
from copilot_desktop.proxy.exchange import Exchange
from copilot_desktop.system.fake import FakeSystem

CLAUDE = "claude-sonnet-4.5"


async def ask(rig: CoreRig, model: str = "claude-sonnet-4.5", agent: str = "codex/1") -> int:
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
    url = f"http://127.0.0.1:{rig.core.store.state.proxy.port}/v1/chat/completions"
    async with (
        aiohttp.ClientSession() as http,
        http.post(url, json=body, headers={"User-Agent": agent}) as answer,
    ):
        await answer.read()
        return answer.status


async def post(rig: CoreRig, path: str, **body: Any) -> int:
    url = f"http://127.0.0.1:{rig.core.store.state.proxy.port}{path}"
    async with (
        aiohttp.ClientSession() as http,
        http.post(url, json={"max_tokens": 9, **body}) as answer,
    ):
        await answer.read()
        return answer.status


async def ready(rig: CoreRig) -> None:
    await rig.until(lambda state: state.proxy.phase == "running" and state.quota.meters)


async def test_requests_are_counted_with_tokens_and_credits(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        await ready(rig)
        assert [await ask(rig), await ask(rig), await ask(rig, "gpt-5-mini", "Zed/1")] == [200] * 3
        assert await ask(rig, "no-such-model") == 404
        state = await rig.until(lambda state: state.spending.news >= 4)
        assert state.spending.budget is None
        found = await rig.do("usage_history", days=30, by="client")
    assert found["unit"] == "credits"
    assert [(row["name"], row["requests"]) for row in found["rows"]] == [("Codex", 2), ("Zed", 1)]
    assert found["rows"][0]["input"] > 0
    assert found["rows"][0]["credits"] > 0
    assert found["values"][-1] == pytest.approx(found["total"]["credits"])
    assert found["total"]["requests"] == 3, "what never went out is not counted"


async def test_a_restart_forgets_neither_todays_requests_nor_that_there_was_a_first(
    tmp_path: Path,
) -> None:
    for earlier in (0, 2):
        async with running_core(tmp_path, signed_in=True) as rig:
            await ready(rig)
            await rig.until(
                lambda s, n=earlier: s.requests.today == n and s.spending.begun is bool(n)
            )
            assert [await ask(rig), await ask(rig)] == [200, 200]
            await rig.until(lambda s, n=earlier: s.spending.begun and s.requests.today == n + 2)
            told = await rig.do("usage_history", days=1)
            assert told["total"]["requests"] == rig.snapshot()["proxy"]["today"] == earlier + 2


async def test_the_allowance_of_a_clients_own_token_is_not_that_of_the_account(
    tmp_path: Path,
) -> None:
    people = (Person("octo-user", 1, "pro"), Person("octo-hana", 2, "business"))
    scenario = Scenario(people=people)
    async with running_core(tmp_path, scenario, signed_in=True, auth_mode="passthrough") as rig:
        await rig.until(lambda state: state.quota.source == "account")
        before = rig.core.quota.snapshot.meters
        url = f"http://127.0.0.1:{rig.core.store.state.proxy.port}/v1/chat/completions"
        body = {"model": CLAUDE, "messages": [{"role": "user", "content": "hello"}]}
        for token in (rig.fake.tokens.give(person=1), "sk-nobodys"):
            key = {"Authorization": f"Bearer {token}"}
            async with (
                aiohttp.ClientSession() as http,
                http.post(url, json=body, headers=key) as answer,
            ):
                assert answer.status == (401 if token == "sk-nobodys" else 200)
        await rig.until(lambda state: len(state.requests.recent) == 2)
        assert rig.core.quota.snapshot.meters == before


async def embed(rig: CoreRig, model: str) -> int:
    port = rig.core.store.state.proxy.port
    body = {"model": model, "input": ["alpha", "beta"]}
    async with (
        aiohttp.ClientSession() as http,
        http.post(
            f"http://127.0.0.1:{port}/v1/embeddings", json=body, headers={"User-Agent": "Zed/1"}
        ) as answer,
    ):
        await answer.read()
        return answer.status


async def test_embeddings_are_counted_for_their_client_and_model(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        await ready(rig)
        assert await embed(rig, "text-embedding-3-small") == 200
        assert await embed(rig, "gpt-4.1") == 400, "it makes no embeddings and went nowhere"
        await rig.until(lambda state: state.spending.news >= 1)
        found = await rig.do("usage_history", days=1, by="model")
        [row] = found["rows"]
        assert (row["name"], row["requests"]) == ("text-embedding-3-small", 1)
        assert row["input"] > 0
        assert row["output"] == 0
        await rig.until(lambda state: len(state.requests.recent) == 2)
        refused, made = rig.snapshot()["requests"]
    assert (made["client"], made["dialect"], made["outcome"]) == ("Zed", "embeddings", "ok")
    assert (made["route"], made["input_tokens"]) == ("/embeddings", row["input"])
    assert (refused["status"], refused["outcome"]) == (400, "failed")


async def test_a_restart_goes_on_where_it_ended(tmp_path: Path) -> None:
    for _ in range(2):
        async with running_core(tmp_path, signed_in=True) as rig:
            await ready(rig)
            await ask(rig)
            found = await rig.do("usage_history", days=1)
    assert found["total"]["requests"] == 2
    account = rig.core.books.account()
    again = Ledger(tmp_path / FILE_NAME)
    again.load()
    assert {row.account for row in again.uses()} == {account}
    assert [row.id for row in again.meters()] == ["premium_interactions"]


async def test_clearing_forgets_and_begins_the_budget_anew(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True, budget_credits=0.000001) as rig:
        await ready(rig)
        await ask(rig)
        await rig.until(lambda s: s.spending.budget and s.spending.budget.level == "spent")
        assert (await rig.do("clear_history"))["ok"]
        await rig.until(lambda s: s.spending.budget and s.spending.budget.used == 0)
        assert (await rig.do("usage_history"))["total"]["requests"] == 0


async def test_a_history_that_cannot_be_deleted_says_nothing_of_the_sign_in(
    tmp_path: Path,
) -> None:
    (tmp_path / FILE_NAME).mkdir()
    async with running_core(tmp_path, signed_in=True) as rig:
        await ready(rig)
        answer = await rig.do("clear_history")
    assert (answer["ok"], answer["code"]) == (False, "invalid_request")
    assert answer["message"] == "The history on the disk could not be deleted."


async def test_a_warning_lets_requests_go_on(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True, budget_credits=0.000001) as rig:
        await ready(rig)
        assert [await ask(rig), await ask(rig)] == [200, 200]
        await rig.until(lambda s: s.spending.budget and s.spending.budget.level == "spent")
        assert rig.snapshot()["banner"]["id"] == "budget_spent"


async def test_a_stop_ends_with_a_larger_budget(tmp_path: Path) -> None:
    stop = {"budget_credits": 0.000001, "budget_action": "stop", "budget_period": "day"}
    async with running_core(tmp_path, signed_in=True, **stop) as rig:
        await ready(rig)
        assert [await ask(rig), await ask(rig)] == [200, 402]
        assert (await rig.do("usage_history"))["total"]["requests"] == 1
        await rig.until(lambda s: s.requests.recent and s.requests.recent[0].held == "budget")
        assert rig.snapshot()["banner"]["id"] == "budget_stop"
        assert rig.snapshot()["headline"]["key"] == "budget"
        await rig.do("update_settings", patch={"budget_credits": 1000})
        await rig.until(lambda s: s.spending.budget and s.spending.budget.level == "ok")
        assert await ask(rig) == 200


async def test_a_stop_ends_with_the_period(tmp_path: Path) -> None:
    stop = {"budget_credits": 0.000001, "budget_action": "stop", "budget_period": "day"}
    async with running_core(tmp_path, signed_in=True, **stop) as rig:
        await ready(rig)
        assert [await ask(rig), await ask(rig)] == [200, 402]
        present = rig.core.books.present()
        assert present is not None
        rig.core.books.wall = lambda: present.resets_at + 1
        assert await ask(rig) == 200


async def test_a_budget_of_premium_requests_lets_through_what_is_included(tmp_path: Path) -> None:
    scenario = Scenario(who="annual", era="multiplier")
    stop = {"budget_requests": 1, "budget_action": "stop"}
    async with running_core(tmp_path, scenario, signed_in=True, **stop) as rig:
        await ready(rig)
        models = {model.multiplier: model.id for model in rig.core.catalogue.models}
        assert await ask(rig, models[1.0]) == 200
        assert await ask(rig, models[1.0]) == 402
        assert await ask(rig, models[0.0]) == 200


async def test_a_model_whose_tokens_cost_nothing_goes_on_under_a_spent_budget(
    tmp_path: Path,
) -> None:
    stop = {"budget_credits": 0.000001, "budget_action": "stop"}
    async with running_core(tmp_path, signed_in=True, **stop) as rig:
        await ready(rig)
        [free] = [model for model in rig.core.catalogue.models if model.id == "gpt-4.1"]
        assert free.token_prices
        assert not any(free.token_prices.values())
        assert await ask(rig) == 200
        assert [await ask(rig), await ask(rig, free.id)] == [402, 200]
        assert await embed(rig, "text-embedding-3-small") == 200


async def test_what_is_refused_here_never_went_out_and_is_not_counted(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        await ready(rig)
        assert await post(rig, "/v1/messages", model="gpt-5-mini", messages="none") == 400
        long = [{"role": "user", "content": "x" * 900_000}]
        assert await post(rig, "/v1/chat/completions", model=CLAUDE, messages=long) == 400
        await rig.until(lambda state: len(state.requests.recent) == 2)
        assert rig.core.books.ledger.uses() == ()


async def test_of_an_answer_that_is_cut_what_is_known_is_counted_in_every_format(
    tmp_path: Path,
) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        await ready(rig)
        for stream in (True, False):
            rig.fake.add_fault(Cut("/v1/messages", after_frames=3))
            await post(rig, "/v1/responses", model=CLAUDE, input="hello there", stream=stream)
        [row] = rig.core.books.ledger.uses()
        assert (row.requests, row.failed) == (2, 2)
        cut = [each.usage and each.usage.input for each in rig.core.traffic.recent]
        assert cut[0]
        assert cut == [row.input / 2] * 2


async def test_a_request_that_began_before_its_account_was_known_is_in_the_accounts_history(
    tmp_path: Path,
) -> None:
    fake = FakeUpstream(QUICK)
    fake.add_fault(Slow("/user", seconds=1.0))
    fake.add_fault(Slow("/chat/completions", seconds=3.0))
    async with running_core(tmp_path, fake=fake, signed_in=True) as rig:
        await rig.until(lambda state: state.proxy.phase == "running")
        asked = asyncio.create_task(ask(rig))
        await rig.until(lambda state: state.requests.in_flight)
        assert rig.core.books.account() == ""
        assert await asked == 200
        assert rig.core.books.account()
        assert (await rig.do("usage_history"))["total"]["requests"] == 1


async def test_a_request_that_was_refused_costs_nothing_in_the_list_either(tmp_path: Path) -> None:
    scenario = Scenario(who="annual", era="multiplier")
    async with running_core(tmp_path, scenario, signed_in=True) as rig:
        await ready(rig)
        [paid, *_] = [model.id for model in rig.core.catalogue.models if model.multiplier == 1]
        told = {"x-github-request-id": "0A:1B"}
        rig.fake.add_fault(Status("/chat/completions", status=422, body="no", headers=told))
        assert [await ask(rig, paid), await ask(rig, paid)] == [400, 200]
        await rig.until(lambda s: len(s.requests.recent) == 2 and s.requests.recent[0].settled)
        assert [row["multiplier"] for row in rig.snapshot()["requests"]] == [1.0, None]
        assert [row.premium for row in rig.core.books.ledger.uses()] == [1.0]


async def test_a_model_that_github_chose_counts_for_less(tmp_path: Path) -> None:
    scenario = Scenario(who="annual", era="multiplier", auto_models=(CLAUDE,))
    async with running_core(tmp_path, scenario, signed_in=True) as rig:
        await ready(rig)
        assert await ask(rig, "auto") == 200
        await rig.until(lambda s: s.requests.recent and s.requests.recent[0].settled)
        assert [row.premium for row in rig.core.books.ledger.uses()] == [0.9]
        assert [row["multiplier"] for row in rig.snapshot()["requests"]] == [0.9]


async def test_whoever_leaves_an_answer_has_used_a_premium_request(tmp_path: Path) -> None:
    scenario = Scenario(who="annual", era="multiplier")
    async with running_core(tmp_path, scenario, signed_in=True) as rig:
        await ready(rig)
        [paid, *_] = [model.id for model in rig.core.catalogue.models if model.multiplier == 1]
        rig.fake.add_fault(Stall("/chat/completions", after_frames=2))
        said = [{"role": "user", "content": "hello"}]
        body = {"model": paid, "messages": said, "stream": True}
        url = f"http://127.0.0.1:{rig.core.store.state.proxy.port}/v1/chat/completions"
        async with aiohttp.ClientSession() as http, http.post(url, json=body) as answer:
            await answer.content.readany()
        await rig.until(lambda s: s.requests.recent and s.requests.recent[0].settled)
        assert rig.core.traffic.recent[0].outcome == "cancelled"
        assert [row.premium for row in rig.core.books.ledger.uses()] == [1.0]


async def test_of_two_spent_limits_each_stops_what_it_costs(tmp_path: Path) -> None:
    stop = {"budget_credits": 10, "budget_requests": 10, "budget_action": "stop"}
    async with running_core(tmp_path, **stop) as rig:
        books = rig.core.books
        today = day_of(books.now())
        for agent_in, spent, code in (
            ("agent", Use(today, "", "c", "m", nano_credits=12 * 10**9, premium=15), "credits"),
            ("agent", Use(today, "", "c", "m", nano_credits=9 * 10**9, premium=15), ""),
            ("user", Use(today, "", "c", "m", nano_credits=9 * 10**9, premium=15), "requests"),
        ):
            await books.clear()
            books.ledger.add(spent)
            exchange = Exchange(1, "c", "openai-chat", model_used="m", initiator=agent_in)
            if not code:
                books.afford(exchange)
                continue
            with pytest.raises(BudgetSpent) as refused:
                books.afford(exchange)
            assert code in refused.value.fields["budget"]


async def test_the_speed_of_the_week_reaches_the_meters(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / FILE_NAME)
    async with running_core(tmp_path, signed_in=True) as rig:
        await ready(rig)
        account, now = rig.core.books.account(), rig.core.books.now()
    for ago in range(1, 10):
        day = day_of(now - ago * 86_400)
        ledger.note(MeterDay(day, account, "premium_interactions", 500.0 - ago * 7, 1500.0))
    ledger.flush()
    async with running_core(tmp_path, signed_in=True) as rig:
        state = await rig.until(lambda state: state.quota.meters and state.spending.speeds)
        assert state.spending.speeds["premium_interactions"] > 0


async def test_a_file_that_is_no_database_costs_the_history_only(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"nonsense" * 2000)
    async with running_core(tmp_path, signed_in=True) as rig:
        await ready(rig)
        assert await ask(rig) == 200
        assert (await rig.do("usage_history"))["total"]["requests"] == 1


async def test_a_slow_disk_does_not_hold_up_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    read = Ledger.load

    def slow(self: Ledger) -> None:
        gate.wait(20)
        read(self)

    monkeypatch.setattr(Ledger, "load", slow)
    async with running_core(tmp_path, signed_in=True) as rig:
        await ready(rig)
        assert await ask(rig) == 200
        asked = asyncio.ensure_future(rig.do("usage_history"))
        gate.set()
        assert (await asked)["total"]["requests"] == 1


async def test_the_end_waits_for_a_writing_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program leaves at once afterwards, and a thread with it."""
    begun, go_on = threading.Event(), threading.Event()
    opened = Ledger._open

    def slow(ledger: Ledger) -> Any:
        begun.set()
        go_on.wait(10)
        return opened(ledger)

    async with running_core(tmp_path, signed_in=True) as rig:
        await ready(rig)
        await rig.do("usage_history")
        monkeypatch.setattr(Ledger, "_open", slow)
        await ask(rig)
        books = rig.core.books
        writing = asyncio.create_task(asyncio.to_thread(books.ledger.flush))
        await asyncio.to_thread(begun.wait, 10)
        ending = asyncio.create_task(books.close())
        await asyncio.wait({ending}, timeout=0.2)
        assert not ending.done()
        go_on.set()
        await ending
        assert writing.done() or not books.ledger.writing
        again = Ledger(tmp_path / FILE_NAME)
        again.load()
        assert len(again.uses()) == 1
        await writing


@pytest.mark.parametrize("name", ["pro", "annual", "free"])
async def test_a_demo_has_a_past_and_leaves_none(tmp_path: Path, name: str) -> None:
    settings = Settings(data_dir=tmp_path, port=0, start_proxy=False)
    async with Core.running(settings, demo=name, system=FakeSystem(tmp_path)) as core:
        rig: Any = CoreRig(core, None, None)  # type: ignore[arg-type]
        await core.verbs.do("sign_in")
        await rig.until(lambda state: state.account.usable and state.quota.meters, 20)
        await rig.until(lambda state: state.spending.news > 1)
        found = await rig.do("usage_history", days=90)
        assert found["unit"] == {"pro": "credits", "annual": "premium", "free": "requests"}[name]
        assert sum(1 for value in found["values"] if value) > 40
        assert {"Claude Code", "Codex"} <= {row["name"] for row in found["rows"]}
    assert not (tmp_path / FILE_NAME).exists()


def test_every_scenario_of_the_demo_has_a_past_that_fits_the_table() -> None:
    for name in SCENARIOS:
        rows = [Use("2026-01-01", "", **row) for _, row in past(name)]
        assert bool(rows) is (name not in {"no_access", "blocked"})


async def test_a_client_with_a_name_in_latin_1_keeps_nothing_from_being_kept(
    tmp_path: Path,
) -> None:
    """As half characters its name could be written neither to the history nor to a file."""
    agent = b"M\xfcller/1".decode("utf-8", "surrogateescape")
    async with running_core(tmp_path, signed_in=True) as rig:
        await ready(rig)
        body = b'{"model":"gpt-5-mini","messages":[{"role":"user","content":"hi"}]}'
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.core.store.state.proxy.port)
        head = (
            "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"User-Agent: {agent}\r\n\r\n"
        )
        writer.write(head.encode("utf-8", "surrogateescape") + body)
        assert b"200 OK" in await reader.readline()
        await reader.read()
        writer.close()
        await rig.until(lambda state: state.spending.news >= 1)
        assert (await rig.do("export_requests"))["ok"]
    async with running_core(tmp_path, signed_in=True) as rig:
        await rig.until(lambda _: rig.core.books.ledger.loaded)
        found = await rig.do("usage_history", days=30, by="client")
        assert [row["name"] for row in found["rows"]] == ["M\ufffdller"]
