#!/usr/bin/env python3
"""Set up Copilot Desktop on this machine and start it; standard library only.

    python3 run.py                 start the app (add --demo to try it without an account)
    python3 run.py serve …         any other command of the app: login, status, models, …
    python3 run.py test            run all checks and tests; with arguments: pytest with them
    python3 run.py bench …         run the benchmarks
    python3 run.py fuzz …          look for inputs that break a parser: seconds, then targets

It makes a private Python environment beside this file, installs what is missing there, and on
Debian and Ubuntu also the system packages for the window (or for the tests), after saying which.
A second start finds everything in place and takes no time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
NEEDED = (3, 11)
KNOWN = tuple(f"python3.{minor}" for minor in (13, 14, 12, 11))  # best tried first
TERMINAL = (
    "serve", "login", "logout", "status", "models", "quota", "accounts", "usage", "logs", "doctor",
    "resume", "autostart", "keys", "version", "connect", "disconnect", "run", "env", "completions",
    "remove-everything", "test", "bench",
)  # fmt: skip

# For the window, on Debian and its relatives.
WINDOW_PACKAGES = (
    "python3-gi",
    "gir1.2-gtk-3.0",
    "gir1.2-webkit2-4.1",
    "gir1.2-ayatanaappindicator3-0.1",
    "fonts-dejavu-core",
)
# For the tests, which build packages, drive a browser and show a real window on a screen of their
# own.
TEST_PACKAGES = (
    *WINDOW_PACKAGES,
    "binutils",
    "chromium",
    "dbus-daemon",
    "desktop-file-utils",
    "fish",
    "git",
    "gnome-keyring",
    "imagemagick",
    "libglib2.0-bin",
    "libpython3-dev",
    "openbox",
    "trayer",
    "wmctrl",
    "x11-utils",
    "xclip",
    "xdotool",
    "xvfb",
    "xz-utils",
    "zsh",
)
# What the environment can be for, and what it may have been filled for instead.
ENOUGH = {
    "run": ("run", "window", "part", "test"),
    "window": ("window", "test"),
    "part": ("part", "test"),
    "test": ("test",),
}
TESTS = ("part", "test")
# These differ in system packages only.
SAME_AS = {"window": "run", "test": "part"}
LOCK = ".lock"


class SetupError(Exception):
    """Something is missing that this script cannot provide."""


def main(arguments: list[str]) -> int:
    try:
        return prepare_and_run(arguments)
    except SetupError as trouble:
        print(f"Setting up did not work: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def prepare_and_run(arguments: list[str]) -> int:
    command, rest = arguments[:1], arguments[1:]
    if command == ["test"]:
        # Single tests may do without browser and window; all of them do not.
        return test(environment("part" if rest else "test"), rest)
    if command == ["fuzz"]:
        return fuzz(environment("part"), rest)
    python = environment("window" if wants_window(arguments) else "run")
    if command == ["bench"]:
        return replace_with([str(python), str(HERE / "bench" / "run.py"), *rest])
    # -P here and below: a module in the current folder, which may be anybody's, is none of ours.
    return replace_with([str(python), "-P", "-m", "copilot_desktop", *arguments])


def wants_window(arguments: list[str]) -> bool:
    """The desktop is the default, but only where there is a screen."""
    asks_only = {"-h", "--help", "--version"}
    if any(each in TERMINAL or each in asks_only for each in arguments):
        return False
    return not is_linux() or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


# ------------------------------------------------------------------------------- environment


def environment(purpose: str) -> Path:
    """The environment's Python with all that `purpose` needs installed. Raises SetupError."""
    for folder in folders():
        if is_ready(folder, purpose):
            return python_of(folder)
    base_python()  # a Python that is too old is said before anything is installed
    install_system_packages(system_packages(purpose), optional=purpose != "test")
    base = base_python()  # they may have brought the system's own Python
    install_system_packages(venv_packages(base), optional=False)
    folder = writable_folder()
    with alone_in(folder):
        if not is_ready(folder, purpose):  # another start may have done it in the meantime
            fill(folder, base, purpose)
    return python_of(folder)


