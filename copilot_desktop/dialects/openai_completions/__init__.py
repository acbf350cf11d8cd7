"""OpenAI's legacy completions: `/completions`, a prompt and its answer (`translation.md` §12.4).

A client-side dialect for programs that were written before chat: Copilot answers conversations
only, so the prompt becomes the words of a user, and the answer's text stands where the continuation
would. `parse` reads requests, `writer` writes answers; errors and counts are those of
`openai_words`. Must not know another dialect.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copilot_desktop.canonical import Reply, Request
from copilot_desktop.dialects import Envelope, Json
from copilot_desktop.dialects.openai_completions import parse, writer
from copilot_desktop.dialects.openai_completions.writer import CompletionWriter
from copilot_desktop.dialects.openai_words import problem_status, render_problem
from copilot_desktop.dialects.side_routes import SideRoute
from copilot_desktop.errors import Problem
from copilot_desktop.sse import encode_json


class OpenAICompletions:
    """See `copilot_desktop.dialects.Dialect` for the promises of each method."""

    name = "openai_completions"
    paths: tuple[str, ...] = ("/completions",)
    side_routes: tuple[SideRoute, ...] = ()
    endpoint: str | None = None

    def peek(self, body: Mapping[str, Any]) -> Envelope:
        """A prompt is always a person's: there are no turns that an agent could have added."""
        return Envelope(
            model=parse.model_of(body),
            stream=body.get("stream") is True,
            initiator="user",
            has_image=False,
        )

    def parse_request(self, body: Mapping[str, Any]) -> Request:
        return parse.parse_request(body)

    def writer(self, request: Request) -> CompletionWriter:
        return CompletionWriter(request)

    def render_reply(self, reply: Reply, request: Request) -> Json:
        return writer.render_reply(reply, request)

    def render_problem(self, problem: Problem) -> Json:
        return render_problem(problem)

    def problem_status(self, problem: Problem) -> int:
        return problem_status(problem)

    def fault(self, problem: Problem) -> bytes:
        return encode_json(render_problem(problem))
