"""The extra certificate file comes from a person's own choice, whatever the page says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from copilot_desktop.core.settings import CHANGEABLE, Settings
from tests.core_rig import CoreRig, running_core

pytest.importorskip("cryptography")

from tests.company import company


class Dialogs:
    """A shell that remembers the dialogs it was asked for."""

    def __init__(self, *, window: bool = True) -> None:
        self.window = window
        self.waiting: list[Callable[[Path | None], None]] = []
        self.open = asyncio.Event()

    def ask_for_file(self, answer: Callable[[Path | None], None]) -> bool:
        if self.window:
            self.waiting.append(answer)
            self.open.set()
        return self.window

    def show_window(self) -> None: ...

    def hide_window(self) -> None: ...

    def quit(self) -> None: ...


async def chosen(rig: CoreRig, path: Path | None) -> dict[str, object]:
    dialogs = rig.core.shell = Dialogs()
    asking = asyncio.ensure_future(rig.do("choose_certificates"))
    await asyncio.wait_for(dialogs.open.wait(), 10)
    dialogs.waiting[0](path)
    return await asking


async def test_what_a_person_chooses_is_used(tmp_path: Path) -> None:
    async with company(tmp_path) as there, running_core(tmp_path) as rig:
        assert await chosen(rig, there.ca) == {"ok": True, "file": str(there.ca), "saved": True}
        assert rig.core.settings.extra_ca == there.ca
        assert await chosen(rig, None) == {"ok": True, "file": None, "saved": True}
        assert rig.core.settings.extra_ca == there.ca  # nothing chosen, nothing changed
        assert (await rig.do("remove_certificates"))["ok"]
        assert rig.core.settings.extra_ca is None


async def test_a_file_without_certificates_is_refused(tmp_path: Path) -> None:
    async with running_core(tmp_path) as rig:
        answer = await chosen(rig, tmp_path / "missing.pem")
        assert (answer["ok"], answer["code"]) == (False, "bad_setting")
        assert "there is no such file" in str(answer["message"])
        assert rig.core.settings.extra_ca is None


async def test_one_dialog_at_a_time(tmp_path: Path) -> None:
    async with running_core(tmp_path) as rig:
        dialogs = rig.core.shell = Dialogs()
        asking = asyncio.ensure_future(rig.do("choose_certificates"))
        await asyncio.wait_for(dialogs.open.wait(), 10)
        again = await rig.do("choose_certificates")
        assert (again["ok"], again["message"]) == (False, "The dialog is open already.")
        dialogs.waiting[0](None)
        assert (await asking)["ok"]


@pytest.mark.parametrize("shell", [False, True])
async def test_without_a_window_the_other_way_is_named(tmp_path: Path, shell: bool) -> None:
    async with running_core(tmp_path) as rig:
        rig.core.shell = Dialogs(window=False) if shell else None
        answer = await rig.do("choose_certificates")
        assert not answer["ok"]
        assert "COPILOT_DESKTOP_EXTRA_CA" in answer["message"]


async def test_the_page_cannot_name_a_file(tmp_path: Path) -> None:
    paths = {field.name for field in fields(Settings) if "Path" in str(field.type)}
    assert "extra_ca" in paths
    assert not paths & CHANGEABLE
    async with running_core(tmp_path) as rig:
        answer = await rig.do("update_settings", patch={"extra_ca": str(tmp_path / "ca.pem")})
        assert (answer["ok"], answer["code"]) == (False, "bad_setting")
        answer = await rig.do("choose_certificates", path=str(tmp_path / "ca.pem"))
        assert not answer["ok"]
