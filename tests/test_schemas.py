"""Schemas of tools that every vendor takes."""

from __future__ import annotations

import pytest

from copilot_desktop.schemas import claude_schema, google_schema, is_closed, legal_schema

EMPTY = {"type": "object", "properties": {}}


@pytest.mark.parametrize("given", [None, {}, {"type": "object"}, {"$schema": "x", "$id": "y"}])
def test_an_empty_schema_is_an_object_without_fields(given):
    assert legal_schema(given) == EMPTY


def test_a_union_becomes_an_object_that_requires_what_all_branches_require():
    one = {"properties": {"a": {"type": "string"}, "b": {}}, "required": ["a", "b"]}
    two = {"properties": {"a": {"type": "string"}, "c": {}}, "required": ["a"]}
    legal = legal_schema({"anyOf": [one, two]})
    assert set(legal["properties"]) == {"a", "b", "c"}
    assert legal["required"] == ["a"]
    assert "anyOf" not in legal


def test_what_branches_say_of_one_field_is_all_allowed():
    """A server tells its commands apart by a word: the last branch's was the only one told."""
    create = {"properties": {"do": {"const": "create", "description": "New"}, "at": STRING}}
    delete = {"properties": {"do": {"const": "delete", "description": "Gone"}, "at": {"enum": [1]}}}
    move = {"properties": {"do": {"enum": ["move"]}, "at": {"type": "integer"}}}
    given = {"type": "object", "oneOf": [create, delete, move]}
    assert legal_schema(given)["properties"] == {
        "do": {"enum": ["create", "delete", "move"], "description": "New; Gone"},
        "at": {"anyOf": [STRING, {"enum": [1]}, {"type": "integer"}]},
    }


def test_conditions_at_the_outermost_level_go():
    """OpenAI and Claude refuse them there, and servers of tools may have them."""
    when = {"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": False}
    given = {**of(a=STRING), "allOf": [when], "not": {"required": ["c"]}, **when, "enum": [{}]}
    assert legal_schema(given) == of(a=STRING)


def test_branches_behind_addresses_are_looked_up():
    """A union of types from Python or TypeScript: none of its fields was told."""
    one = {"type": "object", "properties": {"a": STRING, "b": STRING}, "required": ["a"]}
    more = {"anyOf": [{"$ref": "#/$defs/One"}, {"required": ["a"]}]}
    given = {"$defs": {"One": one, "More": more}, "oneOf": [{"$ref": "#/$defs/More"}]}
    legal = legal_schema(given)
    assert (legal["type"], legal["properties"]) == ("object", one["properties"])
    assert legal["required"] == ["a"]
    assert legal_schema({"$ref": "#/$defs/One", "$defs": {"One": one}}) == {
        "$defs": {"One": one}, **one
    }  # fmt: skip
    for circle in ({"$ref": "#"}, {"anyOf": [{"$ref": "#"}] * 90}, {"$ref": "#/nowhere"}):
        assert legal_schema(circle)["properties"] == {}


def test_the_given_schema_is_not_changed():
    given = {"$schema": "x", "type": "object"}
    legal_schema(given)
    assert given == {"$schema": "x", "type": "object"}


def test_a_schema_that_every_vendor_takes_is_handed_on_as_it_is():
    given = {"type": "object", "properties": {"a": {"$id": "x"}}, "required": ["a"]}
    assert legal_schema(given) is given


def of(**properties):
    return {"type": "object", "properties": properties}


STRING = {"type": "string"}
ANY = {"type": "array", "items": {}}


@pytest.mark.parametrize(
    ("given", "legal"),
    [
        (of(a={"type": "array"}), of(a=ANY)),
        (of(a={"type": "array", "items": None}), of(a=ANY)),
        (of(items={"type": "array"}, type=STRING), of(items=ANY, type=STRING)),
        (of(a={"type": ["array", "null"]}), of(a={**ANY, "type": ["array", "null"]})),
        (of(a={"anyOf": [STRING, {"type": "array"}]}), of(a={"anyOf": [STRING, ANY]})),
        (
            of(a={"type": "array", "items": of(b={"type": "array"})}),
            of(a={"type": "array", "items": of(b=ANY)}),
        ),
        (
            of(a={"type": "object", "additionalProperties": {"type": "array"}}),
            of(a={"type": "object", "additionalProperties": ANY}),
        ),
        ({**of(), "$defs": {"A": {"type": "array"}}}, {**of(), "$defs": {"A": ANY}}),
        (
            of(a={"type": "array", "prefixItems": [STRING], "maxItems": 1}),
            of(a={"type": "array", "prefixItems": [STRING], "maxItems": 1, "items": {}}),
        ),
        (
            of(a={"type": "array", "items": [STRING], "additionalItems": False}),
            of(a={"type": "array", "prefixItems": [STRING], "items": {}}),
        ),
        (
            of(a={"type": "array", "items": [STRING], "additionalItems": STRING}),
            of(a={"type": "array", "prefixItems": [STRING], "items": STRING}),
        ),
    ],
)
def test_an_array_says_what_it_holds(given, legal):
    """GPT models refuse one that does not, however deep it stands, and the request with it."""
    assert legal_schema(given) == legal


