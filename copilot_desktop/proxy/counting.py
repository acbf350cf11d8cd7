"""How many tokens a request has: Copilot's own count where there is one, else an estimate.

Agents ask before they send, to know when to shorten a conversation; a count that is far too low
makes them run into the limit. Copilot counts for models of `/v1/messages`, and gets the body that
the conversation itself would have. For all others, and when counting fails, the conversation is
weighed by its length, times the ratio that was learned for the model; the answer then says that it
is an estimate (`translation.md` §12.5). Where Copilot does not let this account count, wants to be
left alone or does not answer, it is not asked again for a while, since nobody would be told to
wait; while sending is stopped nothing is asked at all.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from weakref import WeakKeyDictionary

from aiohttp import web

from copilot_desktop.dialects import Json, UpstreamDialect
from copilot_desktop.dialects.registry import UPSTREAM
from copilot_desktop.errors import (
    InvalidRequest,
    Problem,
    UnknownModel,
    Unreachable,
    UpstreamTimeout,
)
from copilot_desktop.model import AUTO, MESSAGES, RESPONSES, Model
from copilot_desktop.preparation import prepared
from copilot_desktop.preparation.weighing import weigh, weighed
from copilot_desktop.proxy.answers import json_answer
from copilot_desktop.proxy.beside import beside
from copilot_desktop.proxy.exchange import Exchange
from copilot_desktop.proxy.keys import Caller
from copilot_desktop.proxy.relay import Relay
from copilot_desktop.upstream.quirks import Quirks
from copilot_desktop.upstream.token import Authority

COUNT_TOKENS = "/v1/messages/count_tokens"
AT_ONCE = 2
KEPT = 256
KEPT_SECONDS = 600.0
CLOSED_SECONDS = 600.0  # without asking, after a 403 or 404, and at most
REST_SECONDS = 30.0  # the same after a limit that names no wait, or no answer in time
_TIMEOUT = 15.0  # seconds
_NOT_COUNTED = ("stream", "max_tokens", "metadata", "temperature", "top_p", "top_k")


class Counts:
    """Counts by the digest of what was counted. `clock` is monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[int, float]] = OrderedDict()

    def get(self, key: bytes) -> int | None:
        count, until = self._known.get(key, (0, 0.0))
        return count if until > self._clock() else None

    def put(self, key: bytes, count: int) -> None:
        self._known[key] = (count, self._clock() + KEPT_SECONDS)
        self._known.move_to_end(key)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)


