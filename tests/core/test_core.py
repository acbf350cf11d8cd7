"""The whole app without a window: from the first start to signed out again."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from copilot_desktop.core import settings_file
from copilot_desktop.core.core import Core
from copilot_desktop.core.settings import Preferences, Settings
from copilot_desktop.core.settings_file import FILE_NAME, save_quietly
from copilot_desktop.demo import DropConnection, FakeUpstream, Scenario
from copilot_desktop.errors import BadSetting
from copilot_desktop.model import CHAT, Model
from copilot_desktop.system import PortHolder
from copilot_desktop.system.fake import FakeSystem
from tests.core_rig import QUICK, running_core
from tests.ports import free_port


def kept_texts(folder: Path) -> str:
    """Everything that the app has written; the usage history is no text, but names stand in it."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return "".join(path.read_bytes().decode("utf-8", "replace") for path in files)


async def test_sign_in_fills_every_part_and_sign_out_empties_it(tmp_path: Path) -> None:
    async with running_core(tmp_path) as rig:
        assert rig.snapshot()["headline"]["key"] == "signin"
        answer = await rig.do("sign_in")
        assert answer["user_code"]
        shown = await rig.until(lambda s: s.models.state == "ready" and s.quota.state == "ready")
        assert shown.account.state == "signed_in"
        page = rig.snapshot()
        assert page["auth"]["login"]
        assert page["headline"]["key"] == "running"
        assert page["models"]["items"]
        assert page["usage"]["meters"]
        assert await rig.do("sign_out") == {"ok": True}
        page = rig.snapshot()
        assert page["auth"]["state"] == "signed_out"
        assert page["models"]["items"] == []
        assert page["usage"].pop("history_ref") >= 0  # what this app has counted stays
        assert page["usage"] == {
            "state": "signed_out",
            "fetched_at": None,
            "source": "",
            "error": None,
            "meters": [],
            "budget": None,
            "begun": False,
        }
        assert not (tmp_path / "models.json").exists()


async def test_the_next_start_needs_no_network_to_be_signed_in(tmp_path: Path) -> None:
    async with running_core(tmp_path, token_store="file") as rig:
        await rig.do("sign_in")
        await rig.until(lambda s: s.models.state == "ready" and s.quota.state == "ready")
        url = rig.fake.url
    # Nothing listens at that address any more.
    settings = Settings(
        data_dir=tmp_path,
        port=0,
        token_store="file",
        github_url=url,
        github_api_url=url,
        copilot_url=url,
    )
    async with Core.running(settings, environ={}, system=FakeSystem(tmp_path)) as core:
        state = core.store.state
        assert state.account.state == "signed_in"
        assert state.account.login
        assert state.models.items
        assert state.proxy.phase == "running"


