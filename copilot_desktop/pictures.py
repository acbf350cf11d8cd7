"""What kind of picture base64 text holds, told by its first bytes (`translation.md` §2.5).

Clients often declare another type than the bytes have, which Copilot refuses; so the bytes decide.
"""

from __future__ import annotations

PICTURES = ("image/jpeg", "image/png", "image/gif", "image/webp")
PDF = "application/pdf"

# The first characters of base64 are the first bytes, as long as whole groups of three are compared.
_STARTS = (
    ("iVBORw0KGgo", "image/png"),
    ("/9j/", "image/jpeg"),
    ("R0lGOD", "image/gif"),
    ("UklGR", "image/webp"),
)


def picture_type(data: str, declared: str = "") -> str:
    """The media type that `data` shows, or else the declared one in its usual spelling."""
    for start, kind in _STARTS:
        if data.startswith(start):
            return kind
    declared = declared.lower()
    return "image/jpeg" if declared == "image/jpg" else declared
