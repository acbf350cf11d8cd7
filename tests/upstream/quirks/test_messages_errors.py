"""Errors that end a stream of `/v1/messages`, as Anthropic's clients know them."""

from __future__ import annotations

import pytest

from copilot_desktop.sse import FrameDecoder, encode_json
from copilot_desktop.upstream.quirks.messages import MessagesQuirks


@pytest.mark.parametrize("kind", ["upstream_error", "rate_limited", "", 5])
def test_an_error_of_another_kind_is_told_as_one_that_clients_know(kind: object) -> None:
    """Claude Code gave up in mid-answer instead of asking again."""
    mending = MessagesQuirks().stream({}, "claude-x")
    told = {"type": "error", "error": {"type": kind, "message": "connection was reset"}}
    (frame,) = FrameDecoder().feed(encode_json(told, "error"))
    (passed,) = FrameDecoder().feed(mending.feed(frame))
    assert passed.json()["error"] == {"type": "api_error", "message": "connection was reset"}
    assert mending.failed
