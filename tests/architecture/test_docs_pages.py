"""The pages lead to each other: no link ends nowhere, and none is left out of the index."""

from __future__ import annotations

import re
from pathlib import Path

from tests.architecture.source import ROOT

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?://)([^)#\s]*)(#[^)\s]*)?\)")


def anchors(page: Path) -> set[str]:
    """The addresses of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", title.lower()) for title in titles)
    return {title.strip().replace(" ", "-") for title in plain}


def test_no_link_ends_nowhere() -> None:
    wrong = []
    for page in PAGES:
        for name, anchor in LINK.findall(page.read_text(encoding="utf-8")):
            target = (page.parent / name).resolve() if name else page
            if not target.exists() or (anchor and anchor[1:] not in anchors(target)):
                wrong.append(f"{page.name}: {name}{anchor}")
    assert wrong == []


def test_the_index_leads_to_every_page() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    names = {path.name for path in DOCS.glob("*.md")} - {"README.md"}
    assert {name for name in names if f"({name})" in index} == names


def test_the_index_of_decisions_leads_to_every_decision() -> None:
    index = (DOCS / "decisions" / "README.md").read_text(encoding="utf-8")
    names = {path.name for path in (DOCS / "decisions").glob("*.md")} - {"README.md"}
    assert {name for name in names if f"({name})" in index} == names
