"""Snapshots of every state that the page has to show, built from one running, signed-in account.

Shapes are those of `GET /state`. Times are relative to the moment of the call, in seconds since
the epoch, so that countdowns and "in 9 days" are alive.
"""

from __future__ import annotations

import copy
import time
from dataclasses import asdict, fields
from datetime import date, timedelta
from typing import Any

from copilot_desktop.core.forecast import pace
from copilot_desktop.upstream.quota import Meter
from tests.ui.editor_snapshots import editors

HOUR = 3600.0
DAY = 24 * HOUR

Json = dict[str, Any]


def snapshot(**changes: Any) -> Json:
    """The usual state with `changes` merged into it; a dict merges, anything else replaces."""
    return merged(_usual(), changes)


def merged(under: Json, over: Json) -> Json:
    result = copy.copy(under)
    for name, value in over.items():
        old = result.get(name)
        result[name] = (
            merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
        )
    return result


def meter(name: str, **changes: Any) -> Json:
    now = time.time()
    usual = {
        "id": name.lower().replace(" ", "_"),
        "name": name,
        "kind": "metered",
        "unit": "credits",
        "used": 412.0,
        "limit": 1500.0,
        "left": 1088.0,
        "percent_used": 27.5,
        "overage": 0.0,
        "overage_ok": False,
        "resets_at": now + 9 * DAY,
        "window_start": now - 21 * DAY,
        "exhausted": False,
    }
    return paced(usual | changes)


def paced(meter: Json) -> Json:
    """With the pace that the app itself sees."""
    known = {field.name: meter[field.name] for field in fields(Meter)}
    found = pace(Meter(**known), time.time())
    return meter | {"pace": asdict(found) if found else None}


def history(unit: str = "credits", days: int = 22, **changes: Any) -> Json:
    """The answer of `usage_history`: some busy days, some without anything."""
    values = [round(3 + 9 * abs((n * 7919) % 13 - 6) / 6, 2) for n in range(days)]
    values[3] = values[9] = 0.0
    rows = [
        ("Claude Code", 412, 3, 8_400_000, 0.86, 210_000, 96.2),
        ("Codex", 130, 0, 2_100_000, 0.71, 94_000, 31.5),
        ("a-client-with-a-name-that-is-much-too-long-for-a-column", 21, 1, 60_000, None, 900, 0.0),
    ]
    told = [
        {
            "name": name, "requests": n, "failed": failed, "input": read, "cached": cached,
            "output": written, "credits": cost, "premium": cost,
        }
        for name, n, failed, read, cached, written, cost in rows
    ]  # fmt: skip
    total = {**told[0], "name": "", "requests": 563, "failed": 4}
    today = date.today()  # noqa: DTZ011  (as the page shows it)
    usual = {
        "ok": True,
        "unit": unit,
        "days": days,
        "since": (today - timedelta(days=days)).isoformat(),
        "first": (today - timedelta(days=days - 1)).isoformat(),
        "values": values,
        "requests": [round(value * 4) for value in values],
        "forecast": [6.5] * 9,
        "by": "client",
        "rows": told,
        "more": 0,
        "total": total,
        "low_cache": {"client": "aider", "share": 0.07},
    }
    return usual | changes


def weekly(percent: float = 81.0, **changes: Any) -> Json:
    now = time.time()
    return paced(
        meter(
            "Weekly limit",
            kind="window",
            unit="percent",
            used=None,
            limit=None,
            left=None,
            percent_used=percent,
            resets_at=now + 2.1 * DAY,
            window_start=now - 4.9 * DAY,
        )
        | changes
    )


def included(name: str = "Completions") -> Json:
    return meter(
        name,
        kind="included",
        used=None,
        limit=None,
        left=None,
        percent_used=None,
        resets_at=None,
        window_start=None,
    )


def unknown(name: str, kind: str = "unknown") -> Json:
    return included(name) | {"kind": kind}


