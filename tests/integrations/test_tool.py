"""Where a person's files are, on every system, and which model stands for a role."""

from pathlib import Path

import pytest

from copilot_desktop.integrations.tool import Link, Machine, Os
from copilot_desktop.model import Model

HOME = Path("/home/me")


@pytest.mark.parametrize(
    ("os", "env", "expected"),
    [
        ("linux", {}, HOME / ".config"),
        ("linux", {"XDG_CONFIG_HOME": "/conf"}, Path("/conf")),
        ("linux", {"XDG_CONFIG_HOME": ""}, HOME / ".config"),
        ("macos", {}, HOME / "Library" / "Application Support"),
        ("windows", {"APPDATA": "/roaming"}, Path("/roaming")),
        ("windows", {}, HOME / "AppData" / "Roaming"),
    ],
)
def test_graphical_programs_keep_their_settings_where_the_system_says(
    os: Os, env: dict[str, str], expected: Path
) -> None:
    assert Machine(os, HOME, env).app_support == expected


def test_a_role_names_a_model_of_the_list_or_none() -> None:
    link = Link("http://127.0.0.1:4141", "k", (Model("a"), Model("b")), {"main": "b", "fast": "z"})
    assert link.model("main") == Model("b")
    assert link.model("fast") is None
    assert link.model("other") is None


def test_the_key_is_not_in_what_is_printed_of_a_link() -> None:
    link = Link("http://127.0.0.1:4141", "cd-canary", ())
    assert "cd-canary" not in repr(link)
    assert link.openai == "http://127.0.0.1:4141/v1"
