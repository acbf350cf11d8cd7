"""The state as the JSON object that page, tray and terminal read.

Pure: the same state and clocks give the same object. It holds nothing secret: no token, no device
code (only the code people type in), no local key (only its last four characters). All times are in
seconds since the epoch.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from copilot_desktop import strings
from copilot_desktop.core.budget import Budget
from copilot_desktop.core.forecast import pace
from copilot_desktop.core.headline import banners, headline
from copilot_desktop.core.ledger import counts_for
from copilot_desktop.core.settings import NAMES
from copilot_desktop.core.state import State
from copilot_desktop.days import day_of
from copilot_desktop.errors import Problem
from copilot_desktop.model import AUTO, Model
from copilot_desktop.proxy.exchange import Exchange
from copilot_desktop.system import machine
from copilot_desktop.upstream.account import Account
from copilot_desktop.upstream.lessons import Learned
from copilot_desktop.upstream.names import auto_only, spellings, verdict
from copilot_desktop.upstream.outgoing import masked
from copilot_desktop.upstream.policy import digest
from copilot_desktop.upstream.quota import Meter
from copilot_desktop.upstream.roster import Parked

VERSION = 1
SHOWN_REQUESTS = 50

Json = dict[str, Any]


def snapshot(state: State, *, now: float | None = None, monotonic: float | None = None) -> Json:
    """`now` is the wall clock, `monotonic` the clock of the sign-in's deadlines."""
    now = time.time() if now is None else now
    ahead = now - (time.monotonic() if monotonic is None else monotonic)
    shown = [asdict(each) for each in banners(state)]
    return {
        "v": VERSION,
        "seq": state.seq,
        "at": now,
        "app": _app(state),
        "update": asdict(state.update),
        "headline": asdict(headline(state)),
        "proxy": _proxy(state, now),
        "auth": _auth(state),
        "login": _login(state, ahead),
        "usage": _usage(state, now),
        "models": _models(state),
        "requests": [request_row(each) for each in state.requests.recent[:SHOWN_REQUESTS]],
        "banner": shown[0] if shown else None,
        "banners_below": shown[1:],
        "editors": _editors(state),
        "ask": asdict(state.ask) if state.ask else None,
        "brakes": asdict(state.brakes),
        "recording": {"until": state.recording_until} if state.recording_until else None,
        "settings": public_settings(state),
        "settings_source": dict(state.preferences.sources),
    }


def _editors(state: State) -> Json:
    editors = state.editors
    return {
        "checked": editors.checked,
        "running": editors.running,
        "error": told(editors.problem),
        "rows": [row.to_json() for row in editors.rows],
        "problems": editors.problems,
    }


def public_settings(state: State) -> Json:
    """All settings but the key; the proxy's address without its password."""
    settings = state.settings
    shown = {name: _plain(getattr(settings, name)) for name in NAMES if name != "api_key"}
    return {**shown, "outgoing_proxy": masked(settings.outgoing_proxy)}


def _plain(value: object) -> object:
    """As JSON has it."""
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, Path) else value


def told(problem: Problem | None) -> Json | None:
    """A problem for views: its kind, its sentence, what fills it, and what can be done."""
    if problem is None:
        return None
    return {
        "kind": problem.kind,
        "message": problem.message,
        "fields": dict(problem.fields),
        "action": str(problem.action),
        "code": problem.code,
        "status": problem.upstream_status,
        "url": problem.url,
    }


def _app(state: State) -> Json:
    app = state.app
    return {
        "version": app.version,
        "build": app.build.origin,
        "os": app.os,
        "python": machine.python_version(),
        "data_dir": app.data_dir,
        "tray": app.tray,
        "engine": app.engine,
        "engine_reason": app.engine_reason,
        "dark": app.dark,
        "demo": app.demo,
        "login_item": {"state": app.login_item, "settings": app.login_settings},
        "last_screen": app.last_screen,
        "screen": {"name": app.screen, "n": app.screen_asked} if app.screen else None,
        "notice_accepted": state.settings.notice_accepted,
        "lang": state.language,
        "languages": list(strings.languages()),
    }


def _proxy(state: State, now: float) -> Json:
    proxy, settings, requests = state.proxy, state.settings, state.requests
    listening = proxy.phase != "stopped"
    return {
        "phase": proxy.phase,
        "since": proxy.since or None,
        "host": proxy.host if listening else settings.host,
        "port": proxy.port if listening else settings.port,
        "lan": settings.open_to_network,
        "key_required": state.key.required,
        "key_hint": state.key.hint,
        "key_fixed": state.key.fixed,
        "keys": [each.to_json() for each in state.keys],
        "error": told(proxy.problem),
        "in_flight": requests.in_flight,
        # Nobody counts at midnight: the number of an idle app is of the day of its last request.
        "today": requests.today if requests.day == day_of(now) else 0,
        "degraded": state.degraded,
        "trouble": asdict(state.trouble) if state.trouble else None,
    }


def _auth(state: State) -> Json:
    account = state.account
    return {
        "state": account.state,
        "host": account.host,
        "login": account.login,
        "id": account.id,
        "plan": account.plan,
        "checked": account.checked,
        "source": account.source,
        "source_where": account.where,
        "error": told(account.problem),
        "others": [_parked(each) for each in state.parked if not _in_use(each, account)],
    }


def _parked(parked: Parked) -> Json:
    """An account that is signed in but not in use; `source` is the name of its store."""
    return {
        "host": parked.host,
        "id": parked.id,
        "login": parked.login,
        "plan": parked.plan,
        "source": parked.kind,
    }


