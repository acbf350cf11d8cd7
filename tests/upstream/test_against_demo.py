"""Client, catalogue and quota together, against the fake GitHub and Copilot."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from copilot_desktop.demo import (
    SCENARIOS,
    Cut,
    DropConnection,
    FakeUpstream,
    HtmlIn200,
    Scenario,
    Status,
)
from copilot_desktop.errors import (
    CutShort,
    InputTooLarge,
    Problem,
    QuotaExhausted,
    RateLimited,
    UnknownModel,
    UpstreamFault,
)
from copilot_desktop.model import CHAT
from copilot_desktop.upstream.catalogue import Catalogue
from copilot_desktop.upstream.client import Call, CopilotClient
from copilot_desktop.upstream.github import GitHub
from copilot_desktop.upstream.http import open_http
from copilot_desktop.upstream.identity import Identity
from copilot_desktop.upstream.origins import Origins
from copilot_desktop.upstream.quota import Quota
from copilot_desktop.upstream.token import TokenCache

QUICK = Scenario(live_dates=False)


@dataclass
class Upstream:
    fake: FakeUpstream
    tokens: TokenCache
    client: CopilotClient
    catalogue: Catalogue
    quota: Quota
    github: GitHub

    async def ask(self, model: str, words: str = "Hello") -> bytes:
        await self.catalogue.ready(self.tokens)
        body = {"model": model, "messages": [{"role": "user", "content": words}], "stream": True}
        call = Call(CHAT, json.dumps(body).encode(), model, True, "user")
        async with self.client.converse(call, self.tokens) as reply:
            return b"".join([chunk async for chunk in reply.chunks()])


@asynccontextmanager
async def upstream(scenario: Scenario = QUICK) -> AsyncIterator[Upstream]:
    async with FakeUpstream(scenario) as fake, open_http(github_timeout=5) as http:
        identity, origins = Identity(), Origins.of(github=fake.url)
        quota = Quota()

        async def no_pause(_seconds: float) -> None:
            await asyncio.sleep(0)

        client = CopilotClient(http, identity, on_headers=quota.note_headers, sleep=no_pause)
        yield Upstream(
            fake,
            TokenCache(http, origins, identity, fake.github_token),
            client,
            Catalogue(client),
            quota,
            GitHub(http, origins, identity, timeout=5, wall=time.time),
        )


def chat_model(at: Upstream) -> str:
    return next(
        model.id
        for model in at.catalogue.models
        if model.callable and CHAT in model.endpoints and model.in_picker
    )


async def test_a_question_is_answered_and_counted() -> None:
    async with upstream() as at:
        await at.catalogue.ready(at.tokens)
        answer = await at.ask(chat_model(at))
        assert b"[DONE]" in answer
        assert at.quota.snapshot.source == "headers"
        await at.quota.refresh(lambda: at.github.account(at.fake.github_token))
        meters = {meter.id: meter for meter in at.quota.snapshot.meters}
        assert meters["premium_interactions"].kind == "metered"
        assert at.quota.snapshot.source == "account"


async def test_every_model_of_the_fake_is_read() -> None:
    async with upstream() as at:
        await at.catalogue.ready(at.tokens)
        assert {model.id for model in at.catalogue.models} == {
            entry["id"] for entry in at.fake.models
        }
        for name in ("default", "gpt-4", "claude-3-5-sonnet-latest", "opus", "claude-haiku-5-5"):
            assert at.catalogue.resolve(name).callable


async def test_an_expired_token_is_renewed_unseen() -> None:
    async with upstream() as at:
        await at.catalogue.ready(at.tokens)
        at.fake.tokens.expire()
        assert b"[DONE]" in await at.ask(chat_model(at))
        assert len(at.fake.ledger.to("/copilot_internal/v2/token")) == 2
        assert len(at.fake.ledger.to(CHAT)) == 2


async def test_a_host_of_another_plan_is_left() -> None:
    async with upstream(replace(QUICK, misdirected=1)) as at:
        await at.catalogue.ready(at.tokens)
        assert b"[DONE]" in await at.ask(chat_model(at))


async def test_a_dropped_connection_from_the_pool_is_not_noticed() -> None:
    async with upstream() as at:
        await at.catalogue.ready(at.tokens)
        at.fake.add_fault(DropConnection(CHAT))
        assert b"[DONE]" in await at.ask(chat_model(at))
        assert len(at.fake.ledger.to(CHAT)) == 2


@pytest.mark.parametrize(
    ("name", "kind", "calls"),
    [
        ("429-weekly", RateLimited, 1),
        ("402-quota-exceeded", QuotaExhausted, 1),
        ("400-prompt-too-long-capi", InputTooLarge, 1),
        ("400-model-not-supported", UnknownModel, 1),
        ("502-unicorn", UpstreamFault, 2),
        ("403-forbidden-text", Problem, 2),
    ],
)
async def test_refusals(name: str, kind: type[Problem], calls: int) -> None:
    async with upstream() as at:
        await at.catalogue.ready(at.tokens)
        at.fake.add_fault(Status.example(name, CHAT, times=-1))
        with pytest.raises(kind) as caught:
            await at.ask(chat_model(at))
        assert len(at.fake.ledger.to(CHAT)) == calls
        assert at.fake.github_token not in str(caught.value)


async def test_a_web_page_is_no_answer() -> None:
    async with upstream() as at:
        await at.catalogue.ready(at.tokens)
        at.fake.add_fault(HtmlIn200(CHAT))
        with pytest.raises(UpstreamFault):
            await at.ask(chat_model(at))


async def test_a_cut_stream() -> None:
    async with upstream() as at:
        await at.catalogue.ready(at.tokens)
        at.fake.add_fault(Cut(CHAT, inside=True))
        with pytest.raises(CutShort):
            await at.ask(chat_model(at))


@pytest.mark.parametrize("name", ["pro", "annual", "free", "business", "pooled", "exhausted"])
async def test_every_account_has_meters(name: str) -> None:
    async with upstream(SCENARIOS[name]) as at:
        await at.quota.refresh(lambda: at.github.account(at.fake.github_token))
        meters = at.quota.snapshot.meters
        assert meters
        assert all(meter.kind != "unknown" for meter in meters)
        assert any(meter.exhausted for meter in meters) is (name == "exhausted")
