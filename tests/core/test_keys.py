"""Named keys are made, limited, renamed and revoked; a restart keeps them, no disk loses one."""

from __future__ import annotations

import asyncio
import json
import stat
import sys
from pathlib import Path

import openai
import pytest
from core_rig import CoreRig, running_core

from copilot_desktop.canonical import Effort
from copilot_desktop.core import keys
from copilot_desktop.core.keys import (
    DEFAULT,
    FILE_NAME,
    MOST_KEYS,
    NAMED_FILE_NAME,
    KeyRing,
    load_or_make,
)
from copilot_desktop.errors import InvalidRequest
from copilot_desktop.proxy.keys import DailyBudget, KeyLimits

LIMITS = {
    "models": ["gpt-4.1", "*haiku*"],
    "max_effort": "low",
    "budget": {"unit": "credits", "amount": 5.0, "stops": True},
}


def client(rig: CoreRig, key: str) -> openai.AsyncOpenAI:
    port = rig.core.store.state.proxy.port
    return openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=key, max_retries=0)


async def listening(rig: CoreRig) -> None:
    await rig.until(lambda state: state.proxy.phase == "running" and state.models.items)


# ------------------------------------------------------------------------------------ verbs


async def test_a_key_from_its_making_to_its_end(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True, require_key=True) as rig:
        await listening(rig)
        made = await rig.do("make_key", name="claude-code", limits=LIMITS)
        assert (made["ok"], made["saved"]) == (True, True)
        (shown,) = rig.snapshot()["proxy"]["keys"]
        assert {name: shown[name] for name in LIMITS} == LIMITS
        assert (shown["name"], shown["hint"]) == ("claude-code", made["key"][-4:])
        assert made["key"] not in json.dumps(rig.snapshot())
        async with client(rig, made["key"]) as one:
            allowed = [each.id async for each in one.models.list()]
            assert all("haiku" in name or name == "gpt-4.1" for name in allowed)
            assert (await rig.do("limit_key", name="claude-code", limits={}))["ok"]
            assert "claude-sonnet-4.5" in [each.id async for each in one.models.list()]
            assert (await rig.do("rename_key", name="claude-code", to="Claude"))["ok"]
            assert [each["name"] for each in rig.snapshot()["proxy"]["keys"]] == ["Claude"]
            await one.models.list()
            assert (await rig.do("revoke_key", name="claude"))["ok"]
            with pytest.raises(openai.AuthenticationError):
                await one.models.list()
        assert rig.snapshot()["proxy"]["keys"] == []


async def test_what_cannot_be_a_key_is_refused(tmp_path: Path) -> None:
    async with running_core(tmp_path) as rig:
        assert (await rig.do("make_key", name="codex"))["ok"]
        for name in ("", "Default", "-x", "x" * 33, "a\nb", "a/b"):
            assert (await rig.do("make_key", name=name))["code"] == "bad_arguments", name
        for limits in (
            {"max_effort": "hard"},
            {"models": ["a b"]},
            {"budget": {"unit": "euros", "amount": 1.0}},
            {"budget": {"unit": "credits", "amount": 0.0}},
            {"surprise": 1},
        ):
            answer = await rig.do("make_key", name="other", limits=limits)
            assert answer["code"] == "bad_arguments", limits
        assert "already" in (await rig.do("make_key", name="CODEX"))["message"]
        await rig.do("make_key", name="zed")
        assert "already" in (await rig.do("rename_key", name="zed", to="Codex"))["message"]
        for verb in ("revoke_key", "limit_key"):
            more = {"limits": {}} if verb == "limit_key" else {}
            assert "no key named" in (await rig.do(verb, name="nobody", **more))["message"]


async def test_the_key_that_was_there_before_stays_and_the_others_outlive_a_restart(
    tmp_path: Path,
) -> None:
    shared = "cd-" + "s" * 43
    (tmp_path / FILE_NAME).write_text(shared)
    async with running_core(tmp_path, signed_in=True, require_key=True) as rig:
        made = await rig.do("make_key", name="codex", limits=LIMITS)
        before = rig.snapshot()["proxy"]["keys"]
    async with running_core(tmp_path, signed_in=True, require_key=True) as rig:
        await listening(rig)
        assert rig.snapshot()["proxy"]["keys"] == before
        assert rig.core.key == shared
        for key in (shared, made["key"]):
            async with client(rig, key) as one:
                await one.models.list()


