"""Signing in by code: as patient as GitHub asks for, and deaf to nonsense."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from copilot_desktop.errors import (
    Impostor,
    Problem,
    RateLimited,
    SignInCodeExpired,
    SignInDenied,
    SignInFailed,
    Unreachable,
)
from copilot_desktop.upstream.device_flow import DeviceFlow, SignIn
from tests.upstream.github_rig import (
    APPROVED,
    DEVICE_CODE,
    GITHUB_TOKEN,
    PENDING,
    POLL,
    START,
    Said,
    Stage,
    stage,
)


def flow_of(on: Stage, shown: list[SignIn] | None = None) -> DeviceFlow:
    return DeviceFlow(
        on.http,
        on.origins,
        on.identity,
        timeout=5.0,
        clock=on.time.clock,
        wall=on.time.wall,
        sleep=on.time.sleep,
        show=(shown if shown is not None else []).append,
    )


def gaps(on: Stage, started: float) -> list[float]:
    times = [started, *on.rig.asked_at(POLL)]
    return [after - before for before, after in itertools.pairwise(times)]


async def test_start_shows_code_and_address() -> None:
    async with stage() as on:
        shown: list[SignIn] = []
        sign_in = await flow_of(on, shown).start()
        assert [one.state for one in shown] == ["requesting", "waiting"]
        assert sign_in.user_code == "7QF2-K9XD"
        assert sign_in.uri == f"{on.rig.url}/login/device"
        assert sign_in.expires_at == on.time.clock() + 899
        assert sign_in.next_poll_at == on.time.clock() + 6
        (asked,) = on.rig.asked
        assert asked.body == {"client_id": on.identity.client_id, "scope": "read:user"}
        assert asked.headers["Accept"] == "application/json"
        assert DEVICE_CODE not in repr(shown)


async def test_polls_a_second_slower_than_allowed_until_approved() -> None:
    async with stage() as on:
        flow = flow_of(on)
        await flow.start()
        started = on.time.clock()
        on.rig.script(POLL, PENDING, PENDING, APPROVED)
        assert await flow.token() == GITHUB_TOKEN
        assert gaps(on, started) == [6, 6, 6]
        assert on.rig.asked[-1].body["device_code"] == DEVICE_CODE


async def test_slow_down_is_for_good() -> None:
    async with stage() as on:
        shown: list[SignIn] = []
        flow = flow_of(on, shown)
        await flow.start()
        started = on.time.clock()
        named, unnamed = {"error": "slow_down", "interval": 12}, {"error": "slow_down"}
        on.rig.script(POLL, PENDING, named, PENDING, unnamed, PENDING, APPROVED)
        await flow.token()
        assert gaps(on, started) == [6, 6, 13, 13, 18, 18]
        states = [one.state for one in shown][2:]
        assert states == ["waiting", "slowed", "waiting", "slowed", "waiting"]


@pytest.mark.parametrize("interval", [0, -3, "x", None, True])
async def test_an_interval_that_is_none_means_five(interval: Any) -> None:
    async with stage() as on:
        on.rig.script(START, on.rig.device_code(interval=interval))
        sign_in = await flow_of(on).start()
        waits = (sign_in.next_poll_at or 0) - on.time.clock()
        assert waits == 6


@pytest.mark.parametrize(
    "trouble",
    [Said(drop=True), Said("<html>unicorn", 502), Said({"message": "x"}, 500), Said("", 429)],
)
async def test_trouble_on_the_way_never_ends_the_wait(trouble: Said) -> None:
    async with stage() as on:
        shown: list[SignIn] = []
        flow = flow_of(on, shown)
        await flow.start()
        on.rig.script(POLL, PENDING, trouble, trouble, PENDING, APPROVED)
        assert await flow.token() == GITHUB_TOKEN
        states = [one.state for one in shown][2:]
        assert states == ["waiting", "unreachable", "unreachable", "waiting"]


async def test_retry_after_is_respected() -> None:
    async with stage() as on:
        flow = flow_of(on)
        await flow.start()
        started = on.time.clock()
        on.rig.script(POLL, Said("", 429, {"Retry-After": "40"}), APPROVED)
        await flow.token()
        assert gaps(on, started) == [6, 40]


async def test_errors_with_another_status_are_read_all_the_same() -> None:
    async with stage() as on:
        flow = flow_of(on)
        await flow.start()
        on.rig.script(POLL, Said(PENDING, 400), Said({"error": "access_denied"}, 400))
        with pytest.raises(SignInDenied):
            await flow.token()


async def test_the_code_dies_by_the_monotonic_clock() -> None:
    async with stage() as on:
        on.rig.script(START, on.rig.device_code(expires_in=30))
        flow = flow_of(on)
        await flow.start()
        began = on.time.clock()
        on.time.epoch += 10_000  # a wall clock set forward changes nothing
        on.rig.script(POLL, PENDING)
        with pytest.raises(SignInCodeExpired):
            await flow.token()
        assert on.time.clock() == began + 30
        assert on.rig.count(POLL) == 4


async def test_being_slowed_down_until_the_end_hints_at_the_clock() -> None:
    async with stage() as on:
        flow = flow_of(on)
        await flow.start()
        on.rig.script(POLL, {"error": "slow_down"})
        with pytest.raises(SignInCodeExpired, match="clock"):
            await flow.token()


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ({"error": "access_denied"}, SignInDenied, "refused"),
        ({"error": "expired_token"}, SignInCodeExpired, "expired"),
        ({"error": "incorrect_device_code"}, SignInFailed, "did not recognise"),
        ({"error": "device_flow_disabled"}, SignInFailed, "does not allow"),
        ({"error": "new", "error_description": "Something new."}, SignInFailed, "Something new"),
        ({}, SignInFailed, "could not be understood"),
        ("access_token=ghu_x", SignInFailed, "could not be understood"),
        ({"access_token": "not a token\n"}, SignInFailed, "cannot be used"),
    ],
)
async def test_the_ends_of_the_wait(answer: Any, kind: type[Problem], words: str) -> None:
    async with stage() as on:
        flow = flow_of(on)
        await flow.start()
        on.rig.script(POLL, answer)
        with pytest.raises(kind, match=words):
            await flow.token()
        assert on.rig.count(POLL) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"verification_uri": "https://evil.example/login/device"},
        {"verification_uri": "https://github.com.evil.example/login/device"},
        {"user_code": "<script>"},
        {"user_code": "lower-case"},
        {"user_code": "TOO-LONG-FOR-A-CODE-AT-ALL"},
        {"user_code": 12345678},
        {"device_code": ""},
        {"expires_in": "soon"},
        {"expires_in": 0},
    ],
)
async def test_an_answer_that_looks_wrong_is_never_shown(changes: dict[str, Any]) -> None:
    async with stage() as on:
        shown: list[SignIn] = []
        on.rig.script(START, on.rig.device_code(**changes))
        with pytest.raises(SignInFailed):
            await flow_of(on, shown).start()
        assert all(not one.user_code and not one.uri for one in shown)


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (Said({"error": "Not Found"}, 404), SignInFailed, "does not know this app"),
        (Said({"error": "device_flow_disabled"}, 400), SignInFailed, "does not allow"),
        (Said("<html>", 200), Impostor, "did not answer like GitHub"),
        (Said("x", 500), SignInFailed, "status 500"),
        (Said("<html>Blocked", 403), Unreachable, "proxy or firewall on the way"),
        (Said("<html>Not found", 404), Unreachable, "proxy or firewall on the way"),
        (Said("", 429, {"Retry-After": "30"}), RateLimited, "30 seconds"),
        (Said(drop=True), Unreachable, "could not be reached"),
    ],
)
async def test_why_there_is_no_code(said: Said, kind: type[Problem], words: str) -> None:
    async with stage() as on:
        on.rig.script(START, said)
        with pytest.raises(kind, match=words):
            await flow_of(on).start()
