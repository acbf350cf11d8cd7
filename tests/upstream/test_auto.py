"""Auto mode: one session for as long as it lives, whoever asks, and what goes wrong with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from copilot_desktop.errors import (
    AutoChoiceOver,
    NotSignedIn,
    RateLimited,
    UnknownModel,
    UpstreamFault,
)
from copilot_desktop.model import Model
from copilot_desktop.upstream.auto import SESSION_HEADER, AutoMode, by_auto
from copilot_desktop.upstream.client import Call, CopilotClient
from copilot_desktop.upstream.http import open_http
from copilot_desktop.upstream.identity import Identity
from tests.upstream.rig import Connection, Step, Tokens, answer, serving

MODELS = {
    "a": Model("a", request_headers={"x-own": "1"}),
    "b": Model("b"),
    "blocked": Model("blocked", policy="disabled"),
    "vectors": Model("vectors", kind="embeddings"),
}
NOW = 1_700_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def client() -> AsyncIterator[CopilotClient]:
    session = open_http(github_timeout=5)
    yield CopilotClient(session, Identity())
    await session.close()


def session(token: str = "secret-1", selected: str = "a", **more: object) -> Step:
    body = {"available_models": ["a", "b"], "selected_model": selected, "session_token": token}
    return answer(200, {**body, **more})


def auto(client: CopilotClient, clock: Clock | None = None) -> AutoMode:
    return AutoMode(client, clock=clock or Clock(), wall=lambda: NOW)


async def test_the_chosen_model_brings_the_header_that_lets_it_be_called(
    client: CopilotClient,
) -> None:
    async with serving(session()) as rig:
        model = await auto(client).choose(Tokens(rig.url), MODELS)
    assert (model.id, by_auto(model), by_auto(MODELS["a"])) == ("a", True, False)
    assert model.request_headers == {"x-own": "1", SESSION_HEADER: "secret-1"}
    [seen] = rig.seen
    assert (seen.method, seen.path) == ("POST", "/models/session")
    assert seen.body == b'{"auto_mode":{"model_hints":["auto"]}}'
    assert seen.headers["x-github-api-version"] >= "2025-07-16"


@pytest.mark.parametrize(
    ("discounts", "counts"),
    [
        ({"a": 0.1}, 0.9),
        ({"a": "0.25"}, 0.75),
        ({"b": 0.1}, 1.0),
        ({"a": 10}, 1.0),
        ({"a": -0.5}, 1.0),
        ({"a": None}, 1.0),
        ([0.1], 1.0),
        (None, 1.0),
    ],
)
async def test_a_choice_counts_for_as_much_less_as_github_says(
    client: CopilotClient, discounts: object, counts: float
) -> None:
    models = {**MODELS, "a": replace(MODELS["a"], multiplier=1.0)}
    async with serving(session(discounted_costs=discounts)) as rig:
        model = await auto(client).choose(Tokens(rig.url), models)
    assert model.multiplier == counts
    assert models["a"].multiplier == 1.0


async def test_a_direct_bearer_names_the_version_too(client: CopilotClient) -> None:
    async with serving(session()) as rig:
        await auto(client).choose(Tokens(rig.url, direct=True), MODELS)
    assert rig.seen[0].headers["x-github-api-version"] >= "2025-07-16"


async def test_the_token_is_in_no_repr(client: CopilotClient) -> None:
    async with serving(session()) as rig:
        mode, tokens = auto(client), Tokens(rig.url)
        model = await mode.choose(tokens, MODELS)
    call = Call("/x", b"", "a", True, "user", extra_headers=model.request_headers)
    kept = mode._kept[tokens]
    assert "secret" not in f"{model!r} {call!r} {kept.session!r}"


async def test_many_callers_are_one_question(client: CopilotClient) -> None:
    async with serving(session()) as rig:
        mode, tokens = auto(client), Tokens(rig.url)
        await asyncio.gather(*(mode.choose(tokens, MODELS) for _ in range(5)))
        await mode.choose(tokens, MODELS)
        assert len(rig.seen) == 1
        await mode.choose(Tokens(rig.url), MODELS)  # another account
        assert len(rig.seen) == 2


@pytest.mark.parametrize(
    ("told", "kept", "over"),
    [
        ({"expires_at": NOW + 3600}, 3539, 3541),
        ({"expires_at": NOW + 40}, 19, 21),
        ({}, 1739, 1741),
        ({"expires_at": NOW - 5}, 1739, 1741),  # a clock is wrong: Copilot will tell
        ({"expires_at": NOW * 1000}, 1739, 1741),
        ({"expires_at": "soon"}, 1739, 1741),
    ],
)
async def test_a_session_is_used_until_shortly_before_its_end(
    client: CopilotClient, told: dict[str, object], kept: float, over: float
) -> None:
    clock = Clock()
    async with serving(session(**told), session("secret-2", "b")) as rig:
        mode, tokens = auto(client, clock), Tokens(rig.url)
        await mode.choose(tokens, MODELS)
        clock.now += kept
        assert (await mode.choose(tokens, MODELS)).id == "a"
        clock.now += over - kept
        assert (await mode.choose(tokens, MODELS)).id == "b"
        assert len(rig.seen) == 2


async def test_a_refused_choice_is_made_again_once_for_all(client: CopilotClient) -> None:
    async with serving(session(), session("secret-2", "b"), session("secret-3")) as rig:
        mode, tokens = auto(client), Tokens(rig.url)
        first = await mode.choose(tokens, MODELS)
        again = [await mode.choose(tokens, MODELS, stale=first) for _ in range(3)]
        assert {model.request_headers[SESSION_HEADER] for model in again} == {"secret-2"}
        assert len(rig.seen) == 2


@pytest.mark.parametrize("selected", ["gone", "blocked", "vectors"])
async def test_a_choice_that_cannot_be_called_gives_way_to_the_next(
    client: CopilotClient, selected: str
) -> None:
    async with serving(session(selected=selected, available_models=[selected, "b"])) as rig:
        assert (await auto(client).choose(Tokens(rig.url), MODELS)).id == "b"


async def test_choices_that_are_not_in_the_list_are_named(client: CopilotClient) -> None:
    async with serving(session(selected="gone", available_models=["gone"])) as rig:
        with pytest.raises(UnknownModel, match=r"Model auto is not available.*gone"):
            await auto(client).choose(Tokens(rig.url), MODELS)


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_where_github_offers_none_it_is_not_asked_with_every_request(
    client: CopilotClient, status: int
) -> None:
    clock = Clock()
    refusal = answer(status, {"error": {"message": "not for this plan", "code": "x"}})
    async with serving(refusal, refusal, session()) as rig:
        mode, tokens = auto(client, clock), Tokens(rig.url)
        for _ in range(3):
            with pytest.raises(UnknownModel) as caught:
                await mode.choose(tokens, MODELS)
        assert "Name one instead" in str(caught.value)
        assert "not for this plan" in str(caught.value)
        assert len(rig.seen) == 1
        clock.now += 31
        with pytest.raises(UnknownModel):
            await mode.choose(tokens, MODELS)
        clock.now += 31
        assert (await mode.choose(tokens, MODELS)).id == "a"


async def test_trouble_on_the_way_is_told_as_it_is(client: CopilotClient) -> None:
    limited = answer(429, {"error": {"message": "slow", "code": "rate_limited"}})
    for step, kind in (
        (limited, RateLimited),
        (answer(200, {"session_token": 5}), UpstreamFault),
        (answer(200, []), UpstreamFault),
        (session("a\nb"), UpstreamFault),
    ):
        async with serving(step, session()) as rig:
            mode, tokens = auto(client), Tokens(rig.url)
            with pytest.raises(kind):
                await mode.choose(tokens, MODELS)
            assert (await mode.choose(tokens, MODELS)).id == "a"


async def test_what_is_forgotten_is_asked_for_again(client: CopilotClient) -> None:
    async with serving(session(), session("secret-2", "b")) as rig:
        mode, tokens = auto(client), Tokens(rig.url)
        await mode.choose(tokens, MODELS)
        mode.clear()
        assert (await mode.choose(tokens, MODELS)).id == "b"


async def test_signing_out_ends_a_question_under_way(client: CopilotClient) -> None:
    async def waits(connection: Connection) -> None:
        await connection.closed_by_client()

    async with serving(waits) as rig:
        mode = auto(client)
        asking = asyncio.create_task(mode.choose(Tokens(rig.url), MODELS))
        await rig.until(1)
        mode.clear()
        with pytest.raises(NotSignedIn):
            await asking


async def test_the_selector_of_another_account_is_no_matter_of_the_bearer(
    client: CopilotClient,
) -> None:
    refusal = answer(401, {"error": {"message": "Invalid auto-mode selector", "code": "x"}})
    async with serving(refusal) as rig:
        tokens = Tokens(rig.url)
        with pytest.raises(AutoChoiceOver):
            async with client.converse(Call("/x", b"{}", "a", True, "user"), tokens):
                pass
        assert tokens.stale == [None], "the bearer was not renewed"
        assert len(rig.seen) == 1
