"""What Copilot's gateway checks before a model sees a request, in its order (`upstream.md` 13)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from copilot_desktop.demo.ask import weigh
from copilot_desktop.demo.catalogue import Facts
from copilot_desktop.demo.refusals import Refused, example, gateway, openai
from copilot_desktop.demo.world import World

_NO_EDITOR = "bad request: missing Editor-Version header for IDE auth\n"
SELECTOR = "Copilot-Session-Token"
_BAD_HEADER = "bad request: Authorization header is badly formatted\n"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `initiator`: "user" or "agent", as the client declares. `owner` is the GitHub
    token behind the bearer."""

    direct: bool
    initiator: str
    owner: str


def admit(world: World, request: web.Request) -> Caller:
    """Check the headers of any Copilot call. Raises Refused."""
    authorization = request.headers.get("Authorization", "")
    if not authorization:
        raise Refused(401, "unauthorized: missing Authorization header\n")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Refused(400, _BAD_HEADER)
    token = token.strip()
    direct = world.tokens.direct(token)
    found = world.tokens.copilot(token)
    if not direct:
        if found is None:
            raise Refused(401, "unauthorized\n")
        if not world.tokens.fresh(found):
            raise example("401-token-expired")
        if not request.headers.get("Editor-Version"):
            raise Refused(400, _NO_EDITOR)
    if request.headers.get("X-GitHub-Api-Version", "9999") < world.scenario.min_api_version:
        raise example("466-client-outdated")
    strange = world.scenario.misdirected and request.host.startswith("localhost")
    if strange or (found is not None and found.misdirected):
        raise example("421-misdirected")
    if not world.account_for(request).has_copilot:
        raise example("403-policy")
    owner = token if found is None else found.github
    selects = not request.path.startswith("/models")
    selector = request.headers.get(SELECTOR) if selects else None
    if selector is not None and world.sessions.good(selector, owner) is None:
        raise example("401-invalid-auto-mode-selector")
    return Caller(direct, request.headers.get("X-Initiator", "user"), owner)


def selected(world: World, request: web.Request, caller: Caller, facts: Facts) -> None:
    """Whether this model may be used: with a selector only what it selects, on some plans nothing
    else. Raises Refused."""
    selector = request.headers.get(SELECTOR)
    if selector is None:
        if world.scenario.auto_only:
            raise example("400-model-not-supported")
        return
    session = world.sessions.good(selector, caller.owner)
    if session is None or facts.id not in session.models:
        raise example("401-invalid-auto-mode-selector")


def parse(request: web.Request, raw: bytes) -> dict[str, Any]:
    """The JSON object of a request. Raises Refused."""
    if request.content_type != "application/json":
        raise gateway("bad request: Content-Type must be application/json")
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise gateway("failed to parse request") from None
    if not isinstance(found, dict):
        raise gateway("failed to parse request")
    return found


def model(world: World, body: Mapping[str, Any], endpoint: str) -> Facts:
    """The model that is asked for, if it may be used here. Raises Refused."""
    facts = world.model(str(body.get("model", "")))
    if facts is None or facts.id == "auto":
        raise example("400-model-not-supported")
    if facts.entry.get("policy", {}).get("state", "enabled") != "enabled":
        raise example("400-model-not-supported")
    if facts.kind != "chat" or endpoint not in facts.endpoints:
        text = f'model "{facts.id}" is not accessible via the {endpoint} endpoint'
        raise gateway(text, "unsupported_api_for_model")
    return facts


def images(request: web.Request, facts: Facts, found: list[Mapping[str, Any]]) -> None:
    """Images need a header and a model with eyes. Raises Refused."""
    if not found:
        return
    if not facts.supports.get("vision"):
        raise gateway(f"model {facts.id} does not support image input")
    if request.headers.get("Copilot-Vision-Request", "").lower() != "true":
        raise gateway("missing required Copilot-Vision-Request header for vision requests")


def size(facts: Facts, body: Mapping[str, Any]) -> int:
    """The tokens of the prompt. Raises Refused if there are too many."""
    found = weigh(*(body.get(name) for name in ("messages", "input", "instructions", "system")))
    found += weigh(body["tools"]) if body.get("tools") else 0
    limit = facts.limits.get("max_prompt_tokens", 8192)
    if found > limit:
        text = f"prompt token count of {found} exceeds the limit of {limit}"
        raise gateway(text, "model_max_prompt_tokens_exceeded")
    return found


def token_parameter(facts: Facts, body: Mapping[str, Any]) -> None:
    """`max_tokens` of newer GPT models. Raises Refused."""
    if facts.wants_completion_tokens and body.get("max_tokens") is not None:
        raise example("400-max-tokens-parameter")


def whole_number(body: Mapping[str, Any], name: str, *, least: int, most: int | None) -> None:
    """A limit in tokens, if it is there, in OpenAI's words. Raises Refused."""
    value = body.get(name)
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool):
        text = f"Invalid type for '{name}': expected an integer."
        raise openai(text, param=name, code="invalid_type")
    if value < least:
        text = (
            f"Invalid '{name}': integer below minimum value. "
            f"Expected a value >= {least}, but got {value} instead."
        )
        raise openai(text, param=name, code="integer_below_min_value")
    if most is not None and value > most:
        text = (
            f"{name} is too large: {value}. This model supports at most {most} completion tokens, "
            f"whereas you provided {value}."
        )
        raise openai(text, param=name, code="invalid_value")
