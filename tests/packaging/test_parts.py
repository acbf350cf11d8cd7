"""What packages are made of, looked at without building one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image

from copilot_desktop import __version__
from copilot_desktop.core.settings_file import FILE_NAME
from tests.architecture.source import ROOT, modules

LINUX = ROOT / "packaging" / "linux"
Part = Callable[[str], ModuleType]


@pytest.fixture
def unbuilt(part: Part, tmp_path: Path) -> Any:
    """A product whose program is one small file."""
    made = part("tree").Product(ROOT, tmp_path / "dist", "1.2.3", 1_795_000_000, ("libssl.so.3",))
    made.folder.mkdir(parents=True)
    program = made.folder / "copilot-desktop"
    program.write_bytes(b"\x7fELF GLIBC_2.34\0 GLIBC_2.4\0")
    program.chmod(0o755)
    return made


def test_the_version_is_the_package_s(part: Part) -> None:
    assert part("build").version() == __version__


def test_the_recipe_can_be_read_and_names_what_exists(part: Part) -> None:
    spec = ROOT / "packaging" / "pyinstaller" / "copilot-desktop.spec"
    compile(spec.read_text(encoding="utf-8"), spec.name, "exec")
    contents = part("contents")
    for name in contents.NEEDLESS:
        assert not any(module == name for module, _ in modules())
    for on in ("linux", "macos", "windows"):
        assert set(contents.ONLY[on]).isdisjoint({*contents.NEEDLESS, *contents.NEEDLESS_ON[on]})


@pytest.mark.parametrize("name", ["assets/make_icons.py", "x-1.dist-info/RECORD", "a/py.typed"])
def test_waste_stays_out(part: Part, name: str) -> None:
    assert part("contents").is_waste(name)
    assert not part("contents").is_waste("ui/index.html")
    assert not part("contents").is_waste("x-1.dist-info/METADATA")  # keyring finds backends there


def test_the_system_s_libraries_are_left_to_it(part: Part) -> None:
    kept, left = part("contents").without_system_libraries([
        ("libssl.so.3", "/lib/x86_64-linux-gnu/libssl.so.3", "BINARY"),
        ("libpython3.11.so.1.0", "/lib/x86_64-linux-gnu/libpython3.11.so.1.0", "BINARY"),
        ("python3.11/lib-dynload/_ssl.so", "/usr/lib/python3.11/lib-dynload/_ssl.so", "EXTENSION"),
        ("gi/_gi.so", "/usr/lib/python3/dist-packages/gi/_gi.so", "BINARY"),
        ("pillow.libs/libjpeg.so", "/somewhere/env/pillow.libs/libjpeg.so", "BINARY"),
    ])  # fmt: skip
    assert left == ["libssl.so.3"]
    assert len(kept) == 4


def test_a_library_that_no_package_is_known_for_stops_the_build(part: Part, unbuilt: Any) -> None:
    deb = part("deb")
    unbuilt.left_to_system = ("libssl.so.3", "libodd.so.7")
    with pytest.raises(deb.UnknownLibrary, match=r"libodd\.so\.7"):
        deb.fields(unbuilt, "amd64", 1)


def test_what_the_libraries_of_debian_13_bring_along_is_known(part: Part, unbuilt: Any) -> None:
    before = part("deb").depends(unbuilt)
    unbuilt.left_to_system += ("libatomic.so.1", "libzstd.so.1")
    assert part("deb").depends(unbuilt) == before


def test_the_control_file_says_what_is_needed(part: Part, unbuilt: Any) -> None:
    text = part("deb").fields(unbuilt, "amd64", 59_000)
    fields = dict(re.findall(r"^([\w-]+): (.*)$", text, re.MULTILINE))
    assert fields["Package"] == "copilot-desktop"
    assert fields["Version"] == "1.2.3"
    assert fields["Architecture"] == "amd64"
    depends = fields["Depends"].split(", ")
    assert depends[0] == "libc6 (>= 2.34)"  # the newest that the program asks for
    assert {"gir1.2-webkit2-4.1", "gir1.2-gtk-3.0", "libssl3 | libssl3t64"} <= set(depends)
    assert text.endswith("\n")
    assert "\n\n" not in text


def test_icons_have_the_size_of_their_folder(part: Part, unbuilt: Any, tmp_path: Path) -> None:
    part("tree").lay_share(unbuilt, tmp_path / "share")
    icons = list((tmp_path / "share" / "icons" / "hicolor").rglob("*.png"))
    assert len(icons) == 8
    for icon in icons:
        with Image.open(icon) as opened:
            assert f"{opened.width}x{opened.height}" == icon.parents[1].name


def test_menu_entry_and_metadata_are_valid(part: Part, unbuilt: Any, tmp_path: Path) -> None:
    part("tree").lay_share(unbuilt, tmp_path)
    entry = tmp_path / "applications" / "copilot-desktop.desktop"
    metadata = tmp_path / "metainfo" / part("tree").METAINFO
    assert 'version="1.2.3"' in metadata.read_text()
    assert f'date="{unbuilt.date}"' in metadata.read_text()
    for command in (
        ["desktop-file-validate", str(entry)],
        ["appstreamcli", "validate", "--no-net", str(metadata)],
    ):
        if shutil.which(command[0]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            assert "error" not in done.stdout + done.stderr


def test_the_entry_belongs_to_the_window_and_to_notifications() -> None:
    """Both name it, so that desktops show one icon for all."""
    entry = (LINUX / "copilot-desktop.desktop").read_text(encoding="utf-8")
    assert "\nStartupWMClass=copilot-desktop\n" in entry
    window = (ROOT / "copilot_desktop" / "shell" / "window.py").read_text(encoding="utf-8")
    assert 'set_prgname("copilot-desktop")' in window


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="dpkg is Debian's")
def test_a_package_comes_out_the_same_twice_and_holds_what_it_should(
    part: Part, unbuilt: Any
) -> None:
    deb = part("deb")
    first = deb.build(unbuilt, quick=True).read_bytes()
    made = deb.build(unbuilt, quick=True)
    assert made.read_bytes() == first
    listed = subprocess.run(
        ["dpkg-deb", "--contents", str(made)], capture_output=True, text=True, check=True
    ).stdout
    for line in listed.splitlines():
        assert " root/root " in line
    for path in (
        "./usr/bin/copilot-desktop -> ../lib/copilot-desktop/copilot-desktop",
        "./usr/lib/copilot-desktop/copilot-desktop",
        "./usr/share/applications/copilot-desktop.desktop",
        "./usr/share/icons/hicolor/48x48/apps/copilot-desktop.png",
        "./usr/share/doc/copilot-desktop/copyright",
    ):
        assert path in listed


@pytest.mark.skipif(sys.platform != "linux", reason="a script for Linux")
def test_the_installer_puts_everything_into_the_home_and_takes_it_back(
    part: Part, unbuilt: Any, tmp_path: Path
) -> None:
    program = unbuilt.folder / "copilot-desktop"
    program.write_text('#!/bin/sh\necho "copilot-desktop 1.2.3"\n')
    archive = part("tarball").build(unbuilt, quick=True)
    assert part("tarball").build(unbuilt, quick=True).read_bytes() == archive.read_bytes()
    subprocess.run(["tar", "-xf", str(archive)], cwd=tmp_path, check=True)
    unpacked = tmp_path / "copilot-desktop-1.2.3"
    home = tmp_path / "a home with $odd letters"
    (home / ".local" / "share" / "copilot-desktop").mkdir(parents=True)
    (home / ".local" / "share" / "copilot-desktop" / FILE_NAME).write_text("{}")

    def run(script: Path, *words: str, code: int = 0) -> str:
        done = subprocess.run(
            ["sh", str(script), *words], env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done.stdout

    started = home / ".local" / "bin" / "copilot-desktop"
    run(unpacked / "install.sh", "--help", code=2)
    assert not started.exists()
    for _ in range(2):  # the second time is an upgrade
        assert "copilot-desktop 1.2.3" in run(unpacked / "install.sh")
    assert subprocess.check_output([started]) == b"copilot-desktop 1.2.3\n"
    entry = home / ".local" / "share" / "applications" / "copilot-desktop.desktop"
    line = re.search(r"^Exec=(.*)$", entry.read_text(), re.MULTILINE)
    assert line
    from copilot_desktop.system.login_items import exec_line

    assert line.group(1) == exec_line([f"{home}/.local/lib/copilot-desktop/copilot-desktop"])

    uninstall = home / ".local" / "lib" / "copilot-desktop" / "uninstall.sh"
    for words in (["--help"], ["--everything", "--dry-run"]):
        run(uninstall, *words, code=2)
        assert started.exists(), "who only asks loses nothing"
    told = run(uninstall)
    assert "stays" in told
    left = [path for path in home.rglob("*") if path.is_file() or path.is_symlink()]
    left = [path for path in left if path.name != "mimeinfo.cache"]
    assert left == [home / ".local" / "share" / "copilot-desktop" / FILE_NAME]


@pytest.mark.skipif(not shutil.which("git"), reason="git is not here")
def test_a_build_names_a_commit_only_if_it_is_made_of_it(
    part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    (tmp_path / "inside").mkdir()
    (tmp_path / "file").write_text("one")
    who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "One"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    origin = part("origin")
    assert len(origin.facts(tmp_path)["commit"]) == 40
    assert origin.commit(tmp_path / "inside") == "", "the checkout around it is another's"
    (tmp_path / "file").write_text("two")
    assert origin.commit(tmp_path) == ""
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", origin.facts(tmp_path)["date"])
