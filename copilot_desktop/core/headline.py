"""The one thing to say about the app right now: for tray, window and terminal alike.

Pure and total: every combination of proxy, account and usage has exactly one headline, the first
that matches, and its banners, the most pressing one first. Both are keys and fields; the words are
in the strings file (`ui-design.md` §3.5, §3.6).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from copilot_desktop.core.budget import Budget
from copilot_desktop.core.editor_rows import OLD
from copilot_desktop.core.state import State
from copilot_desktop.errors import BadSetting, Blocked, NotUnderstood, PortTaken
from copilot_desktop.upstream.quota import Meter

Glyph = Literal["running", "stopped", "busy", "error", "signin", "low", "exhausted"]
Level = Literal["info", "warn", "error"]


@dataclass(frozen=True, slots=True)
class Headline:
    """`key` is a key below `headline.`; `fields["when"]` is in seconds since the epoch."""

    key: str
    glyph: Glyph
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Banner:
    """`id` is a key below `banner.`; `actions` are keys below `banner.action.`."""

    id: str
    level: Level
    fields: Mapping[str, Any] = field(default_factory=dict)
    actions: tuple[str, ...] = ()


def headline(state: State) -> Headline:
    """What the glyph and the first line say."""
    proxy = state.proxy
    place = {"host": proxy.host, "port": proxy.port}
    if proxy.phase == "error":
        taken = isinstance(proxy.problem, PortTaken)
        return Headline("port_conflict" if taken else "error", "error", place)
    if state.fault:
        return Headline("broken", "error", place)
    if missing := _account_headline(state):
        return Headline(missing, "signin", place)
    if proxy.phase in {"starting", "stopping"}:
        return Headline(proxy.phase, "busy", {**place, "n": state.requests.in_flight})
    if proxy.phase == "stopped":
        return Headline("stopped", "stopped", place)
    if stopped := _brakes_headline(state):
        return stopped
    if limited := _limit_headline(state):
        return limited
    if meter := used_up(state):
        return Headline("exhausted", "exhausted", {**place, **_meter_fields(meter)})
    if (budget := state.spending.budget) is not None and budget.stops:
        return Headline("budget", "exhausted", {**place, "when": budget.resets_at})
    if meter := running_low(state):
        return Headline("low", "low", {**place, **_meter_fields(meter)})
    if state.degraded is not None:
        return Headline(state.degraded, "running", place)
    return Headline(
        "running_lan" if state.settings.open_to_network else "running", "running", place
    )


def banners(state: State) -> tuple[Banner, ...]:
    """What stands on top of every screen, if anything has to be done or known, and what comes after
    it: for whoever has dismissed the first one."""
    found = (
        _question_banner(state),
        _port_banner(state),
        _fault_banner(state),
        _halt_banner(state),
        _account_banner(state),
        _network_banner(state),
        _origin_banner(state),
        _limit_banner(state),
        _budget_stop_banner(state),
        _change_banner(state),
        _usage_banner(state),
        _editor_banner(state),
        _low_banner(state),
        _budget_banner(state),
        _update_banner(state),
        _browser_banner(state),
    )
    return tuple(each for each in found if each is not None)


def needs_account(state: State) -> bool:
    """In pass-through mode each client brings its own sign-in."""
    return state.settings.auth_mode == "managed"


def used_up(state: State) -> Meter | None:
    """A meter that is used up, the one that comes back last."""
    empty = [meter for meter in _counted(state) if meter.exhausted]
    return max(empty, key=lambda meter: meter.resets_at or 0.0, default=None)


def running_low(state: State) -> Meter | None:
    """The meter that is used most, from the upper alert on."""
    low = [m for m in _counted(state) if _percent(m) >= state.settings.alert_high]
    return max(low, key=_percent, default=None)


def _counted(state: State) -> Iterable[Meter]:
    return (meter for meter in state.quota.meters if meter.can_run_out)


def _percent(meter: Meter) -> float:
    return meter.percent_used or 0.0


def spoken_percent(value: float) -> int:
    """As in the window: never 100 unless it is used up, never 0 unless it is untouched."""
    if 0 < value < 1:
        return 1
    if 99 < value < 100:
        return 99
    return math.floor(value + 0.5)


def _meter_fields(meter: Meter) -> dict[str, Any]:
    percent = spoken_percent(_percent(meter))
    fields = {"meter": meter.name, "p": percent, "when": meter.resets_at}
    return {**fields, "meter_id": meter.id}


def _account_headline(state: State) -> str:
    if not needs_account(state):
        return ""
    match state.account.state:
        case "expired":
            return "expired"
        case "no_access":
            return "no_access"
        case "signed_out" | "storage_locked":
            return "signin"
    return ""


def _port_banner(state: State) -> Banner | None:
    if state.proxy.phase != "error":
        return None
    problem, place = state.proxy.problem, {"host": state.proxy.host, "port": state.proxy.port}
    if isinstance(problem, PortTaken):
        fields = {**place, **problem.fields}
        return Banner("port_conflict", "error", fields, ("use_port", "retry_port", "copy_details"))
    if isinstance(problem, BadSetting):
        if problem.fields.get("name") == state.proxy.host:
            return Banner("address_gone", "error", place, ("retry_port",))
        fields = {**place, **_next_port(problem)}
        return Banner("port_denied", "error", fields, ("use_port", "retry_port"))
    reason = str(problem) if problem else ""
    return Banner("proxy_error", "error", {**place, "reason": reason}, ("start_proxy", "open_logs"))


def _next_port(problem: BadSetting) -> dict[str, str]:
    free = problem.fields.get("next")
    return {"next": free} if free else {}


def _fault_banner(state: State) -> Banner | None:
    if not state.fault:
        return None
    kind = "error" if state.proxy.phase in {"running", "stopping"} else "error_stopped"
    return Banner(kind, "error", {"code": state.fault}, ("copy_details", "open_logs"))


def _limit_headline(state: State) -> Headline | None:
    """A window that is used up, or GitHub's wish that all models are left alone for a while."""
    ends = [limit.until for limit in state.brakes.limits if not limit.model]
    meter = used_up(state)
    if meter is not None and meter.kind == "window":
        ends.append(meter.resets_at or 0.0)
    elif meter is not None:
        return None  # it lasts longer than any short wait
    return Headline("limited", "exhausted", {"when": max(ends) or None}) if ends else None


