"""Web pages and editors built on web engines that were turned away, for the user to decide about.

Only the user can let an origin in, and only one that really asked: the window offers exactly what
is remembered here. Anybody who can send a request can put an entry here, so there are few of them,
only in the plain form of an origin, and the one on top stays there until it is decided on: what a
person is about to allow must not change under the pointer.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable

KEPT = 4
KEPT_IGNORED = 64
LONGEST = 200  # characters
_FORM = re.compile(
    r"[a-z][a-z0-9+.-]{0,31}://(?:[a-z0-9_-][a-z0-9._-]*|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?"
)


def plain_origin(text: str) -> str | None:
    """`scheme://host[:port]` in lower case, as browsers send it; None for anything else.

    `null` is no origin: every sandboxed page has it.
    """
    origin = text.lower() if text.isascii() and len(text) <= LONGEST else ""
    return origin if _FORM.fullmatch(origin) else None


class RefusedOrigins:
    """`waiting` are the origins to decide about, the one that has waited longest first.

    Lasts as long as the app runs; an origin that was ignored is not offered again.
    """

    def __init__(self) -> None:
        self.waiting: tuple[str, ...] = ()
        self.on_change: Callable[[], None] = lambda: None
        self._ignored: OrderedDict[str, None] = OrderedDict()

    def note(self, sent: str) -> None:
        """The header of a request that was refused for nothing but its origin."""
        origin = plain_origin(sent)
        if origin is None or origin in self.waiting or origin in self._ignored:
            return
        first, others = self.waiting[:1], self.waiting[1:]
        self._set((*first, *others[-(KEPT - 2) :], origin))

    def settle(self, origin: str, *, ignore: bool) -> None:
        """The user has decided. With `ignore` it is not offered again."""
        if ignore:
            self._ignored[origin] = None
            while len(self._ignored) > KEPT_IGNORED:
                self._ignored.popitem(last=False)
        self._set(tuple(each for each in self.waiting if each != origin))

    def _set(self, waiting: tuple[str, ...]) -> None:
        if waiting != self.waiting:
            self.waiting = waiting
            self.on_change()
