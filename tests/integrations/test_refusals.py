"""Every reason has its sentence in every language, and no sentence has a gap."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from copilot_desktop import strings
from copilot_desktop.integrations.formats.splice import Reason as Fault
from copilot_desktop.integrations.refusals import Reason, Unusable, because, refused, shortened


@pytest.mark.parametrize("reason", get_args(Reason))
@pytest.mark.parametrize("language", strings.languages())
def test_every_reason_has_its_sentence(reason: Reason, language: str) -> None:
    assert strings.words(language).has(f"editors.refused.{reason}")
    told = refused(reason, path="~/x.json", line=3, why="not_valid")
    assert told.fields["reason"] == reason
    assert "unknown" not in str(told)
    assert str(told)[0].isupper() or str(told).startswith("~")


@pytest.mark.parametrize("why", get_args(Fault))
@pytest.mark.parametrize("language", strings.languages())
def test_every_fault_of_a_text_has_its_phrase(why: str, language: str) -> None:
    assert strings.words(language).has(f"editors.because.{why}")


@pytest.mark.parametrize(
    "reason", ["not_text", "too_large", "special", "outside", "denied", "write_protected"]
)
def test_what_is_wrong_with_a_file_is_a_phrase(reason: Reason) -> None:
    assert because(Unusable(reason, Path("x"))).startswith("it ") or reason == "outside"
    assert because(Unusable("unreadable", Path("x"), why="not_valid")) == "it is not valid there"


def test_the_home_folder_is_a_tilde(tmp_path: Path) -> None:
    assert shortened(tmp_path / "a" / "b.json", tmp_path) == "~/a/b.json"
    assert shortened(Path("/etc/x"), tmp_path) == str(Path("/etc/x"))