def model(name: str, **changes: Any) -> Json:
    identity = name.lower().replace(" ", "-")
    usual = {
        "id": identity,
        "name": name,
        "vendor": "OpenAI",
        "kind": "chat",
        "endpoints": ["/chat/completions", "/responses"],
        "cost": {"kind": "multiplier", "multiplier": 1.0, "input": None, "output": None},
        "context": 200_000,
        "max_prompt": 128_000,
        "max_output": 16_384,
        "tools": True,
        "vision": True,
        "reasoning": False,
        "efforts": [],
        "state": "ready",
        "aliases": [],
        "notices": [],
        "why": None,
        "terms": None,
        "terms_digest": None,
    }
    return merged(usual, changes)


TERMS = "Enable access to Claude Opus 4.1.\n[Learn more](https://gh.io/opus)."


def some_models() -> list[Json]:
    cost = {"kind": "included"}
    return [
        model(
            "Claude Sonnet 4.5",
            vendor="Anthropic",
            endpoints=["/chat/completions", "/v1/messages"],
            reasoning=True,
            aliases=["claude-sonnet-4-5", "claude-sonnet-4-5-20250929"],
        ),
        model(
            "Claude Opus 4.1",
            vendor="Anthropic",
            endpoints=["/chat/completions", "/v1/messages"],
            reasoning=True,
            cost={"multiplier": 10.0},
            state="needs_approval",
            why="needs_approval",
            terms=TERMS,
            terms_digest="ab" * 32,
        ),
        model(
            "Claude Haiku 4.5",
            vendor="Anthropic",
            endpoints=["/chat/completions", "/v1/messages"],
            cost={"multiplier": 0.33},
        ),
        model(
            "GPT-5.1 Codex",
            reasoning=True,
            endpoints=["/responses"],
            efforts=["low", "medium", "high"],
        ),
        model("GPT-5 mini", cost=cost | {"multiplier": 0}, context=264_000),
        model("GPT-4.1", cost=cost | {"multiplier": 0}, context=1_000_000),
        model("Gemini 2.5 Pro", vendor="Google", endpoints=["/chat/completions"], state="preview"),
        model(
            "Grok Code Fast 1",
            vendor="xAI",
            endpoints=["/chat/completions"],
            vision=False,
            cost={"kind": "tokens", "multiplier": None, "input": 0.2, "output": 1.5},
        ),
        model("o4-mini", state="blocked", why="blocked", vision=False, reasoning=True),
        model(
            "GPT-3.5 Turbo",
            state="hidden",
            why="hidden",
            vision=False,
            context=16_384,
            notices=["This model leaves on 1 March."],
        ),
        model(
            "text-embedding-3-small",
            kind="embeddings",
            why="embeddings",
            endpoints=["/embeddings"],
            tools=False,
            vision=False,
            context=8192,
            cost=cost,
        ),
    ]


def request(identity: int, **changes: Any) -> Json:
    usual = {
        "id": identity,
        "at": time.time() - 20 * identity,
        "client": "Claude Code",
        "dialect": "anthropic_messages",
        "model_asked": "claude-sonnet-4.5",
        "model_used": "claude-sonnet-4.5",
        "route": "/v1/messages",
        "status": 200,
        "outcome": "ok",
        "stream": True,
        "initiator": "user",
        "input_tokens": 18_204,
        "output_tokens": 812,
        "cache_tokens": 16_000,
        "credits": 0.2596,
        "multiplier": None,
        "first_ms": 640,
        "took_ms": 8200,
        "notes": [],
        "error": "",
        "request_id": "E1A2:1C3D4:5E6F7:8A9B0:66C1D2E3",
    }
    return usual | changes


def some_requests() -> list[Json]:
    return [
        request(1),
        request(
            2,
            client="Codex",
            dialect="openai_responses",
            model_asked="gpt-5.1-codex",
            model_used="gpt-5.1-codex",
            took_ms=3900,
        ),
        request(
            3,
            client="Zed",
            dialect="openai_chat",
            model_asked="gpt-4",
            model_used="gpt-4.1",
            status=429,
            outcome="failed",
            took_ms=300,
            first_ms=None,
            input_tokens=None,
            error="GitHub Copilot asks to wait 20 seconds.",
        ),
        request(
            4, client="aider", dialect="openai_chat", outcome="cancelled", status=499, took_ms=1200
        ),
        request(
            5,
            client="curl",
            dialect="openai_chat",
            outcome="failed",
            took_ms=5100,
            error="Connection lost before GitHub Copilot's answer was complete.",
        ),
        request(6, status=0, outcome="open", took_ms=None, first_ms=None),
    ]


