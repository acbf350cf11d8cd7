"""What is gentle, what is a block, what points at us: the finer rules of a change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from copilot_desktop.errors import InvalidRequest
from copilot_desktop.integrations.edits import Block, Edit, Extra, Item, Put
from copilot_desktop.integrations.planning import points_at_us
from copilot_desktop.integrations.records import Ledger
from copilot_desktop.integrations.tool import Link, Machine, Tool
from copilot_desktop.integrations.tools import continue_dev
from tests.integrations.workbench import KEY, OTHER_KEY, Bench, link


def tool(*edits: Edit) -> Tool:
    return Tool(id="made", name="Made", source="made up", edits=lambda _machine, _link: edits)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_gentle_value_leaves_what_stands_there(bench: Bench) -> None:
    file = bench.write("a.json", '{"model": "mine"}')
    made = tool(
        Put(file, "json", ("model",), "ours", gently=True),
        Put(file, "json", ("url",), "http://127.0.0.1:4141"),
    )
    bench.connect(made)
    assert '"model": "mine"' in file.read_text()
    assert bench.state(made) == "connected"
    bench.connection.undo(made)
    assert file.read_text() == '{"model": "mine"}'


def test_a_gentle_value_of_ours_may_be_changed_without_a_word(bench: Bench) -> None:
    file = bench.write("a.json", "{}")
    made = tool(
        Put(file, "json", ("model",), "ours", gently=True),
        Put(file, "json", ("url",), "http://127.0.0.1:4141"),
    )
    bench.connect(made)
    file.write_text(file.read_text().replace("ours", "theirs"))
    assert bench.state(made) == "connected"
    bench.connect(made)
    assert "theirs" in file.read_text()
    assert bench.connection.preview_undo(made).stay == ()
    bench.connection.undo(made)
    assert "theirs" in file.read_text()
    assert "url" not in file.read_text()


def test_a_block_in_a_profile_comes_and_goes(bench: Bench) -> None:
    file = bench.write(".bashrc", "# mine\nalias x=y\n")

    def edits(_machine: Machine, to: Link) -> tuple[Edit, ...]:
        return (Block(file, "addresses", (f"export URL={to.address}", f"export K={to.key}"),
                      secrets=(to.key,)),)  # fmt: skip

    made = replace(tool(), edits=edits)
    shown = bench.connection.preview(made, link())
    assert KEY not in repr(shown)
    bench.connect(made)
    assert f"export K={KEY}" in file.read_text()
    bench.connection.update(made, link(5000))
    assert "5000" in file.read_text()
    assert "4141" not in file.read_text()
    file.write_text(file.read_text() + "alias z=y\n")
    bench.connection.undo(made)
    assert file.read_text() == "# mine\nalias x=y\nalias z=y\n"


def test_a_block_that_was_edited_stays(bench: Bench) -> None:
    file = bench.write(".bashrc", "# mine\n")
    made = tool(Block(file, "addresses", ("export A=1",)))
    bench.connect(made)
    file.write_text(file.read_text().replace("A=1", "A=2"))
    assert bench.state(made) == "changed"
    assert [place for _, place in bench.connection.undo(made).stay] == ["addresses"]
    assert "A=2" in file.read_text()


@pytest.mark.parametrize(
    ("value", "ours"),
    [
        ("http://127.0.0.1:4141", True),
        ("http://127.0.0.1:4141/v1", True),
        ("http://localhost:4141/v1/", True),
        ("http://[::1]:4141", True),
        ("http://127.0.0.1:5000", True),  # a port of before
        ("http://127.0.0.1:11434", False),
        ("https://api.openai.com:4141", False),
        ("http://127.0.0.1:99999", False),
        ("http://[broken", False),
        (KEY, True),
        (OTHER_KEY, True),  # the shape of our keys
        ("copilot-desktop", True),
        ("sk-theirs", False),
        (None, False),
        (4141, False),
        ({"deep": ["http://127.0.0.1:4141"]}, True),
        ([], False),
    ],
)
def test_what_points_at_us(value: object, ours: bool) -> None:
    known = points_at_us(Ledger(ports=frozenset({5000})), link())
    assert known(value) is ours  # type: ignore[arg-type]


def test_lines_for_people_who_write_them_themselves(bench: Bench) -> None:
    made = tool(
        Put(bench.home / "a.json", "json", ("url",), "http://127.0.0.1:4141"),
        Put(bench.home / "b.toml", "toml", ("top", "key"), KEY, secret=True),
    )
    text = bench.connection.lines(made, link())
    assert text.startswith("# ~/a.json\n")
    assert "# ~/b.toml\n" in text
    assert KEY in text, "it goes to the clipboard"
    assert bench.everything() == {}


def test_a_gentle_value_is_written_again_where_the_whole_file_is_gone(bench: Bench) -> None:
    file = bench.home / "a.json"
    made = tool(
        Put(file, "json", ("model",), "ours", gently=True),
        Put(file, "json", ("url",), "http://127.0.0.1:4141"),
    )
    bench.connect(made)
    whole = file.read_bytes()
    file.unlink()
    bench.connect(made)
    assert file.read_bytes() == whole


REJECTED: list[tuple[Extra, str, bytes]] = [
    ("comments", "a comment", b'{\n  "url": "http://a", // mine\n  "b": [1]\n}'),
    ("comments", "a comment", b'{\n  /* mine */ "b": [1]\n}'),
    ("block_comments", "a comment", b'{\n  /* mine */ "b": [1]\n}'),
    ("trailing_commas", "a comma", b'{"a": 1,\n  "b": [1, // ]\n]\n}'),
    ("mark", "a byte order mark", b'\xef\xbb\xbf{"a": 1}'),
]


@pytest.mark.parametrize(("rejected", "why", "content"), REJECTED)
def test_a_file_that_the_tool_would_not_read_is_left_alone(
    bench: Bench, rejected: Extra, why: str, content: bytes
) -> None:
    file = bench.write("a.json", content)
    easy = tool(Put(file, "json", ("url",), "http://127.0.0.1:4141"))
    strict = replace(easy, rejects=frozenset({rejected}))
    standing = bench.connection.check(strict, link())
    assert standing.state == "unreadable"
    assert standing.detail["line"] == (1 if rejected == "mark" else 2)
    with pytest.raises(InvalidRequest, match=why):
        bench.connection.preview(strict, link())
    assert file.read_bytes() == content
    bench.connect(easy)  # before it was known to be strict, or before the user put it there
    bench.connection.undo(strict)
    assert file.read_bytes() == content


def test_what_only_looks_like_a_comment_or_comma_is_none(bench: Bench) -> None:
    file = bench.write("a.json", b'{"a": "http://b /* c */ ,]", "d": [1, 2], "e": "\\\\"}')
    made = tool(Put(file, "json", ("url",), "http://127.0.0.1:4141"))
    bench.connect(replace(made, rejects=frozenset({"comments", "trailing_commas", "mark"})))
    assert bench.state(made) == "connected"


def test_no_file_is_made_that_would_hide_one_of_the_users(bench: Bench) -> None:
    older = bench.write(".continue/config.json", '{"models": []}')
    assert bench.state(continue_dev.TOOL) == "unreadable"
    with pytest.raises(InvalidRequest, match=r"config\.json.* no longer read it"):
        bench.connection.preview(continue_dev.TOOL, link())
    assert sorted(bench.everything()) == [".continue", ".continue/config.json"]
    bench.write(".continue/config.yaml", "name: Mine\nversion: 1.0.0\n")  # it counts already
    bench.connect(continue_dev.TOOL)
    assert bench.state(continue_dev.TOOL) == "connected"
    assert older.read_text() == '{"models": []}'


@pytest.mark.parametrize(
    ("place", "before", "mine", "after"),
    [
        ((), "# mine\n- name: a\n", "- name: a\n", "# mine\n[]\n"),
        ((), "- name: a\r\n", "- name: a\r\n", "[]\r\n"),
        (("models",), "v: 1\nmodels:\n- name: a\n", "- name: a\n", "v: 1\nmodels: []\n"),
        (("models",), "models: # mine\n- name: a\n", "- name: a\n", "models: [] # mine\n"),
    ],
)
def test_a_list_in_yaml_that_has_lost_all_its_entries_stays_a_list(
    bench: Bench, place: tuple[str, ...], before: str, mine: str, after: str
) -> None:
    """llm fails on an empty file, and Continue on a list of models that is nothing."""
    file = bench.write("a.yaml", before)
    made = tool(Put(file, "yaml", (*place, Item("name", "ours")), {"name": "ours", "u": 1}))
    bench.connect(made)
    bench.write("a.yaml", file.read_bytes().replace(mine.encode(), b"", 1))  # by its owner
    assert not bench.connection.undo(made).stay
    assert file.read_bytes().decode() == after


def test_a_remark_in_a_list_of_our_making_leaves_a_list(bench: Bench) -> None:
    made = tool(Put(bench.home / "a.yaml", "yaml", (Item("name", "ours"),), {"name": "ours"}))
    bench.connect(made)
    file = bench.home / "a.yaml"
    file.write_text("# mine\n" + file.read_text())
    bench.connection.undo(made)
    assert file.read_text() == "# mine\n[]\n"
