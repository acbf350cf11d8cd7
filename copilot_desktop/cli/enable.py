"""`models enable`: show the terms of a model, ask, and accept them in the user's name.

Nothing is accepted without the user: on a terminal by an answer, elsewhere by `--accept-terms`. The
terms and the question come in one run of the loop and the consent in another, so that Ctrl-C at the
question ends the command.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

from copilot_desktop import strings
from copilot_desktop.cli import DONE, FAILED, Ended, complain, say
from copilot_desktop.cli.account import core_alone, running_app, signed_in
from copilot_desktop.cli.parser import Invocation
from copilot_desktop.core.core import Core
from copilot_desktop.core.settings import Preferences
from copilot_desktop.core.snapshot import snapshot
from copilot_desktop.errors import Blocked, UnknownModel
from copilot_desktop.redaction import one_line
from copilot_desktop.system import threads

Json = dict[str, Any]


def run(preferences: Preferences, invocation: Invocation) -> int:
    """0 if the model can be used afterwards, 1 if the terms were not accepted. Raises Problem or
    Ended."""
    model = threads.run(_model(preferences, invocation))
    if model["state"] == "blocked":
        raise Blocked(strings.text("models.why.blocked"))
    if model["terms_digest"] is None:
        return _told(invocation, model["id"], "enabled")
    show = complain if invocation.json else say
    for line in _terms(model):
        show(line)
    if not (invocation.accept_terms or _agreed(model["id"])):
        complain("Nothing was accepted.")
        return FAILED
    state = threads.run(_accept(preferences, invocation, model))
    return _told(invocation, model["id"], state)


async def _model(preferences: Preferences, invocation: Invocation) -> Json:
    if (app := await running_app(preferences)) is not None:
        await app.do("refresh_models")
        return _named((await app.state())["models"]["items"], invocation.model)
    async with core_alone(preferences, invocation) as core:
        await signed_in(core).refresh_models()
        return _named(snapshot(core.store.state)["models"]["items"], invocation.model)


async def _accept(preferences: Preferences, invocation: Invocation, model: Json) -> str:
    wanted = {"id": model["id"], "terms_shown": model["terms_digest"]}
    if (app := await running_app(preferences)) is not None:
        return str((await app.do("enable_model", wanted))["state"])
    core: Core
    async with core_alone(preferences, invocation) as core:
        signed_in(core)
        return str((await core.commands.enable_model(**wanted))["state"])


def _named(models: Iterable[Json], name: str) -> Json:
    found = next((model for model in models if model["id"] == name), None)
    if found is None:
        reason = "`copilot-desktop models` lists the ids of this account."
        raise UnknownModel(fields={"model": one_line(name[:100]), "reason": reason})
    return found


def _terms(model: Json) -> Iterable[str]:
    """Hostile text at worst: nothing in it may steer the terminal."""
    yield f"The terms of {one_line(model['name'])}:"
    yield ""
    text = model["terms"].strip() or strings.text("models.terms.none")
    yield from (f"  {one_line(line)}" for line in text.splitlines())
    yield ""


def _agreed(name: str) -> bool:
    if sys.stdin is None or not sys.stdin.isatty():  # a windowed program has none
        raise Ended(
            "Nobody can be asked here. Read the terms, and add --accept-terms to accept them."
        )
    complain(
        f"Accept these terms with GitHub, for your account, and enable {one_line(name)}? [y/N]"
    )
    try:
        return input().strip().lower() in {"y", "yes"}
    except EOFError:
        return False


def _told(invocation: Invocation, name: str, state: str) -> int:
    if invocation.json:
        say(json.dumps({"id": name, "state": state}))
    elif state == "enabled":
        say(strings.text("models.terms.enabled", name=one_line(name)))
    else:
        say(strings.text("models.terms.waiting", name=one_line(name)))
    return DONE
