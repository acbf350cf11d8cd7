"""Asking who holds a port may take seconds; nothing else may wait for it."""

from __future__ import annotations

import asyncio
import socket
import threading
from dataclasses import replace

import pytest

from copilot_desktop.errors import PortTaken
from copilot_desktop.proxy.controller import ProxyController
from tests.rig import running_rig


async def test_open_answers_go_on_while_the_holder_of_a_port_is_looked_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The look-up here ends only when the loop has gone on; on the loop, both would be stuck."""
    gone_on = threading.Event()

    def slow_holder(_port: int) -> str | None:
        return "node (process 7)" if gone_on.wait(5) else "the loop stood still"

    def slow_search(_host: str, port: int) -> int:
        assert threading.current_thread() is not threading.main_thread()
        return port + 1

    monkeypatch.setattr("copilot_desktop.proxy.controller.next_free_port", slow_search)
    async with running_rig() as rig:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            controller = ProxyController(rig.relay, slow_holder)
            config = replace(rig.relay.config, port=port)
            starting = asyncio.create_task(controller.start(config))
            asyncio.get_running_loop().call_later(0.1, gone_on.set)
            state = await asyncio.wait_for(starting, 20)
        assert isinstance(state.problem, PortTaken)
        assert state.problem.fields == {
            "port": str(port),
            "holder": "node (process 7)",
            "next": str(port + 1),
        }


async def test_a_start_that_is_given_up_during_the_look_up_leaves_the_proxy_stopped() -> None:
    asked, done = threading.Event(), threading.Event()

    def hanging_holder(_port: int) -> str | None:
        asked.set()
        done.wait(10)
        return None

    async with running_rig() as rig:
        with socket.create_server(("127.0.0.1", 0)) as other:
            controller = ProxyController(rig.relay, hanging_holder)
            config = replace(rig.relay.config, port=other.getsockname()[1])
            starting = asyncio.create_task(controller.start(config))
            assert await asyncio.to_thread(asked.wait, 10)
            starting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await starting
            done.set()
            assert controller.state.phase == "stopped"
