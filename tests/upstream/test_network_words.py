"""What went wrong in the network is said in words that lead somewhere, on Windows too."""

from __future__ import annotations

import errno
import os
from typing import Any

import aiohttp
import pytest

from copilot_desktop.upstream.http import network_problem
from copilot_desktop.upstream.network_words import told

URL = "https://api.github.com/"


def of_windows(code: int, number: int = errno.EINVAL) -> OSError:
    """As ConnectEx and WSARecv raise it through asyncio: most have the number of EINVAL."""
    error = OSError(number, "Das Zeitlimit für die Semaphore wurde erreicht")
    error.winerror = code  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (121, "connection timed out"),
        (1231, "network is unreachable"),
        (1232, "no route to host"),
        (1236, "the connection was closed before an answer came"),
        (64, "the connection was closed before an answer came"),
    ],
)
def test_the_codes_of_windows_have_words(code: int, words: str) -> None:
    assert told(of_windows(code)) == words


def connecting(error: OSError) -> aiohttp.ClientConnectorError:
    key: Any = aiohttp.client_reqrep.ConnectionKey("h", 443, True, True, None, None, None)
    return aiohttp.ClientConnectorError(key, error)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (connecting(of_windows(121)), "connection timed out"),
        (connecting(of_windows(52)), "network error"),
        (aiohttp.ClientOSError(errno.EINVAL, "Das Zeitlimit"), "network error"),
        (connecting(OSError(errno.ENETUNREACH, "no")), "network is unreachable"),
        (connecting(OSError(errno.EACCES, "no")), "permission denied"),
    ],
)
def test_nobody_reads_that_an_argument_is_invalid(error: Exception, words: str) -> None:
    assert network_problem(error, URL, seconds=1).fields["reason"] == words


def test_what_the_library_does_not_know_is_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows' own knows no number of its sockets: 10051 is "Unknown error" there."""
    monkeypatch.setattr(os, "strerror", lambda _: "Unknown error")
    assert told(OSError(errno.ENETUNREACH, "no")) == "network is unreachable"
    assert told(OSError(10109, "no")) == ""
