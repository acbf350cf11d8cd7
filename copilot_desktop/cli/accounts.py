"""`accounts`: who is signed in here, which one is in use, and a word to change that.

The running app is asked first; without one the kept sign-ins are read. Needs no network. An account
is named by its login, or by `host:id` where two have the same one.
"""

from __future__ import annotations

import json
from typing import Any

from copilot_desktop import strings
from copilot_desktop.cli import DONE, FAILED, Ended, say
from copilot_desktop.cli.account import core_alone, running_app
from copilot_desktop.cli.parser import Invocation
from copilot_desktop.core.settings import Preferences
from copilot_desktop.core.snapshot import snapshot
from copilot_desktop.redaction import one_line

Json = dict[str, Any]

_VERBS = {"use": "use_account", "remove": "remove_account"}


async def run(preferences: Preferences, invocation: Invocation) -> int:
    """List, use or remove. Raises Problem or Ended."""
    if (app := await running_app(preferences)) is not None:
        before = await app.state()
        if invocation.action:
            if arguments := _meant(before, invocation):
                await app.do(_VERBS[invocation.action], arguments)
            return _told(await app.state(), invocation)
        return _told(before, invocation)
    async with core_alone(preferences, invocation) as core:
        if invocation.action and (arguments := _meant(snapshot(core.store.state), invocation)):
            method = getattr(core.commands, _VERBS[invocation.action])
            await method(**arguments)
        return _told(snapshot(core.store.state), invocation)


def listed(shown: Json) -> list[Json]:
    """All accounts, the one in use first: `{host, id, login, plan, kept, in_use}`."""
    auth = shown["auth"]
    found = [_account(each, in_use=False) for each in auth["others"]]
    if auth["login"] or auth["state"] not in {"signed_out", "unknown", "storage_locked"}:
        found.insert(0, _account(auth, in_use=True))
    return found


def _account(told: Json, *, in_use: bool) -> Json:
    facts = {name: told[name] for name in ("host", "id", "login", "plan")}
    return {**facts, "kept": told["source"], "in_use": in_use}


def _meant(shown: Json, invocation: Invocation) -> Json | None:
    """The arguments of the verb; None if the account that is to be used is in use. Raises Ended."""
    wanted = invocation.account.lower()
    accounts = listed(shown)
    fits = [each for each in accounts if wanted in {each["login"].lower(), _full(each)}]
    if not fits:
        raise Ended(strings.text("accounts.unknown", login=one_line(invocation.account)))
    if len(fits) > 1:
        names = ", ".join(_full(each) for each in fits)
        raise Ended(strings.text("accounts.several", names=names))
    (found,) = fits
    if found["in_use"]:
        if invocation.action == "use":
            return None
        raise Ended(strings.text("accounts.remove_in_use"), FAILED)
    return {"host": found["host"], "id": found["id"]}


def _full(account: Json) -> str:
    return f"{account['host']}:{account['id']}"


def _told(shown: Json, invocation: Invocation) -> int:
    accounts = listed(shown)
    if invocation.json:
        say(json.dumps(accounts, indent=2))
        return DONE
    names = [one_line(each["login"]) or _full(each) for each in accounts]
    width = max(map(len, names), default=0)
    for name, each in zip(names, accounts, strict=True):
        mark = "*" if each["in_use"] else " "
        facts = [each["plan"], each["host"], strings.text(f"settings.store.{each['kept']}")]
        say(f"{mark} {name:<{width}}  {' · '.join(one_line(fact) for fact in facts if fact)}")
    if not accounts:
        say(strings.text("accounts.none"))
    return DONE
