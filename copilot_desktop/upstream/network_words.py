"""What a system says of a network error, in words for people that are the same on every system.

On Windows asyncio's errors have codes of Windows' own; the number that POSIX has for most of them
is the one of "invalid argument", and the C library calls those of its sockets unknown. What the
system itself says there is in the user's language and as long as a page of help.
"""

from __future__ import annotations

import errno
import os

_CLOSED = "the connection was closed before an answer came"
_WORDS = {
    errno.ENETDOWN: "network is down",
    errno.ENETUNREACH: "network is unreachable",
    errno.EHOSTUNREACH: "no route to host",
    errno.ETIMEDOUT: "connection timed out",
    errno.ECONNABORTED: _CLOSED,
    errno.ECONNRESET: _CLOSED,
}
_OF_WINDOWS = {
    64: errno.ECONNRESET,  # the name is gone
    121: errno.ETIMEDOUT,  # the semaphore timeout
    1231: errno.ENETUNREACH,
    1232: errno.EHOSTUNREACH,
    1236: errno.ECONNABORTED,
}


def told(error: OSError) -> str:
    """Empty where it says nothing that would help."""
    code = _OF_WINDOWS.get(getattr(error, "winerror", None) or 0, error.errno)
    if code in _WORDS:
        return _WORDS[code]
    if not code or code == errno.EINVAL:
        return ""
    said = os.strerror(code).lower()
    return "" if said.startswith("unknown error") else said
