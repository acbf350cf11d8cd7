"""Strict translation says what would have happened, and nothing is sent."""

from __future__ import annotations

import pytest

from copilot_desktop.errors import NotExpressible
from copilot_desktop.preparation.strictness import refuse_marked


@pytest.mark.parametrize(
    ("note", "words"),
    [
        ("dropped=tools.web_search", "tools.web_search would be left out, and strict"),
        ("mapped=tool_choice.any>auto", "tool_choice.any would become auto, and strict"),
    ],
)
def test_a_change_is_refused_in_words(note, words):
    with pytest.raises(NotExpressible) as refused:
        refuse_marked([note])
    assert words in refused.value.message


def test_where_nothing_changes_nothing_is_refused():
    refuse_marked([])
