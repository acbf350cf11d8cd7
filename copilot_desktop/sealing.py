"""Sealed reasoning signatures: opaque reasoning that tells by itself where it may be replayed.

Copilot binds reasoning to the model and endpoint that issued it. A signature that we hand to a
client of another dialect is therefore sealed: a prefix for the endpoint and base64url JSON with the
model (`translation.md` §2.6). One that does not open for the target model is dropped, never sent.

    gc1.  from /chat/completions   {"m": model, "o": reasoning_opaque}
    gr1.  from /responses          {"m": model, "i": item id, "e": encrypted content}
    gm1.  from /v1/messages        {"m": model, "s": signature}
"""

from __future__ import annotations

import base64
import json
from typing import Literal

Seal = Literal["gc1.", "gr1.", "gm1."]
PREFIXES: tuple[Seal, ...] = ("gc1.", "gr1.", "gm1.")


def seal(prefix: Seal, model: str, **parts: str) -> str:
    """`prefix` + base64url of the compact JSON of `model` and `parts`, without padding."""
    text = json.dumps({"m": model, **parts}, separators=(",", ":"))
    return prefix + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def unseal(sealed: str, prefix: Seal, model: str) -> dict[str, str] | None:
    """The parts that were sealed, or None if this is not a seal of that kind for that model."""
    if not sealed.startswith(prefix):
        return None
    body = sealed[len(prefix) :]
    try:
        parts = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (ValueError, RecursionError):
        return None
    if not isinstance(parts, dict) or parts.pop("m", None) != model:
        return None
    return {key: value for key, value in parts.items() if isinstance(value, str)}


def is_sealed(signature: str) -> bool:
    """Whether this is one of ours, of any kind."""
    return signature.startswith(PREFIXES)
