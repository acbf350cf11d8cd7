"""Sealed reasoning in the one slot that Chat Completions has for it.

A chat message carries one `reasoning_opaque` string, and streaming clients join its pieces by
plain concatenation. A reply with several sealed blocks therefore travels as several seals in a row;
every seal but the first names the length of its text (`~17`), so that the joined reasoning text can
be cut at the right places when the client sends it back. One seal alone looks exactly like a seal.

Knows nothing of what is inside a seal (`sealing`), nor whether a model may have it (`render`).
"""

from __future__ import annotations

import re

from copilot_desktop.canonical import Thinking

_SEAL = re.compile(r"(g[crm]1\.[A-Za-z0-9_-]*?)(?:~(\d{1,9}))?(?=g[crm]1\.|$)")


def opaque_piece(signature: str, text_length: int, *, first: bool) -> str:
    """What is added to `reasoning_opaque` for one sealed block of `text_length` characters."""
    return signature if first else f"{signature}~{text_length}"


def reasoning_of(text: str, opaque: object) -> tuple[Thinking, ...]:
    """The blocks that `text` and `opaque` of one message stand for. Foreign seals are left out."""
    seals: list[tuple[str, str]] = _SEAL.findall(opaque) if isinstance(opaque, str) else []
    if not seals:
        return (Thinking(text),) if text else ()
    blocks: list[Thinking] = []
    for signature, length in reversed(seals[1:]):
        cut = max(0, len(text) - int(length or 0))
        blocks.append(Thinking(text[cut:], signature))
        text = text[:cut]
    blocks.append(Thinking(text, seals[0][0]))
    return tuple(reversed(blocks))
