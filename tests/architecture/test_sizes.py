"""Nothing grows beyond what one can hold in mind: a module, a function, a test file."""

from __future__ import annotations

from pathlib import Path

from tests.architecture.source import PACKAGE, ROOT, TESTS, functions, lines_of, shown

MODULE, TEST, FUNCTION = 500, 600, 50  # lines

# Longer for a reason. This list only shrinks: an entry that is no longer needed fails as well.
LONGER = {
    "copilot_desktop/core/core.py:__init__": "the composition root names every part once",
    "copilot_desktop/upstream/model_payloads.py:model_of": "one line for each field of an entry",
}


def length(path: Path) -> int:
    return path.read_text(encoding="utf-8").count("\n")


def test_no_module_is_too_long() -> None:
    scripts = [ROOT / "run.py", *(ROOT / "bench").glob("*.py"), *(ROOT / "packaging").glob("*.py")]
    found = {shown(path): length(path) for path in [*PACKAGE.rglob("*.py"), *scripts]}
    assert {name: lines for name, lines in found.items() if lines > MODULE} == {}


def test_no_test_file_is_too_long() -> None:
    found = {shown(path): length(path) for path in TESTS.rglob("*.py")}
    assert {name: lines for name, lines in found.items() if lines > TEST} == {}


def test_no_function_is_too_long() -> None:
    long = {
        f"{shown(path)}:{function.name}": lines
        for path in [*PACKAGE.rglob("*.py"), ROOT / "run.py"]
        for function in functions(path)
        if (lines := lines_of(function)) > FUNCTION
    }
    assert long.keys() <= LONGER.keys(), long
    assert long.keys() >= LONGER.keys(), "take these off the list"
