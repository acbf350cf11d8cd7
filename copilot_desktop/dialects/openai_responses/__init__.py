"""OpenAI's Responses API: the dialect of Codex, and Copilot's endpoint for the newer GPT models.

This file only ties the parts together: `parse` reads clients' bodies, `render` writes Copilot's,
`reader` and `writer` do the same for answers, `problems` speaks of errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copilot_desktop.canonical import Loss, Reply, Request, Usage, unfold
from copilot_desktop.dialects import Envelope
from copilot_desktop.dialects.openai_responses.parse import parse, peek
from copilot_desktop.dialects.openai_responses.problems import error_of, status_of
from copilot_desktop.dialects.openai_responses.reader import ResponsesReader, read_usage
from copilot_desktop.dialects.openai_responses.render import cannot, render
from copilot_desktop.dialects.openai_responses.writer import ResponsesWriter, fault_event
from copilot_desktop.dialects.side_routes import SideRoute
from copilot_desktop.errors import Problem
from copilot_desktop.model import RESPONSES, Model

Json = dict[str, Any]


class OpenAIResponses:
    """The Responses API as a `Dialect`."""

    name: str = "openai_responses"
    paths: tuple[str, ...] = ("/responses",)
    side_routes: tuple[SideRoute, ...] = ()
    endpoint: str | None = RESPONSES

    def peek(self, body: Mapping[str, Any]) -> Envelope:
        return peek(body)

    def parse_request(self, body: Mapping[str, Any]) -> Request:
        return parse(body)

    def cannot(self, request: Request, model: Model) -> tuple[Loss, ...]:
        return cannot(request, model)

    def render_request(self, request: Request, model: Model) -> Json:
        return render(request, model)

    def reader(self, model: Model) -> ResponsesReader:
        return ResponsesReader(model)

    def writer(self, request: Request) -> ResponsesWriter:
        return ResponsesWriter(request)

    def render_reply(self, reply: Reply, request: Request) -> Json:
        """The stream's final object, so that both forms of an answer say the same."""
        writer = ResponsesWriter(request)
        for event in unfold(reply):
            writer.feed(event)
        assert writer.response is not None
        return writer.response

    def render_problem(self, problem: Problem) -> Json:
        return {"error": error_of(problem)}

    def problem_status(self, problem: Problem) -> int:
        return status_of(problem)

    def fault(self, problem: Problem) -> bytes:
        return fault_event(problem)

    def read_usage(self, usage: Mapping[str, Any]) -> Usage:
        return read_usage(usage)


__all__ = ["OpenAIResponses"]
