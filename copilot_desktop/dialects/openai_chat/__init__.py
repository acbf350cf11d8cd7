"""OpenAI Chat Completions: `/chat/completions`, as server towards editors and towards Copilot.

The class ties the parts together; each knows one direction: `parse` and `history` read a client's
request, `render` writes one for Copilot, `reader` reads Copilot's stream, `writer` writes the
answer, `problems` and `usage` read the two small vocabularies. Must not know another dialect.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copilot_desktop.canonical import Loss, Reply, Request, Usage
from copilot_desktop.dialects import Envelope, Initiator
from copilot_desktop.dialects.openai_chat import parse, render, usage, writer
from copilot_desktop.dialects.openai_chat.reader import ChatReader
from copilot_desktop.dialects.openai_chat.writer import ChatWriter
from copilot_desktop.dialects.openai_words import problem_status, render_problem
from copilot_desktop.dialects.side_routes import SideRoute
from copilot_desktop.dialects.unspoken import is_unspoken
from copilot_desktop.errors import Problem
from copilot_desktop.model import CHAT, Model
from copilot_desktop.sse import encode_json

Json = dict[str, Any]

_OF_A_TOOL = ("Attached media from tool result:", "Attached image(s) from tool result:")
_PICTURES = ("image_url", "input_image", "image", "file", "input_file")


class OpenAIChat:
    """See `copilot_desktop.dialects.Dialect` for the promises of each method."""

    name = "openai_chat"
    paths: tuple[str, ...] = ("/chat/completions",)
    side_routes: tuple[SideRoute, ...] = ()
    endpoint: str | None = CHAT

    def peek(self, body: Mapping[str, Any]) -> Envelope:
        initiator: Initiator = "user"
        shows = after_result = False
        before: Any = None
        newest: Any = None
        messages = body.get("messages")
        for turn in messages if isinstance(messages, list) else ():
            if not isinstance(turn, dict):
                continue
            role, content = turn.get("role"), turn.get("content")
            # A human started this call if the last turn that is no instruction is the user's.
            if role not in ("system", "developer"):
                theirs = role == "user" and not (after_result and _is_of_a_tool(content))
                initiator = "user" if theirs else "agent"
                after_result = role == "tool"
                before, newest = newest, turn
            if isinstance(content, list) and not shows:
                shows = any(map(_is_picture, content))
        if newest is not None and initiator == "user" and is_unspoken(newest, before):
            initiator = "agent"
        return Envelope(parse.model_of(body), body.get("stream") is True, initiator, shows)

    def parse_request(self, body: Mapping[str, Any]) -> Request:
        return parse.parse_request(body)

    def cannot(self, request: Request, model: Model) -> tuple[Loss, ...]:
        return render.cannot(request, model)

    def render_request(self, request: Request, model: Model) -> Json:
        return render.render_request(request, model)

    def reader(self, model: Model) -> ChatReader:
        return ChatReader(model)

    def writer(self, request: Request) -> ChatWriter:
        return ChatWriter(request)

    def render_reply(self, reply: Reply, request: Request) -> Json:
        return writer.render_reply(reply, request)

    def render_problem(self, problem: Problem) -> Json:
        return render_problem(problem)

    def problem_status(self, problem: Problem) -> int:
        return problem_status(problem)

    def fault(self, problem: Problem) -> bytes:
        return encode_json(render_problem(problem))

    def read_usage(self, usage_object: Mapping[str, Any]) -> Usage:
        return usage.read_usage(usage_object)


def _is_of_a_tool(content: object) -> bool:
    """Whether it is a tool's picture: a result holds none here, so opencode and pi let a turn of
    the user's follow that says so."""
    if not (isinstance(content, list) and content and isinstance(first := content[0], dict)):
        return False
    return first.get("text") in _OF_A_TOOL and all(map(_is_picture, content[1:]))


def _is_picture(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") in _PICTURES
