"""JSON schemas of tools, made acceptable to every vendor (`translation.md` §2.4).

One tool that a vendor does not take spoils every request of a session, and many come from servers
that were tried with another vendor. Mostly the outermost level is changed; what lies deeper keeps
its meaning: an array says what it holds, and for Google each value has one type. Strictness itself
is asked for only where OpenAI would grant it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

Schema = dict[str, Any]
_BRANCHES = ("anyOf", "oneOf", "allOf")
ILLEGAL = frozenset({*_BRANCHES, "$schema", "$id", "not", "if", "then", "else", "enum"})
_NAMED = frozenset({"properties", "patternProperties", "$defs", "definitions"})
_NESTED = frozenset({*_BRANCHES, "items", "prefixItems", "additionalProperties", "not"})
_DEEP = _NAMED | _NESTED
_DEEPEST = 2  # unions within unions, which may lead to one another
_HOPS = 8
# What is said of values of one type only.
_OF_TYPE = {
    "array": frozenset({"items", "prefixItems"}),
    "object": frozenset({"properties", "required", "additionalProperties"}),
}


def legal_schema(schema: Schema | None) -> Schema:
    """An object schema with `properties`, without `$schema` and `$id`, never a bare union or
    condition, in which each array says what it holds: `schema` itself if it is one."""
    legal = schema if schema and _is_legal(schema) else _outermost(schema or {})
    return _rewritten(legal, _with_items) if any(map(_is_bare, _within(legal))) else legal


def claude_schema(schema: Schema) -> Schema:
    """As the latest draft spells what arrays hold: Claude refuses the older ones. `schema` itself
    if it is so."""
    return _rewritten(schema, _with_items) if any(map(_is_older, _within(schema))) else schema


def google_schema(schema: Schema) -> Schema:
    """With one type for each value, choices among texts only, and no field that must be there but
    is not declared: Copilot's Gemini models refuse any other without a word that says why. `schema`
    itself if it is so."""
    return _rewritten(schema, _plainer) if any(map(_is_mixed, _within(schema))) else schema


def _outermost(schema: Schema, root: Schema | None = None, depth: int = 0) -> Schema:
    root = schema if root is None else root
    given = _looked_up(schema, root)
    legal = {key: value for key, value in given.items() if key not in ILLEGAL}
    branches = [branch for key in _BRANCHES if key in given for branch in _listed(given[key])]
    if branches and depth < _DEEPEST:
        whole = [_outermost(each, root, depth + 1) for each in branches if isinstance(each, dict)]
        legal = _united(legal, whole)
    legal["type"] = "object"
    if not isinstance(legal.get("properties"), dict):
        legal["properties"] = {}
    return legal


def _is_legal(schema: Schema) -> bool:
    return (
        schema.get("type") == "object"
        and isinstance(schema.get("properties"), dict)
        and ILLEGAL.isdisjoint(schema)
    )


# ------------------------------------------------------------------------------ what lies within


def _within(schema: Schema) -> Iterator[Schema]:
    """`schema` and each schema in it that may be more than a text: called for each tool of each
    request."""
    waiting: list[Any] = [schema]
    for node in waiting:
        if type(node) is list:
            waiting += node
        elif type(node) is dict:
            yield node
            for key in _DEEP.intersection(node):
                found = node[key]
                if key in _NESTED:
                    waiting.append(found)
                elif type(found) is dict:
                    waiting += [inner for inner in found.values() if _may_matter(inner)]


def _may_matter(schema: Any) -> bool:
    return type(schema) is dict and (schema.get("type") != "string" or "enum" in schema)


def _rewritten(schema: Any, change: Callable[[Schema], Schema]) -> Any:
    """A copy with `change` made to each schema in it, the innermost first."""
    if isinstance(schema, list):
        return [_rewritten(each, change) for each in schema]
    if not isinstance(schema, dict):
        return schema
    copy: Schema = {}
    for key, found in schema.items():
        if key in _NESTED:
            copy[key] = _rewritten(found, change)
        elif key in _NAMED and isinstance(found, dict):
            copy[key] = {name: _rewritten(inner, change) for name, inner in found.items()}
        else:
            copy[key] = found
    return change(copy)


def _is_bare(schema: Schema) -> bool:
    """An array without a schema for what it holds, or with a list of them: OpenAI and Google refuse
    the first, everybody the second."""
    kind = schema.get("type")
    is_array = kind == "array" or (type(kind) is list and "array" in kind)
    return (is_array and schema.get("items") is None) or _is_older(schema)


def _is_older(schema: Schema) -> bool:
    """What older drafts say of an array: one schema after the other for what it holds."""
    return type(schema.get("items")) is list


def _with_items(schema: Schema) -> Schema:
    if not _is_bare(schema):
        return schema
    first = schema.get("items")
    if first is None:
        return {**schema, "items": {}}
    rest = schema.get("additionalItems")
    kept = {key: value for key, value in schema.items() if key != "additionalItems"}
    return {**kept, "prefixItems": first, "items": rest if isinstance(rest, dict) else {}}


def _is_mixed(schema: Schema) -> bool:
    kind, choices = schema.get("type"), schema.get("enum")
    if type(kind) is list or type(schema.get("items")) is bool:
        return True
    if "required" in schema and _declared(schema) != schema["required"]:
        return True
    return type(choices) is list and not _are_texts(kind, choices)


def _declared(schema: Schema) -> list[str]:
    """The fields that must be there, as far as it is said what they are."""
    properties = schema.get("properties")
    known = properties if isinstance(properties, dict) else {}
    return [name for name in required_of(schema) if name in known]


def _are_texts(kind: Any, choices: list[Any]) -> bool:
    return kind in ("string", None) and all(type(choice) is str for choice in choices)


def _plainer(schema: Schema) -> Schema:
    """The first of several types, with what is said of it, so that whatever fits this fits what was
    declared. Choices that are no texts are told in words."""
    kind, choices = schema.get("type"), schema.get("enum")
    plain = dict(schema)
    if isinstance(schema.get("items"), bool):  # as Rust's schemars says that it may be anything
        plain["items"] = {}
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "string")
        others = frozenset[str]().union(*(_OF_TYPE[each] for each in _OF_TYPE if each != kind))
        plain = {key: value for key, value in plain.items() if key not in others} | {"type": kind}
        if kind == "string" and isinstance(choices, list):
            choices = [choice for choice in choices if choice is not None]
            plain["enum"] = choices
    if "required" in plain:
        plain["required"] = _declared(plain)
    if isinstance(choices, list) and not _are_texts(kind, choices):
        del plain["enum"]
        words = f"One of: {', '.join(json.dumps(choice) for choice in choices)}."
        plain["description"] = f"{plain.get('description') or ''} {words}".strip()
    return plain


# ----------------------------------------------------------------------------- the outermost level


def _looked_up(schema: Schema, root: Schema) -> Schema:
    """What a `$ref` to another place in `root` stands for, with what is said beside it."""
    for _ in range(_HOPS):
        address = schema.get("$ref")
        if not isinstance(address, str) or not address.startswith("#/"):
            break
        found: Any = root
        for step in address[2:].split("/"):
            found = found.get(step) if isinstance(found, dict) else None
        if not isinstance(found, dict):
            break
        schema = {**found, **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema


def _united(outer: Schema, branches: list[Schema]) -> Schema:
    """One object with the properties of all branches; required is only what all require."""
    properties: Schema = {}
    for branch in branches:
        for name, found in branch["properties"].items():
            properties[name] = _either(properties[name], found) if name in properties else found
    if isinstance(found := outer.get("properties"), dict):
        properties.update(found)
    common = set.intersection(*(set(required_of(each)) for each in branches)) if branches else set()
    first = required_of(outer)
    required = [*first, *sorted(common - set(first))]
    united = {**outer, "properties": properties}
    if required:
        united["required"] = required
    return united


def _either(one: Any, other: Any) -> Any:
    """A value that either allows. Branches are mostly told apart by a word of their own."""
    if one == other or not (isinstance(one, dict) and isinstance(other, dict)):
        return other
    choices, more = _choices(one), _choices(other)
    if not (choices and more):
        known = one["anyOf"] if one.keys() == {"anyOf"} else [one]
        return {"anyOf": known if other in known else [*known, other]}
    either = {
        key: value for key, value in one.items() if key != "const" and other.get(key) == value
    }
    either["enum"] = list({json.dumps(choice): choice for choice in (*choices, *more)}.values())
    words = (part.get("description") for part in (one, other))
    if told := "; ".join(dict.fromkeys(each for each in words if isinstance(each, str))):
        either["description"] = told
    return either


def _choices(schema: Schema) -> list[Any]:
    return [schema["const"]] if "const" in schema else _listed(schema.get("enum"))


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
