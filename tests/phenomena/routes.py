"""All nine ways through the proxy, as raw requests, for troubles that an SDK would hide."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

MODELS = {
    "/chat/completions": "gpt-4.1",
    "/responses": "gpt-5.3-codex",
    "/v1/messages": "claude-sonnet-5",
}


@dataclass(frozen=True)
class Way:
    """A client path over one of Copilot's endpoints."""

    path: str
    endpoint: str

    @property
    def model(self) -> str:
        return MODELS[self.endpoint]

    @property
    def same(self) -> bool:
        """The client's own format goes upstream."""
        return self.path.removeprefix("/v1") == self.endpoint.removeprefix("/v1")

    def body(self, text: str = "hello", *, stream: bool = True, **more: Any) -> dict[str, Any]:
        common = {"model": self.model, "stream": stream, **more}
        match self.path:
            case "/v1/responses":
                return {"input": text, **common}
            case "/v1/messages":
                messages = [{"role": "user", "content": text}]
                return {"messages": messages, "max_tokens": 4000, **common}
        return {"messages": [{"role": "user", "content": text}], **common}

    def error_in(self, payload: str) -> dict[str, Any]:
        """The error that this dialect's client finds in a stream or body."""
        found = json.loads(payload)
        if found.get("type") == "response.failed":
            return dict(found["response"]["error"])
        assert isinstance(found.get("error"), dict), f"no error where one was expected: {found}"
        return dict(found["error"])


WAYS = [
    Way(path, endpoint)
    for path in ("/v1/chat/completions", "/v1/responses", "/v1/messages")
    for endpoint in MODELS
]
WAY_NAMES = [f"{way.path[4:]}-over{way.endpoint}".replace("/", "_") for way in WAYS]
each_way = pytest.mark.parametrize("way", WAYS, ids=WAY_NAMES)


async def read_events(response: aiohttp.ClientResponse) -> list[str]:
    """The data of every event until the body ends."""
    text = (await response.read()).decode()
    lines = text.replace("\r\n", "\n").split("\n")
    return [line.removeprefix("data:").strip() for line in lines if line.startswith("data:")]
