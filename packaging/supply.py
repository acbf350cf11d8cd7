#!/usr/bin/env python3
"""What the app is made from: exact versions with hashes, a bill of materials, the licences.

    python3 packaging/supply.py lock             write packaging/*.lock anew, with uv
    PYTHON packaging/supply.py bill FILE         CycloneDX 1.6 of what PYTHON has of the lock
    PYTHON packaging/supply.py licences FILE     names and texts of the licences of the same

PYTHON is the environment that a build was made in (`build/env`): a bill tells of what is inside,
not of what might be. Standard library only, but for `lock`. Nothing here holds a time or a place,
so the same lock on the same system gives the same bytes.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import subprocess
import sys
import sysconfig
import tempfile
import uuid
import venv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
LOCK = HERE / "requirements.lock"
HEADLESS = HERE / "requirements-headless.lock"  # the same without the window
LINTERS = HERE / "linters.lock"  # for tests
FREEZING = HERE / "freezing.lock"
WHEEL = HERE / "wheel.lock"
PROJECT = ROOT / "pyproject.toml"
UV = "uv==0.13.9"
HEAD = """\
# Every library with its version and hashes, for all systems: `pip install -r` takes nothing else.
# Written by `python3 packaging/supply.py lock`; do not edit.
"""
_PINNED = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ \\;]+)(?P<rest>(?:.*\\\n)?(?:.*--hash.*\n)+)",
    re.MULTILINE,
)
_TEXTS = re.compile(
    r"(?:^|/)(?:licen[cs]es?/.*|licen[cs]e[^/]*|copying[^/]*|notice[^/]*)$", re.IGNORECASE
)


class Differs(Exception):
    """What is installed is not what is locked."""


@dataclass(frozen=True, slots=True)
class Library:
    """One locked library. `hashes` are SHA-256 of the archives that may be installed."""

    name: str
    version: str
    hashes: tuple[str, ...]

    @property
    def purl(self) -> str:
        return f"pkg:pypi/{self.name}@{self.version}"


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description="What the app is made from.")
    steps = parser.add_subparsers(dest="step", required=True)
    steps.add_parser("lock")
    for name in ("bill", "licences"):
        steps.add_parser(name).add_argument("file", type=Path)
    chosen = parser.parse_args(words)
    try:
        if chosen.step == "lock":
            LOCK.write_text(locked_anew(PROJECT, "--extra", "desktop"), encoding="utf-8")
            without = locked_anew(PROJECT, "--constraint", str(LOCK))
            HEADLESS.write_text(without, encoding="utf-8")
            for tools in (LINTERS, FREEZING, WHEEL):
                tools.write_text(locked_anew(tools.with_suffix(".in")), encoding="utf-8")
        elif chosen.step == "bill":
            text = json.dumps(bill(list(present())), indent=1, sort_keys=True)
            chosen.file.write_text(f"{text}\n", encoding="utf-8")
        else:
            text = licences(list(present()), list(of_the_system()))
            chosen.file.write_text(text, encoding="utf-8")
    except (Differs, OSError, subprocess.CalledProcessError) as trouble:
        print(f"Not written: {trouble}", file=sys.stderr)
        return 1
    return 0


# ------------------------------------------------------------------------------------ the lock


def locked_anew(source: Path, *which: str) -> str:
    """The text of a lock: the newest versions that `source` allows, from the network."""
    with tempfile.TemporaryDirectory() as place:
        venv.create(place, with_pip=True)
        programs = Path(place) / ("Scripts" if sys.platform == "win32" else "bin")
        quiet = ["--quiet", "--disable-pip-version-check"]
        subprocess.run([programs / "python", "-m", "pip", "install", *quiet, UV], check=True)
        asked = subprocess.run(
            [
                programs / "uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes",
                "--no-header", "--no-annotate",
                "--python-version", "3.11", *which, str(source),
            ],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    return HEAD + asked.stdout


def locked(lock: Path = LOCK) -> list[Library]:
    """What a lock names, in its order."""
    return [
        Library(
            found["name"],
            found["version"],
            tuple(re.findall(r"--hash=sha256:([0-9a-f]{64})", found["rest"])),
        )
        for found in _PINNED.finditer(lock.read_text(encoding="utf-8"))
    ]


def present() -> Iterator[tuple[Library, metadata.Distribution]]:
    """What this Python has of the lock. Raises Differs if it has another version."""
    for library in locked():
        try:
            found = metadata.distribution(library.name)
        except metadata.PackageNotFoundError:
            continue  # of another system
        if found.version != library.version:
            raise Differs(f"{library.name} {found.version} is here, {library.version} is locked")
        yield library, found


# ------------------------------------------------------------------------------------ the bill


def bill(have: list[tuple[Library, metadata.Distribution]]) -> dict[str, object]:
    """A CycloneDX bill of materials (ECMA-424)."""
    version = own_version()
    own = {
        "type": "application",
        "bom-ref": "copilot-desktop",
        "name": "copilot-desktop",
        "version": version,
        "licenses": [{"license": {"id": "MIT"}}],
    }
    parts = [
        {
            "type": "library",
            "bom-ref": library.purl,
            "name": library.name,
            "version": library.version,
            "purl": library.purl,
            "licenses": [{"license": {"name": licence_of(found)}}],
        }
        for library, found in have
    ]
    names = "\n".join(library.purl for library, _ in have)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{version} {names}')}",
        "version": 1,
        "metadata": {"component": own},
        "components": parts,
        "dependencies": dependencies(have),
    }


def dependencies(have: list[tuple[Library, metadata.Distribution]]) -> list[dict[str, object]]:
    """Who asks for whom, of those that are here."""
    refs = {plain(library.name): library.purl for library, _ in have}
    rows: list[dict[str, object]] = [
        {
            "ref": library.purl,
            "dependsOn": sorted({refs[name] for name in asked_for(found) if name in refs}),
        }
        for library, found in have
    ]
    return [{"ref": "copilot-desktop", "dependsOn": sorted(refs.values())}, *rows]


def asked_for(found: metadata.Distribution) -> Iterator[str]:
    for line in found.requires or ():
        needed, _, marker = line.partition(";")
        if "extra" not in marker and (name := re.match(r"[A-Za-z0-9._-]+", needed)):
            yield plain(name.group())


def plain(name: str) -> str:
    """Names that differ in case and separators are one."""
    return re.sub(r"[-_.]+", "-", name).lower()


def own_version() -> str:
    source = (ROOT / "copilot_desktop" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"$', source, re.MULTILINE)
    if found is None:
        raise Differs("copilot_desktop/__init__.py names no version")
    return found.group(1)


# ------------------------------------------------------------------------------------ licences


def licence_of(found: metadata.Distribution) -> str:
    """As its makers wrote it down; `unknown` if they did not."""
    told = found.metadata
    for field in ("License-Expression", "License"):
        value = str(told[field]).strip() if field in told else ""
        # Some put the whole text into the field.
        if value and value != "UNKNOWN" and "\n" not in value:
            return value
    named = [
        each.rpartition(" :: ")[2]
        for each in told.get_all("Classifier") or ()
        if each.startswith("License :: ")
    ]
    return " or ".join(named) or "unknown"


@dataclass(frozen=True, slots=True)
class Given:
    """What comes from this machine and not from the lock; `text` is its licence."""

    name: str
    version: str
    licence: str
    text: Path


def of_the_system() -> Iterator[Given]:
    """Python itself and, on Linux, its GTK bindings."""
    beside = Path(sysconfig.get_path("stdlib")) / "LICENSE.txt"
    text = beside if beside.exists() else Path(sys.base_prefix) / "LICENSE.txt"
    yield Given("Python", platform.python_version(), "PSF-2.0", text)
    bindings = Path("/usr/share/doc/python3-gi/copyright")
    if bindings.exists():
        yield Given("PyGObject", "", "LGPL-2.1-or-later", bindings)


def licences(have: list[tuple[Library, metadata.Distribution]], given: Sequence[Given] = ()) -> str:
    """A table of names, then the texts that came with them."""
    named = [(f"{library.name} {library.version}", licence_of(found)) for library, found in have]
    named += [(f"{each.name} {each.version}".strip(), each.licence) for each in given]
    width = max((len(name) for name, _ in named), default=0)
    rows = [f"{name:{width}}  {licence}" for name, licence in named]
    texts = [
        part(f"{library.name}: {path.name}", Path(str(found.locate_file(path))))
        for library, found in have
        for path in sorted(found.files or (), key=str)
        if ".dist-info" in str(path) and _TEXTS.search(path.as_posix())
    ]
    texts += [part(each.name, each.text) for each in given]
    return "\n".join(["The libraries in Copilot Desktop, and their licences.\n", *rows, "", *texts])


def part(head: str, text: Path) -> str:
    content = text.read_text(encoding="utf-8", errors="replace").strip()
    return f"{head}\n{'-' * len(head)}\n\n{content}\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
