"""Our app, led to the fake where it goes to GitHub and Copilot over TLS, and nowhere else.

The app takes no other https addresses than the real ones (`upstream.origins`), and that shall stay.
So it keeps them, and the answers of the name service are changed: what `reroute.cjs` is for Node.
Names, certificates and everything after the opening of a connection are as in real life.

    BENCH_TLS_PORT=… python rerouted.py serve --port …
"""

from __future__ import annotations

import os
import re
import socket
from typing import Any

OURS = re.compile(r"(?:.*\.)?(?:github|githubcopilot)\.com")
_real = socket.getaddrinfo


def found(host: Any, port: Any, *more: Any, **options: Any) -> list[Any]:
    """Stands for `socket.getaddrinfo`; addresses of this machine are as they were."""
    if OURS.fullmatch(str(host)):
        return _real("127.0.0.1", int(os.environ["BENCH_TLS_PORT"]), *more, **options)
    if str(host) not in ("127.0.0.1", "localhost", "::1", "None"):
        raise socket.gaierror(socket.EAI_NONAME, "the benchmark stays on this machine")
    return _real(host, port, *more, **options)


if __name__ == "__main__":
    socket.getaddrinfo = found
    from copilot_desktop.cli import entry

    entry()
