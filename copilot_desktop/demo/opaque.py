"""Ids, signatures and blobs that only their maker can read.

They are pure functions of a secret and a label, so that a conversation replayed to another run of
the fake is still recognised, and that equal tests see equal bytes. Nothing here is a security
measure: the secret stands below.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid

_SECRET = b"Copilot Desktop demo"
_CORE = 12  # bytes that an item id shares with the encrypted content it travelled with
_MAC = 20
_ID_BYTES = 306  # 408 characters, as measured
_BLOB_BYTES = 450


def _mac(kind: str, data: bytes) -> bytes:
    return hmac.new(_SECRET, kind.encode() + b"\0" + data, hashlib.sha256).digest()


def noise(label: str, size: int) -> bytes:
    """`size` bytes that look random and depend only on `label`."""
    return hashlib.shake_256(_SECRET + label.encode()).digest(size)


def hexes(label: str, size: int) -> str:
    """`size` hexadecimal digits."""
    return noise(label, (size + 1) // 2).hex()[:size]


def word(label: str, size: int) -> str:
    """`size` letters and digits."""
    text = base64.b64encode(noise(label, size * 2)).decode()
    return "".join(letter for letter in text if letter.isalnum())[:size].ljust(size, "0")


def uuid4(label: str) -> str:
    return str(uuid.UUID(bytes=noise(label, 16), version=4))


def signature(kind: str, text: str) -> str:
    """Of a thought. Changes with every letter of it."""
    mac = _mac(kind, text.encode("utf-8", "surrogatepass"))
    return base64.b64encode(mac + noise(kind + text[:64], 118)).decode()


def signed(kind: str, text: str, claim: object) -> bool:
    """True if `claim` is the signature that was given out for exactly this text."""
    return isinstance(claim, str) and hmac.compare_digest(
        claim.encode(), signature(kind, text).encode()
    )


def _seal(kind: str, core: bytes, size: int, salt: str) -> str:
    head = core + _mac(kind, core)[:_MAC]
    return base64.b64encode(head + noise(f"{kind}{core.hex()}{salt}", size - len(head))).decode()


def _open(kind: str, text: object) -> bytes | None:
    try:
        raw = base64.b64decode(str(text), validate=True)
    except ValueError:
        return None
    core, mac = raw[:_CORE], raw[_CORE : _CORE + _MAC]
    return core if hmac.compare_digest(mac, _mac(kind, core)[:_MAC]) else None


def thought(kind: str, text: str) -> str:
    """The opaque twin of a visible thought."""
    return _seal(kind, noise(kind + text, _CORE), 150, text[:64])


def is_thought(kind: str, claim: object, text: object) -> bool:
    """True if `thought` made this claim, and for this text if there is one."""
    core = _open(kind, claim)
    return core is not None and (not text or core == noise(f"{kind}{text}", _CORE))


def item_id(label: str) -> str:
    """An id as `/responses` gives: some 400 characters, different in every event."""
    return _seal("id", noise(label, _CORE), _ID_BYTES, label)


def encrypted(label: str) -> str:
    """The encrypted reasoning that travels with `item_id(label)`."""
    return _seal("blob", noise(label, _CORE), _BLOB_BYTES, label)


def issued_id(text: object) -> bool:
    """True for an id that `item_id` made."""
    return _open("id", text) is not None


def issued_blob(text: object) -> bool:
    """True for reasoning that `encrypted` made."""
    return _open("blob", text) is not None


def belong_together(identity: object, blob: object) -> bool:
    """True if this id and this blob stood in one item."""
    core = _open("id", identity)
    return core is not None and core == _open("blob", blob)
