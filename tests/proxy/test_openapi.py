"""The description of our own endpoints: complete, true, and kept under strange requests."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from proxy.raw import request, send
from proxy.scripted import post
from rig import Rig, running_rig
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from copilot_desktop.proxy.app import build_app
from copilot_desktop.proxy.config import ProxyConfig
from copilot_desktop.proxy.openapi import shape
from tests.laws import junk

KEY = "cd-" + "k" * 43
JSON = ("Content-Type", "application/json")
EXAMPLES = 12  # of each operation
MODELS = ["gpt-4.1", "gpt-5.3-codex", "claude-sonnet-5", "text-embedding-3-small"]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
# Each is asked for once, in the form that every client uses; the other one is the same function.
ONCE = re.compile(r"/v1/(?!api/)|/api/|/$|/health|/oauth|/__self|/openapi")


async def described(rig: Rig, *headers: tuple[str, str]) -> dict[str, Any]:
    answer = await send(rig.port, request("GET", "/openapi.json", *headers))
    assert answer.status == 200
    return answer.json()


def told(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {(method.upper(), path) for path, each in document["paths"].items() for method in each}


def body_of(path: str) -> dict[str, Any]:
    common = {"model": "gpt-4.1", "stream": False}
    if path.endswith(("embeddings", "embed")):
        return {"model": "text-embedding-3-small", "input": "hello", "prompt": "hello"}
    if "responses" in path:
        return {**common, "input": "hello"}
    messages = [{"role": "user", "content": "hello"}]
    return {**common, "messages": messages, "prompt": "hello", "max_tokens": 100}


async def test_every_route_is_described_and_nothing_else_is():
    async with running_rig() as rig:
        document = await described(rig)
        routes = {
            (route.method, route.resource.canonical)
            for route in build_app(rig.relay).router.routes()
        }
    assert document["openapi"] == "3.1.0"
    heads = {("HEAD", path) for method, path in routes if method == "GET"}
    assert told(document) == routes - heads
    names = [each["operationId"] for path in document["paths"].values() for each in path.values()]
    assert len(names) == len(set(names))


async def test_what_is_described_is_answered_as_described():
    validated = 0
    async with running_rig() as rig:
        document = await described(rig)
        schema = schemathesis.openapi.from_dict(document)
        for method, path in sorted(told(document)):
            target = path.replace("{id}", "gpt-4.1").replace("{digest}", "x").replace("{rest}", "")
            if method == "HEAD":
                continue
            if method == "POST":
                status, body, headers = await post(rig, target, body_of(path))
                kind = headers["Content-Type"]
            else:
                answer = await send(rig.port, request(method, target))
                status, body, kind = answer.status, answer.body, answer.one("content-type")
            promised = document["paths"][path][method.lower()]["responses"]
            if "200" in promised:
                assert status == 200, (method, path, body)
                assert kind.partition(";")[0] == "application/json"
                answered = schemathesis.Response(
                    status_code=status, headers={"content-type": [kind]}, content=body,
                    request=requests.Request(method, rig.url + target).prepare(),
                    elapsed=0.0, verify=False,
                )  # fmt: skip
                schema[path][method].validate_response(answered)
                validated += 1
            else:
                assert 400 <= status < 500, (method, path, body)
    assert validated > 40


async def test_a_key_is_named_where_one_must_be_sent():
    async with running_rig(config=ProxyConfig(key=KEY, key_required=True)) as rig:
        refused = await send(rig.port, request("GET", "/openapi.json"))
        closed = await described(rig, ("x-api-key", KEY))
    assert refused.status == 401
    assert closed["security"] == [{"bearer": []}, {"header": []}]
    assert KEY not in str(closed)
    async with running_rig() as rig:
        assert {} in (await described(rig))["security"]


async def test_every_answer_to_strange_requests_is_one_that_was_described():
    """schemathesis makes requests of the description: those it allows, and those it does not."""
    async with running_rig() as rig:
        document = await described(rig)
        document["paths"] = {
            path: each for path, each in document["paths"].items() if ONCE.match(path)
        }
        await asyncio.to_thread(knock, document, rig.url)
        assert (await send(rig.port, request("GET", "/health"))).status == 200


def knock(document: dict[str, Any], url: str) -> None:
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=url)
    with requests.Session() as session:
        session.trust_env = False
        for found in schema.get_all_operations():
            ask_for(found.ok(), session)


def ask_for(operation: Any, session: requests.Session) -> None:
    examples = EXAMPLES if operation.body or operation.query else 1

    @settings(
        max_examples=examples, phases=[Phase.generate], database=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(operation.as_strategy(), junk.bodies, st.sampled_from(MODELS))
    def ask(case: schemathesis.Case, more: dict[str, Any], model: str) -> None:
        if operation.body:
            plain = json.loads(json.dumps(more), parse_constant=len)  # no Infinity
            case.body |= {**plain, "model": model}  # else no model were ever found
        response = case.call(session=session, timeout=30)
        case.validate_response(response, checks=CHECKS)

    ask()


@pytest.mark.parametrize(
    ("examples", "schema"),
    [
        (("a", "b"), {"type": "string"}), ((1, None), {}), ((True, 1), {}), ((None,), {}),
        (([],), {"type": "array"}), (([1], []), {"type": "array", "items": {"type": "integer"}}),
        (({"a": 1}, {"a": 2, "b": "x"}),
         {"type": "object", "required": ["a"],
          "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}}),
    ],
)  # fmt: skip
def test_a_schema_promises_what_all_examples_have(examples, schema):
    assert shape(*examples) == schema
