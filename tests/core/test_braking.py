"""The brakes in a whole app: settings that apply at once, verbs, views, and the file they keep."""

from __future__ import annotations

import asyncio
import json
import stat
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from copilot_desktop.core.braking import FILE_NAME
from copilot_desktop.core.rounds import Pace, Rounds
from copilot_desktop.core.settings import Settings, resolve
from copilot_desktop.demo import FakeUpstream, Scenario, Slow, Status
from copilot_desktop.errors import BadSetting
from tests.core_rig import QUICK, CoreRig, running_core

MODEL = "gpt-4.1"
WARNED = {"error": {"message": "Your extension was blocked.", "code": "extension_blocked"}}
FORBIDDEN = {
    "error_details": {
        "message": "Contact Support.",
        "notification_id": "programmatic_token_generation",
        "title": "Contact Support",
        "url": "https://support.github.com/contact",
    },
    "message": "Forbidden",
}
GITHUB = {"x-github-request-id": "A:B"}


async def ask(rig: CoreRig, client: str = "codex/1") -> tuple[int, Any]:
    url = f"http://127.0.0.1:{rig.core.controller.state.port}/v1/chat/completions"
    body = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}
    async with (
        aiohttp.ClientSession(headers={"user-agent": client}) as http,
        http.post(url, json=body) as answer,
    ):
        return answer.status, await answer.json()


async def warned(rig: CoreRig) -> None:
    rig.fake.add_fault(Status("/chat/completions", status=429, body=WARNED, headers=GITHUB))
    assert (await ask(rig))[0] == 403


async def on_the_disk(folder: Path) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while not (folder / FILE_NAME).exists():  # noqa: ASYNC110  (a file has no event)
            await asyncio.sleep(0.01)
    return dict(json.loads((folder / FILE_NAME).read_text()))


