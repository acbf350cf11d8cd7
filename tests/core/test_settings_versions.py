"""A settings file of each version that was released means the same today.

`tests/golden/settings/VERSION.json` is what a user of that version may have, with as much
as possible changed. These files never change. Whoever renames a setting or its values teaches
`core.settings_file` the old ones, and this test says so.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from copilot_desktop import __version__
from copilot_desktop.core.settings import NAMES, Settings
from copilot_desktop.core.settings_file import load, save

KEPT = Path(__file__).parents[1] / "golden" / "settings"
FILES = sorted(KEPT.glob("*.json"))
# What a file of this version cannot well hold: folders, and addresses of a test's GitHub.
ELSEWHERE = {"client_id", "copilot_url", "data_dir", "extra_ca", "github_api_url", "github_url"}


def plain(value: Any) -> Any:
    """As JSON has it."""
    return json.loads(json.dumps(value, default=str))


def test_the_present_version_has_its_file() -> None:
    stored = json.loads((KEPT / f"{__version__}.json").read_text(encoding="utf-8"))
    assert set(NAMES) - set(stored) <= ELSEWHERE, "add what is new to the file of this version"
    same = {n for n in stored if plain(stored[n]) == plain(getattr(Settings(), n, None))}
    assert same <= {"host", "auth_mode"}, "these are as by default, so they prove nothing"


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_a_file_of_an_older_version_keeps_its_meaning(file: Path, tmp_path: Path) -> None:
    content = file.read_bytes()
    (tmp_path / "settings.json").write_bytes(content)
    environ = {"COPILOT_DESKTOP_DATA_DIR": str(tmp_path)}
    loaded = load({}, environ)
    assert loaded.dropped == ()
    assert not (tmp_path / "settings.json.broken").exists()
    stored = json.loads(content)
    for name, value in stored.items():
        assert plain(getattr(loaded.settings, name)) == value, name
    save(loaded)
    assert load({}, environ).settings == loaded.settings
