"""Whatever page, tray, terminal and second launch ask for is something that the core can do."""

from __future__ import annotations

import re

from copilot_desktop.core.verb_shapes import NAMES
from tests.architecture.source import PACKAGE, ROOT

SHELL_OWN = {"copy_key"}  # done by the tray itself: the key never leaves the process


def asked(pattern: str, *folders: str) -> dict[str, str]:
    return {
        verb: path.name
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".js", ".py"}
        for verb in re.findall(pattern, path.read_text(encoding="utf-8"))
    }


def test_every_verb_of_the_page_exists() -> None:
    found = asked(r"\b(?:act|perform)\(\s*'([a-z_]+)'", "ui")
    assert len(found) > 10, "the page asks in another way now; mend the pattern"
    assert found.keys() - set(NAMES) == set()


def test_every_verb_of_tray_terminal_and_second_launch_exists() -> None:
    places = ("copilot_desktop/shell", "copilot_desktop/cli", "copilot_desktop/control")
    found = asked(r"""\b_?do\(\s*"([a-z_]+)\"""", *places)
    found |= asked(r"""\bItem\([^"\n]*"[a-z_.]+"\)[^"\n]*, "([a-z_]+)\"""", "copilot_desktop/shell")
    assert {"sign_in", "show_window"} <= found.keys()
    assert found.keys() - set(NAMES) - SHELL_OWN == set()


def test_every_verb_is_wanted_by_somebody() -> None:
    """A verb that no face uses is a door that nobody watches."""
    everything = "".join(
        path.read_text(encoding="utf-8")
        for folder in (ROOT / "ui", PACKAGE / "shell", PACKAGE / "cli", PACKAGE / "control")
        for path in sorted(folder.rglob("*"))
        if path.suffix in {".js", ".py"}
    )
    unused = {verb for verb in NAMES if not re.search(rf"""['"]{verb}['"]""", everything)}
    assert unused == set()
