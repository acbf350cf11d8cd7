"""The fake GitHub and Copilot exist only in a demo."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from copilot_desktop.core.core import Core
from copilot_desktop.core.settings import Settings
from copilot_desktop.system.fake import FakeSystem
from copilot_desktop.upstream.stores import StoredAccount
from copilot_desktop.upstream.stores.file import FileStore

LOOK = """
import asyncio, sys
from pathlib import Path
from copilot_desktop.control.app import open_control
from copilot_desktop.control.instance import claim
from copilot_desktop.core.core import Core
from copilot_desktop.core.settings import Settings

async def run():
    folder = Path(sys.argv[1])
    settings = Settings(data_dir=folder, port=0, token_store="memory")
    async with Core.running(settings, environ={}) as core, open_control(core, claim(folder)):
        assert core.store.state.app.demo is None

asyncio.run(run())
sys.exit(any(name.startswith("copilot_desktop.demo") for name in sys.modules))
"""


def test_without_a_demo_nothing_of_it_is_even_loaded(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(tmp_path)], timeout=60, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


async def test_a_demo_keeps_a_real_token_out(tmp_path: Path) -> None:
    """The token in the environment is the user's own: the fake must never see it."""
    settings = Settings(data_dir=tmp_path, port=0, start_proxy=False)
    environ = {"COPILOT_GITHUB_TOKEN": "ghu_thisIsARealToken0000"}
    async with Core.running(
        settings, demo="pro", environ=environ, system=FakeSystem(tmp_path)
    ) as core:
        for kind in ("memory", "keyring", "file"):
            await core.verbs.do("choose_store", {"kind": kind})
            account = core.session.account
            assert account.source != "environment"
            assert core.session.store.name != "environment"


async def test_a_demo_leaves_a_real_sign_in_where_it_is(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "tokens" / "token.json")
    real = StoredAccount("github.com", "octo-user", 1, "ghu_thisIsARealToken0000")
    await store.save(real)
    settings = Settings(data_dir=tmp_path, port=0, start_proxy=False)
    async with Core.running(settings, demo="pro", system=FakeSystem(tmp_path)) as core:
        await core.verbs.do("sign_out", {})
        assert core.session.account.state == "signed_out"
        await core.verbs.do("reset_everything", {"word": "RESET"})
    assert await store.load() == real


async def test_a_demo_never_turns_to_a_real_github(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, port=0, start_proxy=False)
    async with Core.running(settings, demo="pro", system=FakeSystem(tmp_path)) as core:
        fake = core.origins
        for host in ("github.com", "acme.ghe.com"):
            outcome = await core.verbs.do("sign_in", {"host": host})
            assert "demo" in outcome.message
            assert core.origins == fake
