"""Each of our own files with a value of a wrong type, wherever it stands: the app starts and works.

Files can be edited by people, cut by disks and written by other versions. All of them are damaged
at once, each in another place in each round, and the app is started from them (rule 29).
"""

from __future__ import annotations

import json
import os
import random
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from copilot_desktop.core import keys, settings_file
from copilot_desktop.errors import BadSetting, Blocked
from copilot_desktop.upstream.credentials import slot_store
from copilot_desktop.upstream.lessons import Lesson
from copilot_desktop.upstream.roster import Roster
from copilot_desktop.upstream.stores import StoredAccount
from tests.core_rig import CoreRig, running_core
from tests.fuzz.twisting import twists

OURS = {
    "accounts.json", "alerts.json", "brakes.json", "editors/draft-keys.json",
    "editors/records.json", "last.json", "lessons.json", "local-keys.json", "models.json",
    "settings.json", "tokens/token.json", "updates.json",
}  # fmt: skip
OTHER = StoredAccount("github.com", "octo-hana", 2, "ghu_" + "B" * 36)
EACH = 8 if "COPILOT_DESKTOP_SOAK_SECONDS" in os.environ else 1  # values in each place
LIMITS = {
    "models": ["gpt*"], "max_effort": "low",
    "budget": {"unit": "requests", "amount": 5, "stops": True},
}  # fmt: skip


async def a_full_life(folder: Path) -> None:
    """Leaves every file that the app writes."""
    tool = folder / "home" / ".claude" / "settings.json"
    tool.parent.mkdir(parents=True)
    tool.write_text("{}")

    def slot(kind: str, host: str, number: int) -> Any:
        return slot_store(kind, host, number, data_dir=folder)

    await Roster(folder / "accounts.json", slot).park(OTHER, plan="pro", kind="file")
    (folder / "alerts.json").write_text('{"signin|github.com|1": null, "low|x|1": 1790000000.0}')
    async with running_core(folder, token_store="file") as rig:
        await rig.do("sign_in")
        await rig.until(lambda s: s.account.usable and s.models.state == s.quota.state == "ready")
        await rig.do("make_key", name="mine", limits=LIMITS)
        await rig.do("update_settings", patch={"aliases": {"a": "gpt-4.1"}, "text_size": 110})
        await rig.do("update_settings", patch={"approved_clients": ["Codex"], "budget_credits": 5})
        await rig.do("look_for_editors")
        shown = await rig.do("preview_editor", id="claude-code", chosen={})
        await rig.do("connect_editor", id="claude-code", chosen={}, digest=shown["digest"])
        keys.Drafts(folder / "editors").of("codex")
        await rig.do("look_for_updates")
        rig.core.lessons.learn("gpt-4.1", Lesson("thinking", "required"))
        rig.core.life.last.note_screen("models")
        rig.core.brakes.heard(Blocked("No.", code="access_revoked", upstream_status=403))
        await rig.core.brake_memory.settle()


async def works(rig: CoreRig) -> None:
    """Whether the parts that read files have done so and are at rest."""
    await rig.until(lambda s: s.account.state not in {"unknown", "checking"})
    assert rig.core.store.state.proxy.phase == "running", rig.core.store.state.proxy.problem
    assert (await rig.do("look_for_editors"))["ok"]
    for verb in ("usage_history", "look_for_updates"):
        assert (await rig.do(verb)).get("code") != "internal_error", verb
    assert keys.Drafts(rig.core.data_dir / "editors").of("codex").startswith("cd-")
    json.dumps(rig.snapshot())
    assert rig.core.store.state.fault == ""


async def test_the_app_starts_from_any_of_them(tmp_path: Path) -> None:
    model, now = tmp_path / "model", tmp_path / "now"
    await a_full_life(model)
    found = {name: json.loads((model / name).read_bytes()) for name in OURS}
    del found["models.json"]["data"][1:]  # one is as good as many
    dice = random.Random(29)
    odd = {name: list(twists(each, dice, EACH, set())) for name, each in found.items()}
    for number in range(max(map(len, odd.values()))):
        shutil.rmtree(now, ignore_errors=True)
        shutil.copytree(model, now)
        damaged = {name: each[number] for name, each in odd.items() if number < len(each)}
        for name, document in damaged.items():
            (now / name).write_text(json.dumps(document))
        with suppress(BadSetting):  # a door that cannot be understood stays shut
            settings_file.load({}, {}, now / "settings.json")
        try:
            async with running_core(now, token_store="file") as rig:
                await works(rig)
        except Exception as error:
            short = {name: json.dumps(each)[:600] for name, each in damaged.items()}
            raise AssertionError(f"round {number}: {short}") from error