class Counting:
    """Answers both vendors' question. Problems are raised; the app renders them."""

    def __init__(self, relay: Relay, clock: Callable[[], float] = time.monotonic) -> None:
        self._relay = relay
        self._clock = clock
        self._counts = Counts(clock)
        # Until when Copilot counts nothing, by account and model.
        self._closed: WeakKeyDictionary[Authority, dict[str, float]] = WeakKeyDictionary()
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def for_anthropic(self, request: web.Request) -> web.Response:
        """`{"input_tokens": n}`."""
        _, body = await self._relay.read_json(request)
        authority = self._relay.authority(request)
        dialect = _dialect(MESSAGES)
        model = await self.model(request, dialect.peek(body).model, authority)
        if MESSAGES in model.endpoints:
            try:
                count = await self._counted(request, body, model, authority)
            except Problem as problem:
                if problem.requires_reauth:
                    raise
                until = self._clock() + _rest(problem)
                closed = self._closed.setdefault(authority, {})
                closed[model.id] = max(until, closed.get(model.id, 0.0))
            else:
                if count is not None:
                    return json_answer({"input_tokens": count})
        asked = partial(self._estimate, {"max_tokens": 1, **body}, model, dialect)
        count = await beside(request.content.total_bytes, asked, slow=True)
        return json_answer({"input_tokens": count}, headers=_ESTIMATED)

    async def for_openai(self, request: web.Request) -> web.Response:
        """The same question of the Responses API. Copilot counts for Messages only."""
        _, body = await self._relay.read_json(request)
        dialect = _dialect(RESPONSES)
        authority = self._relay.authority(request)
        model = await self.model(request, dialect.peek(body).model, authority)
        asked = partial(self._estimate, {"input": [], **body}, model, dialect)
        count = await beside(request.content.total_bytes, asked, slow=True)
        answer = {"object": "response.input_tokens", "input_tokens": count}
        return json_answer(answer, headers=_ESTIMATED)

    async def model(self, request: web.Request, name: str, authority: Authority) -> Model:
        """As `Relay.find`, for whoever may use it; while sending is stopped only by the list that
        is known. Raises what stops it for a model that is not in there."""
        caller = self._relay.caller(request)
        model = await self._found(name, authority, caller)
        caller.permit(model)
        return model

    async def _found(self, name: str, authority: Authority, caller: Caller) -> Model:
        try:
            self._relay.brakes.check(unlisted(caller))
        except Problem as stopped:
            config, provider = self._relay.config, self._relay.provider
            try:
                model = provider.catalogue.of(authority).resolve(
                    name, aliases=config.aliases, default=config.default_model
                )
            except UnknownModel:
                raise stopped from None
            if model.id == AUTO:  # GitHub would have to choose
                raise
            return provider.lessons.corrected(model)
        return await self._relay.find(name, authority)

    async def _counted(
        self, request: web.Request, body: Json, model: Model, authority: Authority
    ) -> int | None:
        """Copilot's count; None if it makes no sense or there is none to be had. Raises Problem."""
        quirks = self._relay.provider.quirks(MESSAGES, authority)
        asked = partial(_question, request, body, model, quirks)
        payload, betas, key = await beside(request.content.total_bytes, asked)
        if (known := self._counts.get(key)) is not None:
            return known
        if self._is_closed(model, authority):
            return None
        headers = dict(model.request_headers)
        if betas:
            headers["anthropic-beta"] = ",".join(betas)
        if _dialect(MESSAGES).peek(body).has_image:
            headers["Copilot-Vision-Request"] = "true"
        caller = self._relay.caller(request)
        async with self._turns, self._relay.brakes.admit(unlisted(caller, model.id), light=True):
            if self._is_closed(model, authority):  # by whoever was first
                return None
            counted = await self._relay.provider.client.request_json(
                "POST",
                COUNT_TOKENS,
                authority,
                json=payload,
                intent="conversation-agent",
                extra_headers=headers,
                timeout=_TIMEOUT,
            )
        count = counted.get("input_tokens") if isinstance(counted, dict) else None
        if not isinstance(count, int) or isinstance(count, bool):
            return None
        self._counts.put(key, max(1, count))
        return max(1, count)

    def _is_closed(self, model: Model, authority: Authority) -> bool:
        return self._closed.get(authority, {}).get(model.id, 0.0) > self._clock()

    def _estimate(self, body: Json, model: Model, dialect: UpstreamDialect) -> int:
        """Of what would be sent, as far as it can be prepared. Raises InvalidRequest."""
        provider, request = self._relay.provider, dialect.parse_request(body)
        with suppress(InvalidRequest):  # the conversation itself will be refused with the reason
            request = prepared(request, model, provider.route(model, dialect).endpoint)
        return weighed(weigh(request, model), provider.lessons.ratio(model).value)


def _question(
    request: web.Request, body: Json, model: Model, quirks: Quirks
) -> tuple[Json, tuple[str, ...], bytes]:
    """What Copilot is asked to count, with its betas, and what it is known by."""
    given = ",".join(request.headers.getall("anthropic-beta", ())).replace(" ", "").split(",")
    whole = {**body, "model": model.id}
    fixed = quirks.fix_request(whole, model, tuple(beta for beta in given if beta))
    payload = {k: v for k, v in (fixed.body or whole).items() if k not in _NOT_COUNTED}
    key = hashlib.sha256(json.dumps([payload, fixed.betas]).encode()).digest()
    return payload, fixed.betas, key


def _rest(problem: Problem) -> float:
    """Seconds for which it is in vain to ask again, or too early, or a long wait for nothing."""
    match problem.upstream_status:
        case 403 | 404:
            return CLOSED_SECONDS
        case 429:
            return min(problem.retry_after or REST_SECONDS, CLOSED_SECONDS)
    return REST_SECONDS if isinstance(problem, UpstreamTimeout | Unreachable) else 0.0


_ESTIMATED = {"x-copilot-desktop-notes": "count=estimate"}


def unlisted(caller: Caller, model: str = "") -> Exchange:
    """A request that is not in the list of conversations, for the brakes. An agent's: editors make
    them of themselves, many at a time."""
    key = caller.key.name if caller.key else ""
    return Exchange(0, caller.name, "", model_used=model, initiator="agent", key=key)


def _dialect(endpoint: str) -> UpstreamDialect:
    return next(dialect for dialect in UPSTREAM if dialect.endpoint == endpoint)
