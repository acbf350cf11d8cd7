"""The account's states as a table: every pair of state and event has one known outcome."""

from __future__ import annotations

from typing import get_args

import pytest

from copilot_desktop.errors import (
    Blocked,
    NoCopilot,
    NotSignedIn,
    Problem,
    RateLimited,
    SignInExpired,
    StorageFailed,
    Unreachable,
)
from copilot_desktop.upstream.account import (
    CHAT_OFF,
    Account,
    AccountEvent,
    AccountState,
    after,
    after_failure,
    after_success,
)

STATES = get_args(AccountState)
# Rows: event. Columns: unknown, signed_out, checking, signed_in, expired, no_access,
# storage_locked. "." means that the event does not matter there.
TABLE = {
    "found": "signed_in signed_in . . . . signed_in",
    "absent": "signed_out signed_out . . . . signed_out",
    "locked": "storage_locked storage_locked . . . . storage_locked",
    "approved": "checking checking checking checking checking checking checking",
    "recheck": ". . . . checking checking .",
    "accepted": ". . signed_in signed_in signed_in signed_in .",
    "rejected": ". . expired expired expired expired .",
    "refused": ". . no_access no_access no_access no_access .",
    "uncertain": ". . signed_in signed_in expired no_access .",
    "left": "signed_out signed_out signed_out signed_out signed_out signed_out signed_out",
}


def test_the_table_has_every_event() -> None:
    assert TABLE.keys() == set(get_args(AccountEvent))
    assert set(STATES) == {
        "unknown", "signed_out", "checking", "signed_in", "expired", "no_access", "storage_locked"
    }  # fmt: skip


@pytest.mark.parametrize("event", TABLE)
def test_every_state_and_event(event: AccountEvent) -> None:
    order = [
        "unknown", "signed_out", "checking", "signed_in", "expired", "no_access", "storage_locked"
    ]  # fmt: skip
    for state, expected in zip(order, TABLE[event].split(), strict=True):
        before = Account(state=state, login="octo")
        then = after(before, event, login="new")
        if expected == ".":
            assert then is before
        else:
            assert (then.state, then.login) == (expected, "new")


@pytest.mark.parametrize(
    ("problem", "state"),
    [
        (SignInExpired(), "expired"),
        (NoCopilot(), "no_access"),
        (Blocked(), "no_access"),
        (Unreachable(fields={"host": "x", "reason": "y"}), "signed_in"),
        (RateLimited(), "signed_in"),
        (NotSignedIn(), "signed_in"),
    ],
)
def test_what_a_failed_call_says(problem: Problem, state: AccountState) -> None:
    assert after_failure(Account(state="signed_in"), problem).state == state


def test_bad_weather_does_not_cover_a_known_reason() -> None:
    known = NoCopilot()
    account = Account(state="no_access", problem=known)
    assert after_failure(account, Unreachable()).problem is known
    unsaved = StorageFailed(fields={"where": "x"})
    account = Account(state="signed_in", problem=unsaved)
    assert after_failure(account, Unreachable()).problem is unsaved
    assert after_success(account, plan="", chat=None).problem is unsaved


def test_the_same_news_twice_is_no_change() -> None:
    first = after_failure(Account(state="signed_in"), Unreachable(fields={"host": "h"}))
    assert after_failure(first, Unreachable(fields={"host": "h"})) == first


def test_chat_switched_off_is_no_access_with_its_own_reason() -> None:
    account = after_success(Account(state="checking"), plan="Business", chat=False)
    assert account.state == "no_access"
    assert account.problem is not None
    assert account.problem.code == CHAT_OFF
    assert after_success(account, plan=account.plan, chat=False) == account
    assert after_success(account, plan=account.plan, chat=True).state == "signed_in"


def test_usable_means_calls_may_be_made() -> None:
    usable = {state for state in STATES if Account(state=state).usable}
    assert usable == {"signed_in", "checking"}