async def test_a_reset_forgets_all_of_them(tmp_path: Path) -> None:
    async with running_core(tmp_path) as rig:
        await rig.do("make_key", name="codex")
        assert (await rig.do("reset_everything", word="RESET"))["ok"]
        assert rig.snapshot()["proxy"]["keys"] == []
        assert not (tmp_path / NAMED_FILE_NAME).exists()


# ------------------------------------------------------------------------------------ for editors


async def test_an_editor_gets_the_key_of_its_name_once_made(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True, require_key=True) as rig:
        await listening(rig)
        key = await asyncio.to_thread(rig.core.keys.key_for, "claude-code")
        assert await asyncio.to_thread(rig.core.keys.key_for, "Claude-Code") == key
        await rig.until(lambda state: [each.name for each in state.keys] == ["claude-code"])
        async with client(rig, key) as one:
            await one.models.list()


def test_every_name_of_an_editor_makes_a_key_that_can_be_read_back(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path)
    names = ("VS Code (own key)", "JetBrains / AI", "", "默认", DEFAULT, "x" * 90, "-.a.-")
    made = {name: ring.key_for(name) for name in names}
    again = KeyRing(tmp_path)
    assert {name: again.key_for(name) for name in names} == made
    assert DEFAULT not in {key.name for key in again.keys}


# ------------------------------------------------------------------------------------ the file


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    KeyRing(tmp_path).make("codex")
    assert stat.S_IMODE((tmp_path / NAMED_FILE_NAME).stat().st_mode) == 0o600


def test_limits_come_back_as_they_were(tmp_path: Path) -> None:
    limits = KeyLimits(("gpt-*",), Effort.MEDIUM, DailyBudget("requests", 2.5, stops=True))
    made, saved = KeyRing(tmp_path).make("codex", limits)
    assert saved
    assert KeyRing(tmp_path).keys == (made,)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"v":1,"keys":[{}]}', b"[" * 50_000])
def test_a_damaged_file_is_kept_aside(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / NAMED_FILE_NAME
    path.write_bytes(content)
    ring = KeyRing(tmp_path)
    ring.make("codex")
    assert path.with_suffix(".broken").read_bytes() == content
    assert [key.name for key in KeyRing(tmp_path).keys] == ["codex"]


def test_a_file_that_cannot_be_read_now_is_not_written_over(tmp_path: Path) -> None:
    kept, _ = KeyRing(tmp_path).make("codex")
    path, aside = tmp_path / NAMED_FILE_NAME, tmp_path / "aside"
    path.rename(aside)
    path.mkdir()  # reading a folder fails, whoever asks
    ring = KeyRing(tmp_path)
    for change in (lambda: ring.make("zed"), lambda: ring.key_for("codex")):
        with pytest.raises(InvalidRequest, match="cannot be read"):
            change()
    path.rmdir()
    aside.rename(path)
    assert ring.key_for("codex") == kept.secret


def test_a_disk_that_takes_nothing_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    ring = KeyRing(tmp_path)
    monkeypatch.setattr(keys, "write_private", full)
    made, saved = ring.make("codex")
    assert not saved
    assert ring.keys == (made,)


def test_there_is_an_end_to_the_number_of_keys(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path)
    for n in range(MOST_KEYS):
        ring.make(f"k{n}")
    with pytest.raises(InvalidRequest, match="Revoke one"):
        ring.make("one-more")
    assert len(KeyRing(tmp_path).keys) == MOST_KEYS


async def test_of_two_new_keys_at_once_the_one_in_force_is_the_one_on_the_disk(
    tmp_path: Path,
) -> None:
    async with running_core(tmp_path) as rig:
        for _ in range(5):
            await asyncio.gather(*(rig.do("new_key") for _ in range(4)))
            assert load_or_make(tmp_path) == rig.core.key == rig.core.listening.config.key


async def test_drafts_for_several_tools_at_once_are_all_kept(tmp_path: Path) -> None:
    drafts, names = keys.Drafts(tmp_path), [f"tool-{n}" for n in range(12)]
    made = await asyncio.gather(*(asyncio.to_thread(drafts.of, name) for name in names))
    assert [keys.Drafts(tmp_path).of(name) for name in names] == made


@pytest.mark.parametrize("content", ["", "7", '{"codex": 7}', "[" * 100_000])
def test_drafts_that_cannot_be_read_are_made_anew(tmp_path: Path, content: str) -> None:
    (tmp_path / "draft-keys.json").write_text(content)
    made = keys.Drafts(tmp_path).of("codex")
    assert keys.Drafts(tmp_path).of("codex") == made
