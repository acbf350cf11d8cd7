"""What several endpoints refuse in the same way: tool names, schemas, pictures, sampling."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from copilot_desktop.demo.ask import strings
from copilot_desktop.demo.catalogue import Facts
from copilot_desktop.demo.refusals import Refused, gateway, openai

MAX_TOOLS = 128
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_DATA_URL = re.compile(r"data:([a-z]+/[a-z0-9.+-]+);base64,(.*)", re.DOTALL)
_IMAGE_LIMIT = 3145728

Body = Mapping[str, Any]
Say = Callable[[str], Refused]
"""Makes a refusal out of a sentence, in the vendor's form."""


def sentence(facts: Facts) -> Say:
    """How this vendor refuses on the chat endpoint."""
    return openai if facts.openai else gateway


def tool_names(names: Iterable[Any], say: Say, where: str = "tools") -> None:
    """Legal, unique, at most 128. Raises Refused."""
    seen: set[str] = set()
    for place, name in enumerate(names):
        if place >= MAX_TOOLS:
            raise say(
                f"Invalid '{where}': array too long. Expected an array with maximum length "
                f"{MAX_TOOLS}, but got an array with a longer length instead."
            )
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise say(
                f"Invalid '{where}[{place}].name': string does not match pattern. "
                "Expected a string that matches the pattern '^[a-zA-Z0-9_-]{1,64}$'."
            )
        if name in seen:
            raise say(f"{where}: Tool names must be unique. '{name}' is used twice.")
        seen.add(name)


def schema(
    found: Any, name: str, say: Say, *, strict: bool = False, properties: bool = True
) -> None:
    """The parameters of a function are an object, for OpenAI with properties, and with arrays that
    say what they hold. Raises Refused."""
    if not isinstance(found, dict) or found.get("type") != "object":
        raise say(
            f"Invalid schema for function '{name}': schema must be a JSON Schema of "
            "'type: \"object\"', got 'type: \"None\"'."
        )
    if properties and not isinstance(found.get("properties"), dict):
        raise say(
            f"Invalid schema for function '{name}': In context=(), "
            "object schema missing properties."
        )
    if properties:
        _arrays(found, name, say)
    if strict:
        strict_schema(found, f"function '{name}'", say)


def _arrays(found: Any, name: str, say: Say) -> None:
    """OpenAI wants a schema for what an array holds, however deep it stands. Raises Refused."""
    start = f"Invalid schema for function '{name}': In context=('properties',), "
    for inner in schemas(found):
        kind = inner.get("type")
        if kind != "array" and not (isinstance(kind, list) and "array" in kind):
            continue
        if inner.get("items") is None:
            raise say(f"{start}array schema missing items.")
        if not isinstance(inner["items"], dict | bool):
            raise say(f"{start}{json.dumps(inner['items'])} is not of type 'object', 'boolean'.")


def schemas(found: Any) -> Iterator[Body]:
    """A schema and all in it; what is no schema gives nothing."""
    if isinstance(found, list):
        for each in found:
            yield from schemas(each)
    if not isinstance(found, dict):
        return
    yield found
    for key, value in found.items():
        if key in {"properties", "$defs", "definitions", "patternProperties"}:
            yield from schemas(list(value.values()) if isinstance(value, dict) else None)
        elif key in {"items", "prefixItems", "additionalProperties", "anyOf", "oneOf", "allOf"}:
            yield from schemas(value)


def google_schema(found: Any) -> None:
    """Gemini behind Copilot takes one type for each value, choices among texts only, and no field
    that is required but not declared. It does not say what it minds (as seen from July 2026 on).
    Raises Refused."""
    for inner in schemas(found):
        kind, choices = inner.get("type"), inner.get("enum")
        bare = kind == "array" and not isinstance(inner.get("items"), dict)
        # Gemini says: "field predicate failed: $type == Type.ARRAY".
        bare = bare or (kind not in ("array", None) and "items" in inner)
        texts = kind in ("string", None) and all(isinstance(each, str) for each in choices or ())
        missing = set(inner.get("required") or ()) - set(inner.get("properties") or ())
        if isinstance(kind, list) or bare or (choices is not None and not texts) or missing:
            raise gateway("invalid request body")