async def test_a_warning_outlives_a_restart_and_ends_by_hand(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        await warned(rig)
        kept = await on_the_disk(tmp_path)  # before any orderly end
        assert kept["halt"]["code"] == "extension_blocked"
        assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600
    async with running_core(tmp_path, signed_in=True) as rig:
        status, body = await ask(rig)
        assert status == 503
        assert "Your extension was blocked." in body["error"]["message"]
        shown = rig.snapshot()
        assert shown["headline"]["key"] == "paused"
        assert shown["headline"]["fields"]["when"] > time.time()
        assert shown["banner"]["id"] == "paused"
        assert shown["banner"]["fields"]["words"] == "Your extension was blocked."
        assert shown["brakes"]["halt"]["reason"] == "warned"
        await rig.until(lambda state: [each.held for each in state.requests.recent] == ["paused"])
        assert rig.snapshot()["requests"][0]["held"] == "paused"
        assert (await rig.do("resume_sending"))["ok"]
        assert json.loads((tmp_path / FILE_NAME).read_text()) == {}
        assert (await ask(rig))[0] == 200
        assert rig.snapshot()["banner"] is None
        assert rig.snapshot()["headline"]["key"] == "running"


async def test_a_warning_at_the_token_exchange_stops_sending_once(tmp_path: Path) -> None:
    fake = FakeUpstream(QUICK)
    exchange = "/copilot_internal/v2/token"
    fake.add_fault(Status(exchange, status=403, body=FORBIDDEN, headers=GITHUB))
    async with running_core(tmp_path, fake=fake, signed_in=True) as rig:
        await rig.until(lambda state: state.brakes.halt)
        assert rig.snapshot()["banner"]["id"] == "paused", "before what is said of the account"
        assert (await ask(rig))[0] == 503
        assert (await rig.do("resume_sending"))["ok"]
        rig.core._account_changed()  # the account's trouble is told again at each of its changes
        assert rig.snapshot()["brakes"]["halt"] is None
        await rig.do("check_account")
        assert (await ask(rig))[0] == 200


async def test_nothing_goes_out_by_itself_while_sending_is_stopped(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        await rig.until(lambda state: state.quota.state == "ready")
        await warned(rig)
        rig.core.store.set(degraded="offline")
        before = len(rig.fake.ledger)
        pace = Pace(tick=0.01, probe=3600, gap=15, shown=0.02, models=0.02, offline=0.02)
        jump = [0.0]
        with rig.core.viewed():
            Rounds(rig.core, pace, wall=lambda: time.monotonic() + jump[0]).start()
            await asyncio.sleep(0.1)
            jump[0] = 3600.0
            await asyncio.sleep(0.3)
            assert len(rig.fake.ledger) == before
            rig.core.store.set(degraded="offline")
            await rig.do("resume_sending")
            async with asyncio.timeout(10):
                while len(rig.fake.ledger) == before:  # noqa: ASYNC110  (the ledger has no event)
                    await asyncio.sleep(0.01)


async def test_who_asks_too_often_for_the_models_may_still_ask_them(tmp_path: Path) -> None:
    too_often = {"error": {"message": "Slow down.", "code": "rate_limited"}}
    headers = {**GITHUB, "retry-after": "600"}
    async with running_core(tmp_path, signed_in=True) as rig:
        await rig.until(lambda state: state.models.state == "ready")
        rig.fake.add_fault(Status("/models", status=429, body=too_often, headers=headers, times=-1))
        for _ in range(4):
            assert not (await rig.do("refresh_models"))["ok"]
        assert rig.core.brakes.state.limits == ()
        assert (await ask(rig))[0] == 200


async def use_up_the_week(rig: CoreRig) -> None:
    await rig.until(lambda state: state.quota.plan)
    weekly = {"error": {"message": "Weekly limit.", "code": "user_weekly_rate_limited:free"}}
    headers = {**GITHUB, "retry-after": "208800"}
    rig.fake.add_fault(
        Status("/chat/completions", status=429, body=weekly, headers=headers, times=3)
    )
    for _ in range(4):
        assert (await ask(rig))[0] == 429


async def test_a_limit_of_days_ends_with_the_plan_that_had_it(tmp_path: Path) -> None:
    """GitHub itself offers a larger plan where a weekly limit is reached."""
    async with running_core(tmp_path, signed_in=True, scenario=Scenario(who="free")) as rig:
        await use_up_the_week(rig)
        await rig.do("refresh_quota")
        assert (await ask(rig))[0] == 429, "it is the same plan"
        rig.fake.scenario = Scenario()
        await rig.do("refresh_quota")
        assert rig.core.brakes.state.limits == ()
        assert (await ask(rig))[0] == 200


async def test_it_ends_with_the_plan_over_restarts_too(tmp_path: Path) -> None:
    """Whoever has paid for more and is refused starts the app again, sooner or later."""
    free = Scenario(who="free")
    async with running_core(tmp_path, signed_in=True, scenario=free) as rig:
        await use_up_the_week(rig)
    for _ in range(2):
        async with running_core(tmp_path, signed_in=True, scenario=free) as rig:
            await rig.until(lambda state: state.quota.plan)
            assert (await ask(rig))[0] == 429, "it is the same plan"
    async with running_core(tmp_path, signed_in=True) as rig:
        await rig.until(lambda state: state.quota.plan)
        assert (await ask(rig))[0] == 200
    assert await on_the_disk(tmp_path) == {}


async def test_a_broken_file_does_not_keep_the_app_from_starting(tmp_path: Path) -> None:
    for content in (
        b"\xff",
        b"[1",
        b"[]",
        b'{"plan": 1}',
        b'{"halt": {"reason": "warned", "since": "x"}}',
    ):
        (tmp_path / FILE_NAME).write_bytes(content)
        async with running_core(tmp_path, signed_in=True) as rig:
            assert (await ask(rig))[0] == 200


async def test_a_disk_that_takes_nothing_stops_nothing(tmp_path: Path, monkeypatch) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        rig.core.brake_memory.path = tmp_path / "no" / "\0" / "brakes.json"
        monkeypatch.setattr(
            "copilot_desktop.system.files.write_private", lambda *_: (_ for _ in ()).throw(OSError)
        )
        await warned(rig)
        assert (await ask(rig))[0] == 503
        assert (await rig.do("resume_sending"))["ok"]


async def test_the_end_of_a_countdown_is_shown_without_anything_else_happening(
    tmp_path: Path,
) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        circuit = rig.core.brakes.circuit
        offset = 0.0
        circuit.clock = lambda: time.time() + offset
        await warned(rig)
        assert rig.snapshot()["banner"]["id"] == "paused"
        offset = circuit.halt.until - time.time() - 0.3  # type: ignore[union-attr]
        rig.core.brakes._changed()
        await rig.until(lambda state: state.brakes.ripe)
        assert rig.snapshot()["banner"]["id"] == "paused_ripe"
        assert "when" not in rig.snapshot()["headline"]["fields"]


async def test_how_many_at_once_applies_to_those_who_wait(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True, max_concurrent=1) as rig:
        await rig.until(lambda state: state.models.items)
        rig.fake.add_fault(Slow("/chat/completions", seconds=3.0, times=2))
        asking = [asyncio.create_task(ask(rig)) for _ in range(3)]
        await rig.until(lambda state: state.brakes.waiting == 2)
        assert rig.snapshot()["brakes"]["waiting"] == 2
        assert (await rig.do("update_settings", patch={"max_concurrent": 8}))["ok"]
        await rig.until(lambda state: state.brakes.waiting == 0, limit=2.5)
        assert [status for status, _ in await asyncio.gather(*asking)] == [200] * 3


async def test_a_question_is_answered_from_outside_and_always_is_kept(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True, approval="ask") as rig:
        asking = asyncio.create_task(ask(rig, "claude-cli/2.1 (external, cli)"))
        state = await rig.until(lambda state: state.brakes.questions)
        [question] = state.brakes.questions
        shown = rig.snapshot()
        assert shown["headline"] == {
            "key": "asking", "glyph": "busy", "fields": {"client": "Claude Code"},
        }  # fmt: skip
        assert shown["banner"]["id"] == "approval"
        assert shown["banner"]["fields"]["client"] == "Claude Code"
        assert (await rig.do("decide", id=question.id, choice="sometimes"))["code"] == (
            "bad_arguments"
        )
        assert (await rig.do("decide", id=question.id, choice="always"))["ok"]
        assert (await asking)[0] == 200
        assert (await ask(rig, "claude-cli/2.1"))[0] == 200
        kept = json.loads((tmp_path / "settings.json").read_text())
        assert kept["approved_clients"] == ["Claude Code"]
        assert not (await rig.do("decide", id=question.id, choice="deny"))["ok"]
        await rig.do("update_settings", patch={"approved_clients": []})
        again = asyncio.create_task(ask(rig, "claude-cli/2.1"))
        state = await rig.until(lambda state: state.brakes.questions)
        await rig.do("decide", id=state.brakes.questions[0].id, choice="deny")
        assert (await again)[0] == 403


async def test_turning_questions_off_lets_everybody_through(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True, approval="ask") as rig:
        asking = asyncio.create_task(ask(rig))
        await rig.until(lambda state: state.brakes.questions)
        await rig.do("update_settings", patch={"approval": "off"})
        assert (await asking)[0] == 200


def test_nonsense_about_who_is_asked_stops_the_start() -> None:
    with pytest.raises(BadSetting, match="approval"):
        resolve({}, {}, {"approval": "maybe"}, None)
    assert Settings().max_concurrent == 4
