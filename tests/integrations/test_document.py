"""Awkward files, through the whole engine: changed exactly, or left to the last byte."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from copilot_desktop.errors import InvalidRequest
from copilot_desktop.integrations.document import (
    BOM,
    LARGEST,
    Document,
    check_writable,
    read,
    write,
)
from copilot_desktop.integrations.refusals import Unusable
from tests.integrations.workbench import Bench, link, pen, quill, reason_of

FILE = ".pen/settings.json"
GOOD = {
    "comments": b'// one\n{\n  /* two */ "a": 1, // three\n  "env": {} // four\n}\n// five\n',
    "trailing commas": b'{\n\t"a": [1, 2,],\n\t"env": {"X": "1",},\n}\n',
    "mark": BOM + b'{"a": 1}\n',
    "windows": b'{\r\n  "a": 1,\r\n  "env": {\r\n    "X": "1"\r\n  }\r\n}\r\n',
    "windows, with mark": BOM + b'{\r\n  "a": 1\r\n}',
    "no last line end": b'{\n    "a": 1\n}',
    "one line": b'{"a": 1}',
    "empty object": b"{}",
    "empty": b"",
    "only comments": b"// nothing yet\n",
    "unknown keys": b'{"$schema": "x", "\\u00e9": {"deep": [{"er": null}]}, "n": 1.0e5}\n',
    "other duplicates": b'{"a": {"x": 1, "x": 2}, "env": {}}\n',
    "not ascii": '{"name": "Žižkov 🚀", "env": {}}\n'.encode(),
}
BAD = {
    "broken": (b'{"a": 1,\n  oops\n', "unreadable"),
    "cut short": (b'{"env": {"X": "1"', "unreadable"),
    "a list": (b"[1, 2]\n", "cannot_keep"),
    "a scalar in the way": (b'{"env": "nothing"}\n', "cannot_keep"),
    "duplicates in the way": (b'{"env": {}, "env": {}}\n', "cannot_keep"),
    "not utf-8": (b'{"a": "\xff"}', "not_text"),
    "utf-16": '{"a": 1}'.encode("utf-16"),
    "zero bytes": (b'{"a": "\0"}', "not_text"),
    "too large": (b'{"pad": "' + b"x" * LARGEST + b'"}', "too_large"),
}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def refused(bench: Bench) -> str:
    with pytest.raises(InvalidRequest) as caught:
        bench.connection.preview(pen(), link())
    return reason_of(caught.value)


@pytest.mark.parametrize("name", GOOD)
def test_what_can_be_changed_comes_back_to_the_last_byte(bench: Bench, name: str) -> None:
    file = bench.write(FILE, GOOD[name])
    for tool in (pen(), quill()):
        bench.connect(tool)
        assert bench.state(tool) == "connected"
    content = file.read_bytes()
    assert content.startswith(BOM) == GOOD[name].startswith(BOM)
    assert (b"\r\n" in GOOD[name]) == (b"\r\n" in content)
    assert content.count(b"\r\n") in {0, content.count(b"\n")}
    for line in GOOD[name].replace(b"{}", b"").split():
        assert line.rstrip(b",]}") in content
    bench.connection.undo(pen())  # not the last one that wrote, so value by value
    bench.connection.undo(quill())
    assert file.read_bytes() == GOOD[name]


def test_a_file_of_nearly_a_mebibyte_is_taken_as_well(bench: Bench) -> None:
    content = b'{"pad": "' + b"x" * (LARGEST - 400) + b'"}\n'
    file = bench.write(FILE, content)
    shown = bench.connection.preview(pen(), link())
    assert len(repr(shown)) < 5000, "only what changes is shown"
    assert any("ADDRESS" in text for _, text in shown.files[0].lines)
    bench.connection.write(pen(), link(), shown.digest)
    bench.connection.undo(pen())
    assert file.read_bytes() == content


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_is_left_to_the_last_byte(bench: Bench, name: str) -> None:
    case = BAD[name]
    content, reason = case if isinstance(case, tuple) else (case, "not_text")
    file = bench.write(FILE, content)
    when = file.stat().st_mtime_ns
    assert refused(bench) == reason
    found = bench.connection.check(pen(), link())
    if reason != "cannot_keep":
        assert found.state == "unreadable"
        assert found.detail["path"] == f"~/{FILE}"
        assert found.detail["reason"]
    assert (file.read_bytes(), file.stat().st_mtime_ns) == (content, when)
    assert bench.backups() == []


def test_the_line_of_a_mistake_is_told_and_nothing_of_the_file(bench: Bench) -> None:
    bench.write(FILE, '{\n  "env": {},\n  "secret": my-secret-word\n}\n')
    found = bench.connection.check(pen(), link())
    assert found.detail["line"] == 3
    with pytest.raises(InvalidRequest) as caught:
        bench.connection.preview(pen(), link())
    assert "line 3" in str(caught.value)
    assert "my-secret-word" not in repr((found, str(caught.value), caught.value.fields))


def test_a_broken_file_of_a_connected_tool_is_left_by_undo_too(bench: Bench) -> None:
    file = bench.write(FILE, "{}")
    bench.connect(pen())
    file.write_text(file.read_text() + "oops")
    broken = file.read_bytes()
    assert bench.state(pen()) == "unreadable"
    with pytest.raises(InvalidRequest):
        bench.connection.undo(pen())
    assert file.read_bytes() == broken
    assert bench.connection.connected() == ("pen",)
    bench.connection.leave(pen())
    assert bench.connection.connected() == ()


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_the_mode_stays(bench: Bench, mode: int) -> None:
    file = bench.write(FILE, "{}")
    file.chmod(mode)
    bench.connect(pen())
    assert stat.S_IMODE(file.stat().st_mode) == mode
    bench.connection.undo(pen())
    assert stat.S_IMODE(file.stat().st_mode) == mode


def test_a_new_file_is_for_its_owner_only(bench: Bench) -> None:
    bench.connect(pen())
    assert stat.S_IMODE((bench.home / FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize("place", ["file", "folder"])
def test_a_link_inside_the_home_folder_stays_one(bench: Bench, place: str) -> None:
    real = bench.write("dotfiles/pen/settings.json", '{"mine": 1}\n')
    if place == "file":
        (bench.home / ".pen").mkdir()
        (bench.home / FILE).symlink_to("../dotfiles/pen/settings.json")
    else:
        (bench.home / ".pen").symlink_to("dotfiles/pen")
    before = bench.everything()
    bench.connect(pen())
    assert (bench.home / FILE).is_symlink() == (place == "file")
    assert (bench.home / ".pen").is_symlink() == (place == "folder")
    assert json.loads(real.read_text())["mine"] == 1
    assert "ADDRESS" in real.read_text()
    bench.connection.undo(pen())
    assert bench.everything() == before


@pytest.mark.parametrize("there", [True, False])
def test_a_link_that_leads_out_is_refused(bench: Bench, tmp_path: Path, there: bool) -> None:
    outside = tmp_path / "outside.json"
    if there:
        outside.write_text("{}")
    (bench.home / ".pen").mkdir()
    (bench.home / FILE).symlink_to(outside)
    assert refused(bench) == "outside"
    assert outside.exists() == there
    assert bench.state(pen()) == "unreadable"


def test_a_link_to_itself_is_refused(bench: Bench) -> None:
    (bench.home / ".pen").mkdir()
    (bench.home / FILE).symlink_to("settings.json")
    assert refused(bench) in {"special", "denied"}


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_what_is_no_file_is_refused_without_waiting(bench: Bench, kind: str) -> None:
    (bench.home / ".pen").mkdir()
    match kind:
        case "pipe":
            os.mkfifo(bench.home / FILE)
        case "folder":
            (bench.home / FILE).mkdir()
        case "device":
            (bench.home / FILE).symlink_to("/dev/zero")
    assert refused(bench) == ("outside" if kind == "device" else "special")


def test_a_device_that_is_named_outright_is_refused(bench: Bench) -> None:
    with pytest.raises(Unusable) as caught:
        read(Path("/dev/zero"), bench.home)
    assert caught.value.reason == "special"


@pytest.mark.parametrize("protected", [FILE, ".pen"])
def test_what_is_write_protected_is_left(bench: Bench, protected: str) -> None:
    """By its mode, so that it holds for a superuser as well."""
    file = bench.write(FILE, "{}")
    mode = 0o444 if protected == FILE else 0o555
    (bench.home / protected).chmod(mode)
    try:
        found = bench.connection.check(pen(), link())
        assert (found.state, found.detail["path"]) == ("read_only", f"~/{FILE}")
        assert refused(bench) == "write_protected"
        assert file.read_text() == "{}"
    finally:
        (bench.home / protected).chmod(0o755)


def test_a_folder_that_looks_special_on_windows_is_written_to(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Python tells of Documents there, where PowerShell keeps its profile."""
    folder = bench.home / "Documents"
    folder.mkdir()
    plain = Path.stat

    def stat_there(path: Path, **how: bool) -> object:
        marked = SimpleNamespace(st_mode=0o40555, st_file_attributes=0x11)
        return marked if path == folder else plain(path, **how)

    monkeypatch.setattr(Path, "stat", stat_there)
    check_writable(read(folder / "PowerShell" / "profile.ps1", bench.home))


def test_half_a_character_is_no_reason_to_fail(bench: Bench) -> None:
    """It may be escaped in a JSON text, and in no other way be written again."""
    file = bench.write(FILE, '{"model": "\\ud800"}')
    bench.connect(pen())
    file.write_text(file.read_text().replace("}", ', "more": 1}', 1))
    before = file.read_text()
    with pytest.raises(InvalidRequest) as caught:
        bench.connection.undo(pen())
    assert reason_of(caught.value) == "cannot_keep"
    assert file.read_text() == before


def test_whoever_writes_in_between_wins(bench: Bench) -> None:
    file = bench.write(FILE, "{}")
    document = read(file, bench.home)
    file.write_text('{"newer": true}')
    with pytest.raises(Unusable) as caught:
        write(document, b"{}\n")
    assert caught.value.reason == "changed_since"
    assert file.read_text() == '{"newer": true}'
    missing = Document(bench.home / "x", bench.home / "x", None)
    (bench.home / "x").write_text("there by now")
    with pytest.raises(Unusable):
        write(missing, b"ours")
    assert (bench.home / "x").read_text() == "there by now"
    assert not list(bench.home.rglob("*.copilot-desktop-*"))
