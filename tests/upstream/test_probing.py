"""Whether a path that has died is noticed: the system is told to ask, on every connection."""

from __future__ import annotations

import socket
import sys

import pytest
from aiohttp import AddrInfoType

from copilot_desktop.upstream import outgoing
from copilot_desktop.upstream.asking import ask
from copilot_desktop.upstream.http import open_http
from copilot_desktop.upstream.outgoing import Toward
from copilot_desktop.upstream.probing import (
    BETWEEN,
    QUIET,
    UNANSWERED,
    UNHEARD,
    probing_socket,
)
from tests.upstream.test_wire import CHUNKED, OK, answering, saying


def probes(of: socket.socket) -> tuple[int, ...]:
    first = getattr(socket, "TCP_KEEPIDLE", None) or getattr(socket, "TCP_KEEPALIVE", 0)
    options = (first, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
    assert of.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    return tuple(of.getsockopt(socket.IPPROTO_TCP, option) for option in options)


def unheard(of: socket.socket) -> float:
    """Seconds until the system gives up what is not acknowledged."""
    if sys.platform == "darwin":
        return of.getsockopt(socket.IPPROTO_TCP, 0x80)
    return of.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) / 1000


async def test_every_connection_asks_whether_the_other_end_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[socket.socket] = []

    def noted(address: AddrInfoType) -> socket.socket:
        made.append(probing_socket(address))
        return made[-1]

    monkeypatch.setattr(outgoing, "probing_socket", noted)
    asked = (QUIET, BETWEEN, UNANSWERED)
    async with answering(saying(CHUNKED)) as server, open_http(github_timeout=10) as http:
        way = Toward(proxy=None, ssl=True)
        async with await ask(http, "POST", server.url, headers={}, way=way):
            assert [probes(each) for each in made] == [asked]
        async with http.get(server.url):  # as a WebSocket is opened
            assert probes(made[-1]) == asked
            assert len(made) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows gives up sooner by itself")
async def test_a_request_into_a_path_that_had_died_has_an_end_as_well() -> None:
    """Nobody probes while something is not acknowledged: the answer was waited for ten minutes."""
    with probing_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 1))) as made:
        assert unheard(made) == UNHEARD


@pytest.mark.parametrize("options", [{None: 1}, {9999: 1}], ids=["no name", "refused"])
async def test_a_system_that_cannot_probe_connects_all_the_same(
    monkeypatch: pytest.MonkeyPatch, options: dict[int | None, int]
) -> None:
    monkeypatch.setattr("copilot_desktop.upstream.probing._OPTIONS", options)
    async with (
        answering(saying(OK)) as server,
        open_http(github_timeout=10) as http,
        await ask(http, "POST", server.url, headers={}, way=Toward(proxy=None, ssl=True)) as answer,
    ):
        assert await answer.piece() == b"ok"