def system_packages(purpose: str) -> tuple[str, ...]:
    if purpose == "window":
        return WINDOW_PACKAGES
    return TEST_PACKAGES if purpose in TESTS else ()


def is_ready(folder: Path, purpose: str) -> bool:
    """Whether an earlier start has done everything; reads a few small files and nothing else."""
    if not python_of(folder).exists():
        return False
    for enough in ENOUGH[purpose]:
        try:
            base = (folder / ".base").read_text(encoding="utf-8")
            if stamp(folder, enough).read_text(encoding="utf-8") == fingerprint(base, enough):
                return True
        except OSError:
            continue
    return False


def fill(folder: Path, base: str, purpose: str) -> None:
    """Make the environment if there is none of this Python, and install into it."""
    python, recipe = python_of(folder), folder / ".base"
    kept = recipe.read_text(encoding="utf-8") if recipe.exists() else ""
    if kept != base or not python.exists() or version_of(str(python)) < NEEDED:
        say(f"Making a Python environment in {folder}")
        clear(folder)
        # The system's own packages stay visible: that is where GTK's Python bindings are.
        options = ["--system-site-packages"] if is_linux() else []
        run([base, "-P", "-m", "venv", *options, str(folder)])
        recipe.write_text(base, encoding="utf-8")
    if not is_ready(folder, SAME_AS.get(purpose, purpose)):
        install(python, purpose)
    stamp(folder, purpose).write_text(fingerprint(base, purpose), encoding="utf-8")


def install(python: Path, purpose: str) -> None:
    say("Installing Python packages" + (" for the tests" if purpose in TESTS else ""))
    groups = ("lint", "test") if purpose in TESTS else ()
    requirements = [each for group in groups for each in group_requirements(python, group)]
    pip_install(python, "--editable", f"{HERE}[desktop]", *requirements)


