"""The menu as a value: it exists for every state, fits, and says the same as the window."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from copilot_desktop import resources
from copilot_desktop.core.headline import spoken_percent
from copilot_desktop.core.settings import Preferences, Settings
from copilot_desktop.core.snapshot import snapshot
from copilot_desktop.core.state import State
from copilot_desktop.core.verb_shapes import NAMES
from copilot_desktop.shell.icons import GLYPHS
from copilot_desktop.shell.menu import (
    ROW_LIMIT,
    TOOLTIP_LIMIT,
    Item,
    headline_text,
    menu_for,
    meter_text,
    spoken_time,
    tooltip,
    worst_meter,
)
from copilot_desktop.strings import languages, words
from copilot_desktop.upstream.account import Account
from copilot_desktop.upstream.roster import Parked

NOW = 1_787_400_000.0  # a Saturday, 12:00 UTC
HEADLINES = sorted(
    key
    for key in json.loads((resources.ui() / "strings" / "en.json").read_text())["headline"]
    if not key.endswith("_undated")
)
PHASES = ("stopped", "starting", "running", "stopping", "error")
ACCOUNTS = (
    "unknown", "signed_out", "checking", "signed_in", "expired", "no_access", "storage_locked",
)  # fmt: skip
LONG = "Premium interactions of the whole organisation, shared between all of its seats 🚀"


def meter(**facts: Any) -> dict[str, Any]:
    return {
        "id": "weekly",
        "name": "Weekly limit",
        "kind": "window",
        "unit": "percent",
        "used": None,
        "limit": None,
        "left": None,
        "percent_used": 81.4,
        "overage": 0,
        "overage_ok": False,
        "resets_at": NOW + 3600,
        "window_start": None,
        "exhausted": False,
        **facts,
    }


def state(
    headline: str = "running",
    phase: str = "running",
    account: str = "signed_in",
    *,
    meters: tuple[dict[str, Any], ...] = (),
    error: dict[str, Any] | None = None,
    fields: dict[str, Any] | None = None,
    login_item: str = "off",
    **proxy: Any,
) -> dict[str, Any]:
    place = {"host": "127.0.0.1", "port": 4141}
    return {
        "headline": {"key": headline, "glyph": "running", "fields": {**place, **(fields or {})}},
        "proxy": {"phase": phase, **place, "key_required": False, "error": error, **proxy},
        "auth": {"state": account},
        "app": {"login_item": {"state": login_item, "settings": False}},
        "usage": {"meters": list(meters)},
    }


def every_row(rows: tuple[Item, ...]) -> Iterator[Item]:
    for row in rows:
        yield row
        yield from every_row(row.rows)


def plain(text: str) -> str:
    """With usual spaces: the strings keep a number and its sign together."""
    return text.replace("\u202f", " ").replace("\u00a0", " ")


def texts(shown: dict[str, Any]) -> list[str]:
    return [plain(row.text) for row in menu_for(shown, words())]


METERS = (
    (),
    (meter(),),
    (meter(name=LONG, percent_used=100.0, exhausted=True, resets_at=NOW + 40 * 86_400),),
    (
        meter(kind="included", percent_used=None, resets_at=None),
        meter(kind="unmetered", percent_used=None),
        meter(kind="unknown", percent_used=None),
        meter(kind="metered", percent_used=0.2, resets_at=None),
        meter(kind="metered", percent_used=250.0, resets_at=1e30),
    ),
)
ERRORS = (
    None,
    {"kind": "port_taken", "fields": {"port": "4141", "holder": LONG, "next": "4142"}},
    {"kind": "port_taken", "fields": {"port": "4141", "holder": "node", "next": "None"}},
    {"kind": "problem", "fields": {}},
)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("account", ACCOUNTS)
def test_every_state_has_a_menu_of_short_rows(phase: str, account: str) -> None:
    wishes = itertools.product(HEADLINES, METERS, ERRORS, (False, True), (True, False))
    for headline, meters, error, key_required, dated in wishes:
        when = NOW + 9 * 86_400 if dated else None
        shown = state(
            headline, phase, account, meters=meters, error=error, key_required=key_required,
            fields={"n": 2, "meter": LONG, "p": 99, "when": when},
        )  # fmt: skip
        rows = menu_for(shown, words())

        for row in every_row(rows):
            assert len(row.text) <= ROW_LIMIT
            assert row.verb == "" or row.verb in {*NAMES, "copy_key"}
            assert "{" not in row.text
            assert "None" not in row.text
            assert not row.text.startswith(("tray.", "headline."))
        assert rows[0].text
        assert not rows[0].enabled
        assert [row.text for row in rows if row.default] == ["Open Copilot Desktop"]
        assert rows[-1].verb == "quit"
        assert not any(a.is_separator and b.is_separator for a, b in itertools.pairwise(rows))
        assert len(tooltip(shown, words()).encode("utf-16-le")) // 2 <= TOOLTIP_LIMIT


def test_a_tooltip_of_the_longest_fields_still_fits_windows() -> None:
    shown = state("low", fields={"meter": "🚀" * 200, "p": 99})
    line = tooltip(shown, words())
    assert 100 <= len(line.encode("utf-16-le")) // 2 <= TOOLTIP_LIMIT
    assert line.endswith("…")


def test_one_row_starts_or_stops_and_waits_while_the_proxy_is_busy() -> None:
    def row(phase: str) -> tuple[str, str, bool]:
        rows = menu_for(state(phase=phase), words())
        found = [each for each in rows if each.verb in {"start_proxy", "stop_proxy"}]
        assert len(found) == 1
        return found[0].text, found[0].verb, found[0].enabled

    assert row("running") == ("Stop proxy", "stop_proxy", True)
    assert row("stopping") == ("Stop proxy", "stop_proxy", False)
    assert row("stopped") == ("Start proxy", "start_proxy", True)
    assert row("starting") == ("Start proxy", "start_proxy", False)
    assert row("error") == ("Start proxy", "start_proxy", True)


@pytest.mark.parametrize(
    ("found", "settings", "row"),
    [
        ("on", False, ("start_at_login", {"on": False}, True, True)),
        ("off", False, ("start_at_login", {"on": True}, False, True)),
        ("blocked", False, ("start_at_login", {"on": True}, False, True)),
        ("blocked", True, ("open_login_settings", {}, False, True)),
        ("unknown", True, ("start_at_login", {"on": True}, False, False)),
    ],
)
def test_start_at_login_is_a_switch_that_tells_what_the_system_says(
    found: str, settings: bool, row: tuple[str, dict[str, Any], bool, bool]
) -> None:
    shown = state()
    shown["app"]["login_item"] = {"state": found, "settings": settings}
    item = next(each for each in menu_for(shown, words()) if each.text == "Start at login")
    assert (item.verb, item.arguments, item.checked, item.enabled) == row


def test_the_menu_says_what_waits_and_leads_to_the_window() -> None:
    question = {"id": 1, "client": "C" * 32, "model": "gpt-5"}
    halt = {"reason": "warned", "since": NOW, "until": NOW + 1800}
    brakes = {"questions": [question], "halt": halt, "waiting": 3, "limits": []}
    rows = menu_for({**state(), "brakes": brakes}, words())
    found = {row.text: row for row in rows}
    asking = next(row for text, row in found.items() if "wants to use Copilot" in text)
    assert (asking.verb, asking.arguments) == ("show_window", {"screen": "overview"})
    assert found["Resume sending…"].verb == "show_window"
    assert not found["3 requests are waiting"].enabled
    refused = {**state(), "brakes": {**brakes, "halt": {**halt, "reason": "refused"}}}
    assert "Resume sending…" not in {row.text for row in menu_for(refused, words())}


def test_a_newer_version_leads_to_its_page_and_is_no_row_otherwise() -> None:
    shown = state()
    assert not any("available" in text for text in texts(shown))
    shown["update"] = {"version": "99.1.0", "asked_at": NOW, "failed": False}
    row = next(row for row in menu_for(shown, words()) if "99.1.0" in row.text)
    assert (row.text, row.verb, row.arguments) == (
        "Version 99.1.0 is available…", "open_link", {"id": "downloads"},
    )  # fmt: skip


def test_a_taken_port_offers_the_free_one_if_there_is_one() -> None:
    taken, none = (state("port_conflict", "error", error=error) for error in ERRORS[1:3])
    offer = next(row for row in menu_for(taken, words()) if row.verb == "use_port")
    assert (offer.text, offer.arguments) == ("Use port 4142 instead", {"port": 4142})
    assert not [row for row in menu_for(none, words()) if row.verb == "use_port"]


@pytest.mark.parametrize("account", ACCOUNTS)
def test_signing_in_is_offered_where_it_helps(account: str) -> None:
    offered = "Sign in…" in texts(state(account=account))
    assert offered == (account in {"signed_out", "expired", "no_access", "storage_locked"})


def test_addresses_can_be_copied_while_the_proxy_runs() -> None:
    def copies(**proxy: Any) -> list[tuple[str, str, str]]:
        rows = menu_for(state(**proxy), words())
        inside = next((row.rows for row in rows if row.text == "Copy address"), ())
        return [(row.text, row.copies, row.verb) for row in inside]

    assert copies() == [
        ("OpenAI", "http://127.0.0.1:4141/v1", ""),
        ("Anthropic", "http://127.0.0.1:4141", ""),
    ]
    assert copies(phase="stopped") == []
    assert copies(host="0.0.0.0", key_required=True)[0][1] == "http://127.0.0.1:4141/v1"
    assert copies(key_required=True)[-1] == ("API key", "", "copy_key")
    assert copies(host="::1")[1][1] == "http://[::1]:4141"


def test_the_worst_meter_stands_below_the_headline_and_all_in_the_submenu() -> None:
    low, high = meter(name="Session limit", percent_used=12), meter(percent_used=90)
    included = meter(name="Chat", kind="included", percent_used=None)
    shown = state(meters=(included, low, high))
    assert texts(shown)[1].startswith("Weekly limit: 90 % used")
    usage = next(row for row in menu_for(shown, words()) if row.text == "Usage")
    assert usage.rows[0].text == "Chat: included"
    assert plain(usage.rows[1].text).startswith("Session limit: 12 % used")
    assert [row.enabled for row in usage.rows[:3]] == [False, False, False]
    assert usage.rows[-1].verb == "refresh_quota"


def test_meters_are_not_shown_to_somebody_who_is_not_signed_in() -> None:
    assert not [text for text in texts(state(account="expired", meters=(meter(),))) if "%" in text]


@pytest.mark.parametrize("percent", [0, 0.2, 49.5, 99.7, 100, 130.0])
@pytest.mark.parametrize("resets_at", [None, NOW + 3600, NOW + 40 * 86_400])
@pytest.mark.parametrize("name", ["Weekly limit", LONG])
def test_a_percentage_always_says_that_it_is_the_used_part(
    percent: float, resets_at: float | None, name: str
) -> None:
    shown = meter(name=name, percent_used=percent, resets_at=resets_at)
    row = plain(meter_text(shown, words()))
    assert f"{spoken_percent(percent)} % used" in row


def test_a_meter_without_a_number_shows_none() -> None:
    assert meter_text(meter(kind="included", percent_used=None), words()) == (
        "Weekly limit: included"
    )
    assert "%" not in meter_text(meter(kind="unknown", percent_used=None), words())
    assert worst_meter([meter(kind="included", percent_used=None)]) is None


@pytest.mark.parametrize(
    ("value", "shown"), [(0, 0), (0.2, 1), (49.5, 50), (74.4, 74), (99.6, 99), (100, 100)]
)
def test_a_share_is_rounded_as_in_the_window(value: float, shown: int) -> None:
    assert spoken_percent(value) == shown


def test_a_moment_is_a_weekday_within_a_week_and_a_date_beyond() -> None:
    def spoken(ahead: float) -> str:
        return spoken_time(NOW + ahead, words(), now=NOW)

    local = time.localtime(NOW + 3600)
    assert spoken(3600) == time.strftime("%a %H:%M", local)
    assert spoken(6.9 * 86_400).count(":") == 1
    beyond = time.localtime(NOW + 8 * 86_400)
    assert spoken(8 * 86_400) == f"{beyond.tm_mday} {time.strftime('%b', beyond)}"
    assert spoken(-86_400).count(":") == 0
    nothing = [spoken_time(when, words()) for when in (None, 1e30, "soon")]
    assert nothing == ["", "", ""]


def test_moments_and_meters_are_named_in_the_language_of_the_menu() -> None:
    german = words("de")
    at = NOW - (time.localtime(NOW).tm_wday - 3) * 86_400 + 7 * 86_400  # a Thursday
    assert spoken_time(at, german, now=at - 3600) == time.strftime("Do %H:%M", time.localtime(at))
    assert spoken_time(1_787_400_000, german, now=NOW - 10**8).endswith(" Aug.")
    premium = meter(name="Premium requests", percent_used=81.0, resets_at=None)
    assert meter_text(premium, german) == "Premium-Anfragen: 81\u202f% verbraucht"
    unknown = meter(name="GitHub’s new one", percent_used=81.0, resets_at=None)
    assert meter_text(unknown, german).startswith("GitHub’s new one: ")


def test_a_limit_without_a_date_does_not_make_one_up() -> None:
    fields = {"meter": "Premium requests", "when": None}
    assert headline_text(state("exhausted", fields=fields), words()) == "Premium requests: used up"


def test_all_headlines_of_the_strings_have_glyphs_in_the_core() -> None:
    from typing import get_args

    from copilot_desktop.core.headline import Glyph

    assert set(get_args(Glyph)) == set(GLYPHS)


@pytest.mark.parametrize("account", ACCOUNTS)
@pytest.mark.parametrize("language", languages())
def test_no_account_name_stands_in_the_tray(account: Any, language: str) -> None:
    """It is seen on every shared screen, whatever the settings say."""
    who = Account(account, login="canary", id=7, plan="Pro")
    parked = (Parked("github.com", 8, "canary-two"),)
    shown = snapshot(State(preferences=Preferences.of(Settings()), account=who, parked=parked))
    said = words(language)
    rows = every_row(menu_for(shown, said))
    assert "canary" not in " ".join([tooltip(shown, said), *(row.text for row in rows)])


def test_no_notification_has_room_for_an_account_name() -> None:
    for language in languages():
        said = words(language).tree["notification"]
        assert "{login}" not in json.dumps(said)
