"""The source as these tests see it: files, trees of syntax, names. It runs nothing."""

from __future__ import annotations

import ast
import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "copilot_desktop"
TESTS = ROOT / "tests"

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> Iterator[tuple[str, Path]]:
    """`("copilot_desktop.core.key", path)` for each module of the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        yield name.removesuffix(".__init__"), path


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(node: ast.AST) -> Iterator[str]:
    """Every module or name that is imported anywhere below `node`, with its full path."""
    for each in ast.walk(node):
        if isinstance(each, ast.Import):
            yield from (alias.name for alias in each.names)
        elif isinstance(each, ast.ImportFrom) and each.module and each.level == 0:
            yield each.module
            yield from (f"{each.module}.{alias.name}" for alias in each.names)


def functions(path: Path) -> Iterator[Function]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, Function))


def lines_of(function: Function) -> int:
    """Without the docstring."""
    first = function.body[0]
    length = (function.end_lineno or 0) - function.lineno + 1
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        length -= (first.end_lineno or 0) - first.lineno + 1
    return length


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@functools.cache
def tracked() -> tuple[Path, ...]:
    """The files under version control; in a source archive without a repository, all files."""
    names = [name for name in git("ls-files", "-z").split("\0") if name]
    if not names:
        places = [PACKAGE, TESTS, ROOT / "ui", ROOT / "docs"]
        found = [path for place in places for path in sorted(place.rglob("*")) if path.is_file()]
        return tuple(path for path in found if "__pycache__" not in path.parts)
    return tuple(path for name in names if (path := ROOT / name).is_file())


def git(*words: str, given: str = "") -> str:
    """What git says; nothing where there is no git, or no repository."""
    try:
        asked = subprocess.run(
            ["git", *words], cwd=ROOT, input=given, capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return asked.stdout


def text_of(path: Path) -> str | None:
    """None for a picture."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None
