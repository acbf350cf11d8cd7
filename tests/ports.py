"""A port for a program that a test starts, or that is started again on the same one.

The system's own choice (port 0) is right where a socket keeps it. Given back, it is anybody's: the
system takes ports for outgoing connections from the same range, a test beside this one may be
connecting at any moment, and a connection to a port of that range can even reach itself.
"""

from __future__ import annotations

import secrets
import socket

# Below what Linux (from 32768), macOS and Windows (from 49152) take for outgoing connections.
LOWEST, HIGHEST = 20_000, 32_000


def free_port() -> int:
    """One on which nothing listens now."""
    while True:
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
