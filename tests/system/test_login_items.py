"""Start at login: one suite for all three systems and the fake, and what is special to each."""

from __future__ import annotations

import os
import plistlib
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from copilot_desktop import __version__
from copilot_desktop.cli.parser import read
from copilot_desktop.system import current
from copilot_desktop.system.fake import FakeLoginItem
from copilot_desktop.system.login_items import (
    LABEL,
    AutostartEntry,
    LaunchAgent,
    LoginItem,
    RunKey,
    exec_line,
    own_command,
)

COMMAND = ["/opt/Copilot Desktop/copilot-desktop", "--hidden"]
RUN = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Run"


class Registry:
    """`reg` with a memory."""

    def __init__(self, *, frozen: bool = False) -> None:
        self.values: dict[str, str] = {}
        self.frozen = frozen

    def __call__(self, command: Sequence[str]) -> str:
        assert command[0].endswith(r"\System32\reg.exe")
        place = f"{command[2]}\\{command[4]}"
        match command[1]:
            case "add" if not self.frozen:
                self.values[place] = command[command.index("/d") + 1]
            case "delete" if not self.frozen:
                self.values.pop(place, None)
            case "query" if place in self.values:
                return f"\r\n{command[2]}\r\n    {command[4]}    REG_SZ    {self.values[place]}\r\n"
        return ""


@pytest.fixture(params=["autostart", "launch-agent", "run-key", "fake"])
def item(request: pytest.FixtureRequest, tmp_path: Path) -> LoginItem:
    match request.param:
        case "autostart":
            return AutostartEntry(COMMAND, tmp_path / "not" / "there" / "yet")
        case "launch-agent":
            return LaunchAgent(COMMAND, tmp_path / "not" / "there" / "yet", ask=lambda _: "")
        case "run-key":
            return RunKey(COMMAND, ask=Registry())
        case _:
            return FakeLoginItem()


def test_it_is_off_until_it_is_switched_on_and_off_again(item: LoginItem) -> None:
    assert item.state() == "off"
    item.switch(on=False)
    assert item.state() == "off"
    for _ in range(2):
        item.switch(on=True)
        assert item.state() == "on"
    item.switch(on=False)
    assert item.state() == "off"


@pytest.mark.parametrize("on", [True, False])
@pytest.mark.parametrize("kind", [AutostartEntry, LaunchAgent])
def test_what_a_kill_left_unfinished_goes(kind: type, on: bool, tmp_path: Path) -> None:
    left = tmp_path / ".copilot-desktop.desktop.copilot-desktop-k1ll3d"
    mine = tmp_path / ".other.desktop.swp"
    for each in (left, mine):
        each.write_text("half")
        os.utime(each, (0, 0))
    kind(COMMAND, tmp_path).switch(on)
    assert not left.exists()
    assert mine.exists()


@pytest.mark.parametrize("name", ["copilot-desktop", 'awkward "$x` \\ 100%\n name'])
@pytest.mark.parametrize("kind", [AutostartEntry, LaunchAgent, RunKey])
def test_an_item_whose_program_is_gone_is_off(kind: type, name: str, tmp_path: Path) -> None:
    """The app was moved, or installed in another way: at login nothing is started any more."""
    if kind is RunKey and name != "copilot-desktop":
        pytest.skip("no name on Windows")
    program = tmp_path / "old" / name
    program.parent.mkdir()
    program.touch()
    registry = Registry()

    def item(command: Sequence[str]) -> LoginItem:
        made: LoginItem
        if kind is AutostartEntry:
            made = AutostartEntry(command, tmp_path)
        elif kind is LaunchAgent:
            made = LaunchAgent(command, tmp_path, ask=lambda _: "")
        else:
            made = RunKey(command, ask=registry)
        return made

    item([str(program), "--hidden"]).switch(on=True)
    here = item(COMMAND)
    assert here.state() == "on", "another copy of the app is started"
    program.unlink()
    assert here.state() == "off"
    here.switch(on=True)
    assert here.state() == "on"


def test_where_the_system_has_no_page_for_it_none_opens(item: LoginItem) -> None:
    # The pages of macOS and Windows are addresses of their own kind, which no browser gets.
    assert item.settings_page.partition(":")[0] in {"", "x-apple.systempreferences", "ms-settings"}
    assert item.settings_page or not item.open_settings()


def test_this_system_has_a_place_for_it() -> None:
    assert current().login_item().state() in ("on", "off", "blocked")


