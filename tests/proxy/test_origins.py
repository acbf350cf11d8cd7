"""What is remembered of those who were turned away: little, in a plain form, and steadily."""

from __future__ import annotations

import pytest

from copilot_desktop.proxy.origins import KEPT, KEPT_IGNORED, RefusedOrigins, plain_origin


@pytest.mark.parametrize(
    "origin",
    [
        "https://editor.example",
        "http://localhost:3000",
        "http://[::1]:8080",
        "vscode-webview://1a2b-3c",
        "chrome-extension://abcdefghijklmnop",
        "app://obsidian.md",
        "tauri://localhost",
    ],
)
def test_origins_as_engines_send_them_are_known(origin: str) -> None:
    assert plain_origin(origin) == origin
    assert plain_origin(origin.upper()) == origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "*",
        "editor.example",
        "https://",
        "https://a/b",
        "https://a?b",
        "https://a b",
        "https://user@a",
        "https://*.a",
        "https://a\n",
        "https://a\u202e.example",
        "https://\u0430pple.example",
        "https://a:123456",
        "javascript:alert(1)",
        "https://" + "a" * 200,
    ],
)
def test_nothing_else_is_remembered(text: str) -> None:
    refused = RefusedOrigins()
    refused.note(text)
    assert refused.waiting == ()


def test_the_first_one_stays_on_top_however_many_follow() -> None:
    refused = RefusedOrigins()
    for number in range(1000):
        refused.note(f"https://page-{number}.example")
    assert len(refused.waiting) == KEPT
    assert refused.waiting[0] == "https://page-0.example"
    assert refused.waiting[-1] == "https://page-999.example"


def test_views_hear_of_changes_only() -> None:
    refused, heard = RefusedOrigins(), []
    refused.on_change = lambda: heard.append(refused.waiting)
    refused.note("app://a")
    refused.note("APP://a")
    refused.settle("app://a", ignore=True)
    refused.note("app://a")
    assert heard == [("app://a",), ()]


def test_an_origin_that_was_allowed_and_taken_back_may_ask_again() -> None:
    refused = RefusedOrigins()
    refused.note("app://a")
    refused.settle("app://a", ignore=False)
    refused.note("app://a")
    assert refused.waiting == ("app://a",)


def test_ignored_origins_are_bounded_too() -> None:
    refused = RefusedOrigins()
    for number in range(KEPT_IGNORED + 1):
        refused.settle(f"app://{number}", ignore=True)
    refused.note("app://0")
    refused.note("app://1")
    assert refused.waiting == ("app://0",)
