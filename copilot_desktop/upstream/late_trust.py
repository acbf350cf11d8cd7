"""aiohttp, imported without the certificates that it reads for requests which bring none.

While it is imported it makes a TLS context for such requests and fills it with all that the system
trusts: 22 ms, a tenth of what a start without a window takes, and more than a megabyte. Ours bring
a context (`outgoing`), so the one of aiohttp is filled with its first connection, if it ever has
one. It trusts whom it would have trusted, and nobody before that.

Only a process of our own imports aiohttp this way: in a program that embeds us it is there already,
or somebody else's.
"""

from __future__ import annotations

import ssl
import sys
from typing import Any


class Unread(ssl.SSLContext):
    """Reads the system's certificates with its first connection. asyncio makes them all here."""

    def wrap_bio(self, *channels: Any, **options: Any) -> ssl.SSLObject:
        if not self.cert_store_stats()["x509"]:
            self.load_default_certs()
        return super().wrap_bio(*channels, **options)


def unread(*_: Any, **__: Any) -> ssl.SSLContext:
    """Stands for `ssl.create_default_context`."""
    context = Unread(ssl.PROTOCOL_TLS_CLIENT)  # which checks certificate and name
    if sys.version_info >= (3, 13):
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    return context


def import_aiohttp() -> None:
    """Before there are other threads: for a moment `ssl` makes contexts of ours."""
    usual = ssl.create_default_context
    ssl.create_default_context = unread
    try:
        import aiohttp  # noqa: F401, PLC0415
    finally:
        ssl.create_default_context = usual
