"""Sockets that ask now and then whether the other end is still there.

A path can die without a word: a notebook changes its network, a VPN ends, a firewall forgets a
connection that was silent for some minutes. While a model thinks, nothing else would tell that from
thinking, and the answer would be given up after minutes of silence only. The system's own probes
(TCP keepalive) tell it after a minute, cost nothing, and keep firewalls from forgetting.

Nobody probes while something that was sent is not acknowledged: it is sent again, for a quarter of
an hour. A request on a path that had died before would hang for as long, so that has an end, too.
"""

from __future__ import annotations

import socket
from contextlib import suppress

from aiohttp import AddrInfoType

QUIET = 30  # seconds without a byte before the first probe
BETWEEN = 10  # seconds between probes
UNANSWERED = 3  # probes after which the connection is lost
UNHEARD = QUIET + UNANSWERED * BETWEEN  # seconds after which what was not acknowledged is lost, too

# macOS has another name for the first one; an old Windows lacks all three. What is not acknowledged
# macOS counts in seconds, by an option that Python does not name (TCP_RXT_CONNDROPTIME); Windows
# gives up after half a minute by itself.
_OPTIONS = {
    getattr(socket, "TCP_KEEPIDLE", getattr(socket, "TCP_KEEPALIVE", None)): QUIET,
    getattr(socket, "TCP_KEEPINTVL", None): BETWEEN,
    getattr(socket, "TCP_KEEPCNT", None): UNANSWERED,
    getattr(socket, "TCP_USER_TIMEOUT", None): UNHEARD * 1000,
    0x80 if hasattr(socket, "AF_SYSTEM") else None: UNHEARD,  # no other system has that family
}


def probing_socket(address: AddrInfoType) -> socket.socket:
    """A socket for `address`, as aiohttp's `socket_factory` makes them. Raises OSError."""
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    with suppress(OSError):  # a system that cannot probe connects all the same
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _OPTIONS.items():
            if option is not None:
                made.setsockopt(socket.IPPROTO_TCP, option, value)
    return made
