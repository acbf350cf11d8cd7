"""Which of Copilot's endpoints answers a request: a pure decision.

A model lists the endpoints that it accepts. The client's own dialect comes first (nothing is lost),
then the others in the order that loses least (`translation.md` §1.2).
"""

from __future__ import annotations

from dataclasses import dataclass

from copilot_desktop.dialects import Dialect
from copilot_desktop.dialects.registry import ALL
from copilot_desktop.errors import UnknownModel
from copilot_desktop.model import CHAT, MESSAGES, RESPONSES, Model

_PREFERENCE: dict[str | None, tuple[str, ...]] = {
    MESSAGES: (MESSAGES, RESPONSES, CHAT),
    RESPONSES: (RESPONSES, MESSAGES, CHAT),
    CHAT: (CHAT, RESPONSES, MESSAGES),
    None: (CHAT, RESPONSES, MESSAGES),
}


@dataclass(frozen=True, slots=True)
class Route:
    """`same` means that the client's own format goes upstream untranslated."""

    model: Model
    endpoint: str
    target: Dialect
    same: bool


def route(model: Model, spoken: Dialect | None) -> Route:
    """The route for `model` and the dialect that the client speaks (None: the canonical form).

    Raises UnknownModel if the model takes no conversation at all.
    """
    own = spoken.endpoint if spoken is not None else None
    order = _PREFERENCE[own] if spoken is not None else _PREFERENCE[MESSAGES]
    for endpoint in order:
        if endpoint in model.endpoints:
            target = next(dialect for dialect in ALL if dialect.endpoint == endpoint)
            return Route(model, endpoint, target, same=endpoint == own)
    served = ", ".join(model.endpoints) or "none that this app knows"
    raise UnknownModel(
        code="unsupported_api_for_model",
        fields={
            "model": model.id,
            "reason": f"It does not take conversations; its endpoints are: {served}.",
        },
    )