def _brakes_headline(state: State) -> Headline | None:
    brakes = state.brakes
    if brakes.questions:
        return Headline("asking", "busy", {"client": brakes.questions[0].client})
    if brakes.halt is None:
        return None
    if brakes.halt.by_hand:
        return Headline("paused", "error", {} if brakes.ripe else {"when": brakes.halt.until})
    return Headline("paused_refused", "error", {"when": brakes.halt.until})


def _question_banner(state: State) -> Banner | None:
    questions = state.brakes.questions
    if not questions:
        return None
    first = questions[0]
    fields = {"id": first.id, "client": first.client, "model": first.model, "until": first.until}
    choices = ("allow_once", "allow_ten_minutes", "allow_always", "deny")
    return Banner("approval", "warn", {**fields, "n": len(questions) - 1}, choices)


def _halt_banner(state: State) -> Banner | None:
    halt = state.brakes.halt
    if halt is None:
        return None
    fields = {"words": halt.words, "until": halt.until}
    if halt.by_hand:
        kind = "paused_ripe" if state.brakes.ripe else "paused"
        return Banner(kind, "error", fields, ("resume_sending", "copy_details"))
    return Banner("paused_refused", "warn", fields, ("check_account", "github_status"))


def _limit_banner(state: State) -> Banner | None:
    limits = state.brakes.limits
    if not limits:
        return None
    longest = max(limits, key=lambda limit: (not limit.model, limit.until))
    fields = {"model": longest.model, "words": longest.words, "until": longest.until}
    return Banner("limited_model" if longest.model else "limited", "info", fields)


def _account_banner(state: State) -> Banner | None:
    signing_in = state.sign_in is not None and state.sign_in.waiting
    if signing_in or not needs_account(state):
        return None
    account = state.account
    who = {"login": account.login, "host": account.host}
    match account.state:
        case "storage_locked":
            choices = ("retry_storage", "choose_store")
            return Banner("storage_locked", "error", {"where": account.where}, choices)
        case "expired":
            told = account.problem.detail if account.problem else ""
            return Banner("expired", "error", {**who, "words": told}, ("sign_in",))
        case "signed_out":
            return Banner("signin", "warn", who, ("sign_in",))
        case "no_access" if isinstance(account.problem, Blocked):
            return Banner("blocked", "error", who, ("check_account", "use_another_account"))
        case "no_access":
            more = ("account_problem",) if account.problem and account.problem.url else ()
            actions = ("use_another_account", *(more or ("copilot_plans",)), "check_account")
            return Banner("no_access", "error", who, actions)
    return None