def pip_install(python: Path, *words: str) -> None:
    # Where pip is set up to install for the user, it would do that from in here as well.
    here = {**os.environ, "PIP_USER": "0"}
    install = ["-P", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([str(python), *install, *words], env=here)


def clear(folder: Path) -> None:
    """Empty `folder` but for the lock that is held in it."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name != LOCK:
            entry.unlink()


def python_of(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def stamp(folder: Path, purpose: str) -> Path:
    return folder / f".ready-{purpose}"


def folders() -> list[Path]:
    """Where the environment may be: beside this file, or in the user's cache."""
    # Two checkouts that cannot be written must not share one.
    name = "venv-" + hashlib.sha256(str(HERE).encode()).hexdigest()[:8]
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
    return [HERE / ".venv", Path(cache) / "copilot-desktop" / name]


def writable_folder() -> Path:
    """The first place that takes an environment, made if need be. Raises SetupError."""
    for folder in folders():
        try:
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    places = ", ".join(str(folder) for folder in folders())
    raise SetupError(f"nothing can be written at {places}; set XDG_CACHE_HOME to another folder")


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Two starts at the same moment must not fill one environment."""
    with (folder / LOCK).open("w", encoding="utf-8") as file:
        try:
            import fcntl  # noqa: PLC0415 - not on Windows, where the second start finds pip busy
        except ImportError:
            pass
        else:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def base_python() -> str:
    """A Python that is new enough; on Linux the system's own one, since it can reach GTK."""
    candidates = ["/usr/bin/python3"] if is_linux() else []
    # Started from inside an environment, this is the Python that the environment was made with.
    candidates.append(getattr(sys, "_base_executable", None) or sys.executable)
    candidates += [found for name in KNOWN if (found := shutil.which(name))]
    for candidate in candidates:
        if Path(candidate).exists() and version_of(candidate) >= NEEDED:
            return candidate
    wanted = ".".join(map(str, NEEDED))
    raise SetupError(
        f"Python {wanted} or newer is needed, and this is {sys.version.split()[0]}. Install one "
        f"from your system's packages or from python.org, then run this again."
    )


def version_of(python: str) -> tuple[int, ...]:
    code = "import sys; print(*sys.version_info[:2])"
    try:
        answer = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return (0,)
    return tuple(int(part) for part in answer.stdout.split()) if answer.returncode == 0 else (0,)


def group_requirements(python: Path, group: str) -> list[str]:
    """A dependency group of pyproject.toml as a list (read by the new enough Python)."""
    code = (
        "import sys, tomllib, pathlib\n"
        "groups = tomllib.loads(pathlib.Path(sys.argv[1]).read_text())['dependency-groups']\n"
        "print(*groups[sys.argv[2]], sep='\\n')"
    )
    answer = subprocess.run(
        [str(python), "-P", "-c", code, str(HERE / "pyproject.toml"), group],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return answer.stdout.split("\n")[:-1]


def fingerprint(base: str, purpose: str) -> str:
    """Changes with the requirements, with the Python (also a newer one of the same name), and with
    the system packages that are wanted."""
    recipe = [
        (HERE / "pyproject.toml").read_bytes(),
        str(HERE).encode(),  # a checkout that was moved is installed again
        base.encode(),
        os.path.realpath(base).encode(),
        repr(system_packages(purpose)).encode(),
    ]
    return hashlib.sha256(b"\0".join(recipe)).hexdigest()


# ------------------------------------------------------------------------------- system packages


def install_system_packages(names: Sequence[str], *, optional: bool) -> None:
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
        say(f"Going on without them. To have them, run: {command}")
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
    look = [base, "-P", "-c", "import ensurepip"]
    answer = subprocess.run(look, capture_output=True, check=False)
    return [] if answer.returncode == 0 else ["python3-venv"]


def sudo() -> list[str] | None:
    """How to become root: None if nobody is there to type a password."""
    if shutil.which("sudo") is None:
        return None
    silent = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
    there = sys.stdin is not None and sys.stdin.isatty()
    return ["sudo"] if silent.returncode == 0 or there else None


# ------------------------------------------------------------------------------- running


def test(python: Path, arguments: list[str]) -> int:
    """All checks, or pytest alone with `arguments`."""
    scripts = python.parent
    kept = [] if os.access(HERE, os.W_OK) else ["--no-cache"]
    if arguments:
        return check([str(python), "-m", "pytest", *arguments], python)
    checks = [
        [str(scripts / "ruff"), "check", *kept, "."],
        [str(scripts / "ruff"), "format", "--check", *kept, "."],
        [str(scripts / "mypy")],
        [str(scripts / "lint-imports"), *kept],
        [str(python), "-m", "pytest", "-q", "-n", "4", "--dist", "loadfile"],
    ]
    failed = []
    for each in checks:
        say(" ".join([Path(each[0]).name, *each[1:]]))
        if check(each, python) != 0:
            failed.append(" ".join([Path(each[0]).name, *each[1:2]]))
    if failed:
        say("Failed: " + ", ".join(failed))
    return 1 if failed else 0


def fuzz(python: Path, arguments: list[str]) -> int:
    """The fuzzer comes along only here: it is made for few systems."""
    pip_install(python, *group_requirements(python, "fuzz"))
    return check([str(python), str(HERE / "tests" / "fuzz" / "run.py"), *arguments], python)


def check(command: list[str], python: Path) -> int:
    """Run one check in this folder; what it cannot keep here goes beside the environment."""
    environ = dict(os.environ)
    if not os.access(HERE, os.W_OK):
        environ["PYTHONDONTWRITEBYTECODE"] = "1"
        environ["MYPY_CACHE_DIR"] = str(python.parents[1] / "mypy")
        environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(python.parents[1] / "hypothesis")
        environ["PYTEST_ADDOPTS"] = "-p no:cacheprovider " + environ.get("PYTEST_ADDOPTS", "")
    return subprocess.run(command, cwd=HERE, env=environ, check=False).returncode


def replace_with(command: list[str]) -> int:
    """Become `command`, so that signals and the exit code are the app's own."""
    if os.name != "nt":
        os.execv(command[0], command)  # noqa: S606 - the point of it
    with subprocess.Popen(command) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue  # the app has been told as well, and ends in its own time


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
