"""Every notification fits, says who and how much, and never shows a hole."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from copilot_desktop.core.alerts import Alert, due
from copilot_desktop.core.settings import Notification
from copilot_desktop.core.state import State
from copilot_desktop.core.verbs import Outcome
from copilot_desktop.demo import SCENARIOS
from copilot_desktop.shell.telling import BODY_LIMIT, TITLE_LIMIT, clipped, reason, told
from copilot_desktop.strings import words
from copilot_desktop.upstream.quota import Meter, QuotaSnapshot
from copilot_desktop.upstream.session import Account
from tests.core_rig import running_core

NOW = 1_787_400_000.0
LONG = "Premium interactions of the whole organisation, shared between all of its seats 🚀" * 4
# In the strings, beside those that can be switched off.
OTHERS = ("copied", "failed", "hidden_mac", "hidden_no_tray", "not_copied")


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def plain(text: str) -> str:
    return text.replace("\u202f", " ").replace("\u00a0", " ")


def say(id: str, **fields: Any) -> tuple[str, str]:  # noqa: A002
    title, body = told(Alert(id, fields), words())
    return plain(title), plain(body)


@pytest.mark.parametrize("id", [*get_args(Notification), *OTHERS])
def test_every_notice_fits_with_the_longest_names(id: str) -> None:  # noqa: A002
    wishes = itertools.product((LONG, "Chat"), (None, 0.0, 1e9), (None, NOW + 9e6), (0.2, 250.0))
    for name, left, when, percent in wishes:
        title, body = say(
            id, meter=name, client=name, holder=name, what=name, reason=name, port="65535",
            left=left, unit="requests", when=when, p=percent, version="1." * 40, current="0.1.0",
        )  # fmt: skip
        assert 0 < units(title) <= TITLE_LIMIT
        assert 0 < units(body) <= BODY_LIMIT
        for text in (title, body):
            assert not {"{", "None", "unknown"} & {*text, *text.split()}
            assert not text.startswith("notification.")
            assert "  " not in text


def test_a_low_meter_says_how_much_is_left_and_until_when() -> None:
    fields = {"meter": "Premium requests", "p": 90.4, "unit": "requests"}
    title, body = say("low", **fields, left=29.0, when=None)
    assert (title, body) == ("Premium requests: 90 % used", "29 left.")
    assert say("low", **fields, left=1088.0, when=NOW + 9e6)[1].startswith("1,088 left. Resets ")
    assert say("low", **fields, left=None, when=NOW + 9e6)[1].startswith("Resets ")
    assert say("low", **fields, left=None, when=None)[1] == "GitHub did not say when it resets."


@pytest.mark.parametrize("when", [NOW + 9e6, None])
def test_a_limit_in_time_that_is_reached_promises_nothing_of_included_models(when: Any) -> None:
    meter = Meter(
        "session", "Session limit", "window", percent_used=100, resets_at=when, exhausted=True
    )
    me = Account(state="signed_in", id=7)
    state = State(account=me, quota=QuotaSnapshot("ready", (meter,), NOW))
    [alert] = due(state, {}, NOW)[0]
    title, body = told(alert, words())
    assert plain(title) == "Session limit: used up"
    assert body.startswith("GitHub asks to wait")
    assert "ncluded" not in body


def test_the_number_survives_a_name_that_is_too_long() -> None:
    title, _ = say("low", meter=LONG, p=90.0, left=1.0, when=None)
    assert title.endswith("…: 90 % used")


def test_a_cut_never_splits_a_sign() -> None:
    assert clipped("🚀" * 40, 63).count("🚀") == 31
    assert clipped("short", 63) == "short"


async def test_no_secret_reaches_a_notification(tmp_path: Path) -> None:
    """Whatever happens to be told, over a real sign-in that GitHub takes back."""
    scenario = replace(SCENARIOS["exhausted"], pace=0.0)
    alerts: list[Alert] = []
    async with running_core(
        tmp_path, scenario, signed_in=True, api_key="canary-key-of-this-computer"
    ) as rig:
        rig.core.life.alerting.start(alerts.append)
        await rig.until(lambda state: state.quota.state == "ready")
        rig.fake.tokens.revoke()
        await rig.do("check_account")
        await rig.until(lambda _state: {"exhausted", "signin"} <= {alert.id for alert in alerts})
        asked = [each.headers.get("Authorization", "") for each in rig.fake.ledger]
        secrets = {
            rig.fake.github_token,
            rig.core.key,
            *(each.split()[-1] for each in asked if each),
        }
    assert len(secrets) >= 3
    for alert in alerts:
        shown = " ".join((*told(alert, words()), repr(alert)))
        assert not any(secret in shown for secret in secrets), alert.id
        assert "octo-user" not in shown, "who sees the desktop need not know the account"


def test_a_client_that_calls_itself_by_a_secret_is_not_quoted() -> None:
    title, body = say("approval", client="tool ghu_0123456789abcdefghij")
    assert "0123456789" not in title + body


def test_why_a_press_did_nothing_is_said_in_the_language_of_the_rest() -> None:
    offline = Outcome(False, "unreachable", "GitHub cannot be reached.", {"host": "api.github.com"})
    assert reason(offline, "en") == "GitHub cannot be reached."
    assert "api.github.com" in reason(offline, "de")
    own = Outcome(False, "invalid_request", "The system did not take it: Read-only file system.")
    assert reason(own, "de") == own.message
