"""The small routes beside the conversations: models, token counts, embeddings, signs of life.

One `/v1/models` body serves both official SDKs: it carries the fields of both (`translation.md`
§12.2).
"""

from __future__ import annotations

import asyncio
import base64
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, assert_never

from aiohttp import hdrs, web

from copilot_desktop import __version__
from copilot_desktop.canonical import Usage
from copilot_desktop.dialects import Json
from copilot_desktop.dialects.side_routes import (
    AboutModel,
    AboutModels,
    Embedding,
    Fixed,
    SideRoute,
    Vectors,
)
from copilot_desktop.errors import (
    BodyTooLarge,
    InvalidRequest,
    Problem,
    UnknownModel,
    UpstreamFault,
)
from copilot_desktop.model import EMBEDDINGS, Model
from copilot_desktop.proxy import codex
from copilot_desktop.proxy.answers import json_answer
from copilot_desktop.proxy.counting import Counting, unlisted
from copilot_desktop.proxy.exchange import Exchange
from copilot_desktop.proxy.relay import LONGEST_NAME, Relay
from copilot_desktop.redaction import redact
from copilot_desktop.upstream.names import offered, usable

_GREETING = "Ollama is running"  # what those who ask for plain text expect, word for word
_EMBED_TIMEOUT = 60.0  # seconds
_MOST_TEXTS = 2048  # of one request, as OpenAI has it


