"""What refusals teach in a whole app: seen in the state, kept over a restart, forgotten on wish."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp

from copilot_desktop.demo import FakeUpstream
from copilot_desktop.upstream.lessons import FILE_NAME
from tests.core_rig import QUICK, CoreRig, running_core

MODEL = "gpt-4.1"
STRICT = replace(QUICK, whims=("temperature", "forced tool"))


async def ask(rig: CoreRig) -> int:
    """Upstream calls that a request has cost."""
    before = len(rig.fake.ledger.to("/chat/completions"))
    url = f"http://127.0.0.1:{rig.core.controller.state.port}/v1/chat/completions"
    body = {
        "model": MODEL,
        "messages": [{"role": "user", "content": "hello"}],
        "temperature": 0.2,
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "tool_choice": "required",
    }
    async with aiohttp.ClientSession() as http, http.post(url, json=body) as answer:
        assert answer.status == 200, await answer.text()
    return len(rig.fake.ledger.to("/chat/completions")) - before


def learned(rig: CoreRig) -> list[tuple[str, str]]:
    items: list[dict[str, Any]] = rig.snapshot()["models"]["items"]
    (found,) = [each["learned"] for each in items if each["id"] == MODEL]
    return [(each["about"], each["value"]) for each in found]


async def test_lessons_are_shown_kept_and_forgotten(tmp_path: Path) -> None:
    both = [("no_temperature", ""), ("no_forced_tool", "")]
    async with running_core(tmp_path, STRICT, signed_in=True) as rig:
        assert await ask(rig) == 3
        assert learned(rig) == both
        assert await ask(rig) == 1
        assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600
    async with running_core(tmp_path, STRICT, signed_in=True) as rig:
        assert await ask(rig) == 1
        assert learned(rig) == both
        assert await rig.do("forget_lessons", model="other") == {"ok": True, "forgotten": 0}
        assert await rig.do("forget_lessons", model=MODEL) == {"ok": True, "forgotten": 2}
        assert learned(rig) == []
        assert await ask(rig) == 3
        assert await rig.do("forget_lessons") == {"ok": True, "forgotten": 2}
    async with running_core(tmp_path, STRICT, signed_in=True) as rig:
        assert await ask(rig) == 3


async def test_lessons_go_with_the_account(tmp_path: Path) -> None:
    fake = FakeUpstream(STRICT)
    async with running_core(tmp_path, fake=fake) as rig:
        await rig.do("sign_in")
        await rig.until(lambda state: state.account.usable and state.models.items)
        await ask(rig)
        assert learned(rig)
        await rig.do("sign_out")
        assert not (tmp_path / FILE_NAME).exists()
        assert rig.core.lessons.known() == {}
