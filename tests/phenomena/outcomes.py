"""What a client of any dialect makes of an answer: whole, or told what went wrong, never neither.

Five client dialects over three endpoints, streamed and not: thirty ways to ask. The readers of
`golden/streams/told.py` judge what comes; they know none of our code.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import aiohttp
from phenomena.routes import MODELS

from tests.golden.streams import told

TEXT = "Grüße aus Köln 🙂 日本語 done"  # characters of two, three and four bytes
PATHS = {
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
    "completions": "/v1/completions",
    "ollama": "/api/chat",
}


@dataclass(frozen=True)
class Ask:
    """One way to ask: a client dialect over one of Copilot's endpoints."""

    dialect: str
    endpoint: str
    stream: bool

    def __str__(self) -> str:
        return f"{self.dialect} over {self.endpoint}, {'stream' if self.stream else 'whole'}"

    @property
    def path(self) -> str:
        return PATHS[self.dialect]

    def body(self, text: str = f"demo: say {TEXT}") -> dict[str, Any]:
        said = [{"role": "user", "content": text}]
        own: dict[str, Any] = {
            "chat": {"messages": said},
            "responses": {"input": text},
            "messages": {"messages": said, "max_tokens": 4000},
            "completions": {"prompt": text},
            "ollama": {"messages": said},
        }[self.dialect]
        return {"model": MODELS[self.endpoint], "stream": self.stream, **own}


ASKS = [
    Ask(dialect, endpoint, stream)
    for dialect in PATHS
    for endpoint in MODELS
    for stream in (True, False)
]


@dataclass(frozen=True)
class Outcome:
    """`status` of HTTP; `text` that was read; `says` is the error's sentence, None without one."""

    status: int
    text: str
    says: str | None

    @property
    def whole(self) -> bool:
        return self.says is None


def read(ask: Ask, status: int, raw: bytes) -> Outcome:
    """Judge an answer. Fails for one that is neither whole nor an error of its dialect."""
    if status != 200:
        return Outcome(status, "", _refusal(ask, raw))
    if not ask.stream:
        text = _whole_text(ask, json.loads(raw))
        return Outcome(200, text, None)
    if ask.dialect == "completions":
        return _completions(raw)
    found = told.STREAMED[ask.dialect](raw)
    assert (found.ends is None) != (found.fails is None), f"{ask}: a silent ending"
    return Outcome(200, found.text, found.says if found.fails is not None else None)


async def asked(
    http: aiohttp.ClientSession,
    url: str,
    ask: Ask,
    seconds: float = 30.0,
    *,
    lenient: bool = False,
) -> Outcome:
    """Ask and judge, within `seconds`. `lenient`: bytes that are no UTF-8 are passed over."""
    limit = aiohttp.ClientTimeout(total=seconds)
    async with http.post(url + ask.path, json=ask.body(), timeout=limit) as response:
        raw = await response.read()
        if lenient:
            raw = raw.decode("utf-8", "replace").encode()
        assert "html" not in response.content_type
        try:
            return read(ask, response.status, raw)
        except (AssertionError, KeyError, ValueError) as wrong:
            raise AssertionError(f"{ask}: {wrong!r} in {response.status} {raw[:2000]!r}") from wrong


def _refusal(ask: Ask, raw: bytes) -> str:
    """The sentence of an error answer, in the shape of the dialect."""
    body = json.loads(raw)
    if ask.dialect == "ollama":
        assert isinstance(body["error"], str)
        return str(body["error"])
    if ask.dialect == "messages":
        assert body["type"] == "error"
    error = body["error"]
    assert error["type"]
    assert error["message"]
    return str(error["message"])


def _whole_text(ask: Ask, body: dict[str, Any]) -> str:
    if ask.dialect == "completions":
        assert body["choices"][0]["finish_reason"]
        return str(body["choices"][0]["text"])
    found = told.WHOLE[ask.dialect](body)
    assert found.ends is not None, f"{ask}: a silent ending"
    return found.text


def _completions(raw: bytes) -> Outcome:
    text, reason, says, done = "", None, None, False
    for _, line in told.events(raw):
        assert not done, "something after the end"
        if line == "[DONE]":
            done = True
            continue
        payload = json.loads(line)
        if "error" in payload:
            done, says = True, payload["error"]["message"]
            continue
        for choice in payload["choices"]:
            text += choice["text"]
            reason = choice["finish_reason"] or reason
    assert done, "neither an end nor an error"
    assert (reason is None) != (says is None), "a silent ending"
    return Outcome(200, text, says)
