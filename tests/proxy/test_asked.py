"""A request that was read is let go of when Copilot answers, and what happened to it is told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from copilot_desktop.proxy.asked import Asked
from copilot_desktop.proxy.exchange import Exchange


def test_when_copilot_answers_the_request_is_let_go_and_its_notes_are_taken_once() -> None:
    exchange = Exchange(1, "curl", "openai-chat")
    anything = cast("Any", None)
    asked = Asked(
        anything, anything, exchange, anything, b"{}", {"a": 1}, 2, anything, anything, anything
    )
    asked.passage.notes.append("healed=effort")
    asked.passage.nano_credits = 5
    for _ in range(2):
        asked.head_arrived(cast("Any", SimpleNamespace(request_id="abc", status=200)))
    assert (asked.raw, asked.body) == (b"", {})
    assert (exchange.request_id, exchange.nano_credits) == ("abc", 5)
    assert exchange.upstream_status == 200
    assert exchange.notes == ["healed=effort"]
