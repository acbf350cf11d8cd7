"""What the app knows of one account, and who else calls: a token from the environment, and clients
that bring their own."""

from __future__ import annotations

import json
import time
from pathlib import Path

import aiohttp

from copilot_desktop.core.core import MODELS_FILE
from copilot_desktop.demo import Scenario, Slow, Status
from copilot_desktop.demo.catalogue import models
from copilot_desktop.proxy.exchange import Exchange
from tests.core_rig import CoreRig, running_core

FREE = "gpt-4.1"
"""A model whose tokens cost nothing."""


async def ask(rig: CoreRig, token: str, model: str = FREE) -> int:
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
    url = f"http://127.0.0.1:{rig.core.store.state.proxy.port}/v1/chat/completions"
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as http, http.post(url, json=body, headers=headers) as found:
        return found.status


async def test_a_token_of_the_environment_gets_no_kept_list_of_another_account(
    tmp_path: Path,
) -> None:
    entry = {**models(Scenario())[0], "id": "somebody-elses-model"}
    kept = {"v": 1, "fetched_at": time.time(), "whose": ["127.0.0.1", 99], "data": [entry]}
    (tmp_path / MODELS_FILE).write_text(json.dumps(kept))
    never_known = Scenario(faults=(Slow("/user", times=-1, seconds=3600.0),))
    async with running_core(tmp_path, never_known, signed_in=True) as rig:
        url = f"http://127.0.0.1:{rig.core.store.state.proxy.port}/v1/models"
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            listed = [each["id"] for each in (await answer.json())["data"]]
        assert rig.core.session.account.id == 0
        assert FREE in listed
        assert "somebody-elses-model" not in listed


async def test_what_a_client_may_have_for_free_is_so_by_its_own_list(tmp_path: Path) -> None:
    seen: list[Exchange] = []
    async with running_core(tmp_path, auth_mode="passthrough") as rig:
        rig.core.brakes.afford = seen.append
        assert await ask(rig, rig.fake.tokens.give("ghu_")) == 200
        assert [each.factor for each in seen] == [0.0]
        assert rig.core.catalogue.models == ()


async def test_a_warning_about_a_client_that_asks_for_its_list_is_heard(tmp_path: Path) -> None:
    words = {"error": {"message": "Your extension was blocked.", "code": "extension_blocked"}}
    warning = Status("/models", status=429, body=words, headers={"x-github-request-id": "A:B"})
    async with running_core(tmp_path, Scenario(faults=(warning,)), auth_mode="passthrough") as rig:
        assert await ask(rig, rig.fake.tokens.give("ghu_")) >= 400
        halt = rig.core.brakes.state.halt
        assert halt is not None
        assert halt.by_hand