def _network_banner(state: State) -> Banner | None:
    match state.degraded:
        case "offline" if state.trouble is not None and state.trouble.impostor:
            return Banner("impostor", "warn", {"host": state.trouble.impostor}, ("try_now",))
        case "offline":
            known = max(state.quota.fetched_at or 0.0, state.models.fetched_at or 0.0)
            kind, fields = ("offline", {"at": known}) if known else ("offline_bare", {})
            return Banner(kind, "warn", fields, ("try_now",))
        case "github_down":
            return Banner("github_down", "warn", {}, ("try_now", "github_status"))
    return None


def _origin_banner(state: State) -> Banner | None:
    if not state.refused_origins:
        return None
    fields = {"origin": state.refused_origins[0]}
    return Banner("origin_refused", "info", fields, ("allow_origin", "ignore_origin"))


def changed_parts(state: State) -> tuple[str, ...]:
    """What GitHub now tells in a way that this version does not know, as keys for the views."""
    told = {
        "usage": state.quota.problem,
        "models": state.models.problem,
        "account": state.account.problem,
    }
    return tuple(part for part, problem in told.items() if isinstance(problem, NotUnderstood))


def _change_banner(state: State) -> Banner | None:
    parts = changed_parts(state)
    if not parts:
        return None
    newer = "open_downloads" if state.update.version else "look_for_updates"
    return Banner("changed", "info", {"what": ",".join(parts)}, ("try_now", newer))


def _update_banner(state: State) -> Banner | None:
    if not state.update.version:
        return None
    fields = {"version": state.update.version, "current": state.app.version}
    return Banner("update", "info", fields, ("open_downloads",))


def _browser_banner(state: State) -> Banner | None:
    missing = state.app.engine_missing
    return Banner("browser", "info", {"engine": missing}) if missing else None


def _usage_banner(state: State) -> Banner | None:
    if not state.account.usable:
        return None
    if meter := used_up(state):
        if meter.kind == "window":
            weekly = "week" in meter.id or "week" in meter.name.lower()
            kind = "weekly_limit" if weekly else "session_limit"
            return Banner(kind, "warn", _meter_fields(meter), ("refresh_usage",))
        actions = ("show_included", "copilot_settings")
        return Banner("exhausted", "warn", _meter_fields(meter), actions)
    return None


def _editor_banner(state: State) -> Banner | None:
    """Old addresses and keys, which one press mends, before what a person has to look at."""
    old = sum(row.written and row.state in OLD for row in state.editors.rows)
    if old:
        return Banner(
            "editors_old",
            "warn",
            {"n": old, "port": state.proxy.port},
            ("update_editors", "show_editors"),
        )
    n = state.editors.problems
    return Banner("editors", "info", {"n": n}, ("show_editors",)) if n else None


def _low_banner(state: State) -> Banner | None:
    if not state.account.usable or not (meter := running_low(state)):
        return None
    return Banner("low", "info", _meter_fields(meter), ("refresh_usage",))


def _budget_stop_banner(state: State) -> Banner | None:
    budget = state.spending.budget
    if budget is None or not budget.stops:
        return None
    return Banner("budget_stop", "warn", _budget_fields(budget), ("change_budget", "show_included"))


def _budget_banner(state: State) -> Banner | None:
    budget = state.spending.budget
    if budget is None or budget.level == "ok" or budget.stops:
        return None
    if budget.level == "spent":
        return Banner("budget_spent", "warn", _budget_fields(budget), ("change_budget",))
    return Banner("budget_low", "info", _budget_fields(budget), ("change_budget",))


def _budget_fields(budget: Budget) -> dict[str, Any]:
    """`meter` tells one occurrence from another, as with the meters of the plan."""
    limit = budget.limit
    percent = spoken_percent(budget.share * 100)
    return {"meter": f"{limit.unit}-{limit.limit:g}", "p": percent, "when": budget.resets_at}