def _in_use(parked: Parked, account: Account) -> bool:
    """An interruption may leave the account in use in the list, too."""
    return account.id != 0 and (parked.host, parked.id) == (account.host, account.id)


def _login(state: State, ahead: float) -> Json | None:
    sign_in = state.sign_in
    if sign_in is None:
        return None
    return {
        "state": sign_in.state,
        "host": sign_in.host,
        "user_code": sign_in.user_code,
        "uri": sign_in.uri,
        "expires_at": _epoch(sign_in.expires_at, ahead),
        "next_poll_at": _epoch(sign_in.next_poll_at, ahead),
        "error": told(sign_in.problem),
    }


def _epoch(moment: float | None, ahead: float) -> float | None:
    return moment + ahead if moment else None


def _usage(state: State, now: float) -> Json:
    quota, spending = state.quota, state.spending
    return {
        "state": quota.state,
        "fetched_at": quota.fetched_at,
        "source": quota.source,
        "error": told(quota.problem),
        "meters": [_meter(meter, now, spending.speeds.get(meter.id)) for meter in quota.meters],
        "history_ref": spending.news,
        "begun": spending.begun,
        "budget": _budget(spending.budget),
    }


def _meter(meter: Meter, now: float, speed: float | None) -> Json:
    shown = asdict(meter)
    found = pace(meter, now, speed)
    # JSON has no infinity; an unlimited meter simply has no number.
    numbers = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in shown.items()
    }
    return {**numbers, "pace": asdict(found) if found else None}


def _budget(budget: Budget | None) -> Json | None:
    if budget is None:
        return None
    return {
        **asdict(budget.limit),
        "used": budget.used,
        "resets_at": budget.resets_at,
        "level": budget.level,
    }


def _models(state: State) -> Json:
    models, aliases = state.models, state.settings.aliases
    choice = not auto_only(models.items)
    taken = {model.id for model in models.items}
    learned = {name: [_lesson(each) for each in known] for name, known in models.learned.items()}
    return {
        "state": models.state,
        "fetched_at": models.fetched_at,
        "error": told(models.problem),
        "learned": learned,
        "items": [
            {
                **_model(model, _also(model.id, aliases, taken)),
                "why": verdict(model, choice=choice),
                "learned": learned.get(model.id, []),
            }
            for model in models.items
        ],
    }


def _also(id: str, aliases: Mapping[str, str], taken: set[str]) -> list[str]:  # noqa: A002
    """Other names that reach the model: the user's own, and the dashed spelling of a version."""
    names = [name for name, target in aliases.items() if target == id]
    dashed = id.replace(".", "-")
    if dashed not in taken and dashed not in aliases and id in spellings(dashed):
        names.append(dashed)
    return names


def _model(model: Model, aliases: list[str]) -> Json:
    return {
        "id": model.id,
        "name": model.name or model.id,
        "vendor": model.vendor,
        "kind": model.kind,
        "endpoints": list(model.endpoints),
        "cost": _cost(model),
        "context": model.max_context,
        "max_prompt": model.max_prompt,
        "max_output": model.max_output,
        "tools": model.tools,
        "vision": model.vision,
        "reasoning": model.thinking != "none" or bool(model.efforts),
        "efforts": [str(effort) for effort in model.efforts],
        "state": _model_state(model),
        "aliases": aliases,
        "notices": list(model.notices),
        **_terms(model),
    }


def _lesson(learned: Learned) -> Json:
    """One thing that a refusal has taught; the words for it are the view's."""
    lesson = learned.lesson
    return {"about": lesson.about, "value": lesson.value, "at": learned.at, "until": learned.until}


def _terms(model: Model) -> Json:
    """What has to be accepted before the model answers, and what stands for having read it."""
    if model.policy != "unconfigured":
        return {"terms": None, "terms_digest": None}
    return {"terms": model.policy_terms, "terms_digest": digest(model)}


def _cost(model: Model) -> Json:
    prices = model.token_prices
    if model.factor is not None:
        kind = "included" if model.factor == 0 else "multiplier"
    else:
        kind = "tokens" if prices else "unknown"
    return {
        "kind": kind,
        "multiplier": model.multiplier,
        "input": prices.get("input"),
        "output": prices.get("output"),
    }


def _model_state(model: Model) -> str:
    if model.id == AUTO:
        return "auto"
    if model.policy == "disabled":
        return "blocked"
    if model.policy == "unconfigured":
        return "needs_approval"
    if not model.in_picker:
        return "hidden"
    return "preview" if model.preview else "ready"


def request_row(exchange: Exchange) -> Json:
    """One request as the lists show it: counts, names and times, no content. `input_tokens` are all
    that were read, `cache_tokens` those of them that came from a cache, as in the history."""
    usage = exchange.usage
    return {
        "id": exchange.id,
        "at": exchange.at,
        "client": exchange.client,
        "dialect": exchange.dialect,
        "model_asked": exchange.model_asked,
        "model_used": exchange.model_used,
        "route": exchange.route,
        "status": exchange.status,
        "outcome": exchange.outcome,
        "held": exchange.held,
        "stream": exchange.stream,
        "initiator": exchange.initiator,
        "input_tokens": usage.total_input if usage else None,
        "output_tokens": usage.output if usage else None,
        "cache_tokens": usage.cache_read if usage else None,
        "credits": exchange.credits,
        "multiplier": counts_for(exchange),
        "first_ms": exchange.first_ms,
        "took_ms": exchange.took_ms,
        "notes": list(exchange.notes),
        "error": exchange.error,
        "request_id": exchange.request_id,
        "attempts": exchange.attempts,
        "upstream_status": exchange.upstream_status,
    }
