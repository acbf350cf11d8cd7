"""The JSON that views read: its shape, its clocks, and what must never be in it."""

from __future__ import annotations

import json
import math
import time
from dataclasses import replace

from copilot_desktop.core.settings import Preferences, Settings
from copilot_desktop.core.snapshot import snapshot
from copilot_desktop.core.state import LocalKey, ModelList, Requests, State
from copilot_desktop.errors import NoCopilot
from copilot_desktop.model import Model
from copilot_desktop.proxy.controller import ProxyState
from copilot_desktop.proxy.exchange import Exchange
from copilot_desktop.upstream.account import Account
from copilot_desktop.upstream.quota import Meter, QuotaSnapshot
from copilot_desktop.upstream.roster import Parked
from copilot_desktop.upstream.session import SignIn


def shown(**parts: object) -> dict[str, object]:
    return snapshot(State(**parts), now=1000.0, monotonic=400.0)  # type: ignore[arg-type]


def test_the_parts_of_the_contract_are_there_from_the_first_moment() -> None:
    page = shown()
    assert set(page) >= {
        *("v", "seq", "at", "app", "headline", "proxy", "auth", "login", "usage", "models"),
        *("requests", "banner", "ask", "settings", "settings_source"),
    }
    json.dumps(page, allow_nan=False)


def test_deadlines_are_told_on_the_wall_clock() -> None:
    login = SignIn("waiting", "ABCD-EFGH", "https://github.com/login/device", 450.0, 405.0)
    page = shown(sign_in=replace(login, host="github.com"))["login"]
    assert page == {
        "state": "waiting",
        "host": "github.com",
        "user_code": "ABCD-EFGH",
        "uri": "https://github.com/login/device",
        "expires_at": 1050.0,
        "next_poll_at": 1005.0,
        "error": None,
    }


def test_the_key_is_never_in_it() -> None:
    settings = Settings(api_key="my-own-key-7f2c")
    page = shown(preferences=Preferences.of(settings), key=LocalKey(True, "7f2c"))
    assert "my-own-key" not in json.dumps(page)
    assert page["proxy"]["key_hint"] == "7f2c"
    assert page["settings_source"]["api_key"] == "file"


def test_an_unlimited_meter_has_no_number() -> None:
    meter = Meter("c", "Chat", "included", limit=math.inf, left=math.nan)
    [told] = shown(quota=QuotaSnapshot("ready", (meter,)))["usage"]["meters"]
    assert (told["limit"], told["left"]) == (None, None)


def test_models_say_what_they_cost_and_why_they_cannot_be_used() -> None:
    models = (
        Model("a", multiplier=0.0),
        Model("b", multiplier=0.33, preview=True),
        Model("c", token_prices={"input": 1.0, "output": 2.0}, policy="unconfigured"),
        Model("d", policy="disabled"),
        Model("e", in_picker=False, thinking="budget"),
        Model("f", token_prices={"input": 0.0, "output": 0.0, "long_from": 128_000.0}),
    )
    preferences = Preferences.of(Settings(aliases={"fast": "a", "other": "x"}))
    page = shown(models=ModelList(models, "ready"), preferences=preferences)["models"]
    assert [item["cost"]["kind"] for item in page["items"]] == [
        *("included", "multiplier", "tokens", "unknown", "unknown", "included")
    ]
    assert [item["state"] for item in page["items"]] == [
        *("ready", "preview", "needs_approval", "blocked", "hidden", "ready")
    ]
    assert [item["why"] for item in page["items"]] == [
        *(None, None, "needs_approval", "blocked", "hidden", None)
    ]
    assert [item["terms"] for item in page["items"]] == [*(None, None, "", None, None, None)]
    assert page["items"][0]["aliases"] == ["fast"]
    assert page["items"][2]["cost"]["output"] == 2.0
    assert page["items"][4]["reasoning"]


def test_each_kind_of_model_says_what_it_is_for() -> None:
    hidden = {"in_picker": False}
    models = (
        Model("auto"),
        Model("a", **hidden),
        Model("v", kind="embeddings", endpoints=("/embeddings",)),
        Model("c", kind="completion", endpoints=()),
        Model("x", endpoints=()),
    )
    items = shown(models=ModelList(models, "ready"))["models"]["items"]
    assert [item["why"] for item in items] == [
        *("auto", "auto_only", "embeddings", "completion", "unspoken")
    ]
    assert items[0]["state"] == "auto"


def test_a_stopped_proxy_shows_the_address_it_would_have() -> None:
    preferences = Preferences.of(Settings(port=5000))
    stopped = shown(preferences=preferences, proxy=ProxyState("stopped", "127.0.0.1", 4141))
    assert stopped["proxy"]["port"] == 5000
    running = shown(preferences=preferences, proxy=ProxyState("running", "127.0.0.1", 4141))
    assert running["proxy"]["port"] == 4141


def test_problems_carry_kind_sentence_and_link() -> None:
    problem = NoCopilot("Ask for a seat.", url="https://github.com/x")
    told = shown(account=Account("no_access", problem=problem))["auth"]["error"]
    assert told["kind"] == "copilot_not_enabled"
    assert told["message"] == "GitHub Copilot subscription required. Ask for a seat."
    assert told["url"] == "https://github.com/x"


def test_only_the_latest_requests_are_shown() -> None:
    exchanges = tuple(Exchange(number, "curl", "openai_chat") for number in range(80, 0, -1))
    requests = shown(requests=Requests(exchanges, 1, 80))["requests"]
    assert [each["id"] for each in requests] == list(range(80, 30, -1))


def test_the_account_in_use_is_not_listed_among_the_others() -> None:
    """An interruption may leave it there."""
    account = Account(state="signed_in", login="octo-user", id=1)
    parked = (Parked("github.com", 1, "octo-user"), Parked("acme.ghe.com", 1, "octo-acme"))
    others = shown(account=account, parked=parked)["auth"]["others"]
    assert [each["login"] for each in others] == ["octo-acme"]


def test_the_requests_of_yesterday_are_not_told_as_todays() -> None:
    noon = time.mktime((2026, 11, 22, 12, 0, 0, 0, 0, -1))
    state = State(requests=Requests(today=148, day="2026-11-22"))
    assert snapshot(state, now=noon + 11 * 3600)["proxy"]["today"] == 148
    assert snapshot(state, now=noon + 13 * 3600)["proxy"]["today"] == 0
