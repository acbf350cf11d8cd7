"""`status`, `models`, `quota`: the snapshot in words or as JSON.

The running app is asked first; without one the stored account and the cached lists are read.
`status` never touches the network; the other two fetch what they show.

As JSON, `status` is `{running, app, account, proxy, headline, models, requests}`, `models` a list
and `quota` `{plan, state, fetched_at, source, error, meters, budget}`, each with the fields of the
snapshot; `why` of a model is a sentence.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from copilot_desktop import strings
from copilot_desktop.cli import DONE, FAILED, SIGNED_OUT, say
from copilot_desktop.cli.account import core_alone, running_app, signed_in
from copilot_desktop.cli.parser import Invocation
from copilot_desktop.core.budget import spoken
from copilot_desktop.core.headline import spoken_percent
from copilot_desktop.core.settings import Preferences
from copilot_desktop.core.snapshot import snapshot
from copilot_desktop.proxy.config import own_address
from copilot_desktop.redaction import one_line
from copilot_desktop.shell.engine import choose_engine
from copilot_desktop.system import current

Snapshot = Mapping[str, Any]


async def show(preferences: Preferences, invocation: Invocation) -> int:
    """Print one part of the snapshot. 3 if nobody is signed in. Raises Problem or Ended."""
    fetch = {"models": "refresh_models", "quota": "refresh_quota"}.get(invocation.command)
    if (app := await running_app(preferences)) is not None:
        if fetch:
            await app.do(fetch)
        shown: Snapshot = {**await app.state(), "running": True}
    else:
        shown = {**await _from_the_store(preferences, invocation), "running": False}
    part, words = _PARTS[invocation.command]
    if invocation.json:
        say(json.dumps(part(shown), indent=2))
    else:
        for line in words(shown):
            say(one_line(line))
    match shown["auth"]["state"]:
        case "signed_in" | "checking":
            return DONE
        case "no_access":
            return FAILED
    return SIGNED_OUT


async def _from_the_store(preferences: Preferences, invocation: Invocation) -> Snapshot:
    async with core_alone(preferences, invocation) as core:
        match invocation.command:
            case "models":
                await signed_in(core).refresh_models()
            case "quota":
                await signed_in(core).refresh_quota()
        engine = choose_engine(current().name, os.environ)
        core.surroundings(engine=engine.name, engine_reason=engine.reason)
        return snapshot(core.store.state)


# ---------------------------------------------------------------------------------- status


def _status(shown: Snapshot) -> dict[str, Any]:
    return {
        "running": shown["running"],
        "app": shown["app"],
        "account": shown["auth"],
        "proxy": shown["proxy"],
        "headline": shown["headline"],
        "models": len(shown["models"]["items"]),
        "requests": shown["requests"],
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
        address = own_address(proxy["host"], proxy["port"])
        lines.append(f"Proxy    {proxy['phase']}, {address}")
        if proxy["error"]:
            lines.append(f"         {proxy['error']['message']}")
    lines += _brake_words(shown["brakes"])
    lines.append(f"Window   {app['engine']}: {app['engine_reason']}")
    if shown["running"]:
        lines.append(f"Tray     {app['tray']}")
    if shown["requests"]:
        lines.append(f"Latest   {_request_words(shown['requests'][0])}")
    lines.append(f"Models   {len(shown['models']['items'])} known")
    lines.append(f"Data     {app['data_dir']}")
    return lines


def _brake_words(brakes: Mapping[str, Any]) -> list[str]:
    """Whether and why nothing is sent, and what waits."""
    halt, lines = brakes["halt"], []
    if halt:
        resume = " To go on: copilot-desktop resume" if halt["reason"] == "warned" else ""
        lines.append(f"Sending  paused. GitHub said: {halt['words'] or 'nothing'}{resume}")
    for limit in brakes["limits"]:
        until = _moment(limit["until"], "%Y-%m-%d %H:%M")  # Copilot's limits may last for weeks
        lines.append(f"Limit    {limit['model'] or 'all models'}, until {until}")
    if brakes["waiting"]:
        lines.append(f"Waiting  {brakes['waiting']}")
    return lines


def _moment(at: float, later: str) -> str:
    """With its time where a weekday says which day is meant, else in the form `later`."""
    soon = 0 <= at - time.time() < 6 * 86_400
    return time.strftime("%a %H:%M" if soon else later, time.localtime(at))


def _request_words(row: Mapping[str, Any]) -> str:
    """A request in one line: who asked which model, the end, the cost, what was changed."""
    parts = [f"{row['client']}, {row['model_used'] or row['model_asked'] or 'no model'}"]
    parts.append(row["outcome"] if row["outcome"] != "ok" else str(row["status"]))
    if row["input_tokens"] is not None:
        cached = f" ({row['cache_tokens']} cached)" if row["cache_tokens"] else ""
        parts.append(f"{row['input_tokens']}{cached} in, {row['output_tokens']} out")
    if row["credits"] is not None:
        parts.append(f"{spoken(row['credits'])} credits")
    elif row["multiplier"] is not None and row["initiator"] == "user":
        parts.append(f"{row['multiplier']:g} premium requests")
    return ", ".join([*parts, *row["notes"]])


# ---------------------------------------------------------------------------------- models


def _models(shown: Snapshot) -> list[dict[str, Any]]:
    return [{**model, "why": _why(model)} for model in shown["models"]["items"]]


def _why(model: Mapping[str, Any]) -> str:
    """Why it is missing or cannot be used, in one sentence; empty if it can simply be chosen."""
    return strings.text(f"models.why.{model['why']}") if model["why"] else ""


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
    left_out = {"history_ref", "begun"}
    usage = {name: value for name, value in shown["usage"].items() if name not in left_out}
    return {"plan": shown["auth"]["plan"], **usage}


def _quota_words(shown: Snapshot) -> list[str]:
    usage = shown["usage"]
    lines = [f"Plan  {shown['auth']['plan'] or 'unknown'}"]
    lines += [_meter_words(meter) for meter in usage["meters"]]
    if not usage["meters"]:  # an account without Copilot has no limits either
        error = usage["error"]
        lines.append(error["message"] if error else "Your plan reports no limits.")
    return lines


def _meter_words(meter: Mapping[str, Any]) -> str:
    name = meter["name"]
    if meter["kind"] == "included":
        return f"{name}: included"
    if meter["kind"] == "unmetered":
        return f"{name}: managed by your organisation, no personal limit"
    if meter["limit"] is not None and meter["used"] is not None:
        over = meter["overage"]
        used = meter["limit"] + over if over else meter["used"]
        words = f"{name}: {_number(used)} of {_number(meter['limit'])} used"
        if over:
            words += f", {_number(over)} extra"
        elif meter["left"] is not None:
            words += f", {_number(meter['left'])} left"
    elif meter["percent_used"] is not None:
        words = f"{name}: {spoken_percent(meter['percent_used'])} % used"
    else:
        return f"{name}: GitHub did not say how this is counted"
    if meter["resets_at"]:
        words += f", resets {_moment(meter['resets_at'], '%Y-%m-%d')}"
    return words


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


_PARTS: Mapping[str, tuple[Callable[[Snapshot], Any], Callable[[Snapshot], list[str]]]] = {
    "status": (_status, _status_words),
    "models": (_models, _models_words),
    "quota": (_quota, _quota_words),
}
