"""Each state of the app has exactly one headline, its banners in order, and words for both."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any, get_args

import pytest

from copilot_desktop import strings
from copilot_desktop.core.budget import Budget, Limit
from copilot_desktop.core.editor_rows import EditorList, EditorRow
from copilot_desktop.core.headline import Banner, Glyph, banners, headline
from copilot_desktop.core.settings import Preferences, Settings
from copilot_desktop.core.state import (
    ModelList,
    Spending,
    State,
    Surroundings,
    Trouble,
    Update,
)
from copilot_desktop.errors import (
    BadSetting,
    Blocked,
    NoCopilot,
    NotUnderstood,
    PortTaken,
    Problem,
)
from copilot_desktop.proxy.brakes import BrakesState
from copilot_desktop.proxy.circuit import Limit as Wait
from copilot_desktop.proxy.controller import Phase, ProxyState
from copilot_desktop.upstream.account import Account, AccountState
from copilot_desktop.upstream.quota import Meter, QuotaSnapshot
from copilot_desktop.upstream.session import SignIn

TAKEN = PortTaken(fields={"port": "4141", "holder": "node", "next": "4142"})
PROBLEMS: tuple[Problem | None, ...] = (
    None,
    TAKEN,
    Problem("no reason"),
    BadSetting(fields={"name": "Port 80", "reason": "the system does not allow it"}),
    BadSetting(fields={"name": "192.0.2.1", "reason": "this computer has no such address"}),
)
ACCOUNTS = (
    *(Account(state=state, login="octo") for state in get_args(AccountState)),
    Account(state="no_access", login="octo", problem=NoCopilot(url="https://github.com/x")),
    Account(state="no_access", login="octo", problem=Blocked()),
)
USED_UP = Meter("m", "Premium", "metered", percent_used=100, resets_at=1.0, exhausted=True)
LOW = Meter("l", "Premium", "metered", percent_used=92.4, resets_at=1.0)
WEEKLY = Meter("weekly", "Weekly limit", "window", percent_used=100, exhausted=True)
SESSION = Meter("session", "Session limit", "window", percent_used=100, exhausted=True)
LIMITED = BrakesState(limits=(Wait("", 2e9, "Wait."),))
LIMITED_MODEL = BrakesState(limits=(Wait("gpt-5", 2e9, "Wait."),))
INCLUDED = Meter("c", "Chat", "included", percent_used=100, exhausted=True)
SUGGESTIONS = Meter("completions", "Code completions", "metered", percent_used=100)
QUOTAS = ((), (LOW,), (USED_UP, LOW), (WEEKLY,), (SESSION,), (INCLUDED,))


def banner(shown: State) -> Banner | None:
    """What stands on top."""
    return next(iter(banners(shown)), None)


def editors(*states: str) -> EditorList:
    """Connected editors in these states."""
    rows = (EditorRow(each, each, "automatic", each, written=True) for each in states)
    return EditorList(rows=tuple(rows))


def state(**parts: Any) -> State:
    settings = parts.pop("settings", {})
    ready = Account(state="signed_in", login="octo")
    parts = {"account": ready, "proxy": ProxyState("running"), **parts}
    if "meters" in parts:
        parts["quota"] = QuotaSnapshot("ready", parts.pop("meters"))
    return State(preferences=Preferences.of(Settings(**settings)), **parts)


def every_state() -> list[State]:
    combinations = itertools.product(
        get_args(Phase), PROBLEMS, ACCOUNTS, QUOTAS, (None, "offline", "github_down")
    )
    return [
        state(
            proxy=ProxyState(phase, "192.0.2.1", 4141, 0.0, problem),
            account=account,
            meters=meters,
            degraded=degraded,
        )
        for phase, problem, account, meters, degraded in combinations
    ]


def test_every_pair_of_proxy_and_account_has_words() -> None:
    words = strings.words()
    for each in every_state():
        found = headline(each)
        assert found.glyph in get_args(Glyph)
        assert words.has(f"headline.{found.key}"), found
        assert "unknown" not in words.text(f"headline.{found.key}", **found.fields), found


def test_every_banner_has_words_and_its_buttons_do_too() -> None:
    words = strings.words()
    states = [*every_state(), state(refused_origins=("app://a",))]
    for found in itertools.chain.from_iterable(map(banners, states)):
        for part in ("title", "body"):
            key = f"banner.{found.id}.{part}"
            assert words.has(key), key
            assert "unknown" not in words.text(key, **found.fields), key
        for action in found.actions:
            assert words.has(f"banner.action.{action}"), action


@pytest.mark.parametrize(
    ("parts", "key", "glyph"),
    [
        ({}, "running", "running"),
        ({"settings": {"host": "0.0.0.0", "require_key": True}}, "running_lan", "running"),
        ({"degraded": "offline"}, "offline", "running"),
        ({"degraded": "github_down"}, "github_down", "running"),
        ({"fault": "E-USAGE"}, "broken", "error"),
        ({"fault": "E-USAGE", "account": Account("expired")}, "broken", "error"),
        ({"meters": (WEEKLY,)}, "limited", "exhausted"),
        ({"meters": (LOW,), "brakes": LIMITED}, "limited", "exhausted"),
        ({"meters": (USED_UP,), "brakes": LIMITED}, "exhausted", "exhausted"),
        ({"brakes": LIMITED_MODEL}, "running", "running"),
        ({"meters": (LOW,)}, "low", "low"),
        ({"meters": (LOW, USED_UP)}, "exhausted", "exhausted"),
        ({"meters": (INCLUDED,)}, "running", "running"),
        ({"meters": (SUGGESTIONS,)}, "running", "running"),
        ({"meters": (LOW,), "degraded": "offline"}, "low", "low"),
        ({"proxy": ProxyState("stopped"), "meters": (USED_UP,)}, "stopped", "stopped"),
        ({"proxy": ProxyState("starting")}, "starting", "busy"),
        ({"proxy": ProxyState("stopping")}, "stopping", "busy"),
        ({"account": Account("signed_out"), "proxy": ProxyState("stopped")}, "signin", "signin"),
        ({"account": Account("storage_locked")}, "signin", "signin"),
        ({"account": Account("expired")}, "expired", "signin"),
        ({"account": Account("no_access")}, "no_access", "signin"),
        ({"account": Account("unknown")}, "running", "running"),
        ({"account": Account("checking")}, "running", "running"),
        (
            {"account": Account("signed_out"), "settings": {"auth_mode": "passthrough"}},
            "running",
            "running",
        ),
        (
            {"proxy": ProxyState("error", problem=TAKEN), "account": Account("expired")},
            "port_conflict",
            "error",
        ),
        ({"proxy": ProxyState("error", problem=Problem())}, "error", "error"),
    ],
)
def test_the_first_match_wins(parts: dict[str, Any], key: str, glyph: str) -> None:
    found = headline(state(**parts))
    assert (found.key, found.glyph) == (key, glyph)


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        ({}, None),
        ({"account": Account("signed_out")}, "signin"),
        ({"account": Account("signed_out"), "sign_in": SignIn("waiting")}, None),
        ({"account": Account("signed_out"), "sign_in": SignIn("cancelled")}, "signin"),
        ({"account": Account("no_access", problem=Blocked())}, "blocked"),
        ({"account": Account("expired"), "degraded": "offline"}, "expired"),
        ({"degraded": "offline", "meters": (USED_UP,)}, "offline_bare"),
        ({"refused_origins": ("app://a",), "account": Account("expired")}, "expired"),
        ({"refused_origins": ("app://a",), "meters": (USED_UP,)}, "origin_refused"),
        ({"meters": (WEEKLY,)}, "weekly_limit"),
        ({"meters": (SESSION,)}, "session_limit"),
        ({"meters": (LOW,)}, "low"),
        ({"meters": (LOW,), "editors": editors("old_port", "changed")}, "editors_old"),
        ({"meters": (LOW,), "editors": editors("unreadable")}, "editors"),
        ({"meters": (USED_UP,), "editors": editors("old_key")}, "exhausted"),
        ({"meters": (LOW,), "editors": editors("connected")}, "low"),
        ({"fault": "E-USAGE", "account": Account("expired")}, "error"),
        ({"fault": "E-USAGE", "proxy": ProxyState("stopped")}, "error_stopped"),
        ({"fault": "E-USAGE", "proxy": ProxyState("error", problem=TAKEN)}, "port_conflict"),
        ({"quota": QuotaSnapshot("unavailable", problem=NotUnderstood())}, "changed"),
        ({"app": Surroundings(engine="browser", engine_missing="WebKitGTK")}, "browser"),
        ({"degraded": "offline", "trouble": Trouble(1.0, 2.0)}, "offline_bare"),
        ({"degraded": "offline", "quota": QuotaSnapshot("stale", fetched_at=1.0)}, "offline"),
        ({"degraded": "offline", "trouble": Trouble(1.0, 2.0, "api.github.com")}, "impostor"),
        ({"proxy": ProxyState("error", problem=TAKEN), "degraded": "offline"}, "port_conflict"),
        ({"proxy": ProxyState("error", "192.0.2.1", 1, 0, PROBLEMS[4])}, "address_gone"),
        ({"proxy": ProxyState("error", "127.0.0.1", 80, 0, PROBLEMS[3])}, "port_denied"),
    ],
)
def test_one_banner_at_a_time(parts: dict[str, Any], name: str | None) -> None:
    found = banner(state(**parts))
    assert (found.id if found else None) == name


def test_the_way_out_of_a_taken_port_is_in_the_banner() -> None:
    found = banner(state(proxy=ProxyState("error", problem=TAKEN)))
    assert found is not None
    assert found.fields["next"] == "4142"
    assert "use_port" in found.actions


def test_the_upper_alert_is_a_setting() -> None:
    shown = state(meters=(replace(LOW, percent_used=80.0),), settings={"alert_high": 80})
    assert headline(shown).key == "low"


def with_budget(used: float, *, stops: bool, **parts: Any) -> State:
    limit = Limit("credits", 10.0, "day", stops=stops)
    spending = Spending(budget=Budget(limit, used, 1_900_000_000.0))
    return replace(state(**parts), spending=spending)


@pytest.mark.parametrize(
    ("shown", "line", "name"),
    [
        (with_budget(7, stops=True), "running", None),
        (with_budget(8, stops=True), "running", "budget_low"),
        (with_budget(12, stops=False), "running", "budget_spent"),
        (with_budget(12, stops=True), "budget", "budget_stop"),
        (with_budget(12, stops=True, meters=(LOW,)), "budget", "budget_stop"),
        (with_budget(12, stops=False, meters=(LOW,)), "low", "low"),
        (with_budget(12, stops=True, degraded="offline"), "budget", "offline_bare"),
    ],
)
def test_the_budget_is_told_where_requests_depend_on_it(
    shown: State, line: str, name: str | None
) -> None:
    found = banner(shown)
    assert (headline(shown).key, found.id if found else None) == (line, name)
    words = strings.words()
    assert words.has(f"headline.{line}")
    if found:
        assert words.has(f"banner.{found.id}.title")
        assert all(words.has(f"banner.action.{action}") for action in found.actions)


def test_a_budget_that_stops_is_not_said_to_let_requests_go_on() -> None:
    assert [each.id for each in banners(with_budget(12, stops=True))] == ["budget_stop"]


def test_a_budget_is_full_only_when_it_is() -> None:
    found = banner(with_budget(9.999, stops=True))
    assert found is not None
    assert found.fields["p"] == 99
    found = banner(with_budget(8.25, stops=True))
    assert found is not None
    assert found.fields["p"] == 83, "as the notification rounds"


def test_a_meter_is_full_only_when_it_is() -> None:
    """In the tray's tooltip as in its menu and in the window."""
    found = headline(state(meters=(replace(LOW, percent_used=99.6),)))
    assert (found.key, found.fields["p"]) == ("low", 99)


def test_what_is_less_pressing_is_told_below_it() -> None:
    """Whoever dismisses that GitHub has changed something must not miss that nothing is left."""
    shown = state(meters=(USED_UP,), update=Update("9.9.9"))
    shown = replace(shown, models=ModelList(problem=NotUnderstood()))
    assert [each.id for each in banners(shown)] == ["changed", "exhausted", "low", "update"]
