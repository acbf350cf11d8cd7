"""Who may talk to the proxy: the first thing that sees a request, before any route.

Any web page can make a browser send requests to 127.0.0.1, and a rebound name makes them look
local. So each request must name this machine in `Host`, come from no foreign origin, and carry JSON
(`security-rules.md` 1–8). A refused request causes no upstream call.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from aiohttp import HttpVersion11, hdrs, web
from multidict import istr

from copilot_desktop.errors import HttpOnly, Problem, Refused, WrongKey, WrongMediaType
from copilot_desktop.proxy.config import ProxyConfig
from copilot_desktop.proxy.exchange import client_name
from copilot_desktop.proxy.keys import Caller, NamedKey, without_key
from copilot_desktop.proxy.origins import plain_origin
from copilot_desktop.redaction import LOCAL_KEY

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^:\[\]]+)(?::(?P<port>\d{1,5}))?\Z", re.IGNORECASE)
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104  (compared with, not bound to)
SOCKET_PATHS = frozenset({"/responses", "/v1/responses"})  # `security-rules.md` 6
_UNKNOWN = "The key that was sent is not one of its keys, or not any more."
_FETCH_SITE = istr("Sec-Fetch-Site")
_JSON = "application/json"
_OWN_SITES = frozenset({"none", "same-origin"})
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


def check(
    request: web.Request, config: ProxyConfig, on_foreign: Callable[[str], None] = lambda _: None
) -> None:
    """Raises a Problem for a request that must not go on.

    `on_foreign` is told the origin of a request that is refused for that alone so far; never of
    one that does not name this server.
    """
    method, headers = request.method, request.headers
    target = request.raw_path
    if target[:2] == "//":  # which could name another server
        raise refused("its path begins with two slashes; take one off the end of the base URL")
    if method == hdrs.METH_CONNECT or target[:1] != "/":
        raise refused("the request line does not name a path on this server")
    _check_host(headers.getall(hdrs.HOST, ()), config)
    if hdrs.ORIGIN in headers or _FETCH_SITE in headers:
        _check_origin(request, config, on_foreign)
    # Other offers, such as `h2c` of Java's client, are answered in HTTP/1.1 as if not made.
    if hdrs.UPGRADE in headers:
        offered = "websocket" in ",".join(headers.getall(hdrs.UPGRADE)).lower()
        if offered and not (method == hdrs.METH_GET and request.path in SOCKET_PATHS):
            raise HttpOnly
    if method == hdrs.METH_POST:
        _check_media_type(request)
    # Whoever probes for this launch's nonce cannot know a key.
    if config.key_required and request.path != "/__self":
        _check_key(request, config)


def refused(reason: str) -> Problem:
    return Refused(fields={"reason": reason})


def _check_host(hosts: Sequence[str], config: ProxyConfig) -> None:
    if len(hosts) == 1 and hosts[0] in _own_names(config.port):  # nearly always
        return
    found = _HOST.match(hosts[0]) if len(hosts) == 1 else None
    if found is None:
        raise refused("the Host header is missing or doubled")
    name, port = found["name"].lower(), found["port"]
    if not _is_ours(name, config) or (port is not None and int(port) != config.port):
        raise refused("the Host header does not name this server")


@lru_cache(maxsize=4)
def _own_names(port: int) -> frozenset[str]:
    """What a local client writes into `Host`."""
    return frozenset(f"{name}:{port}" for name in _LOCAL_NAMES)


def _is_ours(name: str, config: ProxyConfig) -> bool:
    bound = config.host.lower()
    if name in _LOCAL_NAMES or (name.strip("[]") == bound and bound not in _EVERYWHERE):
        return True
    return config.open_to_network and _is_address(name)


def _is_address(name: str) -> bool:
    """A literal address cannot be rebound by a name server; a name can."""
    try:
        return not ipaddress.ip_address(name.strip("[]")).is_unspecified
    except ValueError:
        return False


def _check_origin(
    request: web.Request, config: ProxyConfig, on_foreign: Callable[[str], None]
) -> None:
    origins = request.headers.getall(hdrs.ORIGIN, [])
    if len(origins) > 1:
        raise refused("it names more than one origin")
    for origin in origins:
        if plain_origin(origin) not in config.allowed_origins:
            on_foreign(origin)
            raise refused(f"the page {origin[:100]} is not on the list of allowed origins")
    sites = request.headers.getall(_FETCH_SITE, ())
    if not origins and not _OWN_SITES.issuperset(sites):
        raise refused("it comes from a web page")


def _check_media_type(request: web.Request) -> None:
    types = request.headers.getall(hdrs.CONTENT_TYPE, ())
    kind = types[0] if len(types) == 1 else ""
    if kind != _JSON and kind.split(";", 1)[0].strip().lower() != _JSON:
        raise WrongMediaType
    for coding in request.headers.getall(hdrs.CONTENT_ENCODING, ()):
        if coding.strip().lower() not in {"", "identity"}:
            raise WrongMediaType


def _check_key(request: web.Request, config: ProxyConfig) -> None:
    given = credentials(request)
    if not sum(is_local_key(each, config) for each in given):  # looks at all of them
        raise WrongKey(_UNKNOWN if any(map(LOCAL_KEY.fullmatch, given)) else "")


def is_local_key(given: str, config: ProxyConfig) -> bool:
    """Compared with every key in constant time; without a key nothing is one."""
    shared = bool(config.key) and _same(given, config.key)
    return _named_key(given, config) is not None or shared


def may_be_a_local_key(given: str, config: ProxyConfig) -> bool:
    """Also one that was revoked: it must not go to GitHub in place of a token."""
    return is_local_key(given, config) or LOCAL_KEY.fullmatch(given) is not None


def caller_of(request: web.Request, config: ProxyConfig) -> Caller:
    """Who asks: by the key of its own, else by what it says of itself."""
    agent = request.headers.get(hdrs.USER_AGENT, "")
    if not config.keys:
        return _by_its_own_word(agent)
    name = client_name(agent)
    found = [_named_key(given, config) for given in credentials(request)]
    key = next((each for each in found if each is not None), None)
    if key is not None:
        return Caller(key.name, key)
    return Caller(without_key(name, config.keys))


@lru_cache(maxsize=64)  # each client says the same with each request
def _by_its_own_word(user_agent: str) -> Caller:
    return Caller(client_name(user_agent))


def _named_key(given: str, config: ProxyConfig) -> NamedKey | None:
    """Looks at all of them, so that the time tells nothing about which one it was."""
    found = None
    for key in config.keys:
        if _same(given, key.secret):
            found = key
    return found


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), wanted.encode())


async def ignore_expectations(_request: web.Request) -> None:
    """In place of aiohttp's answer to `Expect`, which would come before any check."""


async def invite_body(request: web.Request) -> None:
    """Let a client that asked first (`Expect: 100-continue`) send its body now."""
    asked = request.headers.get(hdrs.EXPECT, "").strip().lower() == "100-continue"
    if asked and request.version >= HttpVersion11 and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def credentials(request: web.Request) -> list[str]:
    """What the client sent as a key, from both places where clients put one."""
    found = []
    authorization = request.headers.get(hdrs.AUTHORIZATION, "")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() in {"bearer", "token"} and token.strip():
        found.append(token.strip())
    if key := request.headers.get("x-api-key", "").strip():
        found.append(key)
    return found
