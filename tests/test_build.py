"""What exactly runs is told as far as the packager has written it down."""

from __future__ import annotations

from pathlib import Path

import pytest

from copilot_desktop import __version__, build, resources


def packed(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> build.Build:
    (folder / build.FILE_NAME).write_text(text)
    monkeypatch.setattr(resources, "roots", lambda: (folder / "nowhere", folder))
    return build.present()


def test_commit_and_day_stand_behind_the_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = '{"commit": "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334", "date": "2026-11-21"}'
    assert str(packed(tmp_path, text, monkeypatch)) == f"{__version__} (a1b2c3d4e, 2026-11-21)"


@pytest.mark.parametrize(
    "text", ["", "[]", '{"commit": 7, "date": "soon"}', '{"commit": "<b>", "date": null}', "{" * 9]
)
def test_a_file_that_makes_no_sense_is_passed_over(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert str(packed(tmp_path, text, monkeypatch)) == __version__


def test_a_checkout_knows_its_version() -> None:
    assert build.present().version == __version__
