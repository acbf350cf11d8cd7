"""Ollama's API, for editors that know no other local server (`translation.md` §11).

A client-side dialect: Copilot has no such endpoint, so that every conversation is translated. Chat
and generate share everything but the outermost shape of a request and of a line; they are two
objects, since a body alone does not always say which of the two it is. `parse` and `history` read
requests, `writer` writes JSON lines and whole answers, `listing` has what stands beside the
conversations. Must not know another dialect.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copilot_desktop.canonical import Reply, Request
from copilot_desktop.dialects import Envelope, Json
from copilot_desktop.dialects.ollama import listing, parse, peek, problems, writer
from copilot_desktop.dialects.ollama.writer import LineWriter
from copilot_desktop.dialects.side_routes import SideRoute
from copilot_desktop.errors import Problem


class OllamaChat:
    """`/api/chat`, and the owner of the routes that belong to neither conversation."""

    name = "ollama"
    paths: tuple[str, ...] = ("/api/chat",)
    side_routes: tuple[SideRoute, ...] = listing.SIDE_ROUTES
    endpoint: str | None = None
    stream_type = LineWriter.content_type  # also before there is a writer

    def peek(self, body: Mapping[str, Any]) -> Envelope:
        return peek.of_chat(body)

    def parse_request(self, body: Mapping[str, Any]) -> Request:
        return parse.parse_chat(body)

    def writer(self, request: Request) -> LineWriter:
        return LineWriter(request, writer.as_message)

    def render_reply(self, reply: Reply, request: Request) -> Json:
        return writer.render_reply(reply, request, writer.as_message)

    def render_problem(self, problem: Problem) -> Json:
        return problems.render_problem(problem)

    def problem_status(self, problem: Problem) -> int:
        return problem.status

    def fault(self, problem: Problem) -> bytes:
        return problems.fault_line(problem)


class OllamaGenerate(OllamaChat):
    """`/api/generate`: one bare prompt instead of messages."""

    paths: tuple[str, ...] = ("/api/generate",)
    side_routes: tuple[SideRoute, ...] = ()

    def peek(self, body: Mapping[str, Any]) -> Envelope:
        return peek.of_prompt(body)

    def parse_request(self, body: Mapping[str, Any]) -> Request:
        return parse.parse_generate(body)

    def writer(self, request: Request) -> LineWriter:
        return LineWriter(request, writer.as_response)

    def render_reply(self, reply: Reply, request: Request) -> Json:
        return writer.render_reply(reply, request, writer.as_response)


OLLAMA = (OllamaChat(), OllamaGenerate())
