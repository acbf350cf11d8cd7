"""What a server tool found stays in the conversation as words."""

from __future__ import annotations

import pytest

from copilot_desktop.findings import in_words

PAGE = {"type": "web_search_result", "title": "T", "url": "https://example.com", "page_age": None}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("done", "done"),
        ([PAGE, {"text": "abc"}], "T https://example.com\nabc"),
        (PAGE, "T https://example.com"),
        ({"type": "web_search_tool_result_error", "error_code": "x"}, ""),
        ([None, 3], ""),
        (None, ""),
    ],
)
def test_titles_addresses_and_texts_are_told(content, words):
    assert in_words(content) == words
