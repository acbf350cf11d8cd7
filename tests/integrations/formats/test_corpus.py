"""Awkward files: the lines that change in them, and what is refused."""

from __future__ import annotations

import difflib
import json
from typing import Any

import pytest

from copilot_desktop.integrations.edits import ABSENT, Format, Item, Place
from copilot_desktop.integrations.formats.text import (
    CannotKeep,
    Unreadable,
    drop,
    find,
    missing,
    put,
    read,
)

CLAUDE = (
    '{\n\t// mine\n\t"env": {\n\t\t"A": "1", // keep\n\t},\n\t"n": 1.50e3, "s": "\\u00e9\\/"\n}\n'
)
CODEX = (
    '#:schema x\n\nmodel = "o3" # best\n\n[mcp."my srv"]\nargs = [\n  "a", # one\n]\n\n'
    "# about p\n[p]\nx.y = 1\n"
)
CONTINUE = (
    "# mine\nname: Local\nmodels:\n  - name: GPT   # fast\n    roles: [chat, edit]\n\n"
    "  # - name: old\n\nprompts:\n  - name: p\n    prompt: |\n      text\n\n      more\n"
)
AIDER = "## aider\n# model: x\n\ndark-mode: true   # eyes\nread: [A.md]\nalias:\n- 'a:b'\n"
URL = "http://127.0.0.1:4141/v1"

Case = tuple[Format, str, Place, Any, list[str]]  # the last: what a diff shows

CASES: list[Case] = [
    ("json", CLAUDE, ("env", "B"), "2", ['+\t\t"B": "2",']),
    ("json", CLAUDE, ("env", "A"), "2", ['-\t\t"A": "1", // keep', '+\t\t"A": "2", // keep']),
    ("json", '{"a":{"b":1}}', ("a", "c"), 2, ['-{"a":{"b":1}}', '+{"a":{"b":1, "c": 2}}']),
    ("json", "// nothing yet\n", ("a",), 1, ["+{", '+  "a": 1', "+}"]),
    ("json", "", ("a",), 1, ["+{", '+  "a": 1', "+}"]),
    (
        "json", '[\n    {"name": "x"}\n]', (Item("name", "é"), "url"), URL,
        ['-    {"name": "x"}', '+    {"name": "x"},', "+    {", '+        "name": "é",',
         f'+        "url": "{URL}"', "+    }"],
    ),
    ("toml", CODEX, ("profile",), "p", ['+profile = "p"']),
    ("toml", CODEX, ("model",), "gpt", ['-model = "o3" # best', '+model = "gpt" # best']),
    ("toml", CODEX, ("p", "x", "z"), True, ["+x.z = true"]),
    (
        "toml", CODEX, ("providers", "ours"), {"base_url": URL, "q": {"a": "b"}},
        ["+", "+[providers.ours]", f'+base_url = "{URL}"', "+", "+[providers.ours.q]", '+a = "b"'],
    ),
    ("toml", 'x = { a = 1 }\r\n', ("x", "b"), [1], ["-x = { a = 1 }", "+x = { a = 1, b = [1] }"]),
    ("toml", '[[m]]\nname = "a"\n[[m]]\nname = 2\n', ("m", Item("name", "a"), "k"), 1, ["+k = 1"]),
    (
        "yaml", CONTINUE, ("models", Item("name", "ours")), {"name": "ours", "apiBase": URL},
        ["+  - name: ours", f"+    apiBase: {URL}"],
    ),
    ("yaml", CONTINUE, ("models", Item("name", "GPT"), "apiKey"), "on", ['+    apiKey: "on"']),
    ("yaml", AIDER, ("openai-api-base",), URL, [f"+openai-api-base: {URL}"]),
    ("yaml", AIDER, ("more",), ["a"], ["+more:", "+- a"]),
    ("yaml", AIDER, ("dark-mode",), False,
     ["-dark-mode: true   # eyes", "+dark-mode: false   # eyes"]),
    ("yaml", "a: {b: 1}\n", ("a", "c"), "d", ["-a: {b: 1}", '+a: {b: 1, "c": "d"}']),
    ("yaml", "models:\n", ("models", Item("name", "x")), {"name": "x"}, ["+  - name: x"]),
]  # fmt: skip


