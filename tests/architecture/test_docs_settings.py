"""`docs/settings.md` says what the code does: every setting, its default and its values.

The first three columns of the table follow from `Settings`; only the meaning is written by hand.
When a row is missing or wrong, the failure shows the row as it should begin.
"""

from __future__ import annotations

import re
from typing import get_args

from copilot_desktop.core.settings import CHANGEABLE, NAMES, Notification, Settings, variable
from copilot_desktop.core.settings import FORMS as SETTING_FORMS
from copilot_desktop.upstream.credentials import VARIABLE
from tests.architecture.source import PACKAGE, ROOT

PAGE = ROOT / "docs" / "settings.md"
ROW = re.compile(r"^\| `(COPILOT_DESKTOP_[A-Z_]+)` \| (.*?) \| (.*?) \| (.+) \|$", re.MULTILINE)
# What a pattern or a check of the code allows, in words; the form alone cannot say it.
FORMS = {
    "github_host": "`github.com` or `NAME.ghe.com`",
    "github_url": "address",
    "github_api_url": "address",
    "copilot_url": "address",
    "client_id": "text",
    "editor_version": "text",
    "plugin_version": "text",
    "api_version": "text",
    "data_dir": "folder",
    "host": "IP address",
    "api_key": "4 to 256 characters without spaces",
    "allowed_origins": "origins, separated by commas",
    "approved_clients": "names, separated by commas",
    "outgoing_proxy": "`system`, `none` or an address",
    "extra_ca": "file",
    "default_model": "model",
    "aliases": "`name=model`, separated by commas",
    "language": "`system`, `en` or `de`",
    "start_proxy": "`true`, `false`, `last`",
    "notifications_off": ", ".join(f"`{name}`" for name in get_args(Notification))
    + ", separated by commas",
}


def test_the_table_is_what_the_code_says() -> None:
    page = PAGE.read_text(encoding="utf-8")
    found = {name: (default, values) for name, default, values, _ in ROW.findall(page)}
    wanted = {variable(name): (default_of(name), values_of(name)) for name in NAMES}
    wrong = [
        f"| `{name}` | {default} | {values} | … |"
        for name, (default, values) in wanted.items()
        if found.get(name) != (default, values)
    ]
    assert not wrong, "these rows should begin like this:\n" + "\n".join(wrong)
    assert found.keys() == wanted.keys(), "there is a row too many"


def test_each_row_has_a_meaning() -> None:
    for name, _, _, meaning in ROW.findall(PAGE.read_text(encoding="utf-8")):
        assert len(meaning) > 10, name
        assert meaning[0] == meaning[0].upper(), name


def test_what_only_file_and_environment_decide_is_marked() -> None:
    """The window cannot change these: they decide where secrets go."""
    page = PAGE.read_text(encoding="utf-8")
    marked = {name for name, _, _, meaning in ROW.findall(page) if "¹" in meaning}
    assert marked == {variable(name) for name in set(NAMES) - CHANGEABLE}


def test_other_variables_that_are_read_are_told_as_well() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert VARIABLE in page
    for path in sorted(PACKAGE.rglob("*.py")):
        for name in re.findall(r"COPILOT_DESKTOP_[A-Z]\w+", path.read_text(encoding="utf-8")):
            assert f"`{name}`" in page, f"{path.name}: {name}"


def default_of(name: str) -> str:
    default = getattr(Settings(), name)
    if default is None or default in ((), {}):
        return "–"
    if isinstance(default, tuple):
        return ", ".join(f"`{each}`" for each in default)
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def values_of(name: str) -> str:
    allowed = SETTING_FORMS[name].takes or FORMS.get(name)
    assert allowed, f"say in FORMS what {name} takes"
    return allowed
