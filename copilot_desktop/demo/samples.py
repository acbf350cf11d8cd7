"""A value that fits a JSON schema: for calls nobody scripted and for answers in a wanted form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_PLACES = {"city", "location", "place"}
_HARMLESS = {"command": "echo demo", "cmd": "echo demo"}
_DEPTH = 12  # a schema may contain itself
_TEXT = 80


def instance(schema: Mapping[str, Any], text: str, name: str = "") -> Any:
    """A value for `schema`. Strings are made from `text`; `name` is the field it is for."""
    return _Filler(schema, text).value(name, schema, 0)


class _Filler:
    def __init__(self, root: Mapping[str, Any], text: str) -> None:
        self._root = root
        self._text = text.strip()[:_TEXT] or "demo"
        self._proper = re.findall(r"(?<=\s)[A-ZÄÖÜÅØÆ]\w+", text)

    def value(self, name: str, schema: Any, depth: int) -> Any:
        if not isinstance(schema, dict) or depth > _DEPTH:
            return None
        if "$ref" in schema:
            return self.value(name, self._resolve(str(schema["$ref"])), depth + 1)
        for key in ("anyOf", "oneOf", "allOf"):
            if branches := _listed(schema.get(key)):
                return self.value(name, branches[0], depth + 1)
        if "const" in schema:
            return schema["const"]
        if choices := _listed(schema.get("enum")):
            return choices[0]
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = kind[0] if kind else None
        if kind == "object" or "properties" in schema or not (kind or name):
            return self._object(schema, depth)
        if kind == "array":
            least = schema.get("minItems")
            count = max(1, least) if isinstance(least, int) else 1
            item = schema.get("items") or {"type": "string"}
            return [self.value(name, item, depth + 1) for _ in range(count)]
        return self._scalar(name, kind, schema)

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        found = schema.get("properties")
        fields = found if isinstance(found, dict) else {}
        needed = _listed(schema.get("required")) or list(fields)
        keys = [key for key in needed if isinstance(key, str)]
        return {key: self.value(key, fields.get(key) or {}, depth + 1) for key in keys}

    def _scalar(self, name: str, kind: Any, schema: Mapping[str, Any]) -> Any:
        match kind:
            case "integer" | "number":
                return schema.get("minimum", 1)
            case "boolean":
                return False
            case "null":
                return None
        if name in _PLACES:
            return self._proper[-1] if self._proper else "Oslo"
        return _HARMLESS.get(name, self._text)

    def _resolve(self, reference: str) -> Any:
        found: Any = self._root
        for step in reference.removeprefix("#/").split("/"):
            found = found.get(step, {}) if isinstance(found, dict) else {}
        return found


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
