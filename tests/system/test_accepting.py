"""One client that is gone does not end a listener, on Windows either."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from asyncio.proactor_events import BaseProactorEventLoop
from types import SimpleNamespace
from typing import Any

import pytest

from copilot_desktop.system.accepting import outlast_clients


class Rig:
    """asyncio's own way to serve on Windows, above a proactor whose clients come by hand."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.waiting: list[asyncio.Future[Any]] = []
        waiting = self.waiting

        class Proactor:
            def accept(self, listener: socket.socket) -> asyncio.Future[Any]:
                if listener.fileno() < 0:
                    raise OSError("it is closed")
                waiting.append(loop.create_future())
                return waiting[-1]

        outlast_clients(Proactor)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.let_in: list[Any] = []
        self.troubles: list[Any] = []
        self.futures: dict[int, asyncio.Future[Any]] = {}
        self.loop: Any = SimpleNamespace(
            _proactor=Proactor(),
            _debug=False,
            _accept_futures=self.futures,
            is_closed=lambda: False,
            call_soon=loop.call_soon,
            call_exception_handler=self.troubles.append,
            _make_socket_transport=lambda conn, *_, **__: self.let_in.append(conn),
        )
        BaseProactorEventLoop._start_serving(self.loop, lambda: None, self.listener)  # type: ignore[attr-defined]

    async def turn(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    @property
    def listens(self) -> bool:
        return self.listener.fileno() != -1


@pytest.fixture
async def rig() -> Any:
    made = Rig()
    await made.turn()
    yield made
    made.listener.close()


def failed(code: int) -> OSError:
    error = OSError(22, "The specified network name is no longer available")
    error.winerror = code  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize("code", [64, 10054, 10057])
async def test_clients_that_are_gone_before_they_are_let_in_end_nothing(
    rig: Rig, code: int
) -> None:
    """AcceptEx completes with ERROR_NETNAME_DELETED for a client that was reset meanwhile."""
    for _ in range(3):
        rig.waiting[-1].set_exception(failed(code))
        await rig.turn()
    assert rig.listens
    assert rig.troubles == []
    rig.waiting[-1].set_result(("a client", ("127.0.0.1", 5000)))
    await rig.turn()
    assert rig.let_in == ["a client"]
    assert len(rig.waiting) == 5, "and the next one is waited for"


async def test_a_listener_that_is_broken_is_trouble(rig: Rig) -> None:
    rig.waiting[-1].set_exception(failed(10022))
    await rig.turn()
    assert not rig.listens
    assert len(rig.troubles) == 1


async def test_to_stop_ends_the_waiting_at_once(rig: Rig) -> None:
    rig.waiting[-1].set_exception(failed(64))
    await rig.turn()
    (serving,) = rig.futures.values()
    serving.cancel()
    assert rig.waiting[-1].cancelled()
    await rig.turn()
    assert not rig.listens
    assert rig.troubles == []


async def test_what_the_proactor_cancels_has_stopped(rig: Rig) -> None:
    rig.waiting[-1].cancel()
    await rig.turn()
    assert not rig.listens
    assert rig.troubles == []


def test_the_command_does_so_and_a_program_that_embeds_us_does_not() -> None:
    code = (
        "import asyncio, sys\n"
        "class IocpProactor:\n"
        "    def accept(self, listener): ...\n"
        "asyncio.IocpProactor, as_it_was = IocpProactor, IocpProactor.accept\n"
        "def same(): print(IocpProactor.accept is as_it_was)\n"
        "import copilot_desktop.provider\n"
        "from copilot_desktop import cli\n"
        "from copilot_desktop.cli import version\n"
        "same()\n"
        "async def told(*_): same(); return 0\n"
        "version.run = told\n"
        "sys.argv = ['copilot-desktop', 'version']\n"
        "cli.entry()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_where_there_is_no_proactor_nothing_is_done() -> None:
    outlast_clients()
