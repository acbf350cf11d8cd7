"""Each check finds what is wrong and offers the step that helps."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from copilot_desktop import strings
from copilot_desktop.core import diagnostics
from copilot_desktop.core.diagnostics import Diagnosis, Finding
from copilot_desktop.errors import StorageFailed
from copilot_desktop.system import PortHolder
from copilot_desktop.system.fake import FakeSystem
from copilot_desktop.upstream import hops
from copilot_desktop.upstream.origins import Origins
from tests.core_rig import CoreRig, running_core


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def looked(rig: CoreRig, **options: Any) -> dict[str, Finding]:
    found = await Diagnosis(rig.core, **options).run()
    for each in found:
        assert strings.words().has(f"finding.{each.id}.{each.case}") or strings.words().has(
            f"finding.{each.case}"
        ), each
        assert strings.words().has(f"diagnostics.name.{each.id}")
        assert "unknown" not in each.said(strings.words())
    return {each.id: each for each in found}


async def test_all_is_well(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        found = await looked(rig)
        assert {name: each.level for name, each in found.items()} == dict.fromkeys(
            (
                "own_address",
                "port",
                "sign_in",
                "github",
                "session",
                "models",
                "usage",
                "clock",
                "storage",
                "outgoing",
                "logs",
                "editors",
                "update",
            ),
            "ok",
        )
        assert str(rig.core.controller.state.port) in found["own_address"].said(strings.words())


async def test_nobody_is_signed_in(tmp_path: Path) -> None:
    async with running_core(tmp_path) as rig:
        found = await looked(rig)
        assert (found["sign_in"].level, found["sign_in"].action) == ("look", "sign_in")
        assert found["github"].level == "ok"
        assert not {"session", "models", "usage"} & found.keys()
        assert found["storage"].level == "look"  # memory: it ends with the app


async def test_the_proxy_is_stopped_or_was_never_here(tmp_path: Path) -> None:
    async with running_core(tmp_path, start_proxy=False) as rig:
        assert (await looked(rig))["own_address"].action == "start_proxy"
        assert (await looked(rig, alone=True))["own_address"].case == "not_running"


async def test_the_port_is_held_by_another_program(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    system = FakeSystem(tmp_path, holder=PortHolder("node", 8120))
    async with running_core(tmp_path, port=port, system=system) as rig:
        found = await looked(rig)
        assert found["own_address"].level == "failed"
        held = found["port"]
        assert (held.level, held.action) == ("failed", "use_port")
        assert held.fields["holder"] == "node (process 8120)"
        assert int(held.fields["next"]) > 0
    server.close()


async def test_github_cannot_be_reached(tmp_path: Path) -> None:
    async with running_core(tmp_path, signed_in=True) as rig:
        await rig.until(lambda state: state.models.items)
        await rig.fake.__aexit__(None, None, None)
        found = await looked(rig)
        assert (found["github"].level, found["github"].case) == ("failed", "tcp_refused")
        assert found["github"].action == "outgoing"
        assert found["models"].level == "failed"
        assert "clock" not in found


@pytest.mark.parametrize(("off", "case"), [(-600.0, "ahead"), (600.0, "behind"), (30.0, "right")])
async def test_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off: float, case: str
) -> None:
    async def travel(*_args: object, **_options: object) -> hops.Trip:
        return hops.Trip("api.github.com", hop="http", status=200, ms=5, date=time.time() + off)

    monkeypatch.setattr(hops, "travel", travel)
    async with running_core(tmp_path) as rig:
        assert (await looked(rig))["clock"].case == case


async def test_a_store_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_core(tmp_path) as rig:

        async def locked() -> None:
            raise StorageFailed("The keyring is locked.", fields={"where": "the keyring"})

        monkeypatch.setattr(rig.core.session.store, "load", locked)
        found = (await looked(rig))["sign_in"]
        assert (found.level, found.action) == ("failed", "store")
        assert "The keyring is locked." in found.said(strings.words())


async def test_a_check_that_hangs_or_breaks_leaves_the_others_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_core(tmp_path) as rig:

        async def hangs() -> None:
            await asyncio.Event().wait()

        def breaks(*_: object) -> None:
            raise RuntimeError("secret words")

        monkeypatch.setattr(rig.core.session.store, "load", hangs)
        monkeypatch.setattr(diagnostics, "_log_folder", breaks)
        monkeypatch.setattr(diagnostics, "LIMIT", 2.0)
        found = await looked(rig)
        assert found["sign_in"].case == "slow"
        assert found["logs"].case == "broken"
        assert "secret" not in found["logs"].said(strings.words())
        assert found["own_address"].level == "ok"


async def test_a_certificate_file_that_is_gone_and_a_proxy_with_a_password(
    tmp_path: Path,
) -> None:
    gone = {"extra_ca": tmp_path / "gone.pem"}
    async with running_core(tmp_path, **gone) as rig:
        found = (await looked(rig))["outgoing"]
        assert (found.case, found.action) == ("bad_file", "outgoing")
    async with running_core(tmp_path, outgoing_proxy="hana:pa55@proxy.example:3128") as rig:
        rig.core.origins = Origins.of()
        found = await Diagnosis(rig.core)._outgoing()
        assert found is not None
        assert found.said(strings.words()) == "Through proxy.example:3128, as set."


@pytest.mark.parametrize(
    ("address", "said"),
    [("socks5://x:1", "of a kind (socks5)"), ("http://me:pa/ss@x:1", "address cannot be read")],
)
async def test_a_proxy_of_the_system_that_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, said: str
) -> None:
    async with running_core(tmp_path) as rig:
        monkeypatch.setenv("HTTPS_PROXY", address)
        rig.core.origins = Origins.of()
        found = await Diagnosis(rig.core)._outgoing()
        assert found is not None
        assert said in found.said(strings.words())
