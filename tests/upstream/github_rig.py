"""A GitHub of scripted answers, and a time that passes only when somebody sleeps."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from copilot_desktop.upstream.http import open_http
from copilot_desktop.upstream.identity import Identity
from copilot_desktop.upstream.origins import Origins

GITHUB_TOKEN = "ghu_EXAMPLEonlyNotARealToken000000000000"
DEVICE_CODE = "708c6f4ed51e33a72cddcea17fa78fe43fd6bf2b"
START, POLL = "/login/device/code", "/login/oauth/access_token"
EXCHANGE, ACCOUNT, PERSON = "/copilot_internal/v2/token", "/copilot_internal/user", "/user"
PENDING = {"error": "authorization_pending"}
APPROVED = {"access_token": GITHUB_TOKEN, "token_type": "bearer", "scope": ""}
NOT_SIGNED_UP = {
    "can_signup_for_limited": True,
    "error_details": {
        "message": "No access to GitHub Copilot found. You are currently logged in as octo-user.",
        "notification_id": "not_signed_up",
        "title": "Signup for GitHub Copilot",
        "url": "https://github.com/github-copilot/signup?editor={EDITOR}",
    },
    "message": "Resource not accessible by integration",
    "reason": "not_signed_up",
}
BAD_CREDENTIALS = {"message": "Bad credentials", "status": "401"}


class Time:
    """`sleep` lets time pass at once; `suspend` is a closed lid: only the wall clock goes on."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.epoch = 1_787_400_000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.epoch

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.pass_(seconds)
        await asyncio.sleep(0)

    def pass_(self, seconds: float) -> None:
        self.now += seconds
        self.epoch += seconds

    def suspend(self, seconds: float) -> None:
        self.epoch += seconds


@dataclass
class Said:
    """One scripted answer. `drop`: the connection is cut instead; `gate`: it waits for that."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False
    gate: asyncio.Event | None = None


@dataclass
class Asked:
    path: str
    headers: Mapping[str, str]
    body: Any
    at: float


class GitHubRig:
    """Answers per path in order; the last one is repeated. `tokens` counts exchanges."""

    def __init__(self, time: Time) -> None:
        self.time = time
        self.url = ""
        self.asked: list[Asked] = []
        self.scripts: dict[str, list[Said]] = defaultdict(list)
        self.tokens = 0
        self.refresh_in: Any = 1500
        self.expires_at: Any = None
        self.endpoints: Any = "own"
        self.extra: dict[str, Any] = {}
        self._arrival = asyncio.Event()

    def script(self, path: str, *answers: Any, status: int = 200) -> None:
        self.scripts[path] = [
            one if isinstance(one, Said) else Said(one, status) for one in answers
        ]

    def asked_at(self, path: str) -> list[float]:
        return [one.at for one in self.asked if one.path == path]

    def count(self, path: str) -> int:
        return len(self.asked_at(path))

    async def reached(self, path: str) -> None:
        """Wait until `path` was asked."""
        async with asyncio.timeout(5):
            while not self.count(path):
                self._arrival.clear()
                await self._arrival.wait()

    def device_code(self, **changes: Any) -> dict[str, Any]:
        return {
            "device_code": DEVICE_CODE,
            "user_code": "7QF2-K9XD",
            "verification_uri": f"{self.url}/login/device",
            "expires_in": 899,
            "interval": 5,
        } | changes

    def copilot_token(self, number: int | None = None) -> str:
        return f"tid=abc;exp=1787401800;sku=x;n={number or self.tokens}:0123456789abcdef"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        text = await request.text()
        body = json.loads(text) if text else None
        self.asked.append(Asked(request.path, request.headers.copy(), body, self.time.clock()))
        self._arrival.set()
        script = self.scripts[request.path]
        said = (script.pop(0) if len(script) > 1 else script[0]) if script else None
        if said is None:
            said = self._usual(request.path)
        if said.gate is not None:
            await said.gate.wait()
        if said.drop:
            assert request.transport is not None
            request.transport.abort()
        if isinstance(said.body, str):
            return web.Response(status=said.status, text=said.body, headers=said.headers)
        return web.json_response(said.body, status=said.status, headers=said.headers)

    def _usual(self, path: str) -> Said:
        match path:
            case "/login/device/code":
                return Said(self.device_code())
            case "/login/oauth/access_token":
                return Said(APPROVED)
            case "/copilot_internal/v2/token":
                self.tokens += 1
                return Said(self._token())
            case "/copilot_internal/user":
                return Said(
                    {
                        "login": "octo-user",
                        "copilot_plan": "individual_pro",
                        "access_type_sku": "monthly_subscriber_quota",
                        "endpoints": {"api": self.url},
                    }
                )
            case "/user":
                return Said({"login": "octo-user", "id": 1234567})
        return Said({"message": "Not Found"}, 404)

    def _token(self) -> dict[str, Any]:
        answer = {
            "token": self.copilot_token(),
            "expires_at": self.expires_at or int(self.time.wall()) + 1800,
            "refresh_in": self.refresh_in,
            "sku": "monthly_subscriber_quota",
        }
        if self.endpoints:
            api = self.url if self.endpoints == "own" else self.endpoints
            answer["endpoints"] = {"api": api}
        return answer | self.extra


@dataclass
class Stage:
    """Everything a test of the sign-in stands on."""

    rig: GitHubRig
    time: Time
    http: aiohttp.ClientSession
    origins: Origins
    identity: Identity = field(default_factory=Identity)


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    time = Time()
    rig = GitHubRig(time)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", rig.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    rig.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with open_http(github_timeout=10) as http:
            yield Stage(rig, time, http, Origins.of(github=rig.url, api=rig.url))
    finally:
        await runner.cleanup()
