"""What did not change starts nothing anew."""

from __future__ import annotations

from pathlib import Path

from tests.core_rig import running_core


async def test_the_same_settings_again_change_nothing(tmp_path: Path) -> None:
    async with running_core(tmp_path) as rig:
        assert (await rig.do("update_settings", patch={"theme": "dark", "idle_timeout": 99.0}))[
            "ok"
        ]
        before, phases = rig.core.store.state, list[str]()
        heard = rig.core.controller.on_change
        rig.core.controller.on_change = lambda: (
            phases.append(rig.core.controller.state.phase),
            heard(),
        )
        for _ in range(2):
            patch = {"theme": "dark", "idle_timeout": 99.0}
            assert (await rig.do("update_settings", patch=patch))["ok"]
        assert phases == [], "the proxy was started anew"
        after = rig.core.store.state
        assert after.proxy == before.proxy
        assert after.settings == before.settings
