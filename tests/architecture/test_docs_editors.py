"""`docs/editors/` tells what the integrations write, and nothing else."""

from __future__ import annotations

import importlib.util
from types import ModuleType

from tests.architecture.source import ROOT

FOLDER = ROOT / "docs" / "editors"


def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_pages_of_editors", FOLDER / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_up_to_date() -> None:
    """If not: `.venv/bin/python docs/editors/make.py`."""
    wanted = maker().pages()
    found = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    assert found.keys() == wanted.keys()
    assert [name for name in wanted if found[name] != wanted[name]] == []


def test_the_index_leads_to_every_page() -> None:
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    names = {path.name for path in FOLDER.glob("*.md")} - {"README.md"}
    assert {name for name in names if f"({name})" in index} == names
