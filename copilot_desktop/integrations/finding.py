"""Whether a tool is on this computer: its program where programs usually are, or its own files.

A window started from a menu does not have the shell's PATH, so the folders that installers of
Node, Rust, Python, Homebrew and the like use are searched as well. A name alone may be another
program: a tool may ask for a proof in the real path or in the first bytes. Nothing is started.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from copilot_desktop.integrations.tool import Machine, Tool

HEAD = 4096  # bytes of a program that are looked at
_MOST = 200  # folders, however long a PATH is
_HOME = (
    ".local/bin", "bin", ".npm-global/bin", ".npm/bin", ".yarn/bin", ".bun/bin", ".deno/bin",
    ".cargo/bin", "go/bin", ".volta/bin", ".asdf/shims", ".local/share/mise/shims", ".pyenv/shims",
    ".local/share/pnpm", "Library/pnpm", ".nix-profile/bin", ".opencode/bin", ".claude/local",
    ".local/share/uv/tools", ".local/pipx/bin",
)  # fmt: skip
_HOME_WINDOWS = (
    "AppData/Roaming/npm", "AppData/Local/Microsoft/WinGet/Links", "AppData/Local/Programs",
    "AppData/Local/pnpm", "AppData/Local/Volta/bin", "scoop/shims", ".bun/bin", ".deno/bin",
    ".cargo/bin", ".local/bin", ".opencode/bin", "go/bin",
)  # fmt: skip
_VERSIONS = (".nvm/versions/node", ".local/share/fnm/node-versions", ".fnm/node-versions")
_SYSTEM = (
    "/usr/local/bin", "/usr/bin", "/opt/homebrew/bin",
    "/snap/bin", "/var/lib/flatpak/exports/bin", "/run/current-system/sw/bin",
)  # fmt: skip
# Version switchers put one program, or one script, in the place of all that they know, and nothing
# in it says which package the name belongs to: Volta, mise; asdf, pyenv, nodenv.
_SWITCHERS = ("volta-shim", "mise")
_HANDED_ON = (b"asdf exec ", b'pyenv" exec ', b'nodenv" exec ')
_ENDINGS = (".exe", ".cmd", ".bat", ".ps1")


def installed(tool: Tool, machine: Machine) -> bool:
    """Whether `tool` was found. A tool that leaves nothing to look for counts as found."""
    traces = tool.traces(machine)
    if not tool.programs and not traces:
        return True
    return any(_exists(trace) for trace in traces) or program(tool, machine) is not None


def program(tool: Tool, machine: Machine) -> Path | None:
    """Where the tool's executable is."""
    for folder in folders(machine):
        for name in tool.programs:
            for path in _spellings(folder / name, machine):
                if _runs(path, machine) and _proven(path, tool.proof):
                    return path
    return None


def folders(machine: Machine) -> tuple[Path, ...]:
    """Where programs may be, in the order in which they are looked for. Without a PATH (a made-up
    machine) only what is below the home folder."""
    separator = ";" if machine.os == "windows" else ":"
    named = [Path(each) for each in machine.env.get("PATH", "").split(separator) if each]
    below = _HOME_WINDOWS if machine.os == "windows" else _HOME
    found = [*(each for each in named if each.is_absolute()), *(machine.home / b for b in below)]
    for place in _VERSIONS if machine.os != "windows" else ():
        found += _versions(machine.home / place)
    if named and machine.os != "windows":
        found += [*map(Path, _SYSTEM), Path("/home") / "linuxbrew" / ".linuxbrew" / "bin"]
    return tuple(dict.fromkeys(found))[:_MOST]


def _versions(folder: Path) -> Iterator[Path]:
    """The newest few that a version switcher has."""
    try:
        versions = sorted(folder.iterdir(), reverse=True)[:20]
    except OSError:
        return
    for version in versions:
        yield version / "bin"
        yield version / "installation" / "bin"


def _spellings(path: Path, machine: Machine) -> Iterator[Path]:
    if machine.os != "windows":
        yield path
        return
    yield from (path.with_name(path.name + ending) for ending in _ENDINGS)


def _runs(path: Path, machine: Machine) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) and (machine.os == "windows" or bool(mode & 0o111))


def _proven(path: Path, proof: tuple[str, ...]) -> bool:
    if not proof:
        return True
    real = Path(os.path.realpath(path))
    if real.stem in _SWITCHERS or any(text in real.as_posix() for text in proof):
        return True
    try:
        with real.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return False
    return any(text in head for text in (*_HANDED_ON, *(each.encode() for each in proof)))


def _exists(path: Path) -> bool:
    try:
        path.lstat()
    except OSError:
        return False
    return True
