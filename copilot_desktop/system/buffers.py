"""How much asyncio sets apart for each TLS connection, chosen for streams of text.

It keeps a quarter of a megabyte for each, for as long as the connection lasts: with 500 open
streams 125 MiB, more than everything else together. A TLS record is 16 KiB, a model sends a
hundredth of that at a time, and four records in one read are enough for anything large. Python has
no option for it, only the attribute that is set here; where it has another name, buffers stay as
they are.

Only for a process of our own: in a program that embeds us all TLS belongs to that program.
"""

from __future__ import annotations

from asyncio import sslproto
from typing import Any

READ = 64 * 1024  # bytes


def keep_small() -> None:
    """For connections that are made from now on."""
    protocol: Any = getattr(sslproto, "SSLProtocol", None)
    if protocol is not None and hasattr(protocol, "max_size"):
        protocol.max_size = READ
