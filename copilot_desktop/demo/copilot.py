"""The Copilot API: models, conversations, token counting, embeddings (`upstream.md` 5 to 9).

Each call passes the gate (headers, model, endpoint, size), then the rules of its endpoint, then the
scripted trouble, and only then the voice speaks.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from copilot_desktop.demo import (
    auto,
    gate,
    opaque,
    reading,
    rules_chat,
    rules_messages,
    rules_responses,
    transcripts,
    whims,
)
from copilot_desktop.demo.ask import Ask, weigh
from copilot_desktop.demo.catalogue import CHAT, MESSAGES, RESPONSES, Facts
from copilot_desktop.demo.faults import FAULTS, Status
from copilot_desktop.demo.refusals import Refused, compact, example, gateway, warning
from copilot_desktop.demo.sending import Sender, one
from copilot_desktop.demo.sockets import Sockets
from copilot_desktop.demo.voice import perform
from copilot_desktop.demo.wire import Frames, Reply
from copilot_desktop.demo.wire_chat import Chat
from copilot_desktop.demo.wire_messages import Messages
from copilot_desktop.demo.wire_responses import Responses
from copilot_desktop.demo.world import World

_EXAMPLE = re.compile(r"\bexample-([0-9]{2}|4[0-9]{2}[a-z0-9-]*|5[0-9]{2}[a-z0-9-]*)\b")
_CACHED_FROM = 3  # turns; shorter conversations have nothing in the cache
_DIMENSIONS = 1536
_EMBEDDING_TOKENS = 8191


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is peculiar to one of the three conversation endpoints."""

    path: str
    check: Callable[[Mapping[str, Any], Facts, Mapping[str, str], World], None]
    pictures: Callable[[Mapping[str, Any]], list[Mapping[str, Any]]]
    read: Callable[[Mapping[str, Any], Facts], Ask]
    whole: Callable[[Reply, dict[str, Any]], dict[str, Any]]
    stream: Callable[[Reply, dict[str, Any]], Frames]


def _endpoints() -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            CHAT,
            rules_chat.check,
            rules_chat.pictures,
            reading.chat,
            lambda reply, body: Chat(reply).whole(),
            lambda reply, body: Chat(reply).stream(),
        ),
        Endpoint(
            RESPONSES,
            rules_responses.check,
            rules_responses.pictures,
            reading.responses,
            lambda reply, body: Responses(reply, body).whole(),
            lambda reply, body: Responses(reply, body).stream(),
        ),
        Endpoint(
            MESSAGES,
            rules_messages.check,
            rules_messages.pictures,
            reading.messages,
            lambda reply, body: Messages(reply).whole(),
            lambda reply, body: Messages(reply).stream(),
        ),
    )


