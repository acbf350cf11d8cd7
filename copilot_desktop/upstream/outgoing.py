"""The way out: through which proxy, and who vouches for the other end besides the system.

A company may let nobody out except through its proxy, and may open TLS there with certificates of
its own. Both can be changed while the app runs: what is under way goes on, the next request takes
the new way, because a pooled connection is found again only by the same proxy and the same
certificates. Certificates are always checked; an extra file adds to what the system trusts and
takes nothing away. Addresses of this machine never go through a proxy.

A proxy's address may hold a name and a password: it is for the connection only and is never shown.

The file may lie on a disk that sleeps, and Windows and macOS ask the network which hosts need no
proxy: both are looked at on another thread, for a few seconds at most, and never on the loop.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import logging
import math
import os
import ssl
import time
import urllib.request
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypedDict

import aiohttp
from yarl import URL

from copilot_desktop.upstream.probing import probing_socket
from copilot_desktop.upstream.stores.worker import Worker
from copilot_desktop.upstream.wire import Wires

log = logging.getLogger(__name__)

SYSTEM, NONE = "system", "none"
LONGEST_CA = 4 * 1024 * 1024  # bytes of a certificate file
LOOK_SECONDS = 3.0  # for the file, and for what the system says about proxies
FRESH = 10.0  # seconds that the system's word about a host is not asked for again


class UnusableProxy(Exception):
    """The system names a proxy of a kind that cannot be used; with an empty `scheme` its address
    cannot even be read."""

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
    """The connections that there are, and the way that new ones take."""

    def __init__(self, way: Way, *, keep_alive: float, **options: Any) -> None:
        """`keep_alive`: seconds that a connection without work is kept."""
        self.way = way
        self.wires = Wires(keep_alive)
        self.changes = 0  # of the way or the network: what was opened before leads by the last one
        self._disk, self._system = Worker(LOOK_SECONDS), Worker(LOOK_SECONDS)
        self._reading = asyncio.Lock()
        # Made for which file, and until when they hold.
        self._certificates: tuple[Path | None, float, ssl.SSLContext] | None = None
        self._asking = asyncio.Lock()
        self._known: dict[str, tuple[float, str | None]] = {}  # origin: when, and its proxy
        # aiohttp's own pool is not used: what it opened for a WebSocket is not given to others.
        super().__init__(force_close=True, socket_factory=probing_socket, **options)

    async def close(self, *, abort_ssl: bool = False) -> None:
        """With whatever is under way. Nobody waits for what was not sent yet."""
        self.wires.cut()
        await super().close(abort_ssl=abort_ssl)

    def use(self, way: Way) -> None:
        """From the next request on. A file that cannot be read is left out, with a warning."""
        self._certificates = None  # it may hold something else under the same name
        self.way = way
        self.changes += 1

    async def certificates(self) -> ssl.SSLContext:
        """Who vouches for the other end. Made once for each way."""
        if (known := self._made()) is not None:
            return known
        async with self._reading:
            while (known := self._made()) is None:
                file = self.way.extra_ca
                until, found = await self._trusted(file)
                if file == self.way.extra_ca:
                    self._certificates = file, until, found
                    return found
            return known

    def _made(self) -> ssl.SSLContext | None:
        """The certificates of the way as it is now, as long as they hold."""
        if (known := self._certificates) is None:
            return None
        file, until, found = known
        return found if file == self.way.extra_ca and time.monotonic() < until else None

    async def _trusted(self, file: Path | None) -> tuple[float, ssl.SSLContext]:
        try:
            return math.inf, await self._disk.run(lambda: trusted(file))
        except TimeoutError:
            log.warning("The certificate file did not answer and is left out for now: %s", file)
            return time.monotonic() + FRESH, _of_the_system()

    async def proxy(self, url: str) -> str | None:
        """The proxy on the way to `url`, or None. Raises UnusableProxy."""
        way = self.way
        if (chosen := _chosen(url, way)) != _ASK:
            return chosen
        origin = str(URL(url).origin())
        if self._is_fresh(origin):
            return self._known[origin][1]
        async with self._asking:
            if self._is_fresh(origin):  # somebody else has asked meanwhile
                return self._known[origin][1]
            try:
                found = await self._system.run(lambda: proxy_for(url, way))
            except TimeoutError:
                # Names that only a proxy can look up are what this takes long for.
                log.warning("The system did not say in time whether %s needs no proxy.", origin)
                found = _usable(_named(url))
            self._known[origin] = time.monotonic(), found
            return found

    def _is_fresh(self, origin: str) -> bool:
        when, _ = self._known.get(origin, (-math.inf, None))
        return time.monotonic() - when < FRESH


def use_way(http: aiohttp.ClientSession, way: Way) -> None:
    if isinstance(http.connector, Connector):
        http.connector.use(way)


def drop_free(http: aiohttp.ClientSession) -> None:
    """In another network nobody answers on the connections of the last one, nor says so."""
    if isinstance(http.connector, Connector):
        http.connector.wires.drop_free()
        http.connector.changes += 1


def changes_of(http: aiohttp.ClientSession) -> int:
    """How often the way or the network has changed."""
    return http.connector.changes if isinstance(http.connector, Connector) else 0


async def toward(http: aiohttp.ClientSession, url: str) -> Toward:
    """How a request of `http` reaches `url`. Raises UnusableProxy."""
    connector = http.connector
    if isinstance(connector, Connector):
        return Toward(proxy=await connector.proxy(url), ssl=await connector.certificates())
    return Toward(proxy=None, ssl=True)


_ASK = ""  # the system has to be asked


def _chosen(url: str, way: Way) -> str | None:
    """The proxy as far as it is known without asking the system: an address, None, or `_ASK`."""
    if way.proxy == NONE or is_loopback(URL(url).host or ""):
        return None
    return _ASK if way.proxy == SYSTEM else way.proxy


def proxy_for(url: str, way: Way) -> str | None:
    """The proxy to go through, or None. May block for seconds. Raises UnusableProxy."""
    if (chosen := _chosen(url, way)) != _ASK:
        return chosen
    address = URL(url)
    proxy = _named(url)
    if proxy is None or urllib.request.proxy_bypass(f"{address.host}:{address.port}"):
        return None
    return _usable(proxy)


def _named(url: str) -> str | None:
    """The system's proxy for this kind of address."""
    known = urllib.request.getproxies()
    return known.get(URL(url).scheme) or known.get("all") or None


