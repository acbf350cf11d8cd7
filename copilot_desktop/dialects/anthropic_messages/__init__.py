"""Anthropic Messages: the format of Claude Code, Anthropic's SDKs and Copilot's `/v1/messages`.

This package knows Anthropic's JSON and the canonical conversation, nothing of hosts, tokens or
other formats. `parse`, `content` and `tools` read what clients send; `render` and `reasoning` write
what Copilot gets; `reader` and `writer` are the two ends of a reply; `failures` has the words for
what went wrong. `AnthropicMessages` is the face of it all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copilot_desktop.canonical import Loss, Reply, Request, Usage
from copilot_desktop.dialects import Envelope, Json
from copilot_desktop.dialects.anthropic_messages import failures, parse, peek, render, writer
from copilot_desktop.dialects.anthropic_messages.reader import MessagesReader
from copilot_desktop.dialects.anthropic_messages.usage import read_usage
from copilot_desktop.dialects.anthropic_messages.writer import MessagesWriter
from copilot_desktop.dialects.side_routes import SideRoute
from copilot_desktop.errors import Problem
from copilot_desktop.model import MESSAGES, Model


class AnthropicMessages:
    """The `Dialect` of `/v1/messages`."""

    name = "anthropic_messages"
    paths: tuple[str, ...] = ("/messages",)
    side_routes: tuple[SideRoute, ...] = ()
    endpoint: str | None = MESSAGES

    def peek(self, body: Mapping[str, Any]) -> Envelope:
        return peek.envelope(body)

    def parse_request(self, body: Mapping[str, Any]) -> Request:
        return parse.parse_request(body)

    def cannot(self, request: Request, model: Model) -> tuple[Loss, ...]:
        return render.cannot(request, model)

    def render_request(self, request: Request, model: Model) -> Json:
        return render.render_request(request, model)

    def reader(self, model: Model) -> MessagesReader:
        return MessagesReader(model)

    def writer(self, request: Request) -> MessagesWriter:
        return MessagesWriter(request)

    def render_reply(self, reply: Reply, request: Request) -> Json:
        return writer.render_reply(reply, request)

    def render_problem(self, problem: Problem) -> Json:
        return failures.render_problem(problem)

    def problem_status(self, problem: Problem) -> int:
        return failures.problem_status(problem)

    def fault(self, problem: Problem) -> bytes:
        return failures.fault(problem)

    def read_usage(self, usage: Mapping[str, Any]) -> Usage:
        return read_usage(usage)


__all__ = ["AnthropicMessages", "MessagesReader", "MessagesWriter"]
