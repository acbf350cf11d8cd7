"""Schemas of tools that every vendor takes."""

from __future__ import annotations

import pytest

from copilot_desktop.schemas import is_closed, legal_schema

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


def test_the_given_schema_is_not_changed():
    given = {"$schema": "x", "type": "object"}
    legal_schema(given)
    assert given == {"$schema": "x", "type": "object"}


def test_a_schema_that_every_vendor_takes_is_handed_on_as_it_is():
    given = {"type": "object", "properties": {"a": {"$id": "x"}}, "required": ["a"]}
    assert legal_schema(given) is given


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
