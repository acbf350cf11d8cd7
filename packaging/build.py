#!/usr/bin/env python3
"""Build what people install: one command for each form, the results in `dist/`.

    python3 packaging/build.py folder     the program in a folder, with PyInstaller
    python3 packaging/build.py deb        a package for Debian, Ubuntu and their relatives
    python3 packaging/build.py tarball    an archive with an installer that needs no root
    python3 packaging/build.py all        all that this system can make (on Linux: these three)

Standard library only; PyInstaller and the app's libraries go into `build/env`. The same commit
gives the same bytes on the same system: times are the commit's (or SOURCE_DATE_EPOCH), orders are
fixed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE))

import deb  # noqa: E402
import origin  # noqa: E402
import tarball  # noqa: E402
from tree import Product  # noqa: E402

FORMS = ("folder", "deb", "tarball") if sys.platform == "linux" else ("folder",)
SPEC = HERE / "pyinstaller" / "copilot-desktop.spec"
TOOLS = HERE / "freezing.lock"
LOCK = HERE / "requirements.lock"


class BuildError(Exception):
    """Something is missing, or a step failed."""


def main(words: list[str]) -> int:
    options = arguments().parse_args(words)
    wanted = FORMS if options.form == "all" else (options.form,)
    try:
        product = folder(options.dist.resolve(), reuse=options.reuse)
        for form, made in (("deb", deb.build), ("tarball", tarball.build)):
            if form in wanted:
                result = made(product, quick=options.quick)
                print(f"{result}  {result.stat().st_size / 1e6:.1f} MB")
    except (BuildError, deb.UnknownLibrary) as trouble:
        print(f"Not built: {trouble}", file=sys.stderr)
        return 1
    return 0


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Build what people install.")
    parser.add_argument("form", choices=(*FORMS, "all"))
    parser.add_argument("--dist", type=Path, default=ROOT / "dist", help="where results go")
    parser.add_argument(
        "--reuse", action="store_true", help="take the folder that was built last, as it is"
    )
    parser.add_argument("--quick", action="store_true", help="pack badly, for tests")
    return parser


def folder(dist: Path, *, reuse: bool = False) -> Product:
    """The frozen program in `dist/copilot-desktop`. Raises BuildError."""
    product = Product(ROOT, dist, version(), origin.epoch(ROOT))
    left = ROOT / "build" / "system-libraries.txt"
    if not (reuse and product.folder.is_dir() and left.exists()):
        facts = ROOT / "build" / "build.json"
        facts.parent.mkdir(exist_ok=True)
        facts.write_text(json.dumps(origin.facts(ROOT)) + "\n")
        python = str(environment())
        licences = ROOT / "build" / "LICENCES.txt"
        run([python, str(HERE / "supply.py"), "licences", str(licences)])
        run(
            [
                python, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN",
                "--distpath", str(dist), "--workpath", str(ROOT / "build" / "pyinstaller"),
                str(SPEC), "--", str(facts), str(licences), str(left),
            ],
            PYTHONHASHSEED="0", SOURCE_DATE_EPOCH=str(product.epoch),
        )  # fmt: skip
    product.left_to_system = tuple(left.read_text().split()) if left.exists() else ()
    print(f"{product.folder}  {product.size() / 1e6:.1f} MB")
    return product


def environment() -> Path:
    """A Python with PyInstaller and the app's libraries, and nothing else of this machine."""
    place = ROOT / "build" / "env"
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    inputs = [TOOLS, ROOT / "pyproject.toml", *([LOCK] if LOCK.exists() else [])]
    recipe = hashlib.sha256(b"\0".join(path.read_bytes() for path in inputs)).hexdigest()
    stamp = place / ".made-of"
    if stamp.exists() and stamp.read_text() == recipe:
        return python
    shutil.rmtree(place, ignore_errors=True)
    run([base_python(), "-m", "venv", str(place)])
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # Where pip is set up to install for the user, it would try that from in here as well.
    run([*pip, "-r", str(TOOLS)], PIP_USER="0")
    run([*pip, *(["-r", str(LOCK)] if LOCK.exists() else requirements(python))], PIP_USER="0")
    stamp.write_text(recipe)
    return python


def base_python() -> str:
    """On Linux the system's own, since its GTK bindings fit no other one."""
    return "/usr/bin/python3" if sys.platform == "linux" else sys.executable


def requirements(python: Path) -> list[str]:
    """The app's dependencies with those of the window, as pyproject.toml has them."""
    code = (
        "import json, sys, tomllib, pathlib\n"
        "print(json.dumps(tomllib.loads(pathlib.Path(sys.argv[1]).read_text())))"
    )
    told = subprocess.run(
        [str(python), "-c", code, str(ROOT / "pyproject.toml")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    project = json.loads(told.stdout)["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["desktop"]]


def version() -> str:
    source = (ROOT / "copilot_desktop" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"$', source, re.MULTILINE)
    if found is None:
        raise BuildError("copilot_desktop/__init__.py names no version")
    return found.group(1)


def run(command: list[str], **environ: str) -> None:
    try:
        subprocess.run(command, check=True, env={**os.environ, **environ})
    except (OSError, subprocess.CalledProcessError) as error:
        raise BuildError(f"{Path(command[0]).name} failed: {error}") from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
