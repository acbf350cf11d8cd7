"""`keys`: the local keys with names, and the words to make, limit, rename and revoke them.

The running app is asked first; without one the kept keys are changed. Needs no network and nobody
signed in. A key is printed once, when it is made, alone on stdout, so that a script can take it.
"""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from pydantic import TypeAdapter, ValidationError

from copilot_desktop import strings
from copilot_desktop.cli import DONE, Ended, complain, say
from copilot_desktop.cli.account import core_alone, running_app
from copilot_desktop.cli.parser import Invocation
from copilot_desktop.control.instance import take_turn
from copilot_desktop.core import settings_file
from copilot_desktop.core.budget import spoken
from copilot_desktop.core.key_shapes import GivenLimits, KeyName
from copilot_desktop.core.settings import Preferences
from copilot_desktop.core.snapshot import snapshot
from copilot_desktop.redaction import one_line

LOCK_NAME = "local-keys.lock"
_WAIT = 10.0  # seconds for the other commands

Json = dict[str, Any]


async def run(preferences: Preferences, invocation: Invocation) -> int:
    """List, or do what was asked. Raises Ended."""
    if (app := await running_app(preferences)) is not None:
        shown = (await app.state())["proxy"]["keys"]
        wish = _wish(shown, invocation)
        return _told(shown, invocation, await app.do(*wish) if wish else None)
    async with _one_at_a_time(preferences, invocation), core_alone(preferences, invocation) as core:
        await asyncio.to_thread(core.books.ledger.load)
        core.key_changed()
        shown = snapshot(core.store.state)["proxy"]["keys"]
        if (wish := _wish(shown, invocation)) is None:
            return _told(shown, invocation, None)
        outcome = await core.verbs.do(*wish)
        if not outcome.ok:
            raise Ended(outcome.message)
        answer = outcome.to_json()
        if not answer["saved"]:  # and nothing runs for which it could hold
            raise Ended("The disk did not take the change, so nothing is changed.")
        return _told(shown, invocation, answer)


@asynccontextmanager
async def _one_at_a_time(preferences: Preferences, invocation: Invocation) -> AsyncIterator[None]:
    """Of two commands that read all keys and write all keys one would undo the other. Raises
    Ended."""
    if invocation.action in {"", "list"}:
        yield
        return
    folder = settings_file.data_dir(preferences)
    end_turn = await asyncio.to_thread(take_turn, folder, LOCK_NAME, _WAIT)
    if end_turn is None:
        raise Ended("Another command is changing the keys. Try again in a moment.")
    try:
        yield
    finally:
        end_turn()


def limits_of(present: Mapping[str, Any], given: Mapping[str, Any]) -> Json:
    """The limits in `present`, changed by the flags. Raises Ended for what cannot be a limit."""
    limits = {name: present.get(name) for name in ("max_effort", "budget")}
    limits["models"] = list(present.get("models") or [])
    if "models" in given:
        words = [word.strip() for word in given["models"].split(",")]
        limits["models"] = [] if words == ["all"] else [word for word in words if word]
    if "max_effort" in given:
        limits["max_effort"] = None if given["max_effort"] == "any" else given["max_effort"]
    unit = next((name for name in ("credits", "requests") if name in given), None)
    stops = bool((limits["budget"] or {}).get("stops"))
    if given.get("no_budget"):
        limits["budget"] = None
    elif unit is not None:
        limits["budget"] = {"unit": unit, "amount": given[unit], "stops": stops}
    if given.get("stop") and not limits["budget"]:
        raise Ended("Add a budget: --credits N or --requests N.", 2)
    if "stop" in given and limits["budget"]:
        limits["budget"] = {**limits["budget"], "stops": given["stop"]}
    try:
        GivenLimits.model_validate(limits)
    except ValidationError as error:
        part = "budget" if error.errors()[0]["loc"][0] == "budget" else "models"
        raise Ended(strings.text(f"local_keys.bad_{part}")) from None
    return limits


def words_for(key: Json) -> str:
    """One key as a line for people."""
    limits = []
    if key["models"]:
        limits.append(_text("only", models=", ".join(key["models"])))
    if key["max_effort"]:
        limits.append(_text("effort", effort=key["max_effort"]))
    if budget := key["budget"]:
        amount = _amount(budget["unit"], budget["amount"])
        limits.append(_text("stops" if budget["stops"] else "warns", amount=amount))
    used = _text("last", day=key["last_day"]) if key["last_day"] else _text("never")
    facts = [_text("hint", hint=key["hint"]), used]
    if n := key["today"]["requests"]:
        facts.append(_text("today", n=n, amount=_amount(*_today(key))))
    if key["level"] in {"low", "spent"}:
        facts.append(_text(key["level"]))
    return " · ".join([*facts, *(limits or [_text("unlimited")])])


def _today(key: Json) -> tuple[str, float]:
    unit = (key["budget"] or {}).get("unit")
    if unit == "requests" or (unit is None and key["today"]["premium"]):
        return "requests", key["today"]["premium"]
    return "credits", key["today"]["credits"]


def _wish(shown: list[Json], invocation: Invocation) -> tuple[str, Json] | None:
    """The verb and its arguments; None for the list. Raises Ended."""
    action, name = invocation.action, invocation.key
    if action in {"", "list"}:
        return None
    if action == "make":
        return "make_key", {"name": _name(name), "limits": limits_of({}, invocation.limits)}
    found = next((each for each in shown if each["name"].casefold() == name.casefold()), None)
    if found is None:
        raise Ended(_text("unknown", name=one_line(name)))
    if action == "limit":
        if not invocation.limits:
            raise Ended("Say what to limit, such as --credits 5.", 2)
        limits = limits_of(found, invocation.limits)
        return "limit_key", {"name": found["name"], "limits": limits}
    if action == "rename":
        return "rename_key", {"name": found["name"], "to": _name(invocation.to)}
    return "revoke_key", {"name": found["name"]}


def _name(word: str) -> str:
    try:
        return TypeAdapter(KeyName).validate_python(word)
    except ValidationError:
        raise Ended(_text("bad_name")) from None


def _told(shown: list[Json], invocation: Invocation, answer: Json | None) -> int:
    if answer is None:
        _listed(shown, invocation)
        return DONE
    if not answer["saved"]:
        complain(_text("not_saved"))
    if invocation.json:
        say(json.dumps({name: value for name, value in answer.items() if name != "ok"}, indent=2))
    elif "key" in answer:
        complain(_text("made", name=answer["name"]))
        if not say(answer["key"]):
            back = f"copilot-desktop keys revoke {shlex.quote(answer['name'])}"
            raise Ended(f"It could not be printed. Take it back: {back}")
    else:
        done = "revoked" if invocation.action == "revoke" else "changed"
        say(_text(done, name=one_line(invocation.to or invocation.key)))
    return DONE


def _listed(shown: list[Json], invocation: Invocation) -> None:
    if invocation.json:
        say(json.dumps(shown, indent=2))
        return
    width = max((len(each["name"]) for each in shown), default=0)
    for each in shown:
        say(f"{each['name']:<{width}}  {words_for(each)}")
    if not shown:
        say(_text("none"))


def _text(name: str, /, **fields: Any) -> str:
    return strings.text(f"local_keys.{name}", **fields)


def _amount(unit: str, amount: float) -> str:
    return _text(f"amount_{unit}", amount=spoken(amount))
