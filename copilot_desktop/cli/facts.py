"""`status`, `models`, `quota`: the snapshot in words or as JSON.

The running app is asked first; without one the stored account and the cached lists are read.
`status` never touches the network; the other two fetch what they show.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from copilot_desktop.cli import say
from copilot_desktop.cli.account import core_alone, running_app
from copilot_desktop.cli.parser import Invocation
from copilot_desktop.core.settings import Preferences
from copilot_desktop.core.snapshot import snapshot
from copilot_desktop.errors import NotSignedIn, Problem

Snapshot = Mapping[str, Any]

SIGNED_OUT = 3


async def show(preferences: Preferences, invocation: Invocation) -> int:
    """Print one part of the snapshot. 3 if nobody is signed in. Raises Problem."""
    fetch = {"models": "refresh_models", "quota": "refresh_quota"}.get(invocation.command)
    if (app := running_app(preferences)) is not None:
        if fetch:
            outcome = await asyncio.to_thread(app.do, fetch)
            if not outcome.get("ok"):
                raise Problem(str(outcome.get("message", "")))
        shown: Snapshot = {**await asyncio.to_thread(app.state), "running": True}
    else:
        async with core_alone(preferences, invocation) as core:
            if fetch and not core.session.account.usable:
                raise core.session.account.problem or NotSignedIn()
            if fetch:
                done = await core.verbs.do(fetch)
                if not done.ok:
                    raise Problem(done.message)
            shown = {**snapshot(core.store.state), "running": False}
    part, words = _PARTS[invocation.command]
    if invocation.json:
        say(json.dumps(part(shown), indent=2))
    else:
        for line in words(shown):
            say(line)
    signed_in = shown["auth"]["state"] == "signed_in"
    return 0 if signed_in else SIGNED_OUT


# ---------------------------------------------------------------------------------- status


def _status(shown: Snapshot) -> dict[str, Any]:
    return {
        "running": shown["running"],
        "app": shown["app"],
        "account": shown["auth"],
        "proxy": shown["proxy"],
        "headline": shown["headline"],
        "models": len(shown["models"]["items"]),
    }


def _status_words(shown: Snapshot) -> list[str]:
    auth, proxy, app = shown["auth"], shown["proxy"], shown["app"]
    account = auth["state"].replace("_", " ")
    if auth["login"]:
        account = f"{auth['login']}{' (' + auth['plan'] + ')' if auth['plan'] else ''}, {account}"
    lines = [f"Account  {account}"]
    if auth["source_where"]:
        lines.append(f"Kept in  {auth['source_where']}")
    if auth["error"]:
        lines.append(f"         {auth['error']['message']}")
    if not shown["running"]:
        lines.append("Proxy    not running")
    else:
        address = f"http://{proxy['host']}:{proxy['port']}"
        lines.append(f"Proxy    {proxy['phase']}, {address}")
        if proxy["error"]:
            lines.append(f"         {proxy['error']['message']}")
        lines.append(f"Window   {app['engine']}: {app['engine_reason']}")
        lines.append(f"Tray     {app['tray']}")
    lines.append(f"Models   {len(shown['models']['items'])} known")
    lines.append(f"Data     {app['data_dir']}")
    return lines


# ---------------------------------------------------------------------------------- models


def _models(shown: Snapshot) -> list[dict[str, Any]]:
    return list(shown["models"]["items"])


def _models_words(shown: Snapshot) -> list[str]:
    usable = [model for model in shown["models"]["items"] if model["kind"] != "completion"]
    width = max((len(model["id"]) for model in usable), default=0)
    lines = []
    for model in usable:
        formats = ", ".join(_FORMATS.get(each, each) for each in model["endpoints"])
        state = "" if model["state"] == "ready" else f"  ({model['state'].replace('_', ' ')})"
        lines.append(f"{model['id']:<{width}}  {formats}{state}")
    return lines or ["GitHub sent an empty list."]


_FORMATS = {
    "/chat/completions": "Chat",
    "/responses": "Responses",
    "/v1/messages": "Messages",
    "/embeddings": "Embeddings",
}

# ---------------------------------------------------------------------------------- quota


def _quota(shown: Snapshot) -> dict[str, Any]:
    return {"plan": shown["auth"]["plan"], **shown["usage"]}


def _quota_words(shown: Snapshot) -> list[str]:
    lines = [f"Plan  {shown['auth']['plan'] or 'unknown'}"]
    lines += [_meter_words(meter) for meter in shown["usage"]["meters"]]
    return lines if len(lines) > 1 else [*lines, "Your plan reports no limits."]


def _meter_words(meter: Mapping[str, Any]) -> str:
    name = meter["name"]
    if meter["kind"] == "included":
        return f"{name}: included"
    if meter["kind"] == "unmetered":
        return f"{name}: managed by your organisation, no personal limit"
    if meter["limit"] is not None and meter["used"] is not None:
        words = f"{name}: {_number(meter['used'])} of {_number(meter['limit'])} used"
        if meter["left"] is not None:
            words += f", {_number(meter['left'])} left"
    elif meter["percent_used"] is not None:
        words = f"{name}: {meter['percent_used']:.0f} % used"
    else:
        return f"{name}: GitHub did not say how this is counted"
    if meter["resets_at"]:
        words += time.strftime(", resets %Y-%m-%d", time.localtime(meter["resets_at"]))
    return words


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


_PARTS: Mapping[str, tuple[Callable[[Snapshot], Any], Callable[[Snapshot], list[str]]]] = {
    "status": (_status, _status_words),
    "models": (_models, _models_words),
    "quota": (_quota, _quota_words),
}
