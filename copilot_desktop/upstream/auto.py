"""Auto mode: GitHub chooses the model (`upstream.md` §5.4).

A session with Copilot names a model and gives a token for it; calls that carry the token may use
that model, at a discount, and on some plans only so. A session belongs to one account, that is to
one authority, and is kept in memory until shortly before its end. Whoever comes while it is being
made waits for the same one.

    none ──first call──> asking ──ok──> kept ──over, or refused with a call──> asking
                           └──GitHub offers none──> callers get that answer for half a minute

The token is as secret as a Copilot token: it stands in the headers of the chosen `Model`, which
are not shown in any `repr`, and nowhere else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakKeyDictionary

from copilot_desktop.errors import Blocked, InvalidRequest, UnknownModel, UpstreamFault
from copilot_desktop.model import AUTO, Model
from copilot_desktop.upstream.client import CopilotClient
from copilot_desktop.upstream.names import usable
from copilot_desktop.upstream.quota_headers import number
from copilot_desktop.upstream.refreshed import Refreshed
from copilot_desktop.upstream.token import Authority

SESSION_HEADER = "Copilot-Session-Token"
USUAL_SECONDS = 1800.0  # of a session that does not say when it ends: as a Copilot token
LONGEST_SECONDS = 86_400.0  # more than that is a wrong clock, here or there
MARGIN_SECONDS = 60.0
REST_SECONDS = 30.0  # after GitHub's word that there is no auto mode for this account
ASK_SECONDS = 30.0
_LEAST_VERSION = "2025-07-16"  # of the interface; only direct bearers send none of their own
_MOST_NAMES = 200


@dataclass(frozen=True, slots=True)
class _Session:
    """`names`: the selected model first, then the others. `until` is on the monotonic clock;
    `discounts`: what calls cost less by model, from 0 to 1."""

    token: str = field(repr=False)
    names: tuple[str, ...]
    until: float
    discounts: Mapping[str, Any]


class _Kept:
    """What is known for one authority."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.session: _Session | None = None
        self.fetch = Refreshed[_Session]("auto mode", clock=clock)

    def refused(self) -> UnknownModel | None:
        """GitHub's answer that it offers none, as long as it counts."""
        since = self.fetch.since_try
        if since is None or since > REST_SECONDS:
            return None
        problem = self.fetch.problem
        return problem if isinstance(problem, UnknownModel) else None


class AutoMode:
    """Sessions by authority. `clock` is monotonic, `wall` gives epoch seconds.

    `names` are the models that GitHub chose from last; `on_choice` is called when they change.
    """

    def __init__(
        self,
        client: CopilotClient,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        on_choice: Callable[[], None] = lambda: None,
    ) -> None:
        self.names: tuple[str, ...] = ()
        self._client = client
        self._clock = clock
        self._wall = wall
        self._on_choice = on_choice
        self._kept: WeakKeyDictionary[Authority, _Kept] = WeakKeyDictionary()

    async def choose(
        self, authority: Authority, models: Mapping[str, Model], *, stale: Model | None = None
    ) -> Model:
        """The model that GitHub chose, with the header that lets it be called.

        `stale` is a choice that Copilot has just refused. Raises UnknownModel if there is no auto
        mode for this account or none of its models is in `models`, and what a call raises.
        """
        kept = self._kept.setdefault(authority, _Kept(self._clock))
        session = kept.session
        over = session is None or session.until <= self._clock()
        if session is None or over or (stale is not None and session.token == _token(stale)):
            if (refusal := kept.refused()) is not None:
                raise refusal.with_traceback(None)
            session = await kept.fetch.refresh(lambda: self._ask(kept, authority))
        return _chosen(session, models)

    def clear(self) -> None:
        """Forget every session; what is being asked for ends unheard."""
        for kept in list(self._kept.values()):
            kept.fetch.forget()
        self._kept = WeakKeyDictionary()
        self.names = ()

    async def _ask(self, kept: _Kept, authority: Authority) -> _Session:
        direct = (await authority.grant()).direct
        try:
            answer = await self._client.request_json(
                "POST",
                "/models/session",
                authority,
                json={"auto_mode": {"model_hints": [AUTO]}},
                intent="model-access",
                extra_headers={"X-GitHub-Api-Version": _LEAST_VERSION} if direct else None,
                timeout=ASK_SECONDS,
            )
        except (InvalidRequest, Blocked) as problem:
            raise _none(problem.detail, problem.upstream_status) from problem
        kept.session = self._read(answer)
        if kept.session.names != self.names:
            self.names = kept.session.names
            self._on_choice()
        return kept.session

    def _read(self, answer: Any) -> _Session:
        found = answer if isinstance(answer, Mapping) else {}
        token, selected = found.get("session_token"), found.get("selected_model")
        offered = found.get("available_models")
        listed = [selected, *(offered if isinstance(offered, list) else ())]
        names = tuple(dict.fromkeys(name for name in listed if isinstance(name, str) and name))
        if not (isinstance(token, str) and token.isascii() and token.isprintable() and names):
            raise UpstreamFault("The answer about auto mode has an unexpected form.")
        discounts = found.get("discounted_costs")
        return _Session(
            token,
            names[:_MOST_NAMES],
            self._clock() + self._lasts(found),
            discounts if isinstance(discounts, Mapping) else {},
        )

    def _lasts(self, found: Mapping[str, Any]) -> float:
        """Seconds for which a session is used. If that is too long, Copilot refuses the token."""
        ends = number(found.get("expires_at"))
        left = USUAL_SECONDS if ends is None else ends - self._wall()
        if not 0 < left <= LONGEST_SECONDS:
            left = USUAL_SECONDS
        return max(left - MARGIN_SECONDS, left / 2)


def by_auto(model: Model) -> bool:
    """Was this model chosen by auto mode?"""
    return SESSION_HEADER in model.request_headers


def _token(model: Model) -> str | None:
    return model.request_headers.get(SESSION_HEADER)


def _chosen(session: _Session, models: Mapping[str, Model]) -> Model:
    for name in session.names:
        model = models.get(name)
        if model is not None and usable(model) and model.kind == "chat":
            headers = {**model.request_headers, SESSION_HEADER: session.token}
            multiplier = _less(model.multiplier, number(session.discounts.get(name)))
            return replace(model, request_headers=headers, multiplier=multiplier)
    raise _none(f"GitHub chose {session.names[0][:100]}, which is not in its list of models.")


def _less(multiplier: float | None, discount: float | None) -> float | None:
    """In plans of premium requests a call counts for less (`upstream.md` §5.4); where it costs
    credits, its answer says how many."""
    if multiplier is None or discount is None or not 0 < discount < 1:
        return multiplier
    return round(multiplier * (1 - discount), 4)


def _none(detail: str, status: int | None = None) -> UnknownModel:
    reason = "GitHub does not choose a model for this account now. Name one instead."
    return UnknownModel(detail, fields={"model": AUTO, "reason": reason}, upstream_status=status)
