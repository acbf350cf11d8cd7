"""Names say what a thing is. Words that fit everything say nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.architecture.source import ROOT, modules, tree

BANNED = {
    *("manager", "managers", "helper", "helpers", "util", "utils", "base", "common", "misc"),
    *("handler", "handlers", "service", "services", "data", "info"),
}
# Words of the outside world: a folder that systems call data, an address that clients call base.
KNOWN = {"data_dir", "_data_url", "base_url", "_base_of", "data_received"}


def words_of(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def definitions() -> Iterator[tuple[str, str]]:
    for module, path in modules():
        yield module, module.rpartition(".")[2]
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{module}:{node.lineno}", node.name


def test_no_name_is_a_bag() -> None:
    vague = {
        (place, name)
        for place, name in definitions()
        if words_of(name) & BANNED and name not in KNOWN
    }
    assert vague == set()


def test_no_folder_is_a_bag() -> None:
    folders = {path.parent.name for _, path in modules()} | {
        path.name for path in (ROOT / "ui").rglob("*") if path.is_dir()
    }
    assert {name for name in folders if words_of(name) & BANNED} == set()
