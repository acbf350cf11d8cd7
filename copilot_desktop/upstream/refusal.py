"""What an answer that is not a success says, read out of whatever body came with it.

GitHub and Copilot put errors into five shapes, some as JSON under `text/plain`, some as plain text,
some as an HTML page, and proxies on the way wrap them once more (`upstream.md` §11.1). This module
finds code, message and the times to wait; what they mean is decided in `failures`.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

_LONGEST_WAIT = 10 * 365 * 86_400.0  # seconds; keeps a nonsense header within the calendar
_EPOCH = re.compile(r"[0-9]{1,12}")
_DEPTH = 4  # how often an error may be wrapped into another one


@dataclass(frozen=True, slots=True)
class Refusal:
    """`code` is the part before the first `:` (`user_global_rate_limited:pro`); `kind` is the
    Anthropic `type`; `message` is never HTML; `details` is the whole JSON object, if any."""

    status: int
    headers: Mapping[str, str]
    code: str = ""
    kind: str = ""
    message: str = ""
    html: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """Code, type and message in lower case, to look for phrases in."""
        return f"{self.code} {self.kind} {self.message}".lower()

    @property
    def request_id(self) -> str | None:
        """The id that GitHub's support asks for."""
        return self.headers.get("x-github-request-id") or self.headers.get("x-request-id")

    @property
    def by_middlebox(self) -> bool:
        """A firewall or proxy on the way answered a 4xx: GitHub always adds its request id.

        A body that says an error in JSON is believed to come from the far end all the same.
        """
        ours = "x-github-request-id" in self.headers or bool(self.details)
        return 400 <= self.status < 500 and not ours

    def wait(self, *, now: float | None = None) -> float | None:
        """Seconds to wait, from any of the headers that may say so; None if none does."""
        now = time.time() if now is None else now
        for name in ("retry-after", "x-ratelimit-user-retry-after"):
            if (seconds := seconds_of(self.headers.get(name, ""), now=now)) is not None:
                return seconds
        reset = self.headers.get("x-ratelimit-reset", "")
        if self.headers.get("x-ratelimit-remaining") == "0" and _EPOCH.fullmatch(reset):
            return min(max(0.0, int(reset) - now), _LONGEST_WAIT)
        return None


def read_refusal(status: int, headers: Mapping[str, str], body: bytes) -> Refusal:
    """Find code and message; any bytes are possible, none are an error."""
    lower = {name.lower(): value for name, value in headers.items()}
    text = body.decode("utf-8", "replace").strip().removeprefix("\ufeff")
    if text.startswith("<"):
        return Refusal(status, lower, html=True)
    found = _parsed(text)
    if found is None:
        return Refusal(status, lower, message=" ".join(text.split()))
    code, kind, message = _unwrap(found, _DEPTH)
    if message.lstrip().startswith("<"):
        message = ""
    said = " ".join(message.split())
    return Refusal(status, lower, code.partition(":")[0], kind, said, details=found)


def seconds_of(value: str, *, now: float) -> float | None:
    """`Retry-After`: seconds, or an HTTP date counted from the wall clock `now`."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return min(max(0.0, moment.timestamp() - now), _LONGEST_WAIT)
        except (ValueError, OverflowError):
            return None
    return min(seconds, _LONGEST_WAIT) if seconds >= 0 else None


def spoken_date(epoch: float, *, now: float) -> str:
    """`2026-09-01`, with the time if it is within the next day. UTC, as GitHub counts."""
    moment = datetime.fromtimestamp(epoch, UTC)
    return moment.strftime("%Y-%m-%d %H:%M UTC" if epoch - now < 86_400 else "%Y-%m-%d")


def _parsed(text: str) -> dict[str, Any] | None:
    """The JSON object in `text`: alone, quoted as a JSON string, in a list, or after a prefix."""
    for start in (0, text.find("{")):
        if start < 0:
            continue
        try:
            value = json.loads(text[start:])
            if isinstance(value, str):
                value = json.loads(value)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, dict):
            return value
    return None


def _unwrap(found: Mapping[str, Any], depth: int) -> tuple[str, str, str]:
    """Code, type and message of an error object, the innermost one that says something."""
    error = found.get("error")
    inner = error if isinstance(error, dict) else found
    code, kind = _word(inner.get("code")), _word(inner.get("type"))
    message = _word(inner.get("message"))
    if isinstance(error, str):
        described = _word(found.get("error_description")) or message
        code, message = (code or error, described) if described else (code, error)
    if not message:
        message = _word(inner.get("detail")) or _word(inner.get("error_description"))
    if depth > 0 and "{" in message and (deeper := _parsed(message)) is not None:
        below = _unwrap(deeper, depth - 1)
        if below[2] or below[0]:
            return below[0] or code, below[1] or kind, below[2]
    return code, kind, message


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""