def _usual() -> Json:
    now = time.time()
    return {
        "v": 1,
        "seq": 1,
        "at": now,
        "app": {
            "version": "0.1.0",
            "os": "Linux",
            "tray": "ok",
            "engine": "gtk",
            "engine_reason": "",
            "demo": None,
            "notice_accepted": True,
            "lang": "en",
            "dark": None,
            "screen": None,
            "last_screen": "",
            "login_item": {"state": "off", "settings": False},
            "python": "3.12.1",
            "data_dir": "/home/hana/.local/share/copilot-desktop",
        },
        "headline": {
            "key": "running",
            "glyph": "running",
            "fields": {"host": "127.0.0.1", "port": 4141},
        },
        "proxy": {
            "phase": "running",
            "since": now - 3.2 * HOUR,
            "host": "127.0.0.1",
            "port": 4141,
            "lan": False,
            "key_required": False,
            "key_hint": "7f2c",
            "keys": [],
            "key_fixed": False,
            "error": None,
            "in_flight": 0,
            "today": 148,
            "degraded": None,
        },
        "auth": {
            "state": "signed_in",
            "host": "github.com",
            "login": "octo-hana",
            "id": 7,
            "plan": "Copilot Pro",
            "source": "keyring",
            "source_where": "GNOME Keyring",
            "error": None,
        },
        "login": None,
        "usage": {
            "state": "ready",
            "fetched_at": now - 120,
            "source": "user",
            "meters": [meter("AI credits"), weekly(), included()],
            "history_ref": 1,
            "begun": True,
            "budget": None,
        },
        "models": {
            "state": "ready",
            "fetched_at": now - 300,
            "error": None,
            "items": some_models(),
        },
        "requests": some_requests(),
        "editors": editors(),
        "banner": None,
        "ask": None,
        "brakes": {"halt": None, "ripe": False, "limits": [], "waiting": 0, "questions": []},
        "settings": {
            "host": "127.0.0.1",
            "port": 4141,
            "require_key": False,
            "start_proxy": True,
            "start_hidden": True,
            "outgoing_proxy": "system",
            "extra_ca": None,
            "hide_name": False,
            "notifications_off": ["reset"],
            "on_close": "ask",
            "theme": "light",
            "text_size": 100,
            "copy_code": False,
            "usage_shows": "used",
            "alert_low": 75,
            "alert_high": 90,
            "history_days": 90,
            "budget_credits": None,
            "budget_requests": None,
            "budget_period": "month",
            "budget_action": "warn",
            "max_concurrent": 4,
            "min_pause": 0,
            "approval": "off",
            "approved_clients": [],
            "look_for_updates": False,
        },
        "update": {"version": "", "asked_at": None, "failed": False},
        "settings_source": {},
    }


# --- states ------------------------------------------------------------------------------------

SIGNED_OUT: Json = {
    "headline": {"key": "signin", "glyph": "signin", "fields": {}},
    "auth": {
        "state": "signed_out",
        "login": None,
        "id": None,
        "plan": None,
        "source": None,
        "source_where": None,
    },
    "usage": {"state": "signed_out", "meters": [], "fetched_at": None},
    "models": {"state": "empty", "items": [], "fetched_at": None},
    "requests": [],
}


def signing_in(
    state: str = "waiting", *, error: Json | None = None, left: float = 822, **changes: Any
) -> Json:
    now = time.time()
    login = {
        "state": state,
        "user_code": "WDJB-MJHT",
        "uri": "https://github.com/login/device",
        "expires_at": now + left,
        "next_poll_at": now + 5,
        "error": error,
    }
    return snapshot(**merged(SIGNED_OUT, {"login": login} | changes))


def signed_out(**changes: Any) -> Json:
    banner = {"id": "signin", "level": "warn", "fields": {}, "actions": []}
    return snapshot(**merged(SIGNED_OUT, {"banner": banner, "proxy": {"today": 0}} | changes))


def first_run() -> Json:
    return snapshot(
        **merged(SIGNED_OUT, {"app": {"notice_accepted": False}, "proxy": {"today": 0}})
    )