class Copilot:
    """Routes of the Copilot API."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        found = [
            web.get("/models", self._models, allow_head=False),
            web.get("/v1/models", self._models, allow_head=False),
            web.post("/models/session", self._session),
            web.post("/models/session/intent", self._intent),
            web.post("/models/{id}/policy", self._policy),
            web.post("/v1/messages/count_tokens", self._count),
            web.post("/embeddings", self._embed),
            web.get(RESPONSES, self._sockets().serve, allow_head=False),
        ]
        for endpoint in _endpoints():
            found.append(web.post(endpoint.path, self._conversation(endpoint)))
            if endpoint.path == RESPONSES:
                found.append(web.post("/v1/responses", self._conversation(endpoint)))
        return found

    def _sockets(self) -> Sockets:
        endpoint = next(one for one in _endpoints() if one.path == RESPONSES)
        return Sockets(
            self._world,
            lambda body, facts, request: self._understand(endpoint, body, facts, request),
            self._trouble,
            self._reply,
        )

    def headers(self, request: web.Request) -> dict[str, str]:
        """What every answer of this host carries."""
        label = self._world.label()
        return {
            "content-security-policy": "default-src 'none'; sandbox",
            "x-content-type-options": "nosniff",
            "x-github-backend": "Kubernetes",
            "x-request-id": request.headers.get("X-Request-Id") or opaque.uuid4(label),
            "x-copilot-service-request-id": opaque.uuid4(label + "service"),
            **self._world.github_headers(),
            **self._world.account_for(request).headers(),
        }

    def _answer(self, request: web.Request, value: Any, **more: str) -> web.Response:
        headers = {**self.headers(request), "content-type": "application/json", **more}
        return web.Response(body=compact(value), headers=headers)

    # Models.

    async def _models(self, request: web.Request) -> web.Response:
        gate.admit(self._world, request)
        return self._answer(request, {"data": self._world.models, "object": "list"})

    async def _policy(self, request: web.Request) -> web.Response:
        gate.admit(self._world, request)
        body = gate.parse(request, await request.read())
        name = request.match_info["id"]
        facts = self._world.model(name)
        if facts is None:
            raise example("404-not-found")
        policy = facts.entry.get("policy") or {}
        if policy.get("state") == "disabled" or self._world.scenario.seat:
            raise example("403-policy")
        for header in ("OpenAI-Intent", "X-Interaction-Type"):
            if request.headers.get(header) != "chat-policy":
                raise gateway(f"{header} of this call must be chat-policy")
        if body.get("state") not in {"enabled", "disabled"} or len(body) != 1:
            raise gateway("state must be one of: enabled, disabled")
        for entry in self._world.models:
            if entry["id"] == name:
                entry["policy"] = {**policy, "state": body["state"]}
        return self._answer(request, {"model": name, "state": body["state"]})

    async def _session(self, request: web.Request) -> web.Response:
        caller = gate.admit(self._world, request)
        body = gate.parse(request, await request.read())
        if request.headers.get("X-GitHub-Api-Version", "") < auto.LEAST_VERSION:
            raise example("404-not-found")
        if body.get("auto_mode") != {"model_hints": ["auto"]}:
            raise gateway("auto_mode.model_hints must name auto")
        listed = [entry["id"] for entry in self._world.models]
        found = self._world.sessions.begin(caller.owner, listed)
        if found is None:
            raise example("403-policy")
        return self._answer(request, found, **{"copilot-session-token": found["session_token"]})

    async def _intent(self, request: web.Request) -> web.Response:
        caller = gate.admit(self._world, request)
        token = request.headers.get(gate.SELECTOR)
        if token is None:
            raise gateway("Missing Copilot-Session-Token header")
        if self._world.sessions.good(token, caller.owner) is None:
            raise gateway("Invalid Copilot-Session-Token")
        body = gate.parse(request, await request.read())
        found: dict[str, Any] = transcripts.body("13")["intent_response"]
        models = body.get("available_models") or found["candidate_models"]
        found |= {"candidate_models": models[:2], "chosen_model": models[0]}
        return self._answer(request, found)

    # Conversations.

    def _conversation(self, endpoint: Endpoint) -> Callable[[web.Request], Any]:
        async def converse(request: web.Request) -> web.StreamResponse:
            caller = gate.admit(self._world, request)
            body = gate.parse(request, await request.read())
            if (wanted := _EXAMPLE.fullmatch(str(body.get("model", "")))) is not None:
                return await self._example(request, wanted[1])
            facts = gate.model(self._world, body, endpoint.path)
            gate.selected(self._world, request, caller, facts)
            gate.images(request, facts, endpoint.pictures(body))
            if endpoint.path == CHAT:
                gate.token_parameter(facts, body)
            prompt = gate.size(facts, body)
            ask = self._understand(endpoint, body, facts, request)
            self._trouble(request, facts)
            if (wanted := _EXAMPLE.search(ask.human)) is not None:
                return await self._example(request, wanted[1])
            reply = self._reply(facts, ask, prompt, body)
            return await self._speak(request, endpoint, reply, body, caller)

        return converse

    def _understand(
        self, endpoint: Endpoint, body: dict[str, Any], facts: Facts, request: web.Request
    ) -> Ask:
        try:
            endpoint.check(body, facts, request.headers, self._world)
            whims.check(self._world.scenario.whims, endpoint.path, body, request.headers)
            return endpoint.read(body, facts)
        except (AttributeError, IndexError, KeyError, TypeError):
            # A value of a type that no rule expects: the real decoder fails on it as well.
            raise gateway("failed to parse request") from None

    def _trouble(self, request: web.Request, facts: Facts) -> None:
        """Scripted failures, and those of the scenario."""
        scenario = self._world.scenario
        if (status := one(request[FAULTS], Status)) is not None:
            raise Refused(status.status, status.body, status.headers)
        if scenario.limit_all:
            raise example("429-session")
        for name, left in scenario.windows.items():
            if left <= 0:
                raise example(f"429-{name}")
        if scenario.warn_all:
            raise warning()
        if scenario.outage:
            raise example("502-unicorn")
        account = self._world.account_for(request)
        if facts.costs and account.empty:
            raise account.refusal()

    def _reply(self, facts: Facts, ask: Ask, prompt: int, body: Mapping[str, Any]) -> Reply:
        cap = facts.limits.get("max_non_streaming_output_tokens")
        if cap and not body.get("stream") and (ask.limit is None or ask.limit > cap):
            ask = reading.limited(ask, cap)
        known = len(ask.turns) >= _CACHED_FROM
        cached = prompt // 2 if known else 0
        written = prompt // 4 if facts.claude and "cache_control" in str(body) else 0
        return Reply(
            facts,
            ask,
            perform(ask),
            self._world.label(),
            int(time.time()),
            prompt,
            cached=cached,
            written=written,
            sealed=self._world.scenario.sealed_arguments,
        )

    async def _speak(
        self,
        request: web.Request,
        endpoint: Endpoint,
        reply: Reply,
        body: dict[str, Any],
        caller: gate.Caller,
    ) -> web.StreamResponse:
        headers = self.headers(request)
        sender = Sender(request, request[FAULTS], self._world.scenario.pace)
        if body.get("stream") is True:
            frames = endpoint.stream(reply, body)
            answer = await sender.stream(frames, headers, endpoint.path)
        else:
            await asyncio.sleep(reply.silence)
            if reply.failure is not None:
                raise gateway(reply.failure.message, reply.failure.code, 502)
            whole = compact(endpoint.whole(reply, body))
            headers["content-type"] = "application/json"
            answer = await sender.whole(whole, headers)
        self._world.account_for(request).charge(
            nano=reply.nano, multiplier=reply.facts.multiplier, initiator=caller.initiator
        )
        return answer

    async def _example(self, request: web.Request, name: str) -> web.StreamResponse:
        try:
            found = transcripts.verbatim(name)
        except KeyError:
            raise example("404-not-found") from None
        headers = self.headers(request)
        if found.status != 200:
            raise Refused(found.status, found.body, found.headers)
        headers["content-type"] = found.headers["content-type"]
        if headers["content-type"] == "application/json":
            return web.Response(body=found.body, headers=headers)
        frames = [piece + b"\n\n" for piece in found.body.split(b"\n\n")]
        frames[-1] = frames[-1][:-2]
        sender = Sender(request, request[FAULTS], self._world.scenario.pace)
        return await sender.stream([piece for piece in frames if piece], headers, request.path)

    # The rest.

    async def _count(self, request: web.Request) -> web.Response:
        gate.admit(self._world, request)
        body = gate.parse(request, await request.read())
        if self._world.model(str(body.get("model", ""))) is None:
            raise example("400-model-not-supported")
        self._scripted(request)
        count = weigh(body.get("system"), body.get("messages"), body.get("tools"))
        return self._answer(request, {"input_tokens": count})

    async def _embed(self, request: web.Request) -> web.Response:
        gate.admit(self._world, request)
        body = gate.parse(request, await request.read())
        facts = self._world.model(str(body.get("model", "")))
        if facts is None:
            raise example("400-model-not-supported")
        if facts.kind != "embeddings":
            text = f'model "{facts.id}" is not accessible via the /embeddings endpoint'
            raise gateway(text, "unsupported_api_for_model")
        found = body.get("input")
        if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
            raise gateway("input must be an array of strings")
        most = facts.limits.get("max_inputs", 512)
        if not found or len(found) > most:
            raise gateway(f"input must have between 1 and {most} entries")
        if any(weigh(text) > _EMBEDDING_TOKENS for text in found):
            raise gateway(f"an input has more than {_EMBEDDING_TOKENS} tokens")
        gate.whole_number(body, "dimensions", least=1, most=_DIMENSIONS)
        self._scripted(request)
        size = int(body.get("dimensions") or _DIMENSIONS)
        data = [
            {"embedding": _vector(text, size), "index": place, "object": "embedding"}
            for place, text in enumerate(found)
        ]
        total = weigh(found)
        return self._answer(
            request, {"data": data, "usage": {"prompt_tokens": total, "total_tokens": total}}
        )

    def _scripted(self, request: web.Request) -> None:
        if (status := one(request[FAULTS], Status)) is not None:
            raise Refused(status.status, status.body, status.headers)


def _vector(text: str, size: int) -> list[float]:
    """Numbers between -1 and 1, equal for equal texts."""
    return [round(byte / 127.5 - 1, 4) for byte in opaque.noise("vector" + text, size)]