@pytest.mark.parametrize("ending", ["as it is", "crlf", "no last newline"])
@pytest.mark.parametrize("case", CASES)
def test_only_these_lines_change(case: Case, ending: str) -> None:
    format_, text, place, value, shown = case
    if ending == "crlf":
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    if ending == "no last newline":
        text = text.removesuffix("\n").removesuffix("\r")
    longer = put(format_, text, place, value)
    lines = difflib.ndiff(text.splitlines(), longer.splitlines())
    changed = [f"{line[0]}{line[2:]}" for line in lines if line[0] in "+-"]
    assert changed == shown
    assert put(format_, longer, place, value) == longer
    if "\r\n" in text:
        assert longer.count("\n") == longer.count("\r\n")
    if find(format_, text, place) is ABSENT:
        assert drop(format_, longer, place, len(missing(format_, text, place))) == text
    else:
        assert put(format_, longer, place, find(format_, text, place)) == text  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("format_", "text", "line", "reason"),
    [
        ("json", '{\n  "a": 1\n  "b": 2\n}', 3, "not_valid"),
        ("json", "{\n\"a\": 'x'}", 2, "not_valid"),
        ("json", '{"a": 1,,}', 1, "not_valid"),
        ("json", "{,}", 1, "not_valid"),
        ("json", '{"a": NaN}', 1, "not_valid"),
        ("json", '{"a": 01}', 1, "not_valid"),
        ("json", '\n{"a": "x\ny"}', 2, "not_valid"),
        ("json", "{}\n/* open", 2, "not_valid"),
        ("json", "{} {}", 1, "not_valid"),
        ("json", '\ufeff{"a": 1}', 1, "not_valid"),
        ("json", "[" * 100_000, 1, "too_deep"),
        ("json", f'{{"a": {"9" * 5000}}}', 1, "not_valid"),
        ("toml", "a = 1\nb = \n", 2, "not_valid"),
        ("toml", "a = 1\na = 2\n", 2, "not_valid"),
        ("toml", "a = " + "[" * 5000, 1, "too_deep"),
        ("yaml", "a: 1\nb: c: d\n", 2, "not_valid"),
        ("yaml", "a: 1\n\tb: 2\n", 2, "not_valid"),
        ("yaml", "a: *nowhere\n", 1, "not_valid"),
        ("yaml", "a: 1\n---\nb: 2\n", 2, "several_documents"),
        ("yaml", "a: \x01\n", 1, "not_valid"),
        ("yaml", "a: " + "[" * 150 + "]" * 150, 1, "too_deep"),
        ("yaml", "a: b\n" * 100_000, 1, "too_slow"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_line(
    format_: Format, text: str, line: int, reason: str
) -> None:
    for attempt in (
        lambda: read(format_, text),
        lambda: put(format_, text, ("x",), 1),
        lambda: drop(format_, text, ("x",)),
    ):
        with pytest.raises(Unreadable) as refused:
            attempt()
        assert (refused.value.line, refused.value.reason) == (line, reason)


@pytest.mark.parametrize(
    ("format_", "text", "place", "line", "reason"),
    [
        ("json", '{"a": 1,\n"a": 2}', ("a",), 2, "doubled_key"),
        ("json", '{\n"a": null}', ("a", "b"), 2, "no_mapping"),
        ("json", '{\n"a": {}}', ("a", Item("k", "v"), "b"), 2, "no_list"),
        ("json", "[]", ("a",), 1, "no_mapping"),
        ("json", '{\r"a": 1}', ("b",), 1, "layout"),
        ("toml", "\na = 1\n", ("a", "b"), 2, "no_mapping"),
        (
            "toml",
            '\n[[m]]\nid = "x"\n[[m]]\nid = "x"\n',
            ("m", Item("id", "x"), "a"),
            2,
            "doubled_key",
        ),
        ("toml", "[a]\n\n[a.b]\n", ("a",), 1, "layout"),
        ("yaml", "a: 1\na: 2\n", ("a",), 2, "doubled_key"),
        ("yaml", "x: &x {a: 1}\ny: *x\n", ("x", "b"), 1, "anchors"),
        ("yaml", "x: &x {a: 1}\ny: *x\n", ("y", "b"), 1, "anchors"),
        ("yaml", "x: &x {a: 1}\ny:\n  <<: *x\n  c: 2\n", ("y", "b"), 3, "anchors"),
        ("yaml", "a: !env\n  b: 1\n", ("a", "c"), 1, "anchors"),
        ("yaml", "a: ~\n", ("a", "b"), 1, "no_mapping"),
        ("yaml", "x: 1\ny: {a: }\n", ("y", "a", "b"), 2, "no_mapping"),
        ("yaml", "a: |\n  x", ("b",), 2, "layout"),
    ],
)
def test_what_cannot_be_kept_is_refused(
    format_: Format, text: str, place: Place, line: int, reason: str
) -> None:
    with pytest.raises(CannotKeep) as refused:
        put(format_, text, place, "ours")
    assert (refused.value.line, refused.value.reason) == (line, reason)


def test_elsewhere_twice_and_anchored_things_stay() -> None:
    assert put("json", '{"a": 1, "a": 2}', ("b",), 3) == '{"a": 1, "a": 2, "b": 3}'
    anchored = "x: &x {a: !t 1}\ny: *x\nz:\n  <<: *x\n"
    assert put("yaml", anchored, ("w",), 3) == anchored + "w: 3\n"


def test_a_file_of_a_megabyte_is_changed_in_one_place() -> None:
    text = json.dumps({f"key {i}": ["x" * 100, i / 3, None] for i in range(7000)}, indent=4)
    assert len(text) > 2**20
    longer = put("json", text, ("key 5000",), 1)
    assert find("json", longer, ("key 5000",)) == 1
    old = set(text.splitlines())
    assert [line for line in longer.splitlines() if line not in old] == ['    "key 5000": 1,']


def test_a_mapping_over_a_mapping_touches_what_differs() -> None:
    text = '{\n  "env": {\n    // mine\n    "A": "1",\n    "B": "2"\n  }\n}\n'
    assert put("json", text, ("env",), {"A": "1", "C": "3"}) == (
        '{\n  "env": {\n    // mine\n    "A": "1",\n    "C": "3"\n  }\n}\n'
    )


def test_parents_go_only_as_far_as_they_were_made() -> None:
    text = '{\n  "a": {\n    "b": {\n      "c": 1\n    }\n  }\n}\n'
    assert drop("json", text, ("a", "b", "c")) == '{\n  "a": {\n    "b": {}\n  }\n}\n'
    assert drop("json", text, ("a", "b", "c"), 1) == '{\n  "a": {}\n}\n'
    assert drop("json", text, ("a", "b", "c"), 2) == "{}\n"
    assert drop("json", text, ("a", "b", "c"), 3) == ""
    kept = put("json", text, ("a", "other"), 1)
    assert find("json", drop("json", kept, ("a", "b", "c"), 3), ("a",)) == {"other": 1}


def test_no_error_holds_what_the_file_says() -> None:
    with pytest.raises(Unreadable) as refused:
        read("yaml", "key: sk-secret: x\n")
    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None