async def test_offline_is_told_and_heals(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        await rig.until(lambda s: s.quota.state == "ready" and s.models.state == "ready")
        await rig.fake.stop()
        answer = await rig.do("check_account")
        assert (answer["ok"], answer["code"]) == (False, "unreachable")
        page = rig.snapshot()
        assert page["proxy"]["degraded"] == "offline"
        assert page["headline"]["key"] == "offline"
        assert page["banner"]["id"] == "offline"
        assert page["auth"]["state"] == "signed_in"


async def test_the_environment_token_wins_and_stays(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        await rig.until(lambda s: s.account.checked)
        assert rig.snapshot()["auth"]["source"] == "environment"
        for verb, arguments in (
            ("sign_out", {}),
            ("sign_in", {}),
            ("choose_store", {"kind": "file"}),
        ):
            answer = await rig.do(verb, **arguments)
            assert not answer["ok"]
            assert "environment" in answer["message"]
        assert rig.snapshot()["auth"]["state"] == "signed_in"
    assert rig.fake.github_token not in kept_texts(tmp_path)


async def test_no_copilot_is_told_with_githubs_link(tmp_path: Path) -> None:
    scenario = Scenario(who="no_access", interval=1, enforce_interval=False, approve_after=0.0)
    async with running_core(tmp_path, scenario) as rig:
        await rig.do("sign_in")
        await rig.until(lambda s: s.account.state == "no_access")
        page = rig.snapshot()
        assert page["headline"]["key"] == "no_access"
        assert page["auth"]["error"]["kind"] == "copilot_not_enabled"


async def test_the_proxy_answers_and_is_counted(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        await rig.until(lambda s: s.models.state == "ready")
        port = rig.core.store.state.proxy.port
        body = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hello"}]}
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body) as answer,
        ):
            assert answer.status == 200, await answer.text()
        await rig.until(lambda s: s.requests.today == 1 and s.requests.in_flight == 0)
        [request] = rig.snapshot()["requests"]
        assert request["outcome"] == "ok"
        assert request["model_asked"] == "gpt-4.1"
        json.dumps(rig.snapshot(), allow_nan=False)


async def test_a_taken_port_names_the_holder_and_the_way_out(tmp_path: Path) -> None:
    system = FakeSystem(tmp_path, holder=PortHolder("node", 812))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        async with running_core(tmp_path, system=system, port=port) as rig:
            page = rig.snapshot()
            assert page["headline"] == {
                "key": "port_conflict",
                "glyph": "error",
                "fields": {"host": "127.0.0.1", "port": port},
            }
            assert page["proxy"]["error"]["fields"]["holder"] == "node (process 812)"
            trial = await rig.do("try_port", port=port)
            assert (trial["free"], trial["holder"]) == (False, "node (process 812)")
            free = int(page["proxy"]["error"]["fields"]["next"])
            assert (await rig.do("use_port", port=free))["ok"]
            assert rig.snapshot()["proxy"]["phase"] == "running"
            assert rig.core.settings.port == free


async def test_a_moved_listener_follows_the_settings(tmp_path: Path) -> None:
    async with running_core(tmp_path) as rig:
        port = free_port()
        assert await rig.do("update_settings", patch={"port": port}) == {"ok": True, "saved": True}
        assert rig.snapshot()["proxy"]["port"] == port
        assert rig.snapshot()["proxy"]["phase"] == "running"
        await rig.do("stop_proxy")
        assert rig.snapshot()["headline"]["key"] == "signin"
        assert rig.snapshot()["proxy"]["phase"] == "stopped"
        await rig.do("update_settings", patch={"theme": "dark"})
        assert rig.snapshot()["proxy"]["phase"] == "stopped"


async def test_what_is_changed_while_the_listener_moves_holds_afterwards(tmp_path: Path) -> None:
    """A move waits for open answers: to take "other devices" back must not come too late, nor
    must a key that is revoked meanwhile come back."""
    async with running_core(tmp_path) as rig:
        secret = (await rig.do("make_key", name="laptop"))["key"]
        traffic = rig.core.traffic
        traffic.idle.clear()  # an answer is under way
        opening = asyncio.create_task(
            rig.do("update_settings", patch={"host": "0.0.0.0", "require_key": True})
        )
        await rig.until(lambda s: s.proxy.phase == "stopping")
        closing = asyncio.create_task(rig.do("update_settings", patch={"host": "127.0.0.1"}))
        assert (await rig.do("revoke_key", name="laptop"))["saved"]
        await asyncio.wait({closing}, timeout=1.0)  # it may wait for the move, or not
        traffic.idle.set()
        assert (await opening)["ok"]
        assert (await closing)["ok"]

        proxy = rig.core.store.state.proxy
        assert (proxy.phase, proxy.host) == ("running", "127.0.0.1")
        async with aiohttp.ClientSession() as http:
            url = f"http://127.0.0.1:{proxy.port}/v1/models"
            async with http.get(url, headers={"Authorization": f"Bearer {secret}"}) as answer:
                assert answer.status == 401


async def test_a_proxy_that_is_stopped_while_its_listener_moves_stays_stopped(
    tmp_path: Path,
) -> None:
    async with running_core(tmp_path) as rig:
        traffic = rig.core.traffic
        traffic.idle.clear()  # an answer is under way
        moving = asyncio.create_task(rig.do("update_settings", patch={"client_timeout": 20}))
        await rig.until(lambda s: s.proxy.phase == "stopping")
        stopping = asyncio.create_task(rig.do("stop_proxy"))
        await asyncio.wait({stopping}, timeout=0.1)
        traffic.idle.set()
        assert (await moving)["ok"]
        assert (await stopping)["ok"]
        assert rig.core.store.state.proxy.phase == "stopped"

        assert (await rig.do("start_proxy"))["ok"]
        assert rig.core.listening.config.client_timeout == 20


async def test_starting_what_runs_on_a_port_of_the_systems_choice_changes_nothing(
    tmp_path: Path,
) -> None:
    async with running_core(tmp_path) as rig:
        port = rig.core.store.state.proxy.port
        assert (await rig.do("start_proxy"))["port"] == port
        assert await rig.core.controller.probe()


async def test_the_local_key_is_asked_for_as_soon_as_it_is_wanted(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        await rig.until(lambda s: s.models.state == "ready")
        url = f"http://127.0.0.1:{rig.core.store.state.proxy.port}/v1/models"
        key = (await rig.do("reveal_key"))["key"]
        page = rig.snapshot()
        assert (page["proxy"]["key_required"], page["proxy"]["key_hint"]) == (False, key[-4:])
        assert key not in json.dumps(page)

        async def status(given: str) -> int:
            async with (
                aiohttp.ClientSession() as http,
                http.get(url, headers={"x-api-key": given}) as answer,
            ):
                return answer.status

        assert await status("anything") == 200
        await rig.do("update_settings", patch={"require_key": True})
        assert await status("anything") == 401
        assert await status(key) == 200
        new = (await rig.do("new_key"))["key"]
        assert new != key
        assert await status(key) == 401
        assert await status(new) == 200
    path = tmp_path / "local-key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().strip() == new


async def test_a_given_key_is_required_and_cannot_be_replaced(tmp_path: Path) -> None:
    async with running_core(tmp_path, api_key="my-own-key") as rig:
        page = rig.snapshot()
        assert page["proxy"]["key_required"]
        assert page["proxy"]["key_hint"] == "-key"
        assert "api_key" not in page["settings"]


@pytest.mark.parametrize(("shared", "choice", "required"), [
    (True, None, True), (True, False, False), (False, None, False), (False, True, True),
])  # fmt: skip
async def test_where_several_people_log_in_a_key_is_the_default(
    tmp_path: Path, shared: bool, choice: bool | None, required: bool
) -> None:
    system = FakeSystem(tmp_path, shared=shared)
    async with running_core(tmp_path, system=system, require_key=choice) as rig:
        assert rig.snapshot()["proxy"]["key_required"] is required


async def test_demo_runs_without_an_account_and_keeps_nothing_of_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, port=0)
    async with Core.running(settings, demo="pro", environ={}, system=FakeSystem(tmp_path)) as core:
        assert core.store.state.app.demo == "pro"
        assert core.store.state.account.source == "memory"
        assert (await core.verbs.do("sign_in")).ok
    assert not (tmp_path / "tokens").exists()
    assert not (tmp_path / "models.json").exists()
    with pytest.raises(BadSetting, match="there is no scenario nonsense"):
        async with Core.running(settings, demo="nonsense", environ={}):
            pass


async def test_everything_ends_with_the_core(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    async with running_core(tmp_path, signed_in=True) as rig:
        port = rig.core.store.state.proxy.port
        await rig.do("sign_in")
    assert asyncio.all_tasks() <= before
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
    assert rig.core.http.closed


async def test_cancelling_a_sign_in_ends_it_at_once(tmp_path: Path) -> None:
    scenario = Scenario(approval="manual")
    async with running_core(tmp_path, scenario) as rig:
        await rig.do("sign_in")
        await rig.until(lambda s: s.sign_in is not None and s.sign_in.state == "waiting")
        login = rig.snapshot()["login"]
        assert login["expires_at"] > rig.snapshot()["at"] + 600
        assert rig.snapshot()["banner"] is None
        await rig.do("cancel_sign_in")
        assert rig.snapshot()["login"]["state"] == "cancelled"


async def test_the_store_can_be_changed_after_signing_in(tmp_path: Path) -> None:
    async with running_core(tmp_path) as rig:
        await rig.do("sign_in")
        await rig.until(lambda s: s.quota.state == "ready")
        assert (await rig.do("choose_store", kind="file"))["ok"]
        assert (tmp_path / "tokens" / "token.json").is_file()
        assert rig.snapshot()["auth"]["source"] == "file"
        assert rig.core.settings.token_store == "file"


def test_the_quick_scenario_is_what_the_tests_think() -> None:
    assert QUICK.approve_after == 0


async def test_reasoning_is_forgotten_with_the_account_it_was_given_to(tmp_path: Path) -> None:
    async with running_core(tmp_path) as rig:
        await rig.do("sign_in")
        await rig.until(lambda s: s.models.state == "ready" and s.quota.state == "ready")
        provider, session = rig.core.provider, rig.core.session

        def remembered() -> bool:
            history = [{"role": "assistant", "tool_calls": [{"id": "call_1"}]}]
            body = {"model": "m", "messages": history}
            fixed = provider.quirks(CHAT, session).fix_request(body, Model("m"), ())
            return "reasoning_opaque" in str(fixed.body)

        call = {"id": "call_1", "function": {"name": "f", "arguments": "{}"}}
        answer = {"role": "assistant", "reasoning_opaque": "OPA", "tool_calls": [call]}
        quirks = provider.quirks(CHAT, session)
        quirks.fix_request({"model": "m", "messages": []}, Model("m"), ())
        quirks.fix_reply({"choices": [{"message": answer, "finish_reason": "stop"}]}, "m")
        assert remembered()
        await rig.do("refresh_models")
        assert remembered(), "nothing has happened to the account"
        await rig.do("sign_out")
        assert not remembered()


async def test_of_two_changes_close_together_the_newest_state_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, gate, calls = threading.Event(), threading.Event(), []

    def slow_at_first(preferences: Preferences, patch: Mapping[str, Any]) -> bool:
        calls.append(preferences)
        if len(calls) == 1:
            there.set()
            gate.wait(20)
        return save_quietly(preferences, patch)

    monkeypatch.setattr(settings_file, "save_quietly", slow_at_first)
    async with running_core(tmp_path) as rig:
        first = asyncio.ensure_future(rig.core.change({"text_size": 120}))
        assert await asyncio.to_thread(there.wait, 20)
        second = asyncio.ensure_future(rig.core.change({"theme": "dark"}))
        await asyncio.wait({second}, timeout=0.2)  # as long as it would have taken to overtake
        gate.set()
        assert await asyncio.gather(first, second) == [True, True]
        stored = json.loads((tmp_path / FILE_NAME).read_text("utf-8"))
    assert (stored["text_size"], stored["theme"]) == (120, "dark")


async def test_what_could_not_even_be_asked_for_is_not_shown_as_loading(tmp_path: Path) -> None:
    fake = FakeUpstream(QUICK)
    fake.add_fault(DropConnection("*", times=-1))
    async with running_core(tmp_path, fake=fake, signed_in=True) as rig:
        state = await rig.until(lambda state: state.quota.state != "loading")
        assert state.quota.state == "unavailable"
        assert state.quota.problem is not None
        state = await rig.until(lambda state: state.models.problem is not None)
        assert state.models.state == "empty"


async def test_work_that_fails_unexpectedly_is_told_until_it_was_seen(tmp_path: Path) -> None:
    async def broken() -> None:
        raise RuntimeError("a mistake")

    async with running_core(tmp_path) as rig:
        rig.core.tasks.start(broken(), "load account")
        state = await rig.until(lambda state: state.fault)
        assert state.fault == "E-LOAD-ACCOUNT"
        assert rig.snapshot()["headline"]["key"] == "broken"
        assert rig.snapshot()["banner"]["fields"] == {"code": "E-LOAD-ACCOUNT"}
        assert (await rig.do("forget_fault"))["ok"]
        assert rig.snapshot()["headline"]["key"] == "signin"
