#!/usr/bin/env python3
"""Set up Copilot Desktop on this machine and start it; standard library only.

    python3 run.py                 start the app (add --demo to try it without an account)
    python3 run.py serve …         any other command of the app: login, status, models, …
    python3 run.py test            run all checks and tests; with arguments: pytest with them
    python3 run.py bench …         run the benchmarks

It makes a private Python environment beside this file, installs what is missing there, and on
Debian and Ubuntu also the system packages for the window (or for the tests), after saying which.
A second start finds everything in place and takes no time.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
NEEDED = (3, 11)

# One line each: what the packages are for, then their Debian names.
WINDOW_PACKAGES = (
    "python3-gi",
    "gir1.2-gtk-3.0",
    "gir1.2-webkit2-4.1",
    "gir1.2-ayatanaappindicator3-0.1",
    "fonts-dejavu-core",
)
TEST_PACKAGES = (
    *WINDOW_PACKAGES,
    "chromium",
    "dbus-daemon",
    "gnome-keyring",
    "imagemagick",
    "libglib2.0-bin",
    "openbox",
    "trayer",
    "wmctrl",
    "x11-utils",
    "xclip",
    "xdotool",
    "xvfb",
)


def main(arguments: list[str]) -> int:
    testing = arguments[:1] == ["test"]
    benching = arguments[:1] == ["bench"]
    extras = ["lint", "test"] if testing else []
    try:
        python = environment(extras, window=wants_window(arguments))
    except SetupError as trouble:
        print(f"Setting up did not work: {trouble}", file=sys.stderr)
        return 1
    if testing:
        return test(python, arguments[1:])
    if benching:
        return replace_with([str(python), str(HERE / "bench" / "run.py"), *arguments[1:]])
    return replace_with([str(python), "-m", "copilot_desktop", *arguments])


class SetupError(Exception):
    """Something is missing that this script cannot provide."""


def wants_window(arguments: list[str]) -> bool:
    """The desktop is the default, but only where there is a screen."""
    command = next((each for each in arguments if not each.startswith("-")), "desktop")
    if command != "desktop" or "--help" in arguments or "--version" in arguments:
        return False
    return not is_linux() or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


# ------------------------------------------------------------------------------- environment


def environment(groups: list[str], *, window: bool) -> Path:
    """The environment's Python, with everything installed."""
    system = TEST_PACKAGES if "test" in groups else WINDOW_PACKAGES if window else ()
    base = base_python()
    install_system_packages([*venv_packages(base), *system], optional="test" not in groups)
    base = base_python()
    folder = environment_folder()
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / f".ready-{'-'.join(groups) or 'run'}"
    wanted = fingerprint(base, groups)
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    recipe = folder / ".base"
    if not python.exists() or not recipe.exists() or recipe.read_text() != base:
        say(f"Making a Python environment in {folder}")
        shutil.rmtree(folder, ignore_errors=True)
        # The system's own packages stay visible: that is where GTK's Python bindings are.
        options = ["--system-site-packages"] if is_linux() else []
        run([base, "-m", "venv", *options, str(folder)])
        recipe.write_text(base)
    say("Installing Python packages" + (" for the tests" if "test" in groups else ""))
    requirements = [each for group in groups for each in group_requirements(python, group)]
    run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--editable", str(HERE), *requirements])  # fmt: skip
    stamp.write_text(wanted)
    return python


def environment_folder() -> Path:
    """Beside this file, or in the user's cache if this folder cannot be written."""
    if os.access(HERE, os.W_OK):
        return HERE / ".venv"
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "copilot-desktop" / "venv"


def base_python() -> str:
    """A Python that is new enough; on Linux the system's own one, since it can reach GTK."""
    candidates = ["/usr/bin/python3"] if is_linux() else []
    candidates += [
        sys.executable,
        *filter(None, (shutil.which(f"python3.{n}") for n in (13, 12, 11))),
    ]
    for candidate in candidates:
        if Path(candidate).exists() and version_of(candidate) >= NEEDED:
            return candidate
    raise SetupError(
        f"Python {NEEDED[0]}.{NEEDED[1]} or newer is needed; this is {sys.version.split()[0]}"
    )


