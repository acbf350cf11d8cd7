"""What the proxy answers, as OpenAPI 3.1 at `GET /openapi.json`, for programs that look first.

Nothing in it is written down twice. The paths are those of the router that answers them. The shape
of an answer is taken from an answer: each writer is asked for examples, and what all examples have
in common is promised. Only what cannot be found out that way stands here, by the name of the
function that answers: a sentence, and what must be sent. The bodies of conversations are the
vendors' own formats, far too wide to be repeated, so only what is read before routing is described.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import hdrs, web

from copilot_desktop import __version__
from copilot_desktop.canonical import Reply, Request, StopReason, Text, Usage
from copilot_desktop.dialects import Dialect, Json
from copilot_desktop.dialects.registry import ALL
from copilot_desktop.dialects.side_routes import (
    AboutModel,
    AboutModels,
    Embedding,
    Fixed,
    SideRoute,
    Vectors,
)
from copilot_desktop.errors import InvalidRequest, Problem, QuotaExhausted
from copilot_desktop.model import Model
from copilot_desktop.proxy.answers import EVENTS, json_answer
from copilot_desktop.proxy.relay import Relay
from copilot_desktop.proxy.side_routes import embedding_list, entry

PLAIN, JSON = "text/plain", "application/json"
_MODELS = (
    Model("gpt-4.1"),
    Model("claude-sonnet-5", "Claude", vendor="Anthropic", max_prompt=128_000, max_output=16_000),
)
_KINDS = {bool: "boolean", int: "integer", float: "number", str: "string"}
_TEXT: Json = {"type": "string"}
_NAME: Json = {"type": "string", "minLength": 1, "description": "A model of GET /v1/models."}
_TEXTS: Json = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}
_PROBLEM: Json = {"$ref": "#/components/schemas/Problem"}


@dataclass(frozen=True, slots=True)
class Operation:
    """`answers`: media type → schema of a 200; empty if it is always refused. `body` is a schema.
    `query`: name → schema, all of them optional. `socket`: it is a WebSocket that is opened."""

    summary: str
    answers: Mapping[str, Json]
    body: Json | None = None
    query: Mapping[str, Json] | None = None
    socket: bool = False


async def description(request: web.Request, *, relay: Relay) -> web.Response:
    """Made anew each time: hardly anybody asks."""
    required = relay.config.key_required
    return json_answer(describe(request.app.router, key_required=required))


def describe(router: web.UrlDispatcher, *, key_required: bool) -> Json:
    """The whole description. `key_required`: whether a local key must be sent."""
    paths: dict[str, Json] = {}
    for method, path, operation in operations(router):
        paths.setdefault(path, {})[method.lower()] = _told(method, path, operation)
    keys: list[Json] = [{"bearer": []}, {"header": []}]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Copilot Desktop",
            "version": __version__,
            "description": "GitHub Copilot in the formats of OpenAI, Anthropic and Ollama. "
            "A path that is answered to GET is answered to HEAD as well.",
        },
        "servers": [{"url": "/"}],
        "security": keys if key_required else [{}, *keys],
        "paths": paths,
        "components": {
            "schemas": {"Problem": {"anyOf": _problems()}},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
        },
    }


def operations(router: web.UrlDispatcher) -> Iterator[tuple[str, str, Operation]]:
    """Method, path and words of every route, in the order in which they are tried."""
    routes = [(r.method, r.resource.canonical, r.handler) for r in router.routes() if r.resource]
    read = {path for method, path, _ in routes if method == hdrs.METH_GET}
    for method, path, answering in routes:
        if not (method == hdrs.METH_HEAD and path in read):  # comes with each GET
            yield method, path, _operation(answering)


def _operation(answering: Any) -> Operation:
    """Raises KeyError for a function that nobody has described; a test asks for each."""
    told = answering.keywords if isinstance(answering, partial) else {}
    name = answering.func.__name__ if isinstance(answering, partial) else answering.__name__
    if "route" in told:
        return _of_dialect(told["route"])
    if name == "serve":
        return _socket()
    return _conversation(told["dialect"]) if "dialect" in told else _own()[name]


# ------------------------------------------------------------------------ what is answered


def _conversation(dialect: Dialect) -> Operation:
    asked = Request("gpt-4.1", ())
    replies = (
        Reply("id", (Text("Hello"),), StopReason.END, Usage(1, 1)),
        Reply("id", (), StopReason.LENGTH, Usage(1, 1)),
    )
    whole = shape(*(dialect.render_reply(reply, asked) for reply in replies))
    streamed = getattr(dialect, "stream_type", EVENTS).partition(";")[0]
    return Operation(
        f"One turn of a conversation ({dialect.name})",
        {JSON: _outline(whole), streamed: _TEXT},
        _object(model=_NAME, optional={"stream": {"type": "boolean"}}),
    )


def _outline(whole: Json) -> Json:
    """Only what no client could do without: Copilot's own answer may pass through, and a request
    that asks nothing gets little."""
    kinds = {
        name: {"type": kind} for name, of in whole["properties"].items() if (kind := of.get("type"))
    }
    certain = [name for name in ("choices", "content", "output", "done") if name in kinds]
    return {"type": "object", "properties": kinds, "required": certain}


def _socket() -> Operation:
    return Operation("The same over a WebSocket, one frame for each request", {}, socket=True)


def _of_dialect(route: SideRoute) -> Operation:
    named = f"{route.path.strip('/').rpartition('/')[2].strip('{}')} (ollama)"
    match route:
        case Fixed():
            try:
                return Operation(f"Always the same: {named}", {JSON: shape(route.answer())})
            except Problem:
                return Operation(f"Always refused: {named}", {})
        case AboutModels():
            return Operation(f"Models: {named}", {JSON: shape(route.answer(_MODELS))})
        case AboutModel():
            told = shape(*(route.answer(model) for model in _MODELS))
            return Operation(f"One model: {named}", {JSON: told}, _object(model=_NAME))
        case Embedding():
            told = shape(route.answer(Vectors("m", ([0.5],), 1)))
            return Operation(f"Vectors: {named}", {JSON: told}, _object(model=_NAME))


def _own() -> dict[str, Operation]:
    """By the name of the function that answers."""
    one = shape(*map(entry, _MODELS))
    listed = _object(object=_TEXT, data={"type": "array", "items": one})
    codex = _object(models={"type": "array", "items": {"type": "object"}})
    vectors = shape(*(embedding_list([_VECTOR], "m", packed) for packed in (True, False)))
    paging = {"limit": _TEXT, "after_id": _TEXT, "before_id": _TEXT, "client_version": _TEXT}
    told = _object(name=_TEXT, version=_TEXT, status=_TEXT)
    count = _object(input_tokens={"type": "integer", "minimum": 0})
    anything: Json = {"type": "object"}
    return {
        "models": Operation("The models", {JSON: {"anyOf": [listed, codex]}}, query=paging),
        "model": Operation("One model", {JSON: one}),
        "count_tokens": Operation("Tokens of a message", {JSON: count}, _object(model=_NAME)),
        "input_tokens": Operation("Tokens of a response", {JSON: count}, _object(model=_NAME)),
        "embeddings": Operation("Vectors", {JSON: vectors}, _object(model=_NAME, input=_TEXTS)),
        "forgotten": Operation("Telemetry, thrown away unread", {JSON: anything}, anything),
        "hello": Operation("Is anybody there?", {JSON: _object(message=_TEXT)}),
        "root": Operation("Is anybody there?", {JSON: told, PLAIN: _TEXT}),
        "health": Operation(
            "Is it signed in, and how many models are known?",
            {JSON: _object(status=_TEXT, version=_TEXT, signed_in={}, models={"type": "integer"})},
        ),
        "itself": Operation("Which launch of the app this is", {JSON: _object(nonce=_TEXT)}),
        "description": Operation("This description", {JSON: _object(openapi=_TEXT, paths={})}),
    }


_VECTOR: Json = {"data": [{"embedding": [0.5], "index": 0}], "usage": {}}


def _problems() -> list[Json]:
    """How trouble is told, in each dialect."""
    known = (Problem(), InvalidRequest("n: is not a number"), QuotaExhausted(code="some_code"))
    found = [shape(*map(dialect.render_problem, known)) for dialect in ALL]
    return [each for place, each in enumerate(found) if each not in found[:place]]


# ------------------------------------------------------------------------ in words of OpenAPI


def _told(method: str, path: str, operation: Operation) -> Json:
    names = [part.partition("}")[0] for part in path.split("{")[1:]]
    within = [{"name": n, "in": "path", "required": True, "schema": _TEXT} for n in names]
    query = [{"name": n, "in": "query", "schema": s} for n, s in (operation.query or {}).items()]
    words = "_".join(part for part in path.replace("{", "").replace("}", "").split("/") if part)
    answers: Json = {"default": {"description": "Refused", "content": {JSON: {"schema": _PROBLEM}}}}
    if operation.answers:
        content = {kind: {"schema": schema} for kind, schema in operation.answers.items()}
        answers = {"200": {"description": "Answered", "content": content}, **answers}
    if operation.socket:
        answers = {"101": {"description": "The WebSocket is open"}, **answers}
    told: Json = {
        "operationId": f"{method.lower()}_{words or 'root'}" + "_" * path[1:].endswith("/"),
        "summary": operation.summary,
        "responses": answers,
    }
    if within or query:
        told["parameters"] = [*within, *query]
    if operation.body is not None:
        content = {JSON: {"schema": operation.body}}
        told["requestBody"] = {"required": True, "content": content}
    return told


def _object(optional: Mapping[str, Json] | None = None, **required: Json) -> Json:
    properties = {**required, **(optional or {})}
    return {"type": "object", "properties": properties, "required": sorted(required)}


def shape(*examples: Any) -> Json:
    """What all `examples` (of JSON) have in common, as a schema."""
    if all(isinstance(each, Mapping) for each in examples):
        names = list(dict.fromkeys(name for each in examples for name in each))
        return {
            "type": "object",
            "properties": {n: shape(*(e[n] for e in examples if n in e)) for n in names},
            "required": sorted(n for n in names if all(n in e for e in examples)),
        }
    if all(isinstance(each, list) for each in examples):
        within = [part for each in examples for part in each]
        return {"type": "array", **({"items": shape(*within)} if within else {})}
    kinds = {_KINDS.get(type(each)) for each in examples}
    kind = kinds.pop()
    return {} if kinds or kind is None else {"type": kind}
