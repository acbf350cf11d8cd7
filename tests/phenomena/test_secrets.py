"""Planted secrets are looked for in everything that leaves the process."""

from __future__ import annotations

import io
import json
import logging
from typing import Self

import pytest
from aiohttp import web
from phenomena.routes import WAYS, Way
from proxy.raw import request, send
from proxy.scripted import post, scripted_rig
from rig import Rig, running_rig

from copilot_desktop.core.snapshot import snapshot
from copilot_desktop.core.state import Requests, State
from copilot_desktop.demo import ErrorInStream, Scenario, Status
from copilot_desktop.proxy.config import ProxyConfig
from copilot_desktop.redaction import RedactingFormatter

KEY = "cd-" + "canarykey" * 5
PLANTED = "ghu_canary0123456789abcdefghijklmnopqrstuv"
JSON = ("Content-Type", "application/json")


async def no_pause(_seconds: float) -> None:
    """Whatever spares GitHub in life would only take time here."""


class Everything:
    """All that a person or another program can see: answers, log lines, the list of requests."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._log = io.StringIO()
        self._output = logging.StreamHandler(self._log)
        self._output.setFormatter(RedactingFormatter("%(levelname)s %(name)s: %(message)s"))

    def __enter__(self) -> Self:
        root = logging.getLogger()
        self._before = root.level
        root.setLevel(logging.DEBUG)
        root.addHandler(self._output)
        return self

    def __exit__(self, *_: object) -> None:
        root = logging.getLogger()
        root.setLevel(self._before)
        root.removeHandler(self._output)

    async def ask(self, rig: Rig, way: Way, body: object, **headers: str) -> int:
        status, answer, told = await post(rig, way.path, body, headers=headers)
        self.parts += [answer.decode("utf-8", "replace"), str(list(told.items()))]
        return status

    def watch(self, rig: Rig) -> None:
        self.parts += [repr(rig.traffic.recent), repr(rig.controller.state)]
        session = rig.provider.session
        state = State(
            account=session.account,
            sign_in=session.sign_in,
            proxy=rig.controller.state,
            requests=Requests(rig.traffic.recent),
        )
        self.parts += [json.dumps(snapshot(state))]
        self.parts += [repr(session.account), repr(session.sign_in), repr(rig.relay.config)]
        self.parts += [repr(rig.provider.catalogue.problem), repr(session.account.problem)]

    def assert_free_of(self, *secrets: str) -> None:
        text = "\n".join([*self.parts, self._log.getvalue()])
        assert "copilot_desktop" in text, "nothing was logged, so nothing was tested"
        for secret in secrets:
            assert secret
            assert secret not in text, text[max(0, text.find(secret) - 300) :][:500]


def secrets_of(rig: Rig) -> list[str]:
    tokens = rig.fake.tokens
    return [*tokens._github, *tokens._copilot, KEY]


async def test_good_days_and_bad_days_show_no_token():
    with Everything() as seen:
        async with running_rig(config=ProxyConfig(key=KEY, key_required=True)) as rig:
            own = {"Authorization": f"Bearer {KEY}"}
            rig.provider.client._sleep = no_pause
            for way in WAYS:
                assert await seen.ask(rig, way, way.body(), **own) == 200
                if way.same:
                    rig.fake.tokens.expire()
                assert await seen.ask(rig, way, way.body(), **own) == 200
                for name in ("403-policy", "429-weekly", "502-unicorn"):
                    rig.fake.add_fault(Status.example(name, way.endpoint))
                    await seen.ask(rig, way, way.body(stream=False), **own)
                rig.fake.add_fault(ErrorInStream(way.endpoint, after_frames=2))
                await seen.ask(rig, way, way.body(), **own)
                await seen.ask(rig, way, way.body(), **{"x-api-key": KEY[:-1] + "x"})
            seen.watch(rig)
            secrets = secrets_of(rig)
        assert len(secrets) == 1 + 4 + 1, "a GitHub token, four Copilot tokens, the key"
        seen.assert_free_of(*secrets)


async def test_a_dying_sign_in_shows_no_token():
    with Everything() as seen:
        async with running_rig() as rig:
            way = WAYS[0]
            await seen.ask(rig, way, way.body())
            secrets = secrets_of(rig)
            rig.fake.tokens.revoke()
            rig.fake.tokens.expire()
            assert await seen.ask(rig, way, way.body()) == 401
            seen.watch(rig)
        seen.assert_free_of(*secrets)


async def test_a_sign_in_shows_no_device_code_and_no_token():
    scenario = Scenario(approve_after=0, interval=0, enforce_interval=False)

    with Everything() as seen:
        async with running_rig(scenario, signed_in=False) as rig:
            rig.provider.session._sleep = no_pause
            await rig.provider.session.start()
            seen.watch(rig)
            await rig.provider.session.poll()
            await seen.ask(rig, WAYS[0], WAYS[0].body())
            seen.watch(rig)
            codes = list(rig.fake._github._codes)
            secrets = secrets_of(rig)
        assert codes
        seen.assert_free_of(*codes, *secrets)


ECHOES = [
    {"error": {"message": f"bad credentials: {PLANTED}", "code": "x"}},
    {"error": {"message": f"Bearer {PLANTED} is wrong", "code": f"{PLANTED}"}},
    {"message": f'{{"error":{{"message":"token {PLANTED}"}}}}'},
    f"unauthorized: tid=canary;exp=1;sku=x {PLANTED}",
]


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 503])
async def test_a_secret_that_upstream_repeats_goes_no_further(status):
    with Everything() as seen:
        async with running_rig() as rig:
            for way in WAYS:
                for body in ECHOES:
                    headers = {"retry-after": "30", "content-type": "application/json"}
                    fault = Status(way.endpoint, status=status, body=body, headers=headers)
                    rig.fake.add_fault(fault)
                    code = await seen.ask(rig, way, way.body())
                    assert code >= 400
                rig.fake.clear_faults()
            seen.watch(rig)
        seen.assert_free_of(PLANTED, "tid=canary")


async def test_a_secret_in_an_error_event_goes_no_further():
    with Everything() as seen:
        async with running_rig() as rig:
            for way in WAYS:
                message = f"Bearer {PLANTED} tid=canary;exp=1"
                fault = ErrorInStream(way.endpoint, after_frames=3, message=message)
                rig.fake.add_fault(fault)
                await seen.ask(rig, way, way.body())
            seen.watch(rig)
        seen.assert_free_of(PLANTED, "tid=canary")


async def test_a_secret_in_a_whole_answer_that_is_an_error_goes_no_further():
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"error": {"message": f"token {PLANTED}"}})

    with Everything() as seen:
        async with scripted_rig(answer) as (rig, _):
            for way in WAYS:
                for stream in (True, False):
                    assert await seen.ask(rig, way, way.body(stream=stream)) == 502
            seen.watch(rig)
        seen.assert_free_of(PLANTED)


async def test_what_a_client_writes_forges_no_line_of_the_log():
    with Everything() as seen:
        async with running_rig() as rig:
            evil = "x\r\nINFO forged: line\x1b[2J\u2028INFO forged: line"
            way = WAYS[0]
            await seen.ask(rig, way, {**way.body(), "model": evil})
            await seen.ask(rig, way, {**way.body(), "model": PLANTED})
            await send(rig.port, request("POST", "/v1/%0d%0aINFO%20forged:%20line", JSON))
        log = seen._log.getvalue()
    assert not [line for line in log.splitlines() if line.startswith("INFO forged")]
    assert "\x1b" not in log


async def test_prompts_and_answers_are_not_logged():
    with Everything() as seen:
        async with running_rig() as rig:
            for way in WAYS:
                await seen.ask(rig, way, way.body("canary-prompt"))
                rig.fake.add_fault(Status.example("429-model", way.endpoint))
                await seen.ask(rig, way, way.body("canary-prompt"))
        log = seen._log.getvalue()
    assert log
    assert "canary-prompt" not in log