def version_of(python: str) -> tuple[int, ...]:
    code = "import sys; print(*sys.version_info[:2])"
    answer = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return tuple(int(part) for part in answer.stdout.split()) if answer.returncode == 0 else (0,)


def group_requirements(python: Path, group: str) -> list[str]:
    """A dependency group of pyproject.toml as a list (read by the new enough Python)."""
    code = (
        "import sys, tomllib, pathlib\n"
        "groups = tomllib.loads(pathlib.Path(sys.argv[1]).read_text())['dependency-groups']\n"
        "print(*groups[sys.argv[2]], sep='\\n')"
    )
    answer = subprocess.run(
        [str(python), "-c", code, str(HERE / "pyproject.toml"), group],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return answer.stdout.split("\n")[:-1]


def fingerprint(base: str, groups: list[str]) -> str:
    recipe = (HERE / "pyproject.toml").read_bytes() + base.encode() + repr(groups).encode()
    return hashlib.sha256(recipe).hexdigest()


# ------------------------------------------------------------------------------- system packages


def install_system_packages(names: list[str], *, optional: bool) -> None:
    """Install what is missing, on Debian and its relatives; elsewhere nothing happens."""
    if not names or not is_linux() or shutil.which("apt-get") is None:
        return
    missing = [name for name in dict.fromkeys(names) if not is_installed(name)]
    if not missing:
        return
    say("These system packages are missing: " + " ".join(missing))
    prefix = [] if os.geteuid() == 0 else sudo()
    if prefix is None:
        command = "sudo apt-get install -y " + " ".join(missing)
        if not optional:
            raise SetupError(f"run this first: {command}")
        say(f"Going on without them. For a window of its own, run: {command}")
        return
    say("Installing them with apt-get" + (" (sudo may ask for your password)" if prefix else ""))
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = [*prefix, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    try:
        run([*prefix, "apt-get", "update", "-qq"], env=quiet)
        run(install, env=quiet, stdout=subprocess.DEVNULL)
    except SetupError:
        if not optional:
            raise
        say("They could not be installed. Going on without them.")


def is_installed(package: str) -> bool:
    answer = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Status}", package],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return answer.stdout.endswith(" installed")


def venv_packages(base: str) -> list[str]:
    """Debian splits the venv module off its Python."""
    if base != "/usr/bin/python3":
        return []
    answer = subprocess.run([base, "-c", "import ensurepip"], capture_output=True, check=False)
    return [] if answer.returncode == 0 else ["python3-venv"]


def sudo() -> list[str] | None:
    """How to become root: None if nobody is there to type a password."""
    if shutil.which("sudo") is None:
        return None
    silent = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
    return ["sudo"] if silent.returncode == 0 or sys.stdin.isatty() else None


# ------------------------------------------------------------------------------- running


def test(python: Path, arguments: list[str]) -> int:
    """All checks, or pytest alone with `arguments`."""
    scripts = python.parent
    if arguments:
        return subprocess.run(
            [str(python), "-m", "pytest", *arguments], cwd=HERE, check=False
        ).returncode
    checks = [
        [str(scripts / "ruff"), "check", "."],
        [str(scripts / "ruff"), "format", "--check", "."],
        [str(scripts / "mypy")],
        [str(scripts / "lint-imports")],
        [str(python), "-m", "pytest", "-q"],
    ]
    failed = []
    for check in checks:
        say(" ".join([Path(check[0]).name, *check[1:]]))
        if subprocess.run(check, cwd=HERE, check=False).returncode != 0:
            failed.append(Path(check[0]).name)
    if failed:
        say("Failed: " + ", ".join(failed))
    return 1 if failed else 0


def replace_with(command: list[str]) -> int:
    """Become `command`, so that signals and the exit code are the app's own."""
    sys.stdout.flush()
    if os.name == "nt":
        return subprocess.run(command, check=False).returncode
    os.execv(command[0], command)  # noqa: S606 - the point of it
    return 1  # never reached


def run(command: list[str], **options: object) -> None:
    try:
        subprocess.run(command, check=True, **options)  # type: ignore[call-overload]
    except (subprocess.CalledProcessError, OSError) as error:
        raise SetupError(f"`{' '.join(command[:4])} …` failed ({error})") from error


def is_linux() -> bool:
    return sys.platform.startswith("linux")


def say(words: str) -> None:
    print(f"» {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
