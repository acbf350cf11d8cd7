"""The tools of an Anthropic request: what Copilot does not know or run stays here."""

from __future__ import annotations

from tests.upstream.quirks.test_messages import CLAUDE, LS, ask, fix, fixed_body


def test_a_tool_is_told_with_what_copilot_knows_of_it() -> None:
    annotated = {**LS, "annotations": {"readOnlyHint": True}, "defer_loading": True, "strict": True}
    typed = {"type": "bash_20250124", "name": "bash", "max_characters": 5}
    assert fixed_body(ask(tools=[annotated, typed]))["tools"] == [{**LS, "strict": True}, typed]
    known = fixed_body(ask(tools=[annotated]), CLAUDE, "advanced-tool-use-2025-11-20")["tools"]
    assert known == [{**LS, "defer_loading": True, "strict": True}]


def test_twins_among_tools_are_told_once() -> None:
    fixed = fix(ask(tools=[LS, {**LS, "description": "another"}]))
    assert (fixed.body or {})["tools"] == [LS]
    assert fixed.notes == fixed.marked == ("dropped=tools.ls (declared twice)",)


def test_server_tools_go_beside_others() -> None:
    search = {"type": "web_search_20250305", "name": "web_search"}
    fixed = fix(ask(tools=[search, {**LS, "eager_input_streaming": True}]))
    assert fixed.body is not None
    assert fixed.body["tools"] == [LS]
    assert "dropped=tools.web_search" in fixed.notes
    found = {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"}
    lazy = ask(tools=[found, {**LS, "defer_loading": True}, {**LS, "name": "rm"}])
    assert fix(lazy, CLAUDE, "advanced-tool-use-2025-11-20").body is None
    assert fixed_body(lazy)["tools"] == [LS, {**LS, "name": "rm"}]


def test_a_tool_of_the_client_may_be_called_as_one_of_the_servers() -> None:
    own, choice = {**LS, "name": "web_search"}, {"type": "tool", "name": "web_search"}
    served = {"type": "web_search_20250305", "name": "web_search"}
    fixed = fix(ask(tools=[served, own], tool_choice=choice))
    assert fixed.body is not None
    assert (fixed.body["tools"], fixed.body["tool_choice"]) == ([own], choice)
    assert fixed.notes == ("dropped=tools.web_search",)


def test_a_tool_without_a_schema_takes_nothing() -> None:
    empty = {"type": "object", "properties": {}}
    for bare in ({"name": "ls"}, {"name": "ls", "type": "custom", "input_schema": None}):
        assert fixed_body(ask(tools=[bare]))["tools"] == [{**bare, "input_schema": empty}]


def test_a_choice_without_tools_goes() -> None:
    assert "tool_choice" not in fixed_body(ask(tool_choice={"type": "any"}))


def test_schema_addresses_go() -> None:
    schema = {"$schema": "https://json-schema.org", "$id": "x", **LS["input_schema"]}
    body = fixed_body(ask(tools=[{"name": "ls", "input_schema": {**schema, "properties": {}}}]))
    assert body["tools"] == [{"name": "ls", "input_schema": {"type": "object", "properties": {}}}]


def test_arrays_are_told_as_claude_reads_them() -> None:
    def tool(**pair: object) -> dict[str, object]:
        way = {"type": "array", "items": {"type": "array", **pair}}
        return {"name": "drag", "input_schema": {"type": "object", "properties": {"way": way}}}

    numbers = [{"type": "number"}] * 2
    told = fixed_body(ask(tools=[tool(items=numbers)]))["tools"]
    assert told == [tool(prefixItems=numbers, items={})]
    assert fix(ask(tools=[tool()])).body is None
