"""The token file, chosen in the window: for its owner only, on every system."""

from __future__ import annotations

from pathlib import Path

from tests.core_rig import running_core


async def test_a_token_file_is_closed_as_the_system_wants_it(tmp_path: Path) -> None:
    async with running_core(tmp_path, start_proxy=False) as rig:
        await rig.do("sign_in")
        await rig.until(lambda s: s.models.state == "ready")
        assert (await rig.do("choose_store", kind="file"))["ok"]
        (protected,) = rig.system.protected
        assert protected.parent == tmp_path / "tokens"
