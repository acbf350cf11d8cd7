"""The `response` object and its items: what stream and unstreamed answer have in common.

Shapes follow OpenAI's API as its official SDKs check it: every item has one id for life, `output`
is always a list, fields that mean nothing here are present and null (`translation.md` §7.3, §16).
"""

from __future__ import annotations

import secrets
import time
from typing import Any

from copilot_desktop.canonical import Request, Tool, Usage
from copilot_desktop.dialects.openai_responses.render import render_format
from copilot_desktop.dialects.openai_responses.tools import render_choice

Json = dict[str, Any]


def mint(prefix: str) -> str:
    """`prefix` and 24 random letters and digits."""
    return prefix + secrets.token_hex(12)


def skeleton(request: Request, upstream_id: str) -> Json:
    """A response in progress. Instructions and tools are not echoed: they are large and known."""
    choice = request.tool_choice
    wanted = request.response_format
    return {
        "id": upstream_id if upstream_id.startswith("resp_") else mint("resp_"),
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": request.max_tokens,
        "metadata": {},
        "model": request.model,
        "output": [],
        "parallel_tool_calls": request.parallel_tools is not False,
        "previous_response_id": None,
        "reasoning": {"effort": request.effort.value if request.effort else None, "summary": None},
        "store": False,
        "temperature": request.temperature,
        "text": {"format": render_format(wanted) if wanted else {"type": "text"}},
        "tool_choice": "auto" if choice is None else _echoed_choice(request),
        "tools": [],
        "top_p": request.top_p,
        "truncation": "disabled",
        "usage": None,
    }


def _echoed_choice(request: Request) -> str | Json:
    assert request.tool_choice is not None
    choice = render_choice(request.tool_choice, request)
    if isinstance(choice, dict):
        tool = request.tool(choice["name"])
        return {"type": choice["type"], **(named(tool) if tool else {"name": choice["name"]})}
    return choice


def named(tool: Tool) -> Json:
    """The name, and the namespace if there is one, as the client declared them."""
    name = tool.original or tool.name
    if not tool.namespace:
        return {"name": name}
    return {"name": name.removeprefix(f"{tool.namespace}__"), "namespace": tool.namespace}


def called(request: Request, name: str) -> tuple[Json, bool]:
    """How the client spells the tool that the model called, and whether it is a custom one."""
    tool = request.tool(name)
    if tool is None:  # models sometimes leave the namespace out
        tool = next((t for t in request.tools if t.namespace and t.original == name), None)
    return ({"name": name}, False) if tool is None else (named(tool), tool.custom)


def text_item(identifier: str, text: str, *, refusal: bool) -> Json:
    """A finished message of one part."""
    return {
        "id": identifier,
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [text_part(text, refusal=refusal)],
    }


def text_part(text: str, *, refusal: bool) -> Json:
    """An `output_text` or `refusal` part."""
    if refusal:
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def render_usage(usage: Usage | None) -> Json | None:
    """OpenAI counts cached tokens as input (`translation.md` §9.2)."""
    if usage is None:
        return None
    return {
        "input_tokens": usage.total_input,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write,
        },
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total_input + usage.output,
    }
