"""github.com and api.github.com: device flow, user, token exchange (`upstream.md` 1, 2, 10).

GitHub answers the states of a sign-in with status 200, forgets no `slow_down`, and speaks
form-encoded unless it is asked for JSON.
"""

from __future__ import annotations

import html
from collections import deque
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from copilot_desktop.demo import opaque, transcripts
from copilot_desktop.demo.refusals import Refused, compact, example, rest
from copilot_desktop.demo.scenario import Poll
from copilot_desktop.demo.world import World

_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_ERROR_URI = (
    "https://docs.github.com/developers/apps/authorizing-oauth-apps#error-codes-for-the-device-flow"
)
_EARLY = 0.1  # seconds by which a poll may come before its time: clocks and networks jitter
_STATES = {"pending": "02", "expired": "04", "denied": "05"}
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ23456789"
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Demo sign-in</title>
<body style="font:16px system-ui;max-width:34em;margin:4em auto;padding:0 1em">
<h1>This is the demo's stand-in for GitHub</h1><p>{text}</p>
<form method="post"><input name="user_code" value="{code}" aria-label="Code">
<button name="verdict" value="approve">Approve</button>
<button name="verdict" value="deny">Deny</button></form></body></html>"""


@dataclass(slots=True)
class Code:
    """One running sign-in."""

    device: str
    user: str
    client: str
    interval: float
    made_at: float
    script: deque[Poll]
    polled_at: float | None = None
    verdict: str = ""
    used: bool = False


class GitHub:
    """Routes of github.com and of its REST interface."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._codes: dict[str, Code] = {}

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/login/device/code", self._start),
            web.post("/login/oauth/access_token", self._poll),
            web.get("/login/device", self._page),
            web.post("/login/device", self._verdict),
            web.get("/user", self._profile),
            web.get("/copilot_internal/user", self._user),
            web.get("/copilot_internal/v2/token", self._token),
            web.get("/repos/{owner}/{name}/releases/latest", self._release),
        ]

    def decide(self, verdict: str, user_code: str | None) -> bool:
        """Approve, deny or expire one code, or all that wait. False if none waits."""
        waiting = [
            code
            for code in self._codes.values()
            if not code.used and user_code in (None, code.user)
        ]
        for code in waiting:
            code.verdict = verdict
        return bool(waiting)

    # The device flow.

    async def _start(self, request: web.Request) -> web.Response:
        fields = await self._fields(request)
        scenario = self._world.scenario
        client = str(fields.get("client_id", ""))
        if client not in scenario.client_ids:
            return self._tell(request, {"error": "Not Found"}, 404)
        label = f"code{len(self._codes)}{self._world.now()}"
        picks = opaque.noise(label, 8)
        letters = "".join(_LETTERS[pick % len(_LETTERS)] for pick in picks)
        code = Code(
            opaque.hexes(label, 40),
            f"{letters[:4]}-{letters[4:]}",
            client,
            scenario.interval,
            self._world.now(),
            deque(scenario.polls),
        )
        self._codes[code.device] = code
        answer = {
            "device_code": code.device,
            "user_code": code.user,
            "verification_uri": f"{self._world.url}/login/device",
            "expires_in": _whole(scenario.expires_in),
            "interval": _whole(scenario.interval),
        }
        return self._tell(request, answer)

    async def _poll(self, request: web.Request) -> web.StreamResponse:
        fields = await self._fields(request)
        if fields.get("grant_type") != _GRANT:
            return self._error(request, "unsupported_grant_type")
        if fields.get("client_id") not in self._world.scenario.client_ids:
            return self._error(request, "incorrect_client_credentials")
        code = self._codes.get(str(fields.get("device_code", "")))
        if code is None or code.used or code.client != fields["client_id"]:
            return self._error(request, "incorrect_device_code")
        if self._too_fast(code):
            code.interval += 5
            return self._slow_down(request, code)
        return self._answer(request, code, self._state(code))

    def _too_fast(self, code: Code) -> bool:
        now = self._world.now()
        before, code.polled_at = code.polled_at, now
        if before is None or not self._world.scenario.enforce_interval:
            return False
        return now - before < code.interval - _EARLY

    def _state(self, code: Code) -> Poll:
        scenario, age = self._world.scenario, self._world.now() - code.made_at
        if code.verdict == "expire" or age >= scenario.expires_in:
            return "expired"
        if code.verdict:
            return "success" if code.verdict == "approve" else "denied"
        if code.script:
            return code.script.popleft()
        approved = scenario.approval == "auto" and age >= scenario.approve_after
        return "success" if approved else "pending"

    def _answer(self, request: web.Request, code: Code, state: Poll) -> web.StreamResponse:
        match state:
            case "slow_down":
                code.interval += 5
                return self._slow_down(request, code)
            case "success":
                code.used = True
                kind = self._world.scenario.client_ids[code.client]
                scope = "" if kind == "ghu_" else "read:user"
                token = self._world.tokens.sign_in(kind)
                return self._tell(
                    request, {"access_token": token, "token_type": "bearer", "scope": scope}
                )
            case "broken":
                return self._tell(request, {})
            case "outage":
                raise example("502-unicorn")
            case "drop":
                if request.transport is not None:
                    request.transport.abort()
                return web.Response()
            case _:
                code.used = state == "denied"
                return self._tell(request, transcripts.body(_STATES[state]))

    def _slow_down(self, request: web.Request, code: Code) -> web.Response:
        return self._tell(request, transcripts.body("03") | {"interval": _whole(code.interval)})

    def _error(self, request: web.Request, error: str) -> web.Response:
        words = error.replace("_", " ").capitalize() + "."
        return self._tell(
            request, {"error": error, "error_description": words, "error_uri": _ERROR_URI}
        )

    @staticmethod
    async def _fields(request: web.Request) -> dict[str, Any]:
        if request.content_type == "application/x-www-form-urlencoded":
            return dict(await request.post())
        try:
            found = await request.json()
        except ValueError:
            found = None
        return found if isinstance(found, dict) else {}

    def _tell(
        self, request: web.Request, answer: dict[str, Any], status: int = 200
    ) -> web.Response:
        headers = self._world.github_headers()
        if "application/json" in request.headers.get("Accept", ""):
            kind, raw = "application/json", compact(answer)
        else:
            kind, raw = "application/x-www-form-urlencoded", urlencode(answer).encode()
        headers["content-type"] = f"{kind}; charset=utf-8"
        return web.Response(status=status, body=raw, headers=headers)

    # The page that a person is sent to.

    async def _page(self, request: web.Request) -> web.Response:
        waiting = [code.user for code in self._codes.values() if not code.used]
        code = request.query.get("user_code") or (waiting[-1] if waiting else "")
        text = "On the real page you type the code and allow access. Here two buttons do."
        if self._world.scenario.approval == "auto":
            text += " If you press neither, the demo approves by itself."
        return _page(text, code)

    async def _verdict(self, request: web.Request) -> web.Response:
        fields = await request.post()
        code = str(fields.get("user_code", "")).strip().upper()
        verdict = "approve" if fields.get("verdict") == "approve" else "deny"
        known = self.decide(verdict, code)
        done = "Approved." if verdict == "approve" else "Denied."
        return _page(f"{done} You can close this page." if known else "No such code waits.", code)

    # REST.

    async def _release(self, request: web.Request) -> web.Response:
        """Public: a token is not needed, and a wrong one is refused all the same."""
        _named(request)
        if request.headers.get("Authorization"):
            self._person(request)
        tag = self._world.scenario.release
        if not tag:
            raise rest("Not Found", 404)
        page = f"https://github.com{request.path.removeprefix('/repos')}".replace("latest", "tag/")
        told = {"tag_name": tag, "html_url": page + tag, "draft": False, "prerelease": False}
        return self._world.json(told)

    def _person(self, request: web.Request) -> str:
        """The good GitHub token of this request. Raises Refused."""
        _named(request)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if not token and request.path == "/copilot_internal/v2/token":
            raise rest("Bad credentials", 401)
        if scheme.lower() not in {"token", "bearer"} or not self._world.tokens.knows(token.strip()):
            raise example("token-401-bad-credentials")
        return token.strip()

    async def _profile(self, request: web.Request) -> web.Response:
        self._person(request)
        return self._world.json(self._world.account_for(request).profile())

    async def _user(self, request: web.Request) -> web.Response:
        self._person(request)
        found = self._world.account_for(request).user()
        if self._world.scenario.user is None:
            found["endpoints"] = self._world.endpoints()
        return self._world.json(found)

    async def _token(self, request: web.Request) -> web.Response:
        github = self._person(request)
        world, scenario = self._world, self._world.scenario
        limit = scenario.revoke_after_exchanges
        if limit is not None and world.tokens.exchanges >= limit:
            world.tokens.revoke()
            world.tokens.expire()
            raise example("token-401-bad-credentials")
        if not github.startswith(scenario.exchange_kinds):
            raise example("token-404-not-found")
        account = world.account_for(request)
        if account.scenario.who == "no_access":
            raise example("token-403-not-signed-up")
        if account.scenario.who == "blocked":
            raise example("token-403-feature-flag-blocked")
        sku = str(account.user().get("access_type_sku", ""))
        token = world.tokens.exchange(github, sku)
        return world.json(account.token(token.text, world.endpoints(token)))


def _named(request: web.Request) -> None:
    """GitHub answers no program that does not say its name. Raises Refused."""
    if not request.headers.get("User-Agent"):
        start = "Request forbidden by administrative rules. "
        raise Refused(403, f"{start}Make sure your request has a User-Agent header.\n")


def _whole(seconds: float) -> float:
    return int(seconds) if float(seconds).is_integer() else seconds


def _page(text: str, code: str) -> web.Response:
    page = _PAGE.format(text=html.escape(text), code=html.escape(code, quote=True))
    return web.Response(text=page, content_type="text/html")