def port_conflict() -> Json:
    fields = {
        "host": "127.0.0.1",
        "port": "4141",
        "holder": "another program (node, process 8120)",
        "next": "4142",
    }
    return snapshot(
        headline={"key": "port_conflict", "glyph": "error", "fields": fields},
        proxy={
            "phase": "error",
            "since": None,
            "error": {
                "kind": "port_taken",
                "message": "Port 4141 is already in use.",
                "fields": fields,
            },
        },
        banner={
            "id": "port_conflict",
            "level": "error",
            "fields": fields,
            "actions": ["use_port", "retry_port", "copy_details"],
        },
    )


def asking(n: int = 0) -> Json:
    fields = {"id": 7, "client": "Claude Code", "model": "claude-sonnet-4.5", "n": n}
    return snapshot(
        headline={"key": "asking", "glyph": "busy", "fields": {"client": "Claude Code"}},
        banner={
            "id": "approval",
            "level": "warn",
            "fields": fields | {"until": time.time() + 118},
            "actions": ["allow_once", "allow_ten_minutes", "allow_always", "deny"],
        },
        settings={"approval": "ask", "approved_clients": ["Codex", "Zed"]},
    )


def paused(*, ripe: bool = False) -> Json:
    now = time.time()
    halt = {
        "reason": "warned",
        "since": now - 60,
        "until": now + (-1 if ripe else 1738),
        "words": "Unusual activity was detected from your account.",
        "code": "extension_blocked",
    }
    return snapshot(
        headline={"key": "paused", "glyph": "error", "fields": {"when": halt["until"]}},
        banner={
            "id": "paused_ripe" if ripe else "paused",
            "level": "error",
            "fields": {"words": halt["words"], "until": halt["until"]},
            "actions": ["resume_sending", "copy_details"],
        },
        brakes={"halt": halt, "ripe": ripe},
    )


def stopped() -> Json:
    return snapshot(
        headline={"key": "stopped", "glyph": "stopped", "fields": {}},
        proxy={"phase": "stopped", "since": None},
    )


def exhausted() -> Json:
    credit = meter("AI credits", used=1500.0, left=0.0, percent_used=100.0, exhausted=True)
    fields = {"meter": "AI credits", "p": 100, "when": time.time() + 9 * DAY}
    return snapshot(
        headline={"key": "exhausted", "glyph": "exhausted", "fields": fields},
        usage={"meters": [credit, weekly(40), included()]},
        banner={"id": "exhausted", "level": "error", "fields": fields, "actions": []},
    )


def many_meters() -> Json:
    now = time.time()
    return snapshot(
        usage={
            "meters": [
                meter("AI credits"),
                weekly(),
                meter(
                    "Premium requests",
                    unit="requests",
                    used=338.0,
                    limit=300.0,
                    left=0.0,
                    percent_used=112.7,
                    overage=38.0,
                    overage_ok=True,
                ),
                meter(
                    "Chat",
                    used=92.0,
                    limit=100.0,
                    left=8.0,
                    percent_used=92.0,
                    resets_at=now + 5 * HOUR,
                    window_start=now - 25 * DAY,
                ),
                included(),
                unknown("Team seat", "unmetered"),
                unknown("copilot_nightly"),
            ]
        }
    )


def budget(used: float = 12.5, limit: float = 20.0, **changes: Any) -> Json:
    level = "spent" if used >= limit else "low" if used >= 0.8 * limit else "ok"
    usual = {
        "unit": "credits", "limit": limit, "period": "day", "stops": True, "used": used,
        "resets_at": time.time() + 5 * HOUR, "level": level,
    }  # fmt: skip
    return usual | changes


def over_budget() -> Json:
    when = time.time() + 5 * HOUR
    return snapshot(
        headline={"key": "budget", "glyph": "exhausted", "fields": {"when": when}},
        usage={"budget": budget(21.5)},
        settings={"budget_credits": 20.0, "budget_period": "day", "budget_action": "stop"},
        banner={
            "id": "budget_stop",
            "level": "warn",
            "fields": {"meter": "credits-20", "p": 107, "when": when},
            "actions": ["change_budget", "show_included"],
        },
    )
