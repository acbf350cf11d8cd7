"""`run.py`: what it decides, without a network and without touching this machine."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[1] / "run.py"
SYSTEM = "/usr/bin/python3"


@pytest.fixture
def run() -> ModuleType:
    """A fresh copy, so that a test may replace its pieces."""
    spec = importlib.util.spec_from_file_location("run_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def place(run: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of its own, on Linux, where nothing may be started."""
    here = tmp_path / "checkout"
    here.mkdir()
    (here / "pyproject.toml").write_text("[project]\n")
    run.HERE = here
    run.is_linux = lambda: True
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def started(*command: object, **_: object) -> None:
        raise AssertionError(f"started {command}")

    monkeypatch.setattr(run.subprocess, "run", started)
    return here


def prepare(run: ModuleType, folder: Path, purpose: str, base: str = SYSTEM) -> Path:
    """An environment as a finished start leaves it."""
    python: Path = run.python_of(folder)
    python.parent.mkdir(parents=True, exist_ok=True)
    python.touch()
    (folder / ".base").write_text(base)
    run.stamp(folder, purpose).write_text(run.fingerprint(base, purpose))
    return python


# What is asked for


@pytest.mark.parametrize(
    ("words", "screen", "wanted"),
    [
        ("", "DISPLAY", True),
        ("", "WAYLAND_DISPLAY", True),
        ("", "", False),
        ("--demo", "DISPLAY", True),
        ("--demo --port 5000", "DISPLAY", True),
        ("--hidden", "DISPLAY", True),
        ("serve", "DISPLAY", False),
        ("--demo serve", "DISPLAY", False),
        ("--port 5000 serve", "DISPLAY", False),
        ("login --no-browser", "DISPLAY", False),
        ("bench", "DISPLAY", False),
        ("--version", "DISPLAY", False),
        ("-h", "DISPLAY", False),
    ],
)
def test_a_window_is_prepared_where_one_will_open(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, words: str, screen: str, wanted: bool
) -> None:
    run.is_linux = lambda: True
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    if screen:
        monkeypatch.setenv(screen, ":0")
    assert run.wants_window(words.split()) is wanted


