"""Which signals tell this process to end."""

from __future__ import annotations

import signal
from collections.abc import Iterator


def ending(*names: str) -> Iterator[int]:
    """The numbers of those that this system has. A closed terminal is none of them after `nohup`:
    it is not meant to end the process."""
    for name in names:
        number = getattr(signal, name, None)
        if number is None or (name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN):
            continue
        yield number
