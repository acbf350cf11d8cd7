"""The lock holds what pyproject.toml asks for, and bill and licences tell what is installed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from email.message import Message
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.architecture.source import ROOT


@pytest.fixture(scope="module")
def supply(part: Callable[[str], ModuleType]) -> Any:
    return part("supply")


class Installed(metadata.Distribution):
    """A library that is not here."""

    def __init__(self, version: str, *fields: tuple[str, str], texts: tuple[Path, ...] = ()):
        self._version, self._fields, self._texts = version, fields, texts

    @property
    def metadata(self) -> Any:
        told = Message()
        for name, value in (("Version", self._version), *self._fields):
            told[name] = value
        return told

    @property
    def files(self) -> Any:
        return [metadata.PackagePath(f"x-1.dist-info/licenses/{p.name}") for p in self._texts]

    def locate_file(self, path: Any) -> Any:
        return next(each for each in self._texts if each.name == path.name)

    def read_text(self, filename: str) -> str | None:
        return None


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def test_every_dependency_is_locked_within_its_bounds(supply: Any) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked = {supply.plain(each.name): each.version for each in supply.locked()}
    for line in [*project["dependencies"], *project["optional-dependencies"]["desktop"]]:
        wanted = line.split(";")[0]
        name = supply.plain(re.split(r"[<>=]", wanted)[0])
        assert name in locked, f"{name}: run packaging/supply.py lock"
        for sign, bound in re.findall(r"(>=|<)([\d.]+)", wanted):
            inside = numbers(locked[name]) >= numbers(bound)
            assert inside == (sign == ">="), f"{line}: {locked[name]} is locked"


def test_without_the_window_the_same_versions_are_locked(supply: Any) -> None:
    whole, headless = set(supply.locked()), set(supply.locked(supply.HEADLESS))
    assert headless < whole, "run packaging/supply.py lock"
    assert {"pillow", "pystray", "pywebview"} <= {each.name for each in whole - headless}


@pytest.mark.parametrize(
    ("lock", "least"),
    [("LOCK", 30), ("HEADLESS", 20), ("LINTERS", 10), ("FREEZING", 5), ("WHEEL", 4)],
)
def test_everything_locked_has_hashes_and_nothing_names_a_place(
    supply: Any, lock: str, least: int
) -> None:
    text = getattr(supply, lock).read_text(encoding="utf-8")
    libraries = supply.locked(getattr(supply, lock))
    assert len(libraries) > least
    assert all(each.hashes for each in libraries)
    pinned = [line for line in text.splitlines() if re.match(r"[a-z]", line)]
    assert len(pinned) == len(libraries), "a line that is not understood"
    assert not re.search(r"://|file:|^--", text, re.MULTILINE)
    assert text.startswith(supply.HEAD)


def test_tools_are_locked_as_they_are_asked_for(supply: Any) -> None:
    for lock in (supply.LINTERS, supply.FREEZING, supply.WHEEL):
        asked = lock.with_suffix(".in").read_text(encoding="utf-8")
        wanted = set(re.findall(r"^([\w-]+)==(\S+)$", asked, re.MULTILINE))
        assert wanted
        locked = {(supply.plain(each.name), each.version) for each in supply.locked(lock)}
        assert wanted <= locked, "run packaging/supply.py lock"


def test_the_bill_names_each_library_and_who_asks_for_it(
    supply: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = {each.name: each.version for each in supply.locked()}
    here = {
        "aiohttp": Installed(
            versions["aiohttp"], ("License-Expression", "Apache-2.0"), ("Requires-Dist", "yarl>=1")
        ),
        "yarl": Installed(versions["yarl"], ("Classifier", "License :: OSI Approved :: MIT")),
    }

    def found(name: str) -> Installed:
        if name not in here:
            raise metadata.PackageNotFoundError(name)
        return here[name]

    monkeypatch.setattr(supply.metadata, "distribution", found)
    # What is read of a distribution beside its fields comes from files that these have not.
    monkeypatch.setattr(supply, "asked_for", lambda each: ["yarl"] * (each is here["aiohttp"]))
    bill = supply.bill(list(supply.present()))
    refs = [part["bom-ref"] for part in bill["components"]]
    assert refs == [f"pkg:pypi/{name}@{versions[name]}" for name in ("aiohttp", "yarl")]
    names = [part["licenses"][0]["license"]["name"] for part in bill["components"]]
    assert names == ["Apache-2.0", "MIT"]
    assert {"ref": refs[0], "dependsOn": [refs[1]]} in bill["dependencies"]
    assert bill == supply.bill(list(supply.present())), "a bill holds no time"
    here["yarl"] = Installed("0.0.1")
    with pytest.raises(supply.Differs, match=r"yarl 0\.0\.1"):
        list(supply.present())


def test_licences_come_with_their_texts(supply: Any, tmp_path: Path) -> None:
    text = tmp_path / "COPYING"
    text.write_text("Do as you like.\n")
    library = supply.Library("x", "1", ("0" * 64,))
    whole = ("License", "All of it,\nword for word")
    given = supply.Given("Python", "3.99", "PSF-2.0", text)
    told = supply.licences([(library, Installed("1", whole, texts=(text,)))], [given])
    assert "x 1          unknown\nPython 3.99  PSF-2.0\n" in told
    assert "x: COPYING\n----------\n\nDo as you like.\n" in told
    assert "Python\n------\n\nDo as you like.\n" in told


def test_python_itself_has_a_licence_here(supply: Any) -> None:
    assert [each.name for each in supply.of_the_system() if each.text.is_file()][:1] == ["Python"]
