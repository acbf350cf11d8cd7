"""Who may talk to the control plane: checked for every request, before any route.

The page gets in with a key that works once and stands in the first address; it is exchanged for a
cookie that no script can read and no other site can send. The terminal and a second launch bring
the token from `instance.json`. Host, origin and fetch metadata are checked on top, because any web
page can send requests to 127.0.0.1 (`security-rules.md` 2–5, 16).
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable

from aiohttp import hdrs, web

KEY_LIFETIME = 300.0  # seconds until an unused key is worth nothing
_KEPT_KEYS = 8


class Turned(Exception):
    """A request that is not let in; `status` and a short `reason` for the answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Door:
    """`token` is the one in `instance.json`. `port` is set once the listener has one."""

    def __init__(self, token: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.port = 0
        self._token = token
        self._clock = clock
        self._cookie = secrets.token_urlsafe(32)
        self._keys: dict[str, float] = {}

    @property
    def cookie_name(self) -> str:
        # Cookies do not know ports: two apps on one machine must not overwrite each other's.
        return f"copilot_desktop_{self.port}"

    def new_key(self) -> str:
        """A key for one page; older ones that were never used are forgotten in the end."""
        while len(self._keys) >= _KEPT_KEYS:
            del self._keys[next(iter(self._keys))]
        key = secrets.token_urlsafe(32)
        self._keys[key] = self._clock() + KEY_LIFETIME
        return key

    def check(self, request: web.Request) -> None:
        """Raises Turned. `/?k=…` passes without a cookie: `exchange` decides about it."""
        self._check_target(request)
        self._check_host(request)
        self._check_sender(request)
        if request.method == hdrs.METH_POST:
            _check_body(request)
        elif request.method != hdrs.METH_GET:
            raise Turned(405, "Only GET and POST are known here.")
        if request.path == "/" and "k" in request.query:
            return
        if not (self._has_cookie(request) or self._has_token(request)):
            raise Turned(401, "Open this page from Copilot Desktop.")

    def exchange(self, request: web.Request) -> web.Response:
        """The answer to `/?k=…`: the cookie, and the page without the key. Raises Turned."""
        given = request.query.get("k", "")
        until = next((self._keys[key] for key in self._keys if _same(key, given)), float("-inf"))
        self._keys.pop(given, None)
        if until < self._clock() and not self._has_cookie(request):
            raise Turned(401, "This link was used before. Open the page from Copilot Desktop.")
        answer = web.Response(status=303, headers={hdrs.LOCATION: "/"})
        answer.set_cookie(
            self.cookie_name, self._cookie, httponly=True, samesite="Strict", path="/"
        )
        return answer

    def _check_target(self, request: web.Request) -> None:
        if not request.raw_path.startswith("/") or request.raw_path.startswith("//"):
            raise Turned(400, "The request does not name a path.")

    def _check_host(self, request: web.Request) -> None:
        hosts = request.headers.getall(hdrs.HOST, [])
        if len(hosts) != 1 or hosts[0].lower() not in self._own_hosts():
            raise Turned(403, "The request does not name this server.")

    def _check_sender(self, request: web.Request) -> None:
        own = {f"http://{host}" for host in self._own_hosts()}
        if any(origin not in own for origin in request.headers.getall(hdrs.ORIGIN, [])):
            raise Turned(403, "The request comes from another page.")
        if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
            raise Turned(403, "The request comes from another page.")

    def _own_hosts(self) -> set[str]:
        return {f"127.0.0.1:{self.port}", f"localhost:{self.port}"}

    def _has_cookie(self, request: web.Request) -> bool:
        return _same(request.cookies.get(self.cookie_name, ""), self._cookie)

    def _has_token(self, request: web.Request) -> bool:
        scheme, _, given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        return scheme.lower() == "bearer" and _same(given.strip(), self._token)


def _check_body(request: web.Request) -> None:
    types = request.headers.getall(hdrs.CONTENT_TYPE, [])
    kind = types[0].split(";", 1)[0].strip().lower() if len(types) == 1 else ""
    encoding = request.headers.get(hdrs.CONTENT_ENCODING, "identity").strip().lower()
    if kind != "application/json" or encoding != "identity":
        raise Turned(415, "Send the body as application/json.")


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), wanted.encode())
