"""Golden requests: what a client sends, what must reach Copilot, and what must be told about it.

Each file in `cases/` is one item of `translation.md` §17. Its expected bodies are written by hand
from the document. A case goes through the running proxy to an upstream that only listens:

    as       messages, chat or responses: the client's dialect
    model    one of `models.json`, or [name, {fields that differ}]
    in       the client's body; model and a short prompt are filled in where they are missing
    betas    the client's `anthropic-beta`
    out      per Copilot endpoint what must arrive: the fields that matter, each in full;
             "absent" where a field must not be there, {"error": words} where the client is refused
             (words of its message; nothing arrives)
    notes    per endpoint (or for all) notes that must be told
    headers  headers that must arrive, null for one that must not
    strict   with strict translation
    catalogue  ids of a list in which the client's own name is looked up
    from     where the document shows it

`{"times": 3, "of": x}` is a text or an object three times, `#` the number of each. In texts,
`{sha8 x}` is the hash by which ids and names are told apart, `{id16 x}` the one of made ids, and
`{seal gc1. m o=X}` reasoning sealed for a model.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from proxy.scripted import scripted_rig
from rig import Rig

from copilot_desktop.canonical import Effort
from copilot_desktop.model import Model
from copilot_desktop.proxy.config import ProxyConfig
from copilot_desktop.upstream.names import resolve

HERE = Path(__file__).parent
ENDPOINTS = {"chat": "/chat/completions", "responses": "/responses", "messages": "/v1/messages"}
PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}
# Always sent towards Copilot; the cases speak of the rest.
_USUAL = ("stream", "stream_options")
_NOTHING = object()
_CALL = re.compile(r"\{(sha8|id16|seal) ([^{}]+)\}")


@dataclass
class Arrived:
    """What the listening upstream got."""

    path: str = ""
    body: dict[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Line:
    """The proxy between a client and the listening upstream."""

    rig: Rig
    arrived: Arrived | None = None

    async def send(
        self, path: str, body: Any, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Status and text of the answer."""
        self.arrived = None
        raw = io.BytesIO(json.dumps(body).encode())
        kind = {"content-type": "application/json"}
        async with (
            aiohttp.ClientSession() as http,
            http.post(
                self.rig.url + path, data=raw, headers={**kind, **(headers or {})}
            ) as response,
        ):
            return response.status, await response.text()

    def use(self, model: Model) -> None:
        """Every name means `model`."""

        async def find(_name: str, _authority: Any) -> Model:
            return model

        self.rig.relay.find = find  # type: ignore[method-assign]

    def use_list(self, names: list[str], *endpoints: str) -> None:
        """Names mean one of these models."""
        models = {
            name: Model(name, endpoints=tuple(ENDPOINTS[e] for e in endpoints)) for name in names
        }

        async def find(name: str, _authority: Any) -> Model:
            return resolve(name, models)

        self.rig.relay.find = find  # type: ignore[method-assign]

    @property
    def notes(self) -> list[str]:
        """What was told about the last request."""
        return list(self.rig.traffic.recent[0].notes)


@asynccontextmanager
async def line() -> AsyncIterator[Line]:
    """An upstream that notes what comes and refuses it."""
    found: list[Line] = []

    async def listen(request: web.Request) -> web.StreamResponse:
        found[0].arrived = Arrived(request.path, await request.json(), dict(request.headers))
        return web.json_response({"error": {"message": "only listening"}}, status=400)

    async with scripted_rig(listen, config=ProxyConfig()) as (rig, _):
        found.append(Line(rig))
        yield found[0]


def strictly(found: Line, strict: bool) -> None:
    relay = found.rig.relay
    relay.config = replace(relay.config, strict_translation=strict)


# ------------------------------------------------------------------------------------ cases


def items() -> dict[int, tuple[str, list[dict[str, Any]]]]:
    """Number of the item -> its words and cases."""
    found = {}
    for path in sorted((HERE / "cases").glob("*.json")):
        number, _, words = path.stem.partition("-")
        cases = json.loads(path.read_text("utf-8"))
        found[int(number)] = (words, cases)
    return found


def model_of(wanted: str | list[Any], *endpoints: str) -> Model:
    """A model of the table that has these endpoints."""
    name, changes = (wanted, {}) if isinstance(wanted, str) else (wanted[0], wanted[1])
    fields = {**json.loads((HERE / "models.json").read_text("utf-8"))[name], **changes}
    if "efforts" in fields:
        fields["efforts"] = tuple(Effort(word) for word in fields["efforts"])
    return Model(id=name, endpoints=tuple(ENDPOINTS[name] for name in endpoints), **fields)


def body_of(case: Mapping[str, Any]) -> dict[str, Any]:
    """The client's body, with what every request must have."""
    given = expanded(case.get("in", {}))
    hello: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}]}
    if case["as"] == "messages":
        hello["max_tokens"] = 1000
    if case["as"] == "responses":
        hello = {"input": "hi"}
    return {"model": "asked-model", **hello, **given}


def differences(wanted: Mapping[str, Any], body: Mapping[str, Any]) -> list[str]:
    """How `body` differs from what is wanted of it. A key may be a path (`tools.0.name`)."""
    found = []
    for key, value in expanded(wanted).items():
        there = _at(body, key.split("."))
        if key == "only":
            extra = set(body) - set(value) - set(_USUAL)
            found += [f"{name} is there: {body[name]}" for name in sorted(extra)]
        elif value == "absent":
            found += [] if there is _NOTHING else [f"{key} is there: {there}"]
        elif there != value:
            got = "nothing" if there is _NOTHING else json.dumps(there)
            found.append(f"{key}:\n      want {json.dumps(value)}\n      got  {got}")
    return found


def _at(value: Any, steps: list[str]) -> Any:
    for step in steps:
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return _NOTHING
    return value


def expanded(value: Any) -> Any:
    """With hashes and seals in the place of their descriptions."""
    if isinstance(value, str):
        return _CALL.sub(lambda found: _hashed(found[1], found[2]), value)
    if isinstance(value, list):
        return [expanded(each) for each in value]
    if isinstance(value, dict) and "times" in value:
        return _repeated(value["times"], value["of"])
    if isinstance(value, dict):
        return {expanded(key): expanded(each) for key, each in value.items()}
    return value


def _repeated(times: int, of: Any) -> Any:
    if isinstance(of, str):
        return of * times
    return [json.loads(json.dumps(of).replace("#", str(number))) for number in range(times)]


def _hashed(kind: str, of: str) -> str:
    if kind == "seal":
        prefix, model, *parts = of.split(" ")
        text = {"m": model, **dict(part.split("=", 1) for part in parts)}
        raw = json.dumps(text, separators=(",", ":")).encode()
        return prefix + base64.urlsafe_b64encode(raw).decode().rstrip("=")
    digest = hashlib.sha256(of.encode()).hexdigest()
    return digest[:8] if kind == "sha8" else digest[:16]
