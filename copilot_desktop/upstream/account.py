"""Who is signed in, as one value and a table of what may happen to it.

    unknown ──found──> signed_in <──accepted── checking <──approved── (any state)
       │ │                │  ▲                    ▲
       │ └─absent─┐       │  └──accepted──┐       └──recheck── expired, no_access
       │          ▼       │               │
       │     signed_out   ├──rejected──> expired      GitHub refuses the token (401)
       │          ▲       └──refused───> no_access    GitHub is fine, Copilot is not there (403)
       └─locked─> storage_locked ──found──> signed_in, ──absent──> signed_out
                  (any state) ──left──> signed_out

`uncertain` (no answer, rate limit, outage) never takes a sign-in away. An event that the table
does not know in a state changes nothing: late answers arrive about accounts that are gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from copilot_desktop.errors import (
    Blocked,
    NoCopilot,
    NotSignedIn,
    Problem,
    SignInExpired,
    StorageFailed,
)

CHAT_OFF = "chat_disabled"  # code of the Blocked that says: Copilot yes, chat no

AccountState = Literal[
    "unknown", "signed_out", "checking", "signed_in", "expired", "no_access", "storage_locked"
]
AccountEvent = Literal[
    "found",  # the store has a sign-in
    "absent",  # the store has none
    "locked",  # the store cannot be read
    "approved",  # the person said yes on GitHub
    "recheck",  # look again whether a refused sign-in works by now
    "accepted",  # GitHub gave access to Copilot
    "rejected",  # GitHub does not accept the token any more
    "refused",  # GitHub accepts the token, but gives no Copilot
    "uncertain",  # nobody knows: the network, a limit, an outage
    "left",  # signed out
]

_KEPT: tuple[AccountState, ...] = ("checking", "signed_in", "expired", "no_access")
_EMPTY: tuple[AccountState, ...] = ("unknown", "signed_out", "storage_locked")
_ALL: tuple[AccountState, ...] = (*_KEPT, *_EMPTY)


def _table() -> Mapping[tuple[AccountState, AccountEvent], AccountState]:
    rows: list[tuple[tuple[AccountState, ...], AccountEvent, AccountState]] = [
        (_EMPTY, "found", "signed_in"),
        (_EMPTY, "absent", "signed_out"),
        (_EMPTY, "locked", "storage_locked"),
        (_ALL, "approved", "checking"),
        (("expired", "no_access"), "recheck", "checking"),
        (_KEPT, "accepted", "signed_in"),
        (_KEPT, "rejected", "expired"),
        (_KEPT, "refused", "no_access"),
        (("checking",), "uncertain", "signed_in"),
        (_ALL, "left", "signed_out"),
    ]
    table = {(state, event): after for states, event, after in rows for state in states}
    for state in ("signed_in", "expired", "no_access"):
        table[state, "uncertain"] = state
    return MappingProxyType(table)


TRANSITIONS = _table()


@dataclass(frozen=True, slots=True)
class Account:
    """`plan` and `where` are words for people; `source` is the name of the store.

    `checked`: GitHub has confirmed it since the app started. `problem` says why the account cannot
    be used, or what is in the way although it can (no network; the sign-in could not be saved).
    """

    state: AccountState = "unknown"
    host: str = "github.com"
    login: str = ""
    id: int = 0
    plan: str = ""
    source: str = ""
    where: str = ""
    checked: bool = False
    problem: Problem | None = None

    @property
    def usable(self) -> bool:
        """May calls be made, as far as anybody knows?"""
        return self.state in {"signed_in", "checking"}

    @property
    def settled(self) -> bool:
        """Is there nothing that a successful call could teach?"""
        known = self.problem is None or isinstance(self.problem, StorageFailed)
        return self.state == "signed_in" and self.checked and known


def after(account: Account, event: AccountEvent, **changes: Any) -> Account:
    """The account after `event`, with `changes`; the same one if the event does not matter."""
    state = TRANSITIONS.get((account.state, event))
    return account if state is None else replace(account, state=state, **changes)


def after_success(account: Account, *, plan: str, chat: bool | None) -> Account:
    """GitHub gave a token. `chat` False: it will not do for conversations."""
    if chat is False:
        problem = account.problem
        if problem is None or problem.code != CHAT_OFF:  # else the same news again
            problem = Blocked("Copilot chat is switched off for this account.", code=CHAT_OFF)
        return after(account, "refused", checked=True, plan=plan, problem=problem)
    # That the sign-in could not be saved stays true.
    kept = account.problem if isinstance(account.problem, StorageFailed) else None
    return after(account, "accepted", checked=True, plan=plan, problem=kept)


def after_failure(account: Account, problem: Problem) -> Account:
    """A call failed: what does that say about the account it was made for?"""
    known = account.problem
    if known is not None and (known.kind, str(known)) == (problem.kind, str(problem)):
        problem = known  # the same news again: no change to show
    match problem:
        case SignInExpired():
            return after(account, "rejected", checked=True, problem=problem)
        case NoCopilot() | Blocked():
            return after(account, "refused", checked=True, problem=problem)
        case NotSignedIn():
            return account  # it ended because the account is gone
        case _ if account.state in {"expired", "no_access"} or isinstance(known, StorageFailed):
            return after(account, "uncertain")  # the reason that is known says more
        case _:
            return after(account, "uncertain", problem=problem)
