"""Which addresses this computer would send from right now, without sending anything.

A socket without a connection that is told a far address gets its own end from the routing table: no
packet leaves, no program is started, and it takes microseconds on every system. Another answer
means that the network has changed: a cable, another Wi-Fi, a VPN, or none at all.
"""

from __future__ import annotations

import socket

# Addresses for documentation (RFC 5737, RFC 3849): routed like any other, and nobody's.
_FAR = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
_ANY_PORT = 9

Addresses = tuple[str, ...]


def own_addresses() -> Addresses:
    """One for each way into the world; empty without a network. Never raises."""
    return tuple(found for family, far in _FAR if (found := _own_end(family, far)))


def _own_end(family: socket.AddressFamily, far: str) -> str:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((far, _ANY_PORT))
            return str(probe.getsockname()[0])
    except OSError:
        return ""