def test_other_systems_always_have_a_screen(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    run.is_linux = lambda: False
    assert run.wants_window([])
    assert not run.wants_window(["status"])


def test_every_command_of_the_app_is_known_as_one_without_a_window(run: ModuleType) -> None:
    from copilot_desktop.cli.parser import parser

    commands = next(a.choices for a in parser()._actions if a.dest == "command")
    assert set(commands or ()) <= set(run.TERMINAL)


def test_any_python_that_is_still_around_can_read_the_script() -> None:
    ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 9))
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(SCRIPT.read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= set(sys.stdlib_module_names)


# Packages


def test_the_tests_need_all_that_a_window_needs(run: ModuleType) -> None:
    assert set(run.WINDOW_PACKAGES) <= set(run.TEST_PACKAGES)
    assert len(set(run.TEST_PACKAGES)) == len(run.TEST_PACKAGES)
    for name in run.TEST_PACKAGES:
        assert re.fullmatch(r"[a-z0-9][a-z0-9.+-]+", name)
    assert run.system_packages("run") == ()


@pytest.fixture
def apt(run: ModuleType, place: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A Debian that has only `there`; returns what was run."""
    done: list[list[str]] = []
    run.run = lambda command, **_: done.append(command)
    run.is_installed = lambda name: name == "there"
    monkeypatch.setattr(run.shutil, "which", lambda name: f"/usr/bin/{name}")
    return done


def test_root_installs_what_is_missing(
    run: ModuleType, apt: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run.os, "geteuid", lambda: 0)
    run.install_system_packages(["there"], optional=False)
    assert apt == []
    run.install_system_packages(["there", "missing", "missing"], optional=False)
    assert [command[:2] for command in apt] == [["apt-get", "update"], ["apt-get", "install"]]
    assert apt[1][-1] == "missing"
    assert apt[1].count("missing") == 1


def test_a_user_installs_through_sudo_and_is_told_so(
    run: ModuleType, apt: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(run.os, "geteuid", lambda: 1000)
    run.sudo = lambda: ["sudo"]
    run.install_system_packages(["missing"], optional=True)
    assert all(command[0] == "sudo" for command in apt)
    told = capsys.readouterr().err
    assert "missing: missing" in told
    assert "sudo may ask" in told


def test_without_sudo_the_window_is_done_without_and_the_tests_are_not(
    run: ModuleType, apt: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(run.os, "geteuid", lambda: 1000)
    run.sudo = lambda: None
    run.install_system_packages(["missing"], optional=True)
    assert "sudo apt-get install -y missing" in capsys.readouterr().err
    with pytest.raises(run.SetupError, match="run this first: sudo apt-get install -y missing"):
        run.install_system_packages(["missing"], optional=False)
    assert apt == []


def test_an_install_that_fails_stops_only_what_needs_it(
    run: ModuleType, apt: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(command: list[str], **_: object) -> None:
        raise run.SetupError("no network")

    monkeypatch.setattr(run.os, "geteuid", lambda: 0)
    run.run = failing
    run.install_system_packages(["missing"], optional=True)
    with pytest.raises(run.SetupError):
        run.install_system_packages(["missing"], optional=False)


def test_other_systems_are_left_alone(run: ModuleType, place: Path) -> None:
    run.is_linux = lambda: False
    run.install_system_packages(["missing"], optional=False)


# Which Python


def choose(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, *, own: str, **versions: tuple[int, int]
) -> Callable[[], str]:
    """Pythons by name; `python3` is the system's. Only these exist."""
    by_path = {f"/usr/bin/{name.replace('_', '.')}": found for name, found in versions.items()}
    run.version_of = lambda python: by_path[python]
    monkeypatch.setattr(run.Path, "exists", lambda path: str(path) in by_path)
    paths = {Path(path).name: path for path in by_path}
    monkeypatch.setattr(run.shutil, "which", paths.get)
    monkeypatch.setattr(run.sys, "_base_executable", f"/usr/bin/{own}", raising=False)
    run.is_linux = lambda: True
    found: Callable[[], str] = run.base_python
    return found


def test_the_systems_python_comes_first_because_it_reaches_gtk(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = choose(run, monkeypatch, own="python3.13", python3=(3, 11), python3_13=(3, 13))
    assert chosen() == SYSTEM


def test_a_system_python_that_is_too_old_is_passed_over(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = choose(run, monkeypatch, own="python3", python3=(3, 9), python3_12=(3, 12))
    assert chosen() == "/usr/bin/python3.12"


def test_without_a_new_enough_python_it_is_said_what_to_do(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = choose(run, monkeypatch, own="python3", python3=(3, 9))
    with pytest.raises(run.SetupError, match=r"^Python 3\.11 or newer is needed, and this is "):
        chosen()


def test_a_python_that_cannot_be_started_counts_as_none(run: ModuleType, tmp_path: Path) -> None:
    assert run.version_of(str(tmp_path / "missing")) == (0,)
    assert run.version_of("/bin/false") == (0,)
    assert run.version_of(sys.executable) == sys.version_info[:2]


# The environment


def test_the_fingerprint_knows_what_makes_an_environment_old(
    run: ModuleType, place: Path, tmp_path: Path
) -> None:
    first = run.fingerprint(SYSTEM, "run")
    assert run.fingerprint(SYSTEM, "run") == first
    assert run.fingerprint("/usr/bin/python3.12", "run") != first
    assert run.fingerprint(SYSTEM, "test") != first
    (place / "pyproject.toml").write_text("[project]\ndependencies = ['x']\n")
    assert run.fingerprint(SYSTEM, "run") != first
    link = tmp_path / "python3"
    link.symlink_to(tmp_path / "python3.11")
    before = run.fingerprint(str(link), "run")
    link.unlink()
    link.symlink_to(tmp_path / "python3.13")  # what an upgrade of the system does
    assert run.fingerprint(str(link), "run") != before


def test_a_second_start_asks_and_starts_nothing(run: ModuleType, place: Path) -> None:
    """`place` fails the test if any program is started."""
    python = prepare(run, place / ".venv", "run")
    assert run.environment("run") == python


def test_an_environment_for_more_will_do_for_less(run: ModuleType, place: Path) -> None:
    folder = place / ".venv"
    prepare(run, folder, "test")
    assert all(run.is_ready(folder, purpose) for purpose in run.ENOUGH)
    run.stamp(folder, "test").unlink()
    prepare(run, folder, "part")
    assert run.is_ready(folder, "run")
    assert not run.is_ready(folder, "test"), "its system packages were never asked for"
    (place / "pyproject.toml").write_text("[project]\nversion = '2'\n")
    assert not run.is_ready(folder, "run")


def test_a_checkout_that_cannot_be_written_uses_the_users_cache(
    run: ModuleType, place: Path, tmp_path: Path
) -> None:
    (place / ".venv").touch()  # a file in the way: true for root as well
    folder = run.writable_folder()
    assert folder.parent == tmp_path / "cache" / "copilot-desktop"
    run.HERE = tmp_path / "another"
    assert folder not in run.folders(), "two checkouts do not share one"


def test_nowhere_to_write_is_said(run: ModuleType, place: Path, tmp_path: Path) -> None:
    (place / ".venv").touch()
    (tmp_path / "cache").touch()
    with pytest.raises(run.SetupError, match="set XDG_CACHE_HOME"):
        run.writable_folder()


def test_filling_starts_from_scratch_for_another_python(run: ModuleType, place: Path) -> None:
    folder = place / ".venv"
    python = prepare(run, folder, "run", base="/usr/bin/python3.10")
    (folder / "old").touch()
    commands: list[list[str]] = []
    run.run = lambda command, **_: commands.append(command)
    with run.alone_in(folder):
        run.fill(folder, SYSTEM, "run")
        assert (folder / run.LOCK).exists()
    assert not (folder / "old").exists()
    assert commands[0] == [SYSTEM, "-P", "-m", "venv", "--system-site-packages", str(folder)]
    assert commands[1][:5] == [str(python), "-P", "-m", "pip", "install"]
    assert f"{run.HERE}[desktop]" in commands[1]  # the window is an extra
    python.parent.mkdir(exist_ok=True)
    python.touch()
    assert run.is_ready(folder, "run")


def test_a_python_that_came_with_the_packages_gets_its_venv_module(
    run: ModuleType, place: Path
) -> None:
    """As in an image that has Python in /usr/local and no system Python yet."""
    wanted: list[tuple[str, ...]] = []
    pythons = iter(["/usr/local/bin/python3", SYSTEM])
    run.base_python = lambda: next(pythons)
    run.install_system_packages = lambda names, optional: wanted.append(tuple(names))
    run.venv_packages = lambda base: ["python3-venv"] if base == SYSTEM else []
    run.fill = lambda folder, base, purpose: wanted.append((base, purpose))
    run.environment("window")
    assert wanted == [run.WINDOW_PACKAGES, ("python3-venv",), (SYSTEM, "window")]


def test_packages_come_into_the_environment_however_pip_is_set_up(
    run: ModuleType, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_USER", "1")
    asked: list[Any] = []
    run.run = lambda command, **options: asked.append((command, options["env"]["PIP_USER"]))
    run.install(Path("/env/bin/python"), "run")
    ((command, user),) = asked
    assert command[2:5] == ["-m", "pip", "install"]
    assert command[-1] == f"{place}[desktop]"
    assert user == "0"


# Running


def test_trouble_is_one_sentence_and_ctrl_c_is_no_trouble(run: ModuleType, capsys: Any) -> None:
    def trouble(_: object) -> int:
        raise run.SetupError("nothing works")

    run.prepare_and_run = trouble
    assert run.main([]) == 1
    assert capsys.readouterr().err == "Setting up did not work: nothing works\n"

    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    run.prepare_and_run = interrupted
    assert run.main([]) == 130


@pytest.mark.parametrize(
    ("words", "purpose", "tail"),
    [
        ("serve --demo", "run", ["-P", "-m", "copilot_desktop", "serve", "--demo"]),
        ("bench load", "run", ["bench/run.py", "load"]),
        ("", "window", ["-P", "-m", "copilot_desktop"]),
    ],
)
def test_the_right_thing_is_started(
    run: ModuleType, place: Path, words: str, purpose: str, tail: list[str]
) -> None:
    asked: list[Any] = []
    run.wants_window = lambda arguments: not arguments
    run.environment = lambda purpose: asked.append(purpose) or Path("/python")
    run.replace_with = lambda command: asked.append(command) or 7
    assert run.main(words.split()) == 7
    assert asked[0] == purpose
    assert [word.removeprefix(f"{place}/") for word in asked[1][1:]] == tail


def test_no_module_is_taken_from_the_folder_that_somebody_is_in(
    run: ModuleType, place: Path, tmp_path: Path
) -> None:
    """A cloned repository, or one's own with a `queue.py` in it."""
    commands: list[list[str]] = []
    run.environment = lambda _purpose: Path(sys.executable)
    run.replace_with = lambda command: commands.append(command) or 0
    assert run.main(["--version"]) == 0
    for name in ("aiohttp", "asyncio", "argparse"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('planted')")
    [command] = commands
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, env=os.environ
    ) as started:
        said, _ = started.communicate(timeout=30)
    assert (started.returncode, said.split()[:1]) == (0, ["copilot-desktop"])


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_where_the_app_cannot_take_its_place_ctrl_c_waits_for_its_end(tmp_path: Path) -> None:
    """As on Windows, where both are told of it: open answers get their time."""
    app = (
        "import signal, sys, time\n"
        "def end(*_): time.sleep(1.5); print('ended'); sys.exit(0)\n"
        "signal.signal(signal.SIGINT, end)\n"
        "print('ready', flush=True)\n"
        "while True: signal.pause()\n"
    )
    (tmp_path / "app.py").write_text(app)
    outer = (
        "import os, sys\n"
        f"sys.path.insert(0, {str(SCRIPT.parent)!r})\n"
        "import run\n"
        "os.name = 'nt'\n"
        f"sys.exit(run.replace_with([sys.executable, {str(tmp_path / 'app.py')!r}]))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", outer], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == "ready\n"
        os.killpg(started.pid, signal.SIGINT)
        said, _ = started.communicate(timeout=30)
    assert (started.returncode, said) == (0, "ended\n")


def test_tests_with_arguments_are_pytest_alone(run: ModuleType, place: Path) -> None:
    asked: list[Any] = []
    run.environment = lambda purpose: asked.append(purpose) or Path("/env/bin/python")
    run.check = lambda command, python: asked.append(command) or 5
    assert run.main(["test", "-k", "something"]) == 5
    assert asked == ["part", ["/env/bin/python", "-m", "pytest", "-k", "something"]]


def test_every_check_runs_and_each_failure_is_named(
    run: ModuleType, place: Path, capsys: Any
) -> None:
    names: list[str] = []

    def check(command: list[str], python: Path) -> int:
        names.append(Path(command[0]).name)
        return 1 if names[-1] == "mypy" else 0

    run.environment = lambda purpose: Path("/env/bin/python")
    run.check = check
    assert run.main(["test"]) == 1
    assert names == ["ruff", "ruff", "mypy", "lint-imports", "python"]
    assert "Failed: mypy\n" in capsys.readouterr().err
    run.check = lambda command, python: 0
    assert run.main(["test"]) == 0


def test_the_checks_of_ci_are_the_ones_of_the_readme() -> None:
    script = SCRIPT.parent / ".ci" / "run"
    assert script.read_text(encoding="utf-8").splitlines()[-1] == "exec python3 run.py test"
    assert script.stat().st_mode & 0o111
    subprocess.run(["sh", "-n", str(script)], check=True)