def test_the_command_starts_this_program_without_a_window() -> None:
    shown = subprocess.run(
        [*own_command()[:-1], "--version"], capture_output=True, text=True, timeout=60, check=True
    )
    assert __version__ in shown.stdout
    assert own_command()[-1] == "--hidden"


def test_at_login_no_module_is_taken_from_the_folder_that_it_starts_in(tmp_path: Path) -> None:
    """On Linux that is the home folder, where a `queue.py` of the user's may lie."""
    (tmp_path / "asyncio.py").write_text("raise SystemExit('not ours')")
    subprocess.run([*own_command()[:-1], "--version"], cwd=tmp_path, timeout=60, check=True)


def test_a_built_program_starts_without_a_console_where_it_has_the_choice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.frozen", True, raising=False)
    monkeypatch.setattr("sys.executable", str(tmp_path / "copilot-desktop.exe"))
    assert own_command() == [str(tmp_path / "copilot-desktop.exe"), "--hidden"]
    (tmp_path / "copilot-desktopw.exe").touch()
    assert own_command() == [str(tmp_path / "copilot-desktopw.exe"), "--hidden"]


def test_an_installed_wheel_starts_without_a_console_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At login Windows opens a console for python.exe, which stays for as long as the app runs and
    ends it when it is closed. Every Python for Windows has a pythonw.exe beside it."""
    monkeypatch.setattr("sys.executable", str(tmp_path / "python.exe"))
    assert own_command()[0] == str(tmp_path / "python.exe")
    (tmp_path / "pythonw.exe").touch()
    assert own_command() == [
        str(tmp_path / "pythonw.exe"),
        "-P",
        "-m",
        "copilot_desktop",
        "--hidden",
    ]


# ------------------------------------------------------------------------------------ Linux


@pytest.mark.parametrize("mark", ["Hidden=true", "X-GNOME-Autostart-enabled=false"])
def test_an_entry_that_the_desktop_switched_off_is_blocked(tmp_path: Path, mark: str) -> None:
    entry = AutostartEntry(COMMAND, tmp_path)
    entry.switch(on=True)
    path = tmp_path / "copilot-desktop.desktop"
    path.write_text(path.read_text() + mark + "\n")
    assert entry.state() == "blocked"
    entry.switch(on=True)
    assert entry.state() == "on"


def test_the_folder_follows_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    AutostartEntry(COMMAND).switch(on=True)
    assert [each.name for each in (tmp_path / "autostart").iterdir()] == ["copilot-desktop.desktop"]


@pytest.mark.skipif(sys.platform == "win32", reason="HOME means nothing there")
@pytest.mark.parametrize("named", ["", "config", "~/config"])
def test_a_folder_that_no_desktop_would_take_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", named)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    AutostartEntry(COMMAND).switch(on=True)
    assert [each.name for each in tmp_path.iterdir()] == [".config"]


AWKWARD = ['/home/a b/"c"/$d/`e`/f\\g/100%/x', "--hidden", "", "it's"]


@pytest.mark.skipif(shutil.which("gio") is None, reason="needs GLib's own reader of the format")
def test_the_desktop_reads_the_command_as_it_was_meant(tmp_path: Path) -> None:
    program = tmp_path / 'awkward "$x` \\ name'
    told = tmp_path / "told"
    to = shlex.quote(str(told))
    program.write_text(
        f'#!/bin/sh\nfor each; do printf "%s\\n" "$each"; done > {to}.t && mv {to}.t {to}\n'
    )
    program.chmod(0o755)
    AutostartEntry([str(program), *AWKWARD], tmp_path).switch(on=True)
    entry = tmp_path / "copilot-desktop.desktop"
    subprocess.run(["gio", "launch", str(entry)], check=True, timeout=60)
    for _ in range(600):
        if told.exists():
            break
        subprocess.run([sys.executable, "-c", "import time; time.sleep(0.1)"], check=True)
    assert told.read_text().split("\n") == [*AWKWARD, ""]


@pytest.mark.skipif(
    shutil.which("desktop-file-validate") is None, reason="needs desktop-file-validate"
)
def test_the_entry_is_valid(tmp_path: Path) -> None:
    AutostartEntry(COMMAND, tmp_path).switch(on=True)
    entry = tmp_path / "copilot-desktop.desktop"
    subprocess.run(["desktop-file-validate", str(entry)], check=True, timeout=60)


# A folder that somebody has chosen, as awkward as folders can be.
CHOSEN = Path('/home/a b/"c"/$d/`e`/100%/')


def test_the_folder_that_was_chosen_is_named_at_login_too() -> None:
    assert own_command()[-1:] == ["--hidden"]
    assert "--data-dir" not in own_command()
    command = own_command(CHOSEN)
    assert command[command.index("--data-dir") + 1] == str(CHOSEN)
    flags = read(command[command.index("--data-dir") :]).flags
    assert Path(flags["data_dir"]) == CHOSEN


def test_every_system_starts_with_that_folder(tmp_path: Path) -> None:
    command = own_command(CHOSEN)
    AutostartEntry(command, tmp_path).switch(on=True)
    entry = (tmp_path / "copilot-desktop.desktop").read_text()
    quoted = r"""--data-dir "/home/a b/\\"c\\"/\\$d/\\`e\\`/100%%" --hidden"""
    assert quoted in entry
    LaunchAgent(command, tmp_path, ask=lambda _: "").switch(on=True)
    agent = plistlib.loads((tmp_path / f"{LABEL}.plist").read_bytes())
    assert agent["ProgramArguments"] == command
    registry = Registry()
    RunKey(["app.exe", "--data-dir", "C:\\My Data\\", "--hidden"], ask=registry).switch(on=True)
    [line] = registry.values.values()
    assert line == r'app.exe --data-dir "C:\My Data\\" --hidden'


def test_a_command_that_windows_would_not_start_is_refused() -> None:
    with pytest.raises(OSError, match="too long"):
        RunKey(["app.exe", "--data-dir", "C:\\" + "a" * 260], ask=Registry()).switch(on=True)


def test_plain_words_stay_plain() -> None:
    assert exec_line(["/usr/bin/python3", "-m", "copilot_desktop"]) == (
        "/usr/bin/python3 -m copilot_desktop"
    )


# ------------------------------------------------------------------------------------ macOS


def test_the_agent_runs_at_login(tmp_path: Path) -> None:
    LaunchAgent(COMMAND, tmp_path, ask=lambda _: "").switch(on=True)
    agent = plistlib.loads((tmp_path / f"{LABEL}.plist").read_bytes())
    assert agent["ProgramArguments"] == COMMAND
    assert agent["RunAtLoad"] is True


@pytest.mark.parametrize("word", ["disabled", "true"])
def test_an_agent_that_launchd_has_switched_off_is_blocked(tmp_path: Path, word: str) -> None:
    def ask(_: Sequence[str]) -> str:
        return f'disabled services = {{\n\t"com.apple.x" => enabled\n\t"{LABEL}" => {word}\n}}'

    agent = LaunchAgent(COMMAND, tmp_path, ask=ask)
    agent.switch(on=True)
    assert agent.state() == "blocked"


def test_an_app_that_was_not_moved_yet_is_not_started_at_login(tmp_path: Path) -> None:
    """macOS runs a downloaded app, until it is moved, from a copy whose path lasts for one run
    (app translocation): the next login would find nothing there."""
    moved = (
        "/private/var/folders/ab/T/AppTranslocation/0-1-2/d/Copilot Desktop.app/Contents/MacOS/x"
    )
    agent = LaunchAgent([moved, "--hidden"], tmp_path, ask=lambda _: "")
    with pytest.raises(OSError, match="Applications"):
        agent.switch(on=True)
    assert agent.state() == "off"
    agent.switch(on=False)


def test_a_broken_agent_is_none(tmp_path: Path) -> None:
    (tmp_path / f"{LABEL}.plist").write_bytes(b"<plist><dict>")
    assert LaunchAgent(COMMAND, tmp_path, ask=lambda _: "").state() == "off"


# ------------------------------------------------------------------------------------ Windows


def test_the_run_key_holds_a_quoted_command() -> None:
    registry = Registry()
    RunKey(COMMAND, ask=registry).switch(on=True)
    assert list(registry.values.values()) == ['"/opt/Copilot Desktop/copilot-desktop" --hidden']


@pytest.mark.parametrize(("mark", "state"), [("03" + "0" * 22, "blocked"), ("02" + "0" * 22, "on")])
def test_task_manager_may_have_switched_it_off(mark: str, state: str) -> None:
    registry = Registry()
    key = RunKey(COMMAND, ask=registry)
    key.switch(on=True)
    approved = RUN.replace("Run", "Explorer\\StartupApproved\\Run")
    registry.values[f"{approved}\\CopilotDesktop"] = mark
    assert key.state() == state


def test_a_registry_that_takes_nothing_is_an_error() -> None:
    with pytest.raises(OSError, match="registry"):
        RunKey(COMMAND, ask=Registry(frozen=True)).switch(on=True)