def _usable(proxy: str | None) -> str | None:
    """As an address. Raises UnusableProxy."""
    if proxy is None:
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    try:
        address = URL(proxy)
        (address.raw_host or "").encode("idna")  # as it will be looked up
    except ValueError:  # such as a password with a bare `/` or `#`
        raise UnusableProxy("") from None
    if address.scheme not in {"http", "https"}:
        raise UnusableProxy(address.scheme)
    rest = f"{address.raw_path}{address.raw_query_string}{address.raw_fragment}"
    if not address.host or "@" in rest:  # no such variable; a piece of a password for a host
        raise UnusableProxy("")
    return proxy


def by_proxy(address: str | None) -> tuple[URL | None, dict[str, str]]:
    """Where a proxy is, without name and password, and the header that shows it both."""
    proxy = URL(address) if address else None
    return proxy and proxy.with_user(None), pass_for(proxy)


def pass_for(proxy: URL | None) -> dict[str, str]:
    """The header that shows `proxy` the name and the password in its address, if there are any.

    In UTF-8 (RFC 7617); aiohttp would raise for what is not Latin.
    """
    if proxy is None or not proxy.user:
        return {}
    word = base64.b64encode(f"{proxy.user}:{proxy.password or ''}".encode())
    return {"Proxy-Authorization": f"Basic {word.decode()}"}


@lru_cache(maxsize=64)  # each request asks for the same few
def is_loopback(host: str) -> bool:
    """A literal loopback address or `localhost`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def trusted(extra_ca: Path | None = None) -> ssl.SSLContext:
    """The operating system's trust store, plus `SSL_CERT_FILE` and `extra_ca` where they are.

    Reads the disk.
    """
    context = _of_the_system()
    if variable := os.environ.get("SSL_CERT_FILE"):
        _add(context, Path(variable), "SSL_CERT_FILE")
    if extra_ca is not None:
        _add(context, extra_ca, "extra_ca")
    return context


def _of_the_system() -> ssl.SSLContext:
    """Windows and macOS have a store that is asked with each connection. Elsewhere certificates
    are files, which truststore would read again for each: 22 ms during which no stream moves. The
    context of a connection that is never made has read them once and for all."""
    import truststore  # noqa: PLC0415  (25 ms that a start without network need not pay)

    asking = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if hasattr(ssl, "enum_certificates") or find_spec("_scproxy") is not None:
        return asking
    return asking.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="nobody").context


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
