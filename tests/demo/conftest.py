"""A bare HTTP client for the fake: what is asserted here is the wire itself."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import aiohttp
import pytest

from copilot_desktop.demo import FakeUpstream, Scenario

APP = "Iv1.b507a08c87ecfe98"
GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class Answer:
    """A whole answer, and the ways to read it."""

    def __init__(self, status: int, headers: Any, raw: bytes) -> None:
        self.status, self.headers, self.raw = status, headers, raw

    @property
    def text(self) -> str:
        return self.raw.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def error(self) -> Any:
        return self.json["error"]

    @property
    def events(self) -> list[Any]:
        """The data of every event: JSON values, and "[DONE]"."""
        data = [
            line[6:]
            for block in self.text.split("\n\n")
            for line in block.split("\n")
            if line.startswith("data: ")
        ]
        return [text if text == "[DONE]" else json.loads(text) for text in data]


class Caller:
    """Somebody signed in to the fake, with every header a good client sends."""

    app, grant = APP, GRANT

    def __init__(self, fake: FakeUpstream, http: aiohttp.ClientSession) -> None:
        self.fake, self.http = fake, http
        self.headers = {
            "Authorization": "",
            "Editor-Version": "vscode/1.116.0",
            "X-GitHub-Api-Version": "2025-10-01",
            "X-Initiator": "user",
        }

    async def send(self, method: str, path: str, **given: Any) -> Answer:
        async with self.http.request(method, self.fake.url + path, **given) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def github(self, path: str, token: str | None = None, scheme: str = "token") -> Answer:
        token = self.fake.github_token if token is None else token
        return await self.send("GET", path, headers={"Authorization": f"{scheme} {token}"})

    async def exchange(self) -> Any:
        """A fresh Copilot token, used from now on."""
        body = (await self.github("/copilot_internal/v2/token")).json
        self.headers["Authorization"] = f"Bearer {body['token']}"
        return body

    async def start(self, **headers: str) -> Any:
        """A device code."""
        headers = {"Accept": "application/json", **headers}
        fields = {"client_id": APP, "scope": "read:user"}
        return (await self.send("POST", "/login/device/code", json=fields, headers=headers)).json

    async def poll(self, device_code: str) -> Any:
        fields = {"client_id": APP, "device_code": device_code, "grant_type": GRANT}
        headers = {"Accept": "application/json"}
        answer = await self.send("POST", "/login/oauth/access_token", json=fields, headers=headers)
        assert answer.status == 200, "GitHub answers the states of a sign-in with 200"
        return answer.json

    async def post(self, path: str, body: Any, **headers: str) -> Answer:
        headers = {**self.headers, "Content-Type": "application/json", **headers}
        raw = io.BytesIO(json.dumps(body).encode())
        return await self.send("POST", path, data=raw, headers=headers)

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.send("GET", path, headers={**self.headers, **headers})

    async def chat(self, text: Any = "Hello", *, model: str = "gpt-4.1", **more: Any) -> Answer:
        messages = text if isinstance(text, list) else [{"role": "user", "content": text}]
        headers = more.pop("headers", {})
        body = {"model": model, "messages": messages, **more}
        return await self.post("/chat/completions", body, **headers)

    async def responses(
        self, text: Any = "Hello", /, *, model: str = "gpt-5.4", **more: Any
    ) -> Answer:
        headers = more.pop("headers", {})
        return await self.post("/responses", {"model": model, "input": text, **more}, **headers)

    async def messages(
        self, text: Any = "Hello", *, model: str = "claude-sonnet-4.6", **more: Any
    ) -> Answer:
        messages = text if isinstance(text, list) else [{"role": "user", "content": text}]
        headers = more.pop("headers", {})
        body = {"model": model, "messages": messages, "max_tokens": 4096, **more}
        return await self.post("/v1/messages", body, **headers)


Calling = Callable[..., AbstractAsyncContextManager[Caller]]


@asynccontextmanager
async def _calling(scenario: Scenario | None = None, **more: Any) -> AsyncIterator[Caller]:
    timeout = aiohttp.ClientTimeout(total=20)
    async with (
        FakeUpstream(scenario, **more) as fake,
        aiohttp.ClientSession(timeout=timeout) as http,
    ):
        yield Caller(fake, http)


@pytest.fixture
def calling() -> Calling:
    """`async with calling(scenario) as caller`: not signed in to Copilot yet."""
    return _calling


@pytest.fixture
async def caller(calling: Calling) -> AsyncIterator[Caller]:
    """Signed in to Copilot as a Pro account."""
    async with calling() as found:
        await found.exchange()
        yield found
