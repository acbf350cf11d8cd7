"""JSON schemas of tools, made acceptable to every vendor (`translation.md` §2.4).

Only the outermost level is changed: that is where vendors are strict, and deep rewriting would
change what the tool means. Strictness itself is asked for only where OpenAI would grant it.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]
_BRANCHES = ("anyOf", "oneOf", "allOf")
_ILLEGAL = frozenset({*_BRANCHES, "$schema", "$id"})


def legal_schema(schema: Schema | None) -> Schema:
    """An object schema with `properties`, without `$schema` and `$id`, never a bare union: `schema`
    itself if it is one."""
    if schema and _is_legal(schema):
        return schema
    given = schema or {}
    legal = {key: value for key, value in given.items() if key not in _ILLEGAL}
    branches = [branch for key in _BRANCHES if key in given for branch in _listed(given[key])]
    if branches:
        legal = _united(legal, [branch for branch in branches if isinstance(branch, dict)])
    legal["type"] = "object"
    if not isinstance(legal.get("properties"), dict):
        legal["properties"] = {}
    return legal


def _is_legal(schema: Schema) -> bool:
    return (
        schema.get("type") == "object"
        and isinstance(schema.get("properties"), dict)
        and _ILLEGAL.isdisjoint(schema)
    )


def _united(outer: Schema, branches: list[Schema]) -> Schema:
    """One object with the properties of all branches; required is only what all require."""
    properties: Schema = {}
    for part in (*branches, outer):
        if isinstance(found := part.get("properties"), dict):
            properties.update(found)
    common = set.intersection(*(set(required_of(each)) for each in branches)) if branches else set()
    first = required_of(outer)
    required = [*first, *sorted(common - set(first))]
    united = {**outer, "properties": properties}
    if required:
        united["required"] = required
    return united


def is_closed(schema: Any) -> bool:
    """Whether OpenAI takes this as strict: every object forbids extras and requires all its keys
    (`translation.md` §3.1)."""
    if isinstance(schema, list):
        return all(map(is_closed, schema))
    if not isinstance(schema, dict):
        return True
    properties = schema.get("properties")
    if schema.get("type") == "object" or isinstance(properties, dict):
        keys = set(properties) if isinstance(properties, dict) else set()
        if schema.get("additionalProperties") is not False or set(required_of(schema)) != keys:
            return False
    nested = [schema[key] for key in ("items", *_BRANCHES) if key in schema]
    groups = (schema.get(key) for key in ("properties", "$defs", "definitions"))
    nested += [list(group.values()) for group in groups if isinstance(group, dict)]
    return is_closed(nested)


def required_of(schema: Schema) -> list[str]:
    """The names under `required`; whatever else stands there is none."""
    return [name for name in _listed(schema.get("required")) if isinstance(name, str)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
