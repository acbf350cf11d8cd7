"""One suite for every system that can run here, and the parts of the others that can be read."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from copilot_desktop.shell import clipboard
from copilot_desktop.system import PortHolder, System, current, programs
from copilot_desktop.system.fake import FakeSystem
from copilot_desktop.system.linux import Linux, read_locale
from copilot_desktop.system.macos import read_lsof
from copilot_desktop.system.programs import browse, child_environment
from copilot_desktop.system.windows import Windows, read_languages, read_netstat, read_tasklist
from tests.ports import free_port

LINUX = sys.platform.startswith("linux")


@pytest.fixture(params=["real", "fake"])
def system(request: pytest.FixtureRequest, tmp_path: Path) -> System:
    return current() if request.param == "real" else FakeSystem(tmp_path)


def test_has_a_name_and_an_absolute_folder(system: System) -> None:
    assert system.name
    assert system.data_dir().is_absolute()
    assert system.downloads_dir().is_absolute()


def test_free_port_has_no_holder(system: System) -> None:
    assert system.port_holder(free_port()) is None


def test_facts_are_answers_not_exceptions(system: System) -> None:
    assert system.shared_machine() in (True, False)
    assert system.dark_mode() in (True, False, None)
    assert all(tag[:2].isalpha() for tag in system.languages())


def test_languages_are_read_as_gettext_reads_them() -> None:
    assert read_locale({"LANG": "de_AT.UTF-8"}) == ("de_AT",)
    assert read_locale({"LANG": "de_DE@euro", "LANGUAGE": "fr:de"}) == ("fr", "de", "de_DE")
    assert read_locale({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}) == ("en_GB",)
    assert read_locale({"LC_ALL": "C.UTF-8", "LANG": "de_DE", "LANGUAGE": "de"}) == ()
    assert read_locale({}) == ()


def test_languages_are_read_from_the_registry() -> None:
    several = (
        "\r\nHKEY_CURRENT_USER\\Control Panel\\Desktop\r\n"
        r"    PreferredUILanguages    REG_MULTI_SZ    de-DE\0en-US"
    )
    assert read_languages(several) == ["de-DE", "en-US"]
    assert read_languages("    LocaleName    REG_SZ    fr-FR\r\n") == ["fr-FR"]
    assert read_languages("ERROR: not found") == []


def test_only_web_addresses_are_opened() -> None:
    assert current().open_url("file:///etc/passwd") is False


@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_the_holder_of_a_port_is_named() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        holder = Linux().port_holder(listener.getsockname()[1])
    assert holder is not None
    assert holder.pid == os.getpid()
    assert str(holder) == f"{holder.name} (process {holder.pid})"


def test_a_port_is_not_found_in_an_address(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    line = "   0: 0100007F:1092 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 77 1"
    (tmp_path / "net" / "tcp").write_text(f"  sl  local_address\n{line}\n")
    (tmp_path / "12" / "fd").mkdir(parents=True)
    (tmp_path / "12" / "comm").write_text("node\n")
    (tmp_path / "12" / "fd" / "3").symlink_to("socket:[77]")
    assert Linux(proc=tmp_path).port_holder(0x1092) == PortHolder("node", 12)
    assert Linux(proc=tmp_path).port_holder(0x007F) is None


@pytest.mark.parametrize(
    ("people", "shared"),
    [
        (["root:x:0:0::/root:/bin/bash"], False),
        (["a:x:1000:1000::/home/a:/bin/bash"], False),
        (["a:x:1000:1000::/home/a:/bin/bash", "b:x:1001:1001::/home/b:/bin/zsh"], True),
        (["a:x:1000:1000::/home/a:/bin/bash", "d:x:1001:1001::/d:/usr/sbin/nologin"], False),
        (["a:x:1000:1000::/home/a:/bin/bash", "n:x:65534:65534::/:/bin/sh", "broken"], False),
    ],
)
def test_a_shared_machine_has_two_people(tmp_path: Path, people: list[str], shared: bool) -> None:
    passwd = tmp_path / "passwd"
    passwd.write_text("\n".join(people) + "\n")
    assert Linux(passwd=passwd).shared_machine() is shared


@pytest.mark.skipif(not LINUX, reason="numbers of users")
@pytest.mark.parametrize(
    ("sources", "listed", "shared"),
    [
        ("files sss systemd", False, True),
        ("files ldap", False, True),
        ("files sss systemd", True, False),  # Fedora says so wherever it is installed
        ("files systemd", False, False),  # a container's made-up user, or one of systemd-homed
    ],
)
def test_a_machine_that_takes_its_users_from_a_directory_is_shared(
    tmp_path: Path, sources: str, listed: bool, shared: bool
) -> None:
    passwd, switch = tmp_path / "passwd", tmp_path / "nsswitch.conf"
    me = os.getuid() if listed else os.getuid() + 1
    passwd.write_text(f"octo:x:{me}:{me}::/people/octo:/bin/bash\n")
    switch.write_text(f"# passwd: nis\npasswd:\t\t{sources}\ngroup: files\n")
    assert Linux(passwd=passwd, switch=switch).shared_machine() is shared


def test_no_black_window_flashes_on_windows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    quiet, given = 0x0800_0000, []  # CREATE_NO_WINDOW, which other systems do not have

    def start(command: list[str], **options: object) -> None:
        given.append((command[-1], options["creationflags"]))
        raise FileNotFoundError

    for place in (programs, clipboard):
        monkeypatch.setattr(place, "QUIET", quiet)
    monkeypatch.setattr(subprocess, "run", start)
    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setattr(shutil, "which", {"clip.exe": str(tmp_path / "clip.exe")}.get)
    monkeypatch.delitem(sys.modules, "gi.repository.Gtk", raising=False)
    programs.ask(["netstat"])
    programs.launch(["explorer"])
    clipboard.copy("http://127.0.0.1:4141/v1")
    assert given == [("netstat", quiet), ("explorer", quiet), (str(tmp_path / "clip.exe"), quiet)]


def test_children_get_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPILOT_GITHUB_TOKEN", "ghu_1234567890")
    monkeypatch.setenv("COPILOT_DESKTOP_API_KEY", "mine")
    monkeypatch.setenv("COPILOT_DESKTOP_OUTGOING_PROXY", "http://me:mine@proxy.example:3128")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/bundle")
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", "/system")
    given = child_environment()
    secret = {
        "COPILOT_GITHUB_TOKEN",
        "COPILOT_DESKTOP_API_KEY",
        "COPILOT_DESKTOP_OUTGOING_PROXY",
    }
    assert not secret & given.keys()
    assert given["LD_LIBRARY_PATH"] == "/system"


def test_windows_closes_a_file_by_its_access_list(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr("copilot_desktop.system.programs.ask", asked.append)
    monkeypatch.setenv("USERNAME", "octo")
    monkeypatch.setenv("USERDOMAIN", "HUB")
    monkeypatch.setenv("SYSTEMROOT", r"D:\Windows")
    Windows().protect(Path("token.json"))
    program = r"D:\Windows\System32\icacls.exe"
    assert asked == [[program, "token.json", "/inheritance:r", "/grant:r", "HUB\\octo:F"]]


def test_windows_looks_for_no_program_in_the_folder_that_somebody_is_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For a bare name it does, before its own: a cloned repository would be run."""
    asked: list[str] = []

    def ask(command: list[str]) -> str:
        asked.append(command[0])
        return "  TCP    127.0.0.1:4141   0.0.0.0:0     LISTENING    7\n"

    monkeypatch.setattr("copilot_desktop.system.programs.ask", ask)
    monkeypatch.setenv("USERNAME", "octo")
    monkeypatch.delenv("SYSTEMROOT", raising=False)
    system = Windows()
    system.port_holder(4141)
    system.protect(Path("token.json"))
    system.languages()
    system.dark_mode()
    system.dark_panel()
    names = ("icacls", "netstat", "reg", "tasklist")
    assert sorted(set(asked)) == [rf"C:\Windows\System32\{name}.exe" for name in names]


