"""Who may talk to the proxy: the first thing that sees a request, before any route.

Any web page can make a browser send requests to 127.0.0.1, and a rebound name makes them look
local. So each request must name this machine in `Host`, come from no foreign origin, and carry JSON
(`security-rules.md` 1–8). A refused request causes no upstream call.
"""

from __future__ import annotations

import hmac
import ipaddress
import re

from aiohttp import hdrs, web

from copilot_desktop.errors import NotSupported, Problem, Refused, WrongKey, WrongMediaType
from copilot_desktop.proxy.config import ProxyConfig

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^:\[\]]+)(?::(?P<port>\d{1,5}))?\Z", re.IGNORECASE)
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


def check(request: web.Request, config: ProxyConfig) -> None:
    """Raises a Problem for a request that must not go on."""
    _check_target(request)
    _check_host(request, config)
    _check_origin(request, config)
    if request.headers.get(hdrs.UPGRADE):
        raise NotSupported(fields={"what": "A WebSocket connection"})
    if request.method == hdrs.METH_POST:
        _check_media_type(request)
    # Whoever probes for this launch's nonce cannot know a key.
    if config.key_required and request.path != "/__self":
        _check_key(request, config)


def refused(reason: str) -> Problem:
    return Refused(fields={"reason": reason})


def _check_target(request: web.Request) -> None:
    target = request.raw_path
    if request.method == hdrs.METH_CONNECT or not target.startswith("/") or target[:2] == "//":
        raise refused("the request line does not name a path on this server")


def _check_host(request: web.Request, config: ProxyConfig) -> None:
    hosts = request.headers.getall(hdrs.HOST, [])
    found = _HOST.match(hosts[0]) if len(hosts) == 1 else None
    if found is None:
        raise refused("the Host header is missing or doubled")
    name, port = found["name"].lower(), found["port"]
    known = name in _LOCAL_NAMES or (config.open_to_network and _is_address(name))
    if not known or (port is not None and int(port) != config.port):
        raise refused("the Host header does not name this server")


def _is_address(name: str) -> bool:
    """A literal address cannot be rebound by a name server; a name can."""
    try:
        return not ipaddress.ip_address(name.strip("[]")).is_unspecified
    except ValueError:
        return False


def _check_origin(request: web.Request, config: ProxyConfig) -> None:
    for origin in request.headers.getall(hdrs.ORIGIN, []):
        if origin not in config.allowed_origins:
            raise refused(f"the page {origin[:100]} is not on the list of allowed origins")
    allowed = hdrs.ORIGIN in request.headers
    if not allowed and request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
        raise refused("it comes from a web page")


def _check_media_type(request: web.Request) -> None:
    types = request.headers.getall(hdrs.CONTENT_TYPE, [])
    kind = types[0].split(";", 1)[0].strip().lower() if len(types) == 1 else ""
    encoding = request.headers.get(hdrs.CONTENT_ENCODING, "identity").strip().lower()
    if kind != "application/json" or encoding not in {"", "identity"}:
        raise WrongMediaType


def _check_key(request: web.Request, config: ProxyConfig) -> None:
    wanted = config.key.encode()
    for given in credentials(request):
        if wanted and hmac.compare_digest(given.encode("utf-8", "surrogateescape"), wanted):
            return
    raise WrongKey


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
