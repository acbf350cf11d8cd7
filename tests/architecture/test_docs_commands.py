"""`docs/commands.md` and the parser tell the same; README names nothing that is not there."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator

from copilot_desktop import cli
from copilot_desktop.cli.parser import parser
from copilot_desktop.demo import SCENARIOS
from tests.architecture.source import ROOT

PAGE = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
WORDS = ("test", "bench", "fuzz")  # of run.py
FLAG = re.compile(r"(?<![\w-])(--[a-z][a-z-]+)")


def commands() -> dict[str, argparse.ArgumentParser]:
    return next(
        dict(action.choices)
        for action in parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )


def flags(of: argparse.ArgumentParser) -> Iterator[str]:
    for action in of._actions:
        yield from (name for name in action.option_strings if name.startswith("--"))


def with_actions(of: argparse.ArgumentParser) -> Iterator[str]:
    """The flags of a command and of what can be done with it."""
    yield from flags(of)
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from with_actions(each)


def section(command: str) -> str:
    found = re.search(rf"^### {command}\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"docs/commands.md has no section {command}"
    return found.group(1)


def test_every_command_has_a_section_and_nothing_else_has() -> None:
    told = set(re.findall(r"^### ([\w-]+)$", PAGE, re.MULTILINE))
    assert told == set(commands())


def test_every_flag_is_in_the_table_of_its_command() -> None:
    shared = {flag for flag in flags(parser()) if flag != "--help"}
    for flag in shared:
        assert re.search(rf"^\| `{flag}[^`]*` \|", PAGE, re.MULTILINE), flag
    for name, each in commands().items():
        for flag in set(with_actions(each)) - shared - {"--help"}:
            assert f"`{flag}`" in section(name), f"{name} {flag}"


def test_no_flag_is_told_that_does_not_exist() -> None:
    known = set(with_actions(parser()))
    assert set(FLAG.findall(PAGE)) <= known
    lines = [line for line in README.splitlines() if "run.py" in line or "copilot-desktop " in line]
    assert set(FLAG.findall("\n".join(lines))) <= known


def test_the_readme_names_commands_that_exist() -> None:
    named = set(re.findall(r"run\.py ([a-z][a-z-]*)", README))
    assert named <= {*commands(), *WORDS}


def test_every_scenario_of_the_demo_is_told() -> None:
    told = re.search(r"^## The demo\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert told
    assert set(re.findall(r"^\| `(\w+)` \|", told.group(1), re.MULTILINE)) == set(SCENARIOS)


def test_every_exit_code_is_told() -> None:
    told = re.search(r"^## Exit codes\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert told
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", told.group(1), re.MULTILINE)}
    assert codes == {cli.DONE, cli.FAILED, 2, cli.SIGNED_OUT, cli.INTERRUPTED}
    help_ = " ".join((parser().epilog or "").split())
    for code in codes:
        assert re.search(rf"\b{code} \w", help_), code