@pytest.mark.parametrize(
    "given",
    [
        of(a={"type": "array", "items": STRING}),
        of(a={"type": "array", "items": True}),
        of(a={"default": {"type": "array"}, "enum": [{"type": "array"}]}),
        of(a={"type": "string", "description": "array"}),
        {**of(), "required": None, "$defs": []},
    ],
)
def test_what_is_no_array_or_says_it_is_left_alone(given):
    assert legal_schema(given) is given


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        (of(a={"type": ["string", "null"]}), of(a=STRING)),
        (
            of(a={"type": ["null", "array"], "items": STRING}),
            of(a={"type": "array", "items": STRING}),
        ),
        (of(a={"type": ["null"]}), of(a=STRING)),
        (legal_schema(of(a={"type": ["string", "object", "array"]})), of(a=STRING)),
        (
            of(a={**of(b=STRING), "type": ["object", "array"], "items": {}, "required": ["b"]}),
            of(a={"type": "object", **of(b=STRING), "required": ["b"]}),
        ),
        (
            of(a={"type": "array", "items": {"type": ["object", "null"]}}),
            of(a={"type": "array", "items": {"type": "object"}}),
        ),
        (of(a={"type": ["string", "null"], "enum": ["x", None]}), of(a={**STRING, "enum": ["x"]})),
        (
            of(a={"type": "integer", "enum": [1, 2], "description": "How."}),
            of(a={"type": "integer", "description": "How. One of: 1, 2."}),
        ),
        (of(a={"type": "array", "items": True}), of(a={"type": "array", "items": {}})),
        (
            of(a={**of(b=STRING), "required": ["b", "c"]}, d={"required": ["e"]}),
            of(a={**of(b=STRING), "required": ["b"]}, d={"required": []}),
        ),
        (of(a={"enum": [True, "x"]}), of(a={"description": 'One of: true, "x".'})),
    ],
)
def test_for_google_each_value_has_one_type_and_choices_are_texts(given, plain):
    assert google_schema(given) == plain


def test_for_claude_arrays_are_spelled_as_in_the_latest_draft():
    pair = {"type": "array", "items": [STRING, {"type": "number"}]}
    told = {"type": "array", "prefixItems": pair["items"], "items": {}}
    given = of(a={"type": "array", "items": pair}, b={"anyOf": [pair]})
    assert claude_schema(given) == of(a={"type": "array", "items": told}, b={"anyOf": [told]})
    untyped = of(a={"items": pair["items"]})
    assert claude_schema(untyped) == of(a={"prefixItems": pair["items"], "items": {}})
    taken = {"type": "object", "patternProperties": {"x": {"type": "array"}}}
    assert claude_schema(taken) is taken


def test_what_google_takes_is_handed_on_as_it_is():
    inner = {**of(c={"type": "integer"}), "required": ["c"]}
    given = of(a={"type": "string", "enum": ["x"]}, b=inner, required={"type": "string"})
    assert google_schema(given) is given


CLOSED = {"type": "object", "properties": {"a": {}}, "required": ["a"]} | {
    "additionalProperties": False
}


@pytest.mark.parametrize(
    ("schema", "closed"),
    [
        (CLOSED, True),
        ({**CLOSED, "required": []}, False),
        ({**CLOSED, "additionalProperties": True}, False),
        ({**CLOSED, "properties": {"a": {"type": "object"}}}, False),
        ({**CLOSED, "properties": {"a": {"type": "array", "items": CLOSED}}}, True),
        ({**CLOSED, "properties": {"a": {"anyOf": [CLOSED, {"type": "object"}]}}}, False),
        ({**CLOSED, "$defs": {"b": {"type": "object"}}}, False),
        ({**CLOSED, "properties": {"a": {"default": {"type": "object"}}}}, True),
    ],
)
def test_strict_is_what_forbids_extras_and_requires_everything(schema, closed):
    assert is_closed(schema) is closed
