"""A block between marks in a shell's profile."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_desktop.integrations.edits import ABSENT
from copilot_desktop.integrations.formats.block_text import drop_block, find_block, put_block
from copilot_desktop.integrations.formats.splice import CannotKeep

LINES = ("export A='1'", "export B='2'")
PROFILE = "# mine\nPATH=$PATH:/opt\n"


def test_a_block_stands_apart_below_everything() -> None:
    assert put_block(PROFILE, "bash", LINES) == (
        "# mine\nPATH=$PATH:/opt\n"
        "\n"
        "# >>> copilot-desktop: bash >>>\n"
        "export A='1'\n"
        "export B='2'\n"
        "# <<< copilot-desktop: bash <<<\n"
    )


def test_a_block_is_found_by_its_name() -> None:
    text = put_block(put_block(PROFILE, "one", LINES), "two", ("x",))
    assert find_block(text, "one") == LINES
    assert find_block(text, "two") == ("x",)
    assert find_block(text, "three") is ABSENT


def test_other_lines_take_the_place_of_the_old_ones() -> None:
    text = put_block(PROFILE, "one", LINES) + "alias x=y\n"
    changed = put_block(text, "one", ("new",))
    assert find_block(changed, "one") == ("new",)
    assert changed.endswith("one <<<\nalias x=y\n")
    assert put_block(changed, "one", ("new",)) == changed


@given(
    st.lists(st.sampled_from(["", "a", "  # b", "\t"]), max_size=5),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_a_block_leaves_no_trace(lines: list[str], newline: str, ended: bool) -> None:
    text = newline.join([*lines, ""] if ended else lines)
    longer = put_block(text, "bash", LINES)
    assert find_block(longer, "bash") == LINES
    assert put_block(longer, "bash", LINES) == longer
    assert drop_block(longer, "bash") == text
    assert drop_block(text, "bash") == text


@pytest.mark.parametrize(
    "text",
    [
        "# >>> copilot-desktop: x >>>\na\n",
        "a\n# <<< copilot-desktop: x <<<\n",
        "# <<< copilot-desktop: x <<<\n# >>> copilot-desktop: x >>>\n",
        "# >>> copilot-desktop: x >>>\n" * 2 + "# <<< copilot-desktop: x <<<\n",
    ],
)
def test_marks_that_are_no_pair_are_left_alone(text: str) -> None:
    for change in (
        lambda: put_block(text, "x", LINES),
        lambda: drop_block(text, "x"),
        lambda: find_block(text, "x"),
    ):
        with pytest.raises(CannotKeep) as refused:
            change()
        assert refused.value.reason == "half_marker"
