"""The way out: through which proxy, and who vouches for the other end besides the system.

A company may let nobody out except through its proxy, and may open TLS there with certificates of
its own. Both can be changed while the app runs: what is under way goes on, the next request takes
the new way, because a pooled connection is found again only by the same proxy and the same
certificates. Certificates are always checked; an extra file adds to what the system trusts and
takes nothing away. Addresses of this machine never go through a proxy.

A proxy's address may hold a name and a password: it is for the connection only and is never shown.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import ssl
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

import aiohttp
from yarl import URL

log = logging.getLogger(__name__)

SYSTEM, NONE = "system", "none"
LONGEST_CA = 4 * 1024 * 1024  # bytes of a certificate file


class UnusableProxy(Exception):
    """The system names a proxy of a kind that cannot be used."""

    def __init__(self, scheme: str) -> None:
        super().__init__(scheme)
        self.scheme = scheme


@dataclass(frozen=True, slots=True)
class Way:
    """`proxy`: `system`, `none` or an address; `extra_ca`: a file of certificates (PEM)."""

    proxy: str = field(default=SYSTEM, repr=False)
    extra_ca: Path | None = None


class Toward(TypedDict):
    """What aiohttp is told with each request."""

    proxy: str | None
    ssl: ssl.SSLContext | bool


class Connector(aiohttp.TCPConnector):
    """The pool of connections, and the way that new ones take."""

    def __init__(self, way: Way, **options: Any) -> None:
        self.way = way
        self.certificates = trusted(way.extra_ca)
        super().__init__(ssl=self.certificates, **options)

    def use(self, way: Way) -> None:
        """From the next request on. A file that cannot be read is left out, with a warning."""
        self.certificates = trusted(way.extra_ca)
        self.way = way


def use_way(http: aiohttp.ClientSession, way: Way) -> None:
    if isinstance(http.connector, Connector):
        http.connector.use(way)


def way_of(http: aiohttp.ClientSession) -> Way:
    return http.connector.way if isinstance(http.connector, Connector) else Way()


def toward(http: aiohttp.ClientSession, url: str) -> Toward:
    """How a request of `http` reaches `url`. Raises UnusableProxy."""
    connector = http.connector
    if isinstance(connector, Connector):
        return Toward(proxy=proxy_for(url, connector.way), ssl=connector.certificates)
    return Toward(proxy=proxy_for(url, Way()), ssl=True)


def proxy_for(url: str, way: Way) -> str | None:
    """The proxy to go through, or None. Raises UnusableProxy."""
    address = URL(url)
    host = address.host or ""
    if way.proxy == NONE or is_loopback(host):
        return None
    if way.proxy != SYSTEM:
        return way.proxy
    known = urllib.request.getproxies()
    proxy = known.get(address.scheme) or known.get("all")
    if not proxy or urllib.request.proxy_bypass(f"{host}:{address.port}"):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    scheme = URL(proxy).scheme
    if scheme not in {"http", "https"}:
        raise UnusableProxy(scheme)
    return proxy


def is_loopback(host: str) -> bool:
    """A literal loopback address or `localhost`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def trusted(extra_ca: Path | None = None) -> ssl.SSLContext:
    """The operating system's trust store, plus `SSL_CERT_FILE` and `extra_ca` where they are."""
    import truststore  # noqa: PLC0415  (25 ms that a start without network need not pay)

    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if variable := os.environ.get("SSL_CERT_FILE"):
        _add(context, Path(variable), "SSL_CERT_FILE")
    if extra_ca is not None:
        _add(context, extra_ca, "extra_ca")
    return context


def why_unusable(extra_ca: Path) -> str | None:
    """In words why a file cannot vouch for anybody, or None. Reads the disk."""
    extra_ca = extra_ca.expanduser()
    try:
        if not extra_ca.is_file():
            return "there is no such file"
        if extra_ca.stat().st_size > LONGEST_CA:
            return "the file is too large for certificates"
        fresh = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        fresh.load_verify_locations(cafile=extra_ca)
    except ssl.SSLError:
        return "the file holds no certificates in PEM form"
    except OSError as error:
        return f"the file cannot be read ({error.strerror})"
    return None if fresh.get_ca_certs() else "the file holds no certificate of an authority"


def masked(proxy: str) -> str:
    """The address of a proxy without the name and the password that it may hold."""
    if proxy in {SYSTEM, NONE}:
        return proxy
    address = URL(proxy)
    shown = str(address.with_user(None)).rstrip("/")
    return shown.replace("://", "://•••@", 1) if address.user else shown


def _add(context: ssl.SSLContext, file: Path, name: str) -> None:
    if not file.is_file():
        log.warning("%s names no file: %s", name, file)
        return
    try:
        context.load_verify_locations(cafile=file)
    except (OSError, ssl.SSLError) as error:
        log.warning("%s cannot be used: %s", name, type(error).__name__)