class SideRoutes:
    """Answers everything that is not a conversation. Problems are raised; the app renders them."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._counting = Counting(relay)

    # ------------------------------------------------------------------------ models

    async def models(self, request: web.Request) -> web.Response:
        known = await self._known(request)
        shown = self._shown(known)
        if version := request.query.get("client_version"):
            able = [model for model in known if model.kind == "chat" and offered(model)]
            return json_answer(codex.catalogue(able, shown, version))
        page, more = _page([entry(model) for model in shown], request.query)
        return json_answer(
            {
                "object": "list",
                "data": page,
                "has_more": more,
                "first_id": page[0]["id"] if page else None,
                "last_id": page[-1]["id"] if page else None,
            }
        )

    async def model(self, request: web.Request) -> web.Response:
        return json_answer(entry(await self._described(request, request.match_info["id"])))

    async def _described(self, request: web.Request, name: str) -> Model:
        """The model that a client means, as lists show it. Of `auto` no choice is asked for: what
        is chosen today says nothing of what answers tomorrow."""
        await self._known(request)
        config, authority = self._relay.config, self._relay.authority(request)
        catalogue = self._relay.provider.catalogue.of(authority)
        try:
            meant = catalogue.resolve(name, aliases=config.aliases, default=config.default_model)
        except UnknownModel:  # perhaps it is new
            return await self._counting.model(request, name, authority)
        found = next((model for model in catalogue.models if model.id == meant.id), meant)
        self._relay.caller(request).permit(found)
        return found

    async def _known(self, request: web.Request) -> tuple[Model, ...]:
        """Those that the caller's key allows."""
        caller = self._relay.caller(request)
        # A list of models must not wait for the network; refreshing is somebody else's job.
        authority = self._relay.authority(request)
        models = self._relay.provider.catalogue.of(authority).models
        if not models:
            self._relay.brakes.check(unlisted(caller))
            models = await self._relay.provider.models(authority)
        return tuple(model for model in models if caller.limits.allow(model))

    def _shown(self, models: Sequence[Model]) -> list[Model]:
        """What lists offer: what can be called and what GitHub's own picker shows, or all of it."""
        hidden_too = self._relay.config.show_hidden_models
        return [
            model
            for model in models
            if (usable(model) and model.kind == "embeddings")
            or (offered(model) and model.kind == "chat" and (model.in_picker or hidden_too))
        ]

    # ------------------------------------------------------------------------ tokens, embeddings

    async def count_tokens(self, request: web.Request) -> web.Response:
        return await self._counting.for_anthropic(request)

    async def input_tokens(self, request: web.Request) -> web.Response:
        return await self._counting.for_openai(request)

    async def embeddings(self, request: web.Request) -> web.Response:
        """Copilot takes lists only and answers floats only (`upstream.md` §9.1)."""
        _, body = await self._relay.read_json(request)
        name = body.get("model")
        if not isinstance(name, str) or not name:
            raise InvalidRequest("model: is required")
        texts = _texts(body.get("input"))
        options: Json = {key: body[key] for key in ("dimensions", "user") if key in body}
        as_base64 = body.get("encoding_format") == "base64"
        return json_answer(await self._embedded(request, name, texts, options, as_base64=as_base64))

    @contextmanager
    def _listed(self, request: web.Request, dialect: str, name: str) -> Iterator[Exchange]:
        """The record of a request that costs something, though it is no conversation.

        An agent's: editors make them of themselves, many at a time."""
        exchange = self._relay.open(request, dialect, self._relay.caller(request))
        exchange.model_asked, exchange.initiator = redact(name[:LONGEST_NAME]), "agent"
        try:
            yield exchange
            exchange.status = 200
            exchange.finish("ok")
        except Problem as problem:
            exchange.error, exchange.status = problem.message, problem.status
            exchange.upstream_status = problem.upstream_status
            exchange.request_id = problem.request_id or ""
            exchange.finish("failed")
            raise
        except asyncio.CancelledError:
            exchange.finish("cancelled")
            raise
        finally:
            self._relay.traffic.close(exchange, "failed")

    async def _embedded(
        self,
        request: web.Request,
        name: str,
        texts: Sequence[str],
        options: Json,
        *,
        as_base64: bool = False,
    ) -> Json:
        """The answer in OpenAI's words. It is in the list of requests, with its tokens."""
        with self._listed(request, "embeddings", name) as exchange:
            answers = await self._asked(request, name, texts, options, exchange)
            answer = embedding_list(answers, name, as_base64)
            exchange.usage = Usage(input=answer["usage"]["prompt_tokens"])
            if len(answer["data"]) != len(texts):  # nobody could tell which one belongs to which
                raise UpstreamFault("There is not one embedding for each text in the answer.")
            return answer

    async def _asked(
        self,
        request: web.Request,
        name: str,
        texts: Sequence[str],
        options: Json,
        exchange: Exchange,
    ) -> list[Any]:
        """Copilot's answers, one for each batch."""
        if len(texts) > _MOST_TEXTS:
            raise InvalidRequest(f"input: at most {_MOST_TEXTS} texts at once, not {len(texts)}")
        caller = self._relay.caller(request)
        self._relay.brakes.check(exchange)  # finding the model may ask for the list
        authority = self._relay.authority(request)
        model = await self._relay.find(name, authority)
        exchange.model_used, exchange.factor = model.id, model.factor
        exchange.multiplier = model.multiplier
        caller.permit(model)
        if model.kind != "embeddings":
            raise InvalidRequest(f"{model.id} does not make embeddings.")
        most = model.max_inputs or max(1, len(texts))
        async with self._relay.brakes.admit(exchange):
            exchange.route, exchange.attempts = EMBEDDINGS, -(-len(texts) // most)
            return [
                await self._relay.provider.client.request_json(
                    "POST",
                    EMBEDDINGS,
                    authority,
                    json={**options, "model": model.id, "input": texts[start : start + most]},
                    intent="copilot-panel",
                    extra_headers=model.request_headers,
                    timeout=_EMBED_TIMEOUT,
                )
                for start in range(0, len(texts), most)
            ]

    # ------------------------------------------------------------------------ of one dialect alone

    async def of_dialect(self, request: web.Request, route: SideRoute) -> web.Response:
        """A question that a dialect has declared: find what it needs, let it say so."""
        match route:
            case Fixed():
                return json_answer(route.answer())
            case AboutModels():
                return json_answer(route.answer(self._shown(await self._known(request))))
            case AboutModel():
                _, body = await self._relay.read_json(request)
                return json_answer(route.answer(await self._described(request, route.name(body))))
            case Embedding():
                _, body = await self._relay.read_json(request)
                asked = route.asked(body)
                options = {} if asked.dimensions is None else {"dimensions": asked.dimensions}
                listed = await self._embedded(request, asked.model, asked.texts, options)
                vectors = tuple(row["embedding"] for row in listed["data"])
                tokens = listed["usage"]["prompt_tokens"]
                return json_answer(route.answer(Vectors(asked.model, vectors, tokens)))
            case _:
                assert_never(route)

    # ------------------------------------------------------------------------ signs of life

    async def root(self, request: web.Request) -> web.Response:
        if "text/plain" in request.headers.get(hdrs.ACCEPT, ""):
            return web.Response(text=_GREETING)
        return json_answer({"name": "Copilot Desktop", "version": __version__, "status": "ok"})

    async def hello(self, _request: web.Request) -> web.Response:
        """Claude Code asks whether anybody is there."""
        return json_answer({"message": "hello"})

    async def forgotten(self, request: web.Request) -> web.Response:
        """Telemetry meant for a vendor: read, so that the client is content, and thrown away."""
        try:
            await self._relay.read_json(request)
        except BodyTooLarge:
            raise
        except InvalidRequest:
            pass  # whatever it was, nobody wanted to know
        return json_answer({})

    async def health(self, _request: web.Request) -> web.Response:
        session = self._relay.provider.session
        managed = self._relay.config.auth_mode == "managed"
        signed_in = session is not None and session.account.usable
        return json_answer(
            {
                "status": "ok",
                "version": __version__,
                "signed_in": signed_in if managed else None,
                "models": len(self._relay.provider.catalogue.models),
            }
        )

    async def itself(self, _request: web.Request) -> web.Response:
        return json_answer({"nonce": self._relay.config.nonce})


def entry(model: Model) -> Json:
    """One model, in words of both vendors."""
    created = 1_735_689_600  # 2025-01-01: Copilot tells no date, and SDKs want a number
    return {
        "id": model.id,
        "object": "model",
        "created": created,
        "owned_by": model.vendor or "github-copilot",
        "type": "model",
        "display_name": model.name or model.id,
        "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(created)),
        "max_input_tokens": model.max_prompt,
        "max_tokens": model.max_output,
        "lifecycle": "active",
    }


def _texts(given: object) -> list[str]:
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
        raise InvalidRequest("input: must be a text or a list of texts (token lists are not taken)")
    return texts


def embedding_list(answers: Sequence[Any], model: str, as_base64: bool) -> Json:
    """Copilot's answers (one per batch) as one, with the fields that OpenAI's has.

    Raises UpstreamFault if there is nothing in them: the official SDK would.
    """
    entries: list[Json] = []
    usage = {"prompt_tokens": 0, "total_tokens": 0}
    for answer in answers:
        told: Mapping[str, Any] = answer if isinstance(answer, Mapping) else {}
        for vector in _vectors(told.get("data")):
            packed = struct.pack(f"<{len(vector)}f", *vector) if as_base64 else b""
            shown = base64.b64encode(packed).decode() if as_base64 else vector
            entries.append({"object": "embedding", "index": len(entries), "embedding": shown})
        match told.get("usage"):
            case {"prompt_tokens": int(prompt), "total_tokens": int(total)}:
                usage["prompt_tokens"] += prompt
                usage["total_tokens"] += total
    return {"object": "list", "model": model, "data": entries, "usage": usage}


def _vectors(rows: object) -> list[list[float]]:
    """The vectors of one answer in the order of its texts. Raises UpstreamFault."""
    placed: dict[int, Any] = {}
    for place, row in enumerate(rows if isinstance(rows, list) else ()):
        told = row if isinstance(row, Mapping) else {}
        index = told.get("index")
        placed[index if isinstance(index, int) else place] = told.get("embedding")
    vectors = [placed.get(place) for place in range(len(placed))]
    if not vectors or not all(_is_vector(vector) for vector in vectors):
        raise UpstreamFault("There are no embeddings in the answer.")
    return vectors  # type: ignore[return-value]  # just looked at


def _is_vector(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(type(n) in (int, float) for n in value)


def _page(entries: list[Json], query: Mapping[str, str]) -> tuple[list[Json], bool]:
    """The part of the list that Anthropic's paging asks for, and whether more lies beyond it."""
    ids = [entry["id"] for entry in entries]
    after, before, limit = query.get("after_id"), query.get("before_id"), query.get("limit", "")
    size = int(limit) if limit.isdecimal() and 0 < len(limit) < 6 and int(limit) else len(ids)
    if before in ids:
        end = ids.index(before)
        return entries[max(0, end - size) : end], end > size
    start = ids.index(after) + 1 if after in ids else 0
    return entries[start : start + size], start + size < len(ids)