@pytest.mark.skipif(sys.platform == "win32", reason="made of a script")
def test_nothing_is_copied_by_what_lies_in_the_folder_that_somebody_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = tmp_path / "xclip"
    planted.write_text("#!/bin/sh\n: > ran\n")
    planted.chmod(0o700)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f".{os.pathsep}{os.defpath}")
    monkeypatch.delitem(sys.modules, "gi.repository.Gtk", raising=False)
    clipboard.copy("http://127.0.0.1:4141/v1")
    assert not (tmp_path / "ran").exists()


@pytest.mark.skipif(not LINUX, reason="umask and limits of a child process")
def test_hardening_closes_files_and_core_dumps() -> None:
    script = (
        "import os, resource; from copilot_desktop.system import current; current().harden();"
        "print(oct(os.umask(0)), resource.getrlimit(resource.RLIMIT_CORE))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.split() == ["0o77", "(0,", "0)"]


def test_the_answers_of_other_systems_are_read() -> None:
    assert read_lsof("p812\ncnode\n") == PortHolder("node", 812)
    assert read_lsof("") is None
    netstat = (
        "  TCP    127.0.0.1:4141    127.0.0.1:9   ESTABLISHED  5\n"
        "  TCP    127.0.0.1:14141   0.0.0.0:0     LISTENING    6\n"
        "  TCP    127.0.0.1:4141    0.0.0.0:0     ABHÖREN      7\n"
    )
    assert read_netstat(netstat, 4141) == 7
    assert read_netstat("", 4141) is None
    assert read_tasklist('"node.exe","7","Console","1","9 K"\n') == "node"
    assert read_tasklist("INFO: No tasks are running.") is None


@pytest.mark.parametrize(
    ("answer", "dark"),
    [
        ("    SystemUsesLightTheme    REG_DWORD    0x0\r\n", True),
        ("    SystemUsesLightTheme    REG_DWORD    0x1\r\n", False),
        ("", None),
    ],
)
def test_the_taskbar_of_windows_has_a_look_of_its_own(
    monkeypatch: pytest.MonkeyPatch, answer: str, dark: bool | None
) -> None:
    monkeypatch.setattr("copilot_desktop.system.programs.ask", lambda _: answer)
    assert Windows().dark_panel() is dark


def test_a_browser_that_python_finds_gets_no_secrets_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`webbrowser` hands our whole environment on."""
    seen: list[dict[str, str]] = []

    def opened(_url: str) -> bool:
        seen.append(dict(os.environ))
        return True

    monkeypatch.setattr("webbrowser.open", opened)
    monkeypatch.setenv("COPILOT_GITHUB_TOKEN", "ghu_abcdefgh12345678")
    assert browse("https://github.com/login/device")
    assert "COPILOT_GITHUB_TOKEN" not in seen[0]
    assert os.environ["COPILOT_GITHUB_TOKEN"] == "ghu_abcdefgh12345678"
