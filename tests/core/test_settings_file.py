"""The file survives nonsense, keeps foreign keys, and is nobody else's."""

from __future__ import annotations

import errno
import json
import stat
import sys
from pathlib import Path

import pytest

from copilot_desktop.core.settings_file import Changes, data_dir, load, save
from copilot_desktop.errors import BadSetting, StorageFailed
from copilot_desktop.system import files


def env(folder: Path, **more: str) -> dict[str, str]:
    return {"COPILOT_DESKTOP_DATA_DIR": str(folder), **more}


def test_without_a_file_the_defaults_hold_and_nothing_is_written(tmp_path: Path) -> None:
    loaded = load({}, env(tmp_path / "new"))
    assert loaded.settings.port == 4141
    assert data_dir(loaded) == tmp_path / "new"
    assert not (tmp_path / "new").exists()


def test_a_saved_change_is_there_next_time_with_mode_0600(tmp_path: Path) -> None:
    save(load({}, env(tmp_path)).changed({"port": 5001, "allowed_origins": ["https://a.b"]}))
    again = load({}, env(tmp_path))
    assert again.settings.port == 5001
    assert again.settings.allowed_origins == ("https://a.b",)
    assert again.sources["port"] == "file"
    assert stat.S_IMODE((tmp_path / "settings.json").stat().st_mode) == 0o600


def test_flags_and_environment_are_not_written(tmp_path: Path) -> None:
    chosen = load({"port": 1}, env(tmp_path, COPILOT_DESKTOP_API_KEY="a-real-key"))
    save(chosen.changed({"theme": "dark"}))
    text = (tmp_path / "settings.json").read_text()
    assert "a-real-key" not in text
    assert "port" not in text


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b"", b"[" * 100_000])
def test_a_broken_file_is_kept_aside(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "settings.json").write_bytes(content)
    assert load({}, env(tmp_path)).settings.port == 4141
    assert (tmp_path / "settings.json.broken").read_bytes() == content
    assert not (tmp_path / "settings.json").exists()


def test_one_bad_value_costs_only_itself(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text('{"theme": "sepia", "port": 5002, "newer": 1}')
    loaded = load({}, env(tmp_path))
    assert loaded.settings.port == 5002
    assert "sepia" in (tmp_path / "settings.json.broken").read_text()
    save(loaded)
    assert load({}, env(tmp_path)).stored == {"port": 5002, "newer": 1}


def test_a_change_leaves_what_was_written_by_hand_since_the_start(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text('{"port": 5002, "theme": "dark", "newer": null}')
    loaded = load({}, env(tmp_path))
    file.write_text('{"theme": "dark", "newer": null, "min_pause": 2}')
    patch = {"text_size": 110, "theme": None}
    save(loaded.changed(patch), patch)
    assert json.loads(file.read_text()) == {"newer": None, "min_pause": 2, "text_size": 110}


@pytest.mark.parametrize("found", ["", '{"min_pause": 2', None])
def test_a_file_that_is_damaged_or_gone_is_written_whole(tmp_path: Path, found: str | None) -> None:
    file = tmp_path / "settings.json"
    file.write_text('{"port": 5002}')
    loaded = load({}, env(tmp_path))
    file.unlink()
    if found is not None:
        file.write_text(found)
    save(loaded.changed({"text_size": 110}), {"text_size": 110})
    assert json.loads(file.read_text()) == {"port": 5002, "text_size": 110}
    if found is not None:
        assert (tmp_path / "settings.json.broken").read_text() == found


async def test_what_the_disk_did_not_take_goes_with_the_next_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = load({}, env(tmp_path))
    save(now)
    changes = Changes(lambda: now)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(files, "write_private", full)
        now = now.changed({"port": 5002})
        assert not await changes.keep({"port": 5002})
    now = now.changed({"text_size": 110})
    assert await changes.keep({"text_size": 110})
    assert load({}, env(tmp_path)).stored == {"port": 5002, "text_size": 110}


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_a_link_is_read_and_replaced(tmp_path: Path) -> None:
    """Nothing is written through it: that is how others could have it meant."""
    folder, elsewhere = tmp_path / "app", tmp_path / "mine.json"
    folder.mkdir()
    elsewhere.write_text('{"port": 5002}')
    (folder / "settings.json").symlink_to(elsewhere)
    save(load({}, env(folder)).changed({"text_size": 110}), {"text_size": 110})
    assert json.loads((folder / "settings.json").read_text()) == {"port": 5002, "text_size": 110}
    assert not (folder / "settings.json").is_symlink()
    assert elsewhere.read_text() == '{"port": 5002}'


def test_a_bad_guarding_value_stops_the_start_and_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text('{"require_key": "perhaps"}')
    with pytest.raises(BadSetting, match=r"require_key in .*settings\.json"):
        load({}, env(tmp_path))


def test_a_disk_that_takes_nothing_is_said(tmp_path: Path) -> None:
    loaded = load({}, env(tmp_path / "fresh"))
    (tmp_path / "fresh").write_text("a file where the folder should be")
    with pytest.raises(StorageFailed) as trouble:
        save(loaded.changed({"port": 1}))
    assert str(tmp_path / "fresh" / "settings.json") in str(trouble.value)
