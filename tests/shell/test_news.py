"""A notification for each occurrence, and only one."""

from __future__ import annotations

import json
from typing import Any

from copilot_desktop import resources
from copilot_desktop.shell.menu import menu_for
from copilot_desktop.shell.news import News
from copilot_desktop.strings import words
from tests.shell.test_menu import state

HALT = {"reason": "warned", "since": 1_800_000_000.0, "until": 1_800_001_800.0}


def question(number: int, client: str = "Codex") -> dict[str, Any]:
    return {"id": number, "client": client, "model": "gpt-5", "at": 0.0, "until": 120.0}


def shown(*questions: dict[str, Any], halt: Any = None, waiting: int = 0) -> dict[str, Any]:
    brakes = {"questions": questions, "halt": halt, "waiting": waiting, "limits": []}
    return {**state(), "brakes": brakes}


def test_each_question_is_told_once_and_a_burst_of_one_client_too() -> None:
    news = News()
    assert list(news.of(shown())) == []
    burst = [question(1), question(2), question(3, "Zed")]
    assert list(news.of(shown(*burst))) == [
        ("approval", {"client": "Codex"}),
        ("approval", {"client": "Zed"}),
    ]
    assert list(news.of(shown(*burst))) == []
    assert list(news.of(shown(question(3, "Zed"), question(4)))) == [
        ("approval", {"client": "Codex"})
    ]


def test_a_warning_is_told_once_and_a_pause_that_ends_by_itself_is_not() -> None:
    news = News()
    assert list(news.of(shown(halt=HALT))) == [("paused", {})]
    assert list(news.of(shown(halt=HALT))) == []
    assert list(news.of(shown(halt={**HALT, "since": 1_800_009_000.0}))) == [("paused", {})]
    assert list(news.of(shown(halt={**HALT, "reason": "refused", "since": 1.0}))) == []


def test_an_app_without_brakes_has_no_news() -> None:
    assert list(News().of(state())) == []


def test_there_are_words_for_all_news() -> None:
    told = json.loads((resources.ui() / "strings" / "en.json").read_text("utf-8"))["notification"]
    assert {"approval", "paused"} <= told.keys()


def test_the_menu_says_what_waits_and_leads_to_the_window() -> None:
    rows = menu_for(shown(question(1, "C" * 32), halt=HALT, waiting=3), words())
    texts = {row.text: row for row in rows}
    asking = next(row for text, row in texts.items() if "wants to use Copilot" in text)
    assert (asking.verb, asking.arguments) == ("show_window", {"screen": "overview"})
    assert texts["Resume sending…"].verb == "show_window"
    assert not texts["3 requests are waiting"].enabled
    refused = menu_for(shown(halt={**HALT, "reason": "refused"}), words())
    assert "Resume sending…" not in {row.text for row in refused}
