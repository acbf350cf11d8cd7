"""The device flow of the fake, against `upstream.md` 1."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs

import aiohttp
import pytest

from copilot_desktop.demo import SCENARIOS, Scenario


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_code_is_approved_after_a_while(calling):
    clock = Clock()
    async with calling(Scenario(), clock=clock) as caller:
        code = await caller.start()
        assert set(code) == {
            "device_code", "user_code", "verification_uri", "expires_in", "interval",
        }  # fmt: skip
        assert (code["expires_in"], code["interval"]) == (900, 5)
        assert len(code["device_code"]) == 40
        assert (await caller.poll(code["device_code"]))["error"] == "authorization_pending"
        clock.now += 6
        answer = await caller.poll(code["device_code"])
        assert answer["token_type"] == "bearer"
        assert answer["access_token"].startswith("ghu_")
        assert (await caller.github("/user", answer["access_token"])).json["login"] == "octo-user"
        clock.now += 6
        assert (await caller.poll(code["device_code"]))["error"] == "incorrect_device_code"


async def test_polling_too_fast_slows_down_for_good(calling):
    clock = Clock()
    async with calling(Scenario(approval="manual"), clock=clock) as caller:
        device = (await caller.start())["device_code"]
        await caller.poll(device)
        clock.now += 2
        slowed = await caller.poll(device)
        assert (slowed["error"], slowed["interval"]) == ("slow_down", 10)
        clock.now += 6
        assert (await caller.poll(device))["interval"] == 15
        clock.now += 15
        assert (await caller.poll(device))["error"] == "authorization_pending"


async def test_a_script_of_polls_is_followed(calling):
    clock = Clock()
    async with calling(SCENARIOS["slow_down"], clock=clock) as caller:
        device = (await caller.start())["device_code"]
        seen = []
        for _ in range(3):
            clock.now += 20
            answer = await caller.poll(device)
            seen.append(answer.get("error") or "token" * ("access_token" in answer))
        assert seen == ["authorization_pending", "slow_down", "token"]


@pytest.mark.parametrize(
    ("decision", "error"),
    [("deny", "access_denied"), ("expire", "expired_token")],
)
async def test_a_person_decides_by_hand(calling, decision, error):
    async with calling(Scenario(approval="manual", interval=0)) as caller:
        code = await caller.start()
        assert (await caller.poll(code["device_code"]))["error"] == "authorization_pending"
        assert getattr(caller.fake, decision)(code["user_code"])
        assert (await caller.poll(code["device_code"]))["error"] == error


async def test_a_code_expires_by_itself(calling):
    clock = Clock()
    async with calling(Scenario(approval="manual"), clock=clock) as caller:
        device = (await caller.start())["device_code"]
        clock.now += 901
        assert (await caller.poll(device))["error"] == "expired_token"


async def test_the_page_for_people_approves(calling):
    async with calling(Scenario(approval="manual", interval=0)) as caller:
        code = await caller.start()
        page = await caller.send("GET", "/login/device")
        assert code["user_code"] in page.text
        form = {"user_code": code["user_code"].lower(), "verdict": "approve"}
        assert "Approved" in (await caller.send("POST", "/login/device", data=form)).text
        assert "access_token" in await caller.poll(code["device_code"])


async def test_forms_are_understood_and_spoken_without_an_accept_header(calling):
    async with calling(Scenario(approve_after=0)) as caller:
        headers = {"Accept": "*/*"}
        answer = await caller.send(
            "POST", "/login/device/code", data={"client_id": caller.app}, headers=headers
        )
        assert answer.headers["content-type"].startswith("application/x-www-form-urlencoded")
        code = {name: found[0] for name, found in parse_qs(answer.text).items()}
        fields = {
            "client_id": caller.app,
            "device_code": code["device_code"],
            "grant_type": caller.grant,
        }
        answer = await caller.send(
            "POST", "/login/oauth/access_token", data=fields, headers=headers
        )
        assert parse_qs(answer.text)["access_token"]


async def test_strangers_and_wrong_grants_are_refused(calling):
    async with calling() as caller:
        headers = {"Accept": "application/json"}
        answer = await caller.send(
            "POST", "/login/device/code", json={"client_id": "nobody"}, headers=headers
        )
        assert (answer.status, answer.json) == (404, {"error": "Not Found"})
        device = (await caller.start())["device_code"]
        for fields, error in (
            ({"grant_type": "password"}, "unsupported_grant_type"),
            ({"client_id": "nobody"}, "incorrect_client_credentials"),
            ({"device_code": "wrong"}, "incorrect_device_code"),
        ):
            good = {"client_id": caller.app, "device_code": device, "grant_type": caller.grant}
            answer = await caller.send(
                "POST", "/login/oauth/access_token", json={**good, **fields}, headers=headers
            )
            assert answer.json["error"] == error


async def test_a_poll_can_meet_a_broken_network(calling):
    async with calling(Scenario(polls=("drop", "outage", "broken"), interval=0)) as caller:
        device = (await caller.start())["device_code"]
        with pytest.raises(aiohttp.ClientConnectionError):
            await caller.poll(device)
        fields = {"client_id": caller.app, "device_code": device, "grant_type": caller.grant}
        outage = await caller.send("POST", "/login/oauth/access_token", json=fields)
        assert outage.status == 502
        assert await caller.poll(device) == {}


async def test_two_servers_stand_side_by_side(calling):
    async with calling() as one, calling() as two:
        assert one.fake.url != two.fake.url
        await asyncio.gather(one.start(), two.start())
        assert len(one.fake.ledger) == len(two.fake.ledger) == 1
