"""Accepting a model's terms: only those that were shown, and GitHub has the last word."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from copilot_desktop.demo import FakeUpstream, Scenario, Status
from copilot_desktop.errors import Blocked, InvalidRequest, UnknownModel, Unreachable
from copilot_desktop.model import Model
from copilot_desktop.provider import Provider, open_provider
from copilot_desktop.upstream.credentials import MemoryStore, StoredAccount
from copilot_desktop.upstream.origins import Origins
from copilot_desktop.upstream.policy import digest, enable

WAITING = "claude-opus-4.6"
PATH = f"/models/{WAITING}/policy"


@dataclass
class Desk:
    fake: FakeUpstream
    provider: Provider

    def model(self, name: str = WAITING) -> Model:
        return next(model for model in self.provider.catalogue.models if model.id == name)

    def entry(self, name: str = WAITING) -> dict[str, Any]:
        return next(entry for entry in self.fake.models if entry["id"] == name)

    async def enable(self, shown: str, name: str = WAITING) -> Model:
        at = self.provider
        assert at.session is not None
        return await enable(at.client, at.catalogue, at.session, name, shown)


@asynccontextmanager
async def desk(scenario: Scenario | None = None) -> AsyncIterator[Desk]:
    async with FakeUpstream(scenario) as fake:
        origins = Origins.of(github=fake.url, api=fake.url)
        store = MemoryStore()
        await store.save(StoredAccount(origins.host, "octo-demo", 1, fake.github_token))
        async with open_provider(store, origins=origins) as provider:
            await provider.models()
            yield Desk(fake, provider)


def test_a_digest_stands_for_one_model_and_one_text() -> None:
    model = Model("m", policy_terms="Terms.")
    same = replace(model, name="Other", policy="unconfigured")
    assert digest(model) == digest(same)
    assert digest(model) != digest(replace(model, id="n"))
    assert digest(model) != digest(replace(model, policy_terms="Terms. "))


async def test_what_was_shown_is_accepted() -> None:
    async with desk() as at:
        assert at.model().policy == "unconfigured"
        enabled = await at.enable(digest(at.model()))
        assert enabled.policy == at.model().policy == "enabled"
        [call] = at.fake.ledger.to(PATH)
        assert call.body == {"state": "enabled"}
        assert call.headers["OpenAI-Intent"] == "chat-policy"
        assert call.headers["X-Interaction-Type"] == "chat-policy"
        await at.enable("0" * 64)  # there is nothing left to accept
        assert len(at.fake.ledger.to(PATH)) == 1


async def test_terms_that_changed_meanwhile_are_not_accepted() -> None:
    async with desk() as at:
        shown = digest(at.model())
        entry = at.entry()
        entry["policy"] = {**entry["policy"], "terms": "You owe us a cake."}
        with pytest.raises(InvalidRequest, match="Read them again"):
            await at.enable(shown)
        assert at.fake.ledger.to(PATH) == []
        assert at.model().policy_terms == "You owe us a cake.", "what is to be read is here"


@pytest.mark.parametrize(("name", "kind"), [("gpt-5.5", Blocked), ("no-such", UnknownModel)])
async def test_what_cannot_be_enabled_is_not_asked_for(name: str, kind: type[Exception]) -> None:
    async with desk() as at:
        with pytest.raises(kind):
            await at.enable("0" * 64, name)
        assert [each for each in at.fake.ledger if each.path.endswith("/policy")] == []


async def test_an_organisations_refusal_is_told_in_its_words() -> None:
    async with desk(Scenario(who="business")) as at:
        with pytest.raises(Blocked) as caught:
            await at.enable(digest(at.model()))
        assert f"Your organisation or your plan decides about {WAITING}." in str(caught.value)
        assert "requires an enterprise or organization policy" in str(caught.value)
        assert at.model().policy == "unconfigured"


async def test_a_list_that_lags_behind_is_looked_at_twice_and_told() -> None:
    async with desk() as at:
        shown = digest(at.model())
        at.fake.add_fault(Status(PATH, status=200, body={}))  # taken, but not to be seen yet
        before = len(at.fake.ledger.to("/models"))
        assert (await at.enable(shown)).policy == "unconfigured"
        assert len(at.fake.ledger.to("/models")) == before + 1 + 2
        assert len(at.fake.ledger.to(PATH)) == 1


async def test_without_a_network_nothing_is_accepted() -> None:
    async with desk() as at:
        shown = digest(at.model())
        await at.fake.stop()
        with pytest.raises(Unreachable):
            await at.enable(shown)
