"""The ways in which GitHub and Copilot say no.

Copilot's gateway sends its JSON as `text/plain`; the vendors behind it send theirs as JSON. A
checker raises `Refused`; the server turns it into the answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from copilot_desktop.demo import transcripts

_PLAIN = "text/plain; charset=utf-8"
_JSON = "application/json"


class Refused(Exception):
    """An answer that is not the wanted one. `body`: a JSON value or text."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body
        self.headers = dict(headers or {})

    def response(self, extra: Mapping[str, str]) -> web.Response:
        """The HTTP answer. Headers of the refusal win over `extra`."""
        headers = {**extra, **{name.lower(): value for name, value in self.headers.items()}}
        if isinstance(self.body, bytes):
            raw = self.body
        elif isinstance(self.body, str):
            raw = self.body.encode()
        else:
            raw = b"" if self.body is None else compact(self.body)
        kind = _PLAIN if isinstance(self.body, str | bytes) or self.body is None else _JSON
        headers.setdefault("content-type", kind)
        return web.Response(status=self.status, body=raw, headers=headers)


def compact(value: Any) -> bytes:
    """JSON with real characters (several bytes each) instead of escapes."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def example(name: str) -> Refused:
    """The refusal in `errors/<name>.exchange.json`."""
    answer = transcripts.exchange(name)
    return Refused(answer.status, answer.body, answer.headers)


def gateway(message: str, code: str = "invalid_request_body", status: int = 400) -> Refused:
    """From Copilot itself: JSON that claims to be text."""
    body = {"error": {"message": message, "code": code}}
    return Refused(status, body, {"content-type": _PLAIN})


def openai(
    message: str, *, param: str | None = None, code: str | None = None, status: int = 400
) -> Refused:
    """From an OpenAI model."""
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return Refused(status, {"error": error}, {"content-type": _JSON})


def anthropic(message: str, kind: str = "invalid_request_error", status: int = 400) -> Refused:
    """From a Claude model on `/v1/messages`."""
    error = {"type": kind, "message": message}
    body = {"type": "error", "error": error, "request_id": "req_011DEMO"}
    return Refused(status, body, {"content-type": _JSON})


def warning() -> Refused:
    """Copilot has noticed use that it does not want (`upstream.md` 11.3)."""
    message = "This client was blocked because of unusual activity."
    error = {"type": "rate_limit_error", "message": message, "code": "extension_blocked"}
    return Refused(429, {"error": error}, {"content-type": _JSON})


def rest(message: str, status: int) -> Refused:
    """From GitHub's REST interface."""
    body = {
        "message": message,
        "documentation_url": "https://docs.github.com/rest",
        "status": str(status),
    }
    return Refused(status, body, {"content-type": "application/json; charset=utf-8"})
