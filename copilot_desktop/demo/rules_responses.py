"""What `/responses` refuses (`upstream.md` 7.2 to 7.5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from copilot_desktop.demo import opaque, rules
from copilot_desktop.demo.ask import parts
from copilot_desktop.demo.catalogue import Facts
from copilot_desktop.demo.gate import whole_number
from copilot_desktop.demo.refusals import Refused, example, gateway, openai
from copilot_desktop.demo.rules import Body
from copilot_desktop.demo.world import World

_LEAST_OUTPUT = 16
_CALL_ID = 64
_OWN_ID = 64
_KNOWN = {
    "model", "input", "instructions", "stream", "stream_options", "tools", "tool_choice",
    "max_output_tokens", "max_tool_calls", "store", "truncation", "reasoning", "include", "text",
    "prompt_cache_key", "prompt_cache_retention", "context_management", "top_logprobs",
    "temperature", "top_p", "parallel_tool_calls", "metadata", "user", "safety_identifier",
    "client_metadata", "previous_response_id", "background", "conversation", "prompt",
    "service_tier",
}  # fmt: skip
_INCLUDE = {
    "reasoning.encrypted_content", "message.output_text.logprobs", "web_search_call.results",
    "web_search_call.action.sources", "file_search_call.results",
    "message.input_image.image_url", "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
}  # fmt: skip
_SEARCH = ("web_search", "web_search_preview", "web_search_2025_08_26")
_CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
_OUTPUTS = ("function_call_output", "custom_tool_call_output")
_NO_COMPACTION = {"gpt-5", "gpt-5.1", "gpt-5.2"}
_PREFIX = {"message": "msg", "function_call": "fc", "custom_tool_call": "ctc", "reasoning": "rs"}
_SENT = re.compile(r"[a-zA-Z0-9_-]+")
_MEMBERS = {
    "message": {"role", "content", "status", "phase"},
    "function_call": {"call_id", "name", "arguments", "status", "namespace", "caller"},
    "function_call_output": {"call_id", "output", "status", "caller"},
    "custom_tool_call": {"call_id", "name", "input", "status", "namespace", "caller"},
    "custom_tool_call_output": {"call_id", "output", "status", "caller"},
    "reasoning": {"summary", "content", "encrypted_content", "status"},
}


def _say(text: str) -> Refused:
    return openai(text, code="invalid_value")


def pictures(body: Body) -> list[Mapping[str, Any]]:
    """All image parts of a request, also those that tools returned."""
    found = body.get("input")
    items = [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
    content = [part for item in items for part in parts(item.get("content"))]
    content += [part for item in items for part in parts(item.get("output"))]
    return [part for part in content if part.get("type") == "input_image"]


def check(body: Body, facts: Facts, headers: Mapping[str, str], world: World) -> None:
    """Raises Refused."""
    del headers, world
    _parameters(body, facts)
    _tools(body)
    for part in pictures(body):
        rules.inline_picture(part.get("image_url"), facts, _say)
    _settings(body, facts)
    _input(body.get("input"))


def _unsupported(name: str) -> Refused:
    return openai(f"Unsupported parameter: {name}", param=name, code="unsupported_parameter")


def _parameters(body: Body, facts: Facts) -> None:
    for name in body:
        if name not in _KNOWN:
            text = f"Unknown parameter: '{name}'."
            raise openai(text, param=name, code="unknown_parameter")
    if body.get("store") is True:
        raise gateway("store is not supported")
    if body.get("previous_response_id") is not None:
        claim = body["previous_response_id"]
        text = f"Previous response with id '{claim}' not found."
        raise openai(text, param="previous_response_id", code="previous_response_not_found")
    if body.get("background") is True:
        raise _unsupported("background")
    for name in ("conversation", "prompt", "service_tier"):
        if body.get(name) is not None:
            raise _unsupported(name)
    if body.get("context_management") is not None and facts.id in _NO_COMPACTION:
        raise _unsupported("context_management")
    for value in body.get("include") or ():
        if value not in _INCLUDE:
            raise openai(f"Invalid value: '{value}'.", param="include", code="invalid_value")


def _tools(body: Body) -> None:
    tools = body.get("tools")
    if tools is None:
        tools = []
    if not isinstance(tools, list):
        raise _say("Invalid type for 'tools': expected an array.")
    names = []
    for place, tool in enumerate(tools):
        kind = tool.get("type") if isinstance(tool, dict) else None
        if kind in _SEARCH:
            continue
        if kind not in {"function", "custom"}:
            raise _say(f"Invalid value: '{kind}'. Tools of this type are not supported.")
        if "name" not in tool:
            text = f"Missing required parameter: 'tools[{place}].name'."
            raise openai(text, param=f"tools[{place}].name", code="missing_required_parameter")
        names.append(tool["name"])
        if kind == "function" and tool.get("parameters") is not None:
            strict = tool.get("strict") is True
            rules.schema(tool["parameters"], str(tool["name"]), _say, strict=strict)
    rules.tool_names(names, _say)
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        if choice.get("type") in {"function", "custom"} and choice.get("name") not in names:
            raise _say(f"Tool choice '{choice.get('name')}' not found in 'tools' parameter.")
    elif choice not in (None, "auto", "none", "required"):
        raise _say(f"Invalid value: '{choice}' for 'tool_choice'.")
    if choice == "required" and not tools:
        raise _say("Tool choice 'required' must be specified with 'tools' parameter.")


def _settings(body: Body, facts: Facts) -> None:
    most = facts.limits.get("max_output_tokens")
    whole_number(body, "max_output_tokens", least=_LEAST_OUTPUT, most=most)
    reasoning = body.get("reasoning") or {}
    rules.effort(reasoning.get("effort"), facts, _say, "reasoning.effort")
    if reasoning.get("summary") not in (None, "auto", "concise", "detailed"):
        raise _say(f"Invalid value: '{reasoning['summary']}' for 'reasoning.summary'.")
    rules.sampling(body, facts, effort=reasoning.get("effort"), say=_say)
    if body.get("truncation") not in (None, "auto", "disabled"):
        raise _say("Invalid value for 'truncation'.")
    text = body.get("text") or {}
    if text.get("verbosity") not in (None, "low", "medium", "high"):
        raise _say("Invalid value for 'text.verbosity'.")
    _form(text.get("format") or {}, body)


def _form(form: Body, body: Body) -> None:
    match form.get("type"):
        case "json_schema":
            if "json_schema" in form:
                text = "Unknown parameter: 'text.format.json_schema'."
                raise openai(text, code="unknown_parameter")
            rules.tool_names([form.get("name")], _say, "text.format")
            if not isinstance(form.get("schema"), dict):
                raise _say("Missing required parameter: 'text.format.schema'.")
            if form.get("strict"):
                rules.strict_schema(form["schema"], "response_format", _say)
        case "json_object":
            if not rules.mentions_json(body.get("input"), body.get("instructions")):
                raise _say(
                    "Response input messages must contain the word 'json' in some form to use "
                    "'text.format' of type 'json_object'."
                )
        case None | "text":
            return
        case kind:
            raise _say(f"Invalid value: '{kind}' for 'text.format.type'.")


def _input(found: Any) -> None:
    if isinstance(found, str):
        if not found:
            raise _say("Invalid 'input': empty string.")
        return
    if not isinstance(found, list) or not found:
        raise openai(
            "Missing required parameter: 'input'.", param="input", code="missing_required_parameter"
        )
    open_calls: dict[str, bool] = {}
    ids: set[str] = set()
    for place, item in enumerate(found):
        where = f"input[{place}]"
        if not isinstance(item, dict):
            raise _say(f"Invalid type for '{where}': expected an object.")
        _item(item, where, open_calls)
        if item.get("id") is not None:
            if item["id"] in ids:
                start = f"Duplicate item found with id {item['id']}. "
                raise gateway(f"{start}Remove duplicate items from your input and try again.")
            ids.add(item["id"])
    for claim, answered in open_calls.items():
        if not answered:
            raise _say(f"No tool output found for function call {claim}.")


def _item(item: Body, where: str, open_calls: dict[str, bool]) -> None:
    kind = item.get("type", "message")
    for name in item:
        if kind in _MEMBERS and name not in _MEMBERS[kind] | {"type", "id"}:
            raise gateway(f"Unknown parameter: '{where}.{name}'.")
    if kind == "message":
        _message(item, where)
    elif kind in _CALLS:
        _call(item, kind, where, open_calls)
    elif kind in _OUTPUTS:
        _output(item, where, open_calls)
    elif kind == "reasoning":
        _reasoning(item, where)
        return
    elif kind not in {"compaction", "web_search_call"}:
        raise _say(f"Invalid value: '{kind}' for '{where}.type'.")
    elif kind == "web_search_call" and item.get("id") is None:  # as OpenAI does: openai/codex#6712
        text = f"Missing required parameter: '{where}.id'."
        raise openai(text, param=f"{where}.id", code="missing_required_parameter")
    if item.get("id") is not None:
        _identity(item["id"], kind, where)


def _message(item: Body, where: str) -> None:
    role = item.get("role")
    if role not in {"user", "assistant", "system", "developer"}:
        raise _say(f"Invalid value: '{role}' for '{where}.role'.")
    content = item.get("content")
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise _say(f"Missing required parameter: '{where}.content'.")
    allowed = (
        ("output_text", "refusal")
        if role == "assistant"
        else ("input_text", "input_image", "input_file")
    )
    for place, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in allowed:
            text = (
                f"Invalid value: '{kind}' for '{where}.content[{place}].type'. "
                f"Supported values are: {', '.join(allowed)}."
            )
            raise _say(text)
        if kind in {"input_text", "output_text"} and not isinstance(part.get("text"), str):
            raise _say(f"Missing required parameter: '{where}.content[{place}].text'.")
        if kind == "input_file" and not str(part.get("file_data", "")).startswith("data:"):
            raise gateway("external file URLs are not supported")


def _call(item: Body, kind: str, where: str, open_calls: dict[str, bool]) -> None:
    claim = item.get("call_id")
    if not isinstance(claim, str) or not claim:
        raise _say(f"Missing required parameter: '{where}.call_id'.")
    if len(claim) > _CALL_ID:
        raise _say(f"Invalid '{where}.call_id': string too long. Maximum length is {_CALL_ID}.")
    if claim in open_calls:
        raise _say(f"Duplicate item found with call_id {claim}.")
    rules.tool_names([item.get("name")], _say, where)
    rules.arguments(item.get(_CALLS[kind]), f"{where}.{_CALLS[kind]}", _say, is_object=False)
    open_calls[claim] = False


def _output(item: Body, where: str, open_calls: dict[str, bool]) -> None:
    claim = str(item.get("call_id"))
    if claim not in open_calls:
        raise _say(f"No tool call found for function call output with call_id {claim}.")
    open_calls[claim] = True
    output = item.get("output")
    if isinstance(output, str):
        return
    if not isinstance(output, list):
        raise _say(f"Missing required parameter: '{where}.output'.")
    for part in output:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in {"input_text", "input_image", "input_file"}:
            raise _say(f"Invalid value: '{kind}' for '{where}.output'.")


def _reasoning(item: Body, where: str) -> None:
    """What was encrypted must be ours, and stand with the id it came with."""
    identity, blob = item.get("id"), item.get("encrypted_content")
    if not isinstance(item.get("summary"), list):
        raise _say(f"Missing required parameter: '{where}.summary'.")
    if blob is None:
        text = (
            f"Item with id '{str(identity)[:40]}' not found. Items are not persisted when `store` "
            "is set to false. Try again with `store` set to true, or remove this item from your "
            "input."
        )
        raise openai(text, param="input", status=404)
    if not opaque.issued_blob(blob):
        text = f"The encrypted content for item {str(identity)[:40]} could not be verified."
        raise openai(text, code="invalid_encrypted_content")
    if identity is None or opaque.belong_together(identity, blob):
        return
    if opaque.issued_id(identity):
        raise example("401-stale-input-item")
    raise openai("Encrypted content item_id did not match the target item id.")


def _identity(identity: Any, kind: str, where: str) -> None:
    """Ids in the long form belong to one connection of the back end."""
    if opaque.issued_id(identity):
        raise example("401-stale-input-item")
    start = _PREFIX.get(kind)
    if start is None:
        return
    text = str(identity)
    if not text.startswith(start) or not _SENT.fullmatch(text):
        raise _say(
            f"Invalid '{where}.id': '{text[:40]}'. Expected an ID that begins with '{start}'."
        )
    if len(text) > _OWN_ID:
        raise _say(f"Invalid '{where}.id': string too long. Maximum length is {_OWN_ID}.")
