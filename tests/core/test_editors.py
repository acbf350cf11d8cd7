"""Editors through the verbs, as page and terminal use them, with a home folder of their own."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from copilot_desktop.core.core import Core
from copilot_desktop.core.editor_rows import EditorRow
from copilot_desktop.core.settings import Settings
from copilot_desktop.core.state import State
from copilot_desktop.integrations.connection import Standing
from copilot_desktop.integrations.planning import NO_KEY
from copilot_desktop.integrations.tool import Link, Tool
from copilot_desktop.system.fake import FakeSystem
from tests.core_rig import CoreRig, running_core

SETTINGS = ".claude/settings.json"
MINE = '{\n    "theme":"dark"\n}\n'


@asynccontextmanager
async def with_editors(folder: Path, **settings: Any) -> AsyncIterator[CoreRig]:
    """A core with a page that looks on: it has seen the home folder and knows its models."""
    home = folder / "home"
    (home / ".claude").mkdir(parents=True, exist_ok=True)
    if not (home / SETTINGS).exists():
        (home / SETTINGS).write_text(MINE)
    async with running_core(folder, signed_in=True, **settings) as rig:
        with rig.core.viewed():
            await rig.until(lambda state: state.models.items and row(state).roles[0][1])
            yield rig


def row(state: State, name: str = "claude-code") -> EditorRow:
    rows = {each.id: each for each in state.editors.rows}
    return rows.get(name) or EditorRow(name, name, "", "", roles=(("", ""),))


def env(folder: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((folder / "home" / SETTINGS).read_text())["env"]
    return found


async def connect(rig: CoreRig, **chosen: str) -> dict[str, Any]:
    shown = await rig.do("preview_editor", id="claude-code", chosen=chosen)
    assert shown["ok"], shown
    return await rig.do("connect_editor", id="claude-code", chosen=chosen, digest=shown["digest"])


async def test_without_an_onlooker_nobody_reads_the_files_of_editors(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        await rig.until(lambda state: state.models.items and state.quota.state == "ready")
        assert not rig.core.store.state.editors.running
        assert "editors" not in vars(rig.core)
        with rig.core.viewed():
            await rig.until(lambda state: state.editors.checked)


async def test_what_is_found_is_told_to_whoever_looks(tmp_path: Path) -> None:
    async with with_editors(tmp_path) as rig:
        shown = rig.snapshot()["editors"]
        states = {each["id"]: each["state"] for each in shown["rows"]}
        assert states["claude-code"] == "not_connected"
        assert shown["rows"][-1]["state"] == "not_found"
        assert shown["problems"] == 0
        assert shown["checked"]
        paths = next(r["paths"] for r in shown["rows"] if r["id"] == "claude-code")
        assert paths == [f"~/{SETTINGS}"]


async def test_connect_test_and_undo(tmp_path: Path) -> None:
    async with with_editors(tmp_path) as rig:
        done = await connect(rig)
        assert (done["state"], done["after"]) == ("connected", "new_session")
        port = rig.core.controller.state.port
        assert env(tmp_path)["ANTHROPIC_BASE_URL"] == f"http://127.0.0.1:{port}"
        assert env(tmp_path)["ANTHROPIC_AUTH_TOKEN"] == NO_KEY
        assert row(rig.core.store.state).state == "connected"

        answer = await rig.do("test_editor", id="claude-code")
        assert answer["ok"], answer
        assert answer["ms"] >= 0
        assert answer["model"] in {model.id for model in rig.core.catalogue.models}
        [asked] = rig.core.traffic.recent
        assert asked.client == "Connection test", "no editor has asked yet"

        shown = await rig.do("preview_undo", id="claude-code")
        assert [f"~/{SETTINGS}", "env.ANTHROPIC_BASE_URL"] in shown["back"]
        assert (await rig.do("undo_editor", id="claude-code", digest=shown["digest"]))["ok"]
        assert (tmp_path / "home" / SETTINGS).read_text() == MINE
        assert row(rig.core.store.state).state == "not_connected"


async def test_a_tool_is_started_only_where_it_gets_an_answer(tmp_path: Path) -> None:
    async with with_editors(tmp_path, require_key=True) as rig:
        start = await rig.do("launch_editor", id="claude-code", chosen={})
        port = rig.core.controller.state.port
        assert start["env"]["ANTHROPIC_BASE_URL"] == f"http://127.0.0.1:{port}"
        key = start["env"]["ANTHROPIC_AUTH_TOKEN"]
        assert key == rig.core.keys.named("claude-code").secret
        assert not any(key in word for word in start["arguments"])
        assert (tmp_path / "home" / SETTINGS).read_text() == MINE
        for name, reason in (("zed", "no_launch"), ("no-such", "unknown_tool")):
            refused = await rig.do("launch_editor", id=name, chosen={})
            assert refused["fields"]["reason"] == reason
        await rig.do("stop_proxy")
        refused = await rig.do("launch_editor", id="claude-code", chosen={})
        assert refused["fields"]["reason"] == "not_running"


async def test_after_a_port_change_one_update_is_enough(tmp_path: Path) -> None:
    async with with_editors(tmp_path) as rig:
        await connect(rig)
        old = rig.core.controller.state.port
        await rig.do("stop_proxy")
        free = (await rig.do("try_port", port=old + 1))["next"] or old + 1
        await rig.do("use_port", port=free)
        state = await rig.until(lambda state: row(state).state == "old_port")
        assert state.editors.problems == 1
        assert row(state).detail["port"] == old
        assert await rig.do("update_editors") == {"ok": True, "updated": 1, "left": []}
        new = rig.core.controller.state.port
        assert env(tmp_path)["ANTHROPIC_BASE_URL"].endswith(f":{new}")
        await rig.until(lambda state: row(state).state == "connected")
        await rig.do("undo_editors")
        assert (tmp_path / "home" / SETTINGS).read_text() == MINE


async def test_where_a_key_is_asked_for_each_tool_gets_its_own(tmp_path: Path) -> None:
    async with with_editors(tmp_path) as rig:
        await connect(rig)
        await rig.do("update_settings", patch={"require_key": True})
        await rig.until(lambda state: row(state).state == "old_key")
        await rig.do("update_editors")
        key = env(tmp_path)["ANTHROPIC_AUTH_TOKEN"]
        assert key == rig.core.keys.named("claude-code").secret
        assert key != rig.core.key
        answer = await rig.do("test_editor", id="claude-code")
        assert answer["ok"], answer


async def test_a_fault_in_one_tool_is_told_and_ends_no_later_look(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with with_editors(tmp_path) as rig:
        whole = rig.core.editors.connection.check

        def broken(tool: Tool, to: Link) -> Standing:
            raise ZeroDivisionError

        rig.core.editors.connection.check = broken  # type: ignore[method-assign]
        await rig.do("update_settings", patch={"require_key": True})
        state = await rig.until(lambda state: state.editors.problem)
        assert not state.editors.running
        rig.core.editors.connection.check = whole  # type: ignore[method-assign]
        await rig.do("make_key", name="mine", limits={})
        await rig.until(lambda state: state.editors.rows and not state.editors.problem)
        assert "ZeroDivisionError" in caplog.text
    caplog.clear()


async def test_a_look_that_takes_long_hides_no_later_one(tmp_path: Path) -> None:
    """It has read the file before it was written, and tells so after it was."""
    async with with_editors(tmp_path) as rig:
        editors = rig.core.editors
        whole = editors._rows
        has_read, may_tell = threading.Event(), threading.Event()

        def slow(*given: Any) -> tuple[EditorRow, ...]:
            found = whole(*given)
            if not has_read.is_set():
                has_read.set()
                may_tell.wait(10)
            return found

        editors._rows = slow  # type: ignore[method-assign]
        early = asyncio.create_task(editors.look())
        await asyncio.to_thread(has_read.wait, 10)
        assert (await connect(rig))["state"] == "connected"
        may_tell.set()
        await early
        assert row(rig.core.store.state).state == "connected"
        assert not rig.core.store.state.editors.running


async def test_who_only_looks_leaves_no_key_behind(tmp_path: Path) -> None:
    async with with_editors(tmp_path) as rig:
        await rig.do("update_settings", patch={"require_key": True})
        shown = await rig.do("preview_editor", id="claude-code", chosen={})
        assert await rig.do("preview_editor", id="claude-code", chosen={}) == shown
        assert rig.core.keys.keys == ()
        refused = await rig.do("connect_editor", id="claude-code", chosen={}, digest="another")
        assert not refused["ok"]
        assert rig.core.keys.keys == ()
        digest = shown["digest"]
        done = await rig.do("connect_editor", id="claude-code", chosen={}, digest=digest)
        assert done["state"] == "connected"
        first = rig.core.keys.named("claude-code").secret
        assert env(tmp_path)["ANTHROPIC_AUTH_TOKEN"] == first
        await rig.do("undo_editor", id="claude-code")
        await rig.do("revoke_key", name="claude-code")
        await connect(rig)
        assert rig.core.keys.named("claude-code").secret != first


async def test_the_model_that_was_chosen_is_remembered(tmp_path: Path) -> None:
    async with with_editors(tmp_path) as rig:
        models = [each.id for each in rig.core.catalogue.models if each.callable]
        wanted = models[-1]
        await connect(rig, main=wanted)
        assert env(tmp_path)["ANTHROPIC_MODEL"].startswith(wanted)
        await rig.do("undo_editor", id="claude-code")
        await rig.until(lambda state: ("main", wanted) in row(state).roles)
        refused = await rig.do("preview_editor", id="claude-code", chosen={"main": "no-such"})
        assert refused["fields"]["reason"] == "unknown_model"


async def test_a_reset_takes_everything_back_first(tmp_path: Path) -> None:
    async with with_editors(tmp_path) as rig:
        await connect(rig)
        assert (await rig.do("reset_everything", word="RESET"))["ok"]
        assert (tmp_path / "home" / SETTINGS).read_text() == MINE
        assert not (tmp_path / "editors").exists()


async def test_a_reset_keeps_what_an_undo_still_needs(tmp_path: Path) -> None:
    async with with_editors(tmp_path) as rig:
        await connect(rig)
        (tmp_path / "home" / SETTINGS).write_text("{ broken")
        told = await rig.do("reset_everything", word="RESET")
        assert "taken back" in told["message"]
        assert (tmp_path / "editors" / "records.json").exists()
        assert (tmp_path / "home" / SETTINGS).read_text() == "{ broken"


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("preview_editor", {"id": "../x", "chosen": {}}),
        ("preview_editor", {"id": "claude-code", "chosen": {"main": 5}}),
        ("connect_editor", {"id": "claude-code", "chosen": {}, "digest": "x"}),
        ("connect_editor", {"id": "claude-code", "chosen": {}}),
        ("undo_editor", {"id": "claude-code", "path": "/etc/passwd"}),
        ("copy_editor", {"id": "claude-code", "what": "token"}),
        ("copy_shell", {"shell": "csh"}),
        ("look_for_editors", {"home": "/"}),
    ],
)
async def test_verbs_take_names_only(tmp_path: Path, verb: str, arguments: dict[str, Any]) -> None:
    async with running_core(tmp_path) as rig:
        assert (await rig.do(verb, **arguments))["code"] == "bad_arguments"


async def test_an_unknown_tool_and_a_tool_by_hand_are_refused(tmp_path: Path) -> None:
    async with with_editors(tmp_path) as rig:
        for name, reason in (("nothing", "unknown_tool"), ("cursor", "impossible")):
            told = await rig.do("preview_editor", id=name, chosen={})
            assert told["fields"]["reason"] == reason
        told = await rig.do("undo_editor", id="codex")
        assert told["fields"]["reason"] == "not_written"


@pytest.mark.parametrize("name", ["vscode", "bash", "xcode"])
async def test_a_tool_that_no_model_is_chosen_for_is_tested_with_any(
    tmp_path: Path, name: str
) -> None:
    async with with_editors(tmp_path) as rig:
        answer = await rig.do("test_editor", id=name)
        assert answer["ok"], answer
        assert answer["model"] in {model.id for model in rig.core.catalogue.models}


@pytest.mark.parametrize("name", ["vscode", "continue", "litellm", "claude-code"])
async def test_without_models_no_list_of_them_is_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "home").mkdir()
    async with running_core(tmp_path, signed_in=False) as rig:
        with rig.core.viewed():
            await rig.until(lambda state: state.editors.checked)
            told = await rig.do("preview_editor", id=name, chosen={})
            assert told.get("fields", {}).get("reason") == "no_models", told
            assert (await rig.do("preview_editor", id="bash", chosen={}))["ok"]


async def test_what_can_be_copied(tmp_path: Path) -> None:
    async with with_editors(tmp_path) as rig:
        port = rig.core.controller.state.port
        texts = {
            what: (await rig.do("copy_editor", id="claude-code", what=what))["text"]
            for what in ("openai", "anthropic", "key", "model", "lines")
        }
        assert texts["openai"] == f"http://127.0.0.1:{port}/v1"
        assert texts["anthropic"] == f"http://127.0.0.1:{port}"
        assert "ANTHROPIC_BASE_URL" in texts["lines"]
        for shell in ("bash", "fish", "powershell", "cmd"):
            assert str(port) in (await rig.do("copy_shell", shell=shell))["text"]
        assert (await rig.do("open_editor_backups"))["ok"]


async def test_a_proxy_that_asks_itself_connects_nobody(tmp_path: Path) -> None:
    async with with_editors(tmp_path) as rig:
        port = rig.core.controller.state.port
        rig.core.origins = replace(rig.core.origins, copilot=f"http://127.0.0.1:{port}")
        told = await rig.do("preview_editor", id="claude-code", chosen={})
        assert told["fields"]["reason"] == "loop"


async def test_no_key_reaches_the_snapshot_the_preview_or_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    theirs = "their-former-secret-0001"
    (tmp_path / "home" / ".claude").mkdir(parents=True)
    (tmp_path / "home" / SETTINGS).write_text(
        json.dumps(
            {"env": {"ANTHROPIC_AUTH_TOKEN": theirs, "OTHER_API_KEY": theirs[::-1]}}, indent=1
        )
    )
    async with with_editors(tmp_path, require_key=True) as rig:
        shown = await rig.do("preview_editor", id="claude-code", chosen={})
        done = await connect(rig)
        undo = await rig.do("preview_undo", id="claude-code")
        seen = repr((shown, done, undo, rig.snapshot(), caplog.text))
        for secret in (rig.core.keys.named("claude-code").secret, rig.core.key):
            assert secret not in seen
        assert theirs not in seen
        assert theirs[::-1] not in seen
        await rig.do("undo_editors")
        assert env(tmp_path)["ANTHROPIC_AUTH_TOKEN"] == theirs


async def test_a_demo_touches_its_own_home_only(tmp_path: Path) -> None:
    (tmp_path / "home" / ".claude").mkdir(parents=True)
    settings = Settings(data_dir=tmp_path, port=0)
    system = FakeSystem(tmp_path)
    async with AsyncExitStack() as stack:
        running = Core.running(settings, demo="pro", environ={}, system=system)
        core = await stack.enter_async_context(running)
        stack.enter_context(core.viewed())
        rig = CoreRig(core, None, system)  # type: ignore[arg-type]
        await rig.until(lambda state: row(state).state == "not_connected")
        await rig.do("sign_in")
        await rig.until(lambda state: row(state).roles[0][1], limit=30.0)
        assert (await connect(rig))["state"] == "connected"
        assert list((tmp_path / "home").rglob("*")) == [tmp_path / "home" / ".claude"]
        assert "ANTHROPIC" in (tmp_path / "demo" / "home" / SETTINGS).read_text()
