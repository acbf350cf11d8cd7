"""Which of Copilot's endpoints answers a request: a pure decision.

A model lists the endpoints that it accepts. The client's own dialect comes first (nothing is lost),
then the others in the order that loses least (`translation.md` §1.2). What GitHub lists is not
always what it takes: pairs of model and endpoint that were refused are passed in and avoided.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from copilot_desktop.dialects import Dialect, UpstreamDialect
from copilot_desktop.dialects.registry import UPSTREAM
from copilot_desktop.errors import NotExpressible, UnknownModel
from copilot_desktop.model import CHAT, MESSAGES, RESPONSES, Model

UNSUPPORTED = "unsupported_api_for_model"  # Copilot's code for a model at a wrong endpoint

_PREFERENCE: dict[str | None, tuple[str, ...]] = {
    MESSAGES: (MESSAGES, RESPONSES, CHAT),
    RESPONSES: (RESPONSES, MESSAGES, CHAT),
    CHAT: (CHAT, RESPONSES, MESSAGES),
    None: (CHAT, RESPONSES, MESSAGES),
}
_TARGETS = {dialect.endpoint: dialect for dialect in UPSTREAM}


@dataclass(slots=True)
class Route:
    """`same` means that the client's own format goes upstream untranslated."""

    model: Model
    endpoint: str
    target: UpstreamDialect
    same: bool


@dataclass(slots=True)
class Detour:
    """The ways that one request was turned away from. `moved`: Copilot sent it elsewhere, which
    it may do once."""

    moved: bool = False
    _unsaid: NotExpressible | None = None

    def past(self, way: Route, spoken: Dialect | None, problem: NotExpressible) -> Route:
        """The next endpoint of the model, since the format of `way` cannot say what was asked.

        Raises the first such problem if `way` was the last one.
        """
        self._unsaid = self._unsaid or problem
        order = _order(spoken)
        later = order[order.index(way.endpoint) + 1 :]
        endpoint = next((one for one in later if one in way.model.endpoints), None)
        if endpoint is None:
            raise self._unsaid
        return _to(endpoint, way.model, spoken)


def route(
    model: Model, spoken: Dialect | None, refused: AbstractSet[tuple[str, str]] = frozenset()
) -> Route:
    """The route for `model` and the dialect that the client speaks (None: the canonical form).

    `refused` holds pairs of model id and endpoint to go around, as long as there is another way.
    Raises UnknownModel if the model takes no conversation at all.
    """
    first: str | None = None
    for endpoint in _order(spoken):
        if endpoint in model.endpoints:
            if not refused or (model.id, endpoint) not in refused:
                return _to(endpoint, model, spoken)
            first = first or endpoint
    if first is None:
        served = ", ".join(model.endpoints) or "none that this app knows"
        raise UnknownModel(
            code=UNSUPPORTED,
            fields={
                "model": model.id,
                "reason": f"It does not take conversations; its endpoints are: {served}.",
            },
        )
    return _to(first, model, spoken)


def _order(spoken: Dialect | None) -> tuple[str, ...]:
    return _PREFERENCE[spoken.endpoint] if spoken is not None else _PREFERENCE[MESSAGES]


def _to(endpoint: str, model: Model, spoken: Dialect | None) -> Route:
    own = spoken.endpoint if spoken is not None else None
    return Route(model, endpoint, _TARGETS[endpoint], same=endpoint == own)
