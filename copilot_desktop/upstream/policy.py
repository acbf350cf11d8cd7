"""Accepting the terms of a model in the user's name (`upstream.md` §5.3).

A model whose policy is `unconfigured` is not answered for before its terms are accepted. That is an
act of the user: it names the terms that were shown by their digest, and if GitHub's are others by
now nothing is accepted. Nothing here is ever done by itself.
"""

from __future__ import annotations

import hashlib
from urllib.parse import quote

from copilot_desktop.errors import Blocked, InvalidRequest, UnknownModel
from copilot_desktop.model import Model
from copilot_desktop.upstream.catalogue import Catalogue
from copilot_desktop.upstream.client import CopilotClient
from copilot_desktop.upstream.names import why_not
from copilot_desktop.upstream.token import Authority

_INTENT = "chat-policy"
_ACCEPT_SECONDS = 30.0
_LOOKS = 2  # at the list afterwards; one may have been on its way before


def digest(model: Model) -> str:
    """What stands for the terms of this model, as lower-case hexadecimal SHA-256."""
    return hashlib.sha256(f"{model.id}\n{model.policy_terms}".encode()).hexdigest()


async def enable(
    client: CopilotClient,
    catalogue: Catalogue,
    authority: Authority,
    name: str,
    terms_shown: str,
) -> Model:
    """Accept the terms of the model whose id is `name`; the model as GitHub lists it afterwards.

    `terms_shown` is the digest of what the user has read. Raises UnknownModel, InvalidRequest if
    the terms are others by now, Blocked with GitHub's words, and what a call raises.
    """
    await catalogue.refresh(authority)
    model = _listed(catalogue, name)
    if model.policy == "enabled":
        return model
    if model.policy == "disabled":
        raise Blocked(why_not(model))
    if digest(model) != terms_shown:
        raise InvalidRequest("These are not the terms that GitHub shows now. Read them again.")
    await _accept(client, authority, model)
    for _ in range(_LOOKS):
        await catalogue.refresh(authority)
        model = _listed(catalogue, name)
        if model.policy == "enabled":
            break
    return model


async def _accept(client: CopilotClient, authority: Authority, model: Model) -> None:
    try:
        await client.request_json(
            "POST",
            f"/models/{quote(model.id, safe='')}/policy",
            authority,
            json={"state": "enabled"},
            intent=_INTENT,
            initiator="user",
            extra_headers={"X-Interaction-Type": _INTENT},
            timeout=_ACCEPT_SECONDS,
        )
    except (Blocked, InvalidRequest) as problem:
        words = f"Your organisation or your plan decides about {model.id}."
        raise Blocked(
            f"{words} {problem.detail}".strip(),
            code=problem.code,
            upstream_status=problem.upstream_status,
            request_id=problem.request_id,
        ) from problem


def _listed(catalogue: Catalogue, name: str) -> Model:
    found = next((model for model in catalogue.models if model.id == name), None)
    if found is None:
        raise UnknownModel(fields={"model": name[:100]})
    return found