def strict_schema(found: Any, what: str, say: Say) -> None:
    """Strict schemas close every object and require every key. Raises Refused."""
    if isinstance(found, list):
        for item in found:
            strict_schema(item, what, say)
    if not isinstance(found, dict):
        return
    if found.get("type") == "object":
        start = f"Invalid schema for {what}: In context=(), "
        if found.get("additionalProperties") is not False:
            raise say(f"{start}'additionalProperties' is required to be supplied and to be false.")
        if set(found.get("properties") or {}) - set(found.get("required") or ()):
            raise say(
                f"{start}'required' is required to be supplied and to be an array including "
                "every key in properties."
            )
    for key, value in found.items():
        if key in {"properties", "$defs", "definitions"} and isinstance(value, dict):
            strict_schema(list(value.values()), what, say)
        elif key in {"items", "anyOf"}:
            strict_schema(value, what, say)


def inline_picture(url: Any, facts: Facts, say: Say) -> None:
    """A picture stands in the request itself. Raises Refused."""
    if not isinstance(url, str) or not url.startswith("data:"):
        raise gateway("external image URLs are not supported")
    found = _DATA_URL.fullmatch(url)
    if found is None:
        raise say("Invalid image data: expected a base64-encoded data URL.")
    picture(found[1], found[2], facts, say)


def picture(kind: Any, data: Any, facts: Facts, say: Say) -> None:
    """A known type, real base64, not too large. Raises Refused."""
    vision = facts.limits.get("vision") or {}
    allowed = vision.get("supported_media_types")
    if allowed and kind not in allowed:
        raise say(f"Unsupported image media type: {kind}. Supported: {', '.join(allowed)}.")
    try:
        raw = base64.b64decode(str(data), validate=True)
    except (ValueError, binascii.Error):
        raise say("Could not process image: the data is not valid base64.") from None
    if not raw:
        raise say("Could not process image: it is empty.")
    if len(raw) > vision.get("max_prompt_image_size", _IMAGE_LIMIT):
        raise say("Could not process image: it is larger than the model allows.")


def picture_count(found: list[Mapping[str, Any]], most: int, say: Say) -> None:
    """Raises Refused."""
    if len(found) > most:
        raise say(f"too many images: {len(found)} images were sent, {most} are allowed")


def sampling(body: Body, facts: Facts, *, effort: Any, say: Say) -> None:
    """Reasoning models take no sampling settings; Claude takes one. Raises Refused."""
    if facts.reasons and effort != "none":
        defaults = {
            "temperature": (1,),
            "top_p": (1, 0.98),
            "presence_penalty": (0,),
            "frequency_penalty": (0,),
        }
        for name, fine in defaults.items():
            value = body.get(name)
            if value is not None and value not in fine:
                text = (
                    f"Unsupported value: '{name}' does not support {value} with this model. "
                    f"Only the default ({fine[0]}) value is supported."
                )
                raise openai(text, param=name, code="unsupported_value")
        for name in ("logprobs", "logit_bias"):
            if body.get(name):
                text = f"Unsupported parameter: '{name}' is not supported with this model."
                raise openai(text, param=name, code="unsupported_parameter")
    top = 1 if facts.claude else 2
    for name, most in (("temperature", top), ("top_p", 1)):
        value = body.get(name)
        if value is not None and not (isinstance(value, int | float) and 0 <= value <= most):
            raise say(f"{name}: range: 0..{most}")
    if facts.claude and body.get("temperature") is not None and body.get("top_p") is not None:
        raise say(
            "`temperature` and `top_p` cannot both be specified for this model. "
            "Please use only one."
        )


def effort(value: Any, facts: Facts, say: Say, param: str) -> None:
    """Only what the list of the model says. Raises Refused."""
    if value is None:
        return
    if not facts.efforts:
        raise say(f"Unsupported parameter: '{param}' is not supported with this model.")
    if value not in facts.efforts:
        listed = ", ".join(facts.efforts)
        text = (
            f'{param} "{value}" is not supported by model {facts.id}; supported values: [{listed}]'
        )
        raise gateway(text, "invalid_reasoning_effort")


def mentions_json(*values: Any) -> bool:
    """OpenAI wants the word in the prompt before it promises a JSON object."""
    return any("json" in text.lower() for value in values for text in strings(value))


def arguments(text: Any, what: str, say: Say, *, is_object: bool) -> None:
    """The arguments of a call in history are text; for Claude and Gemini a JSON object. Raises
    Refused."""
    if not isinstance(text, str):
        raise say(f"Invalid type for '{what}': expected a string.")
    if is_object:
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise say(f"{what}: tool call arguments must be a valid JSON object")
