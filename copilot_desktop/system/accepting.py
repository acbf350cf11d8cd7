"""A listener that goes on after a client that was gone before it was let in.

On Windows asyncio takes the failure of one connection, on its way in, for the failure of the whole
listener, logs it and closes that: an agent that is killed while it connects would end the proxy, or
the window's own server, for everybody (cpython 93821). Elsewhere it waits for the next client. Here
the proactor's `accept` does that: it fails only for what is wrong with the listener itself.

Only for a process of our own: in a program that embeds us the loop belongs to that program.
"""

from __future__ import annotations

import asyncio
from typing import Any

# What Windows says of a client that is gone: the name is gone, no answer in time, aborted; and
# sockets of theirs: aborted, reset, not connected.
_GONE = frozenset({64, 121, 1236, 10053, 10054, 10057})


class _Accepting(asyncio.Future[Any]):
    """The next client, however many are gone before it. To cancel it stops waiting at once."""

    waiting: asyncio.Future[Any] | None = None

    def cancel(self, msg: Any | None = None) -> bool:
        if self.waiting is not None:
            self.waiting.cancel(msg)
        return super().cancel(msg)


def outlast_clients(proactor: Any = None) -> None:
    """For listeners of this process from now on. `proactor` is a class; asyncio's own if it has one
    here."""
    proactor = proactor or getattr(asyncio, "IocpProactor", None)
    if proactor is None:
        return
    accept_one = proactor.accept

    def accept(self: Any, listener: Any) -> asyncio.Future[Any]:
        first = accept_one(self, listener)
        found = _Accepting(loop=first.get_loop())

        def wait(one: asyncio.Future[Any]) -> None:
            found.waiting = one
            one.add_done_callback(settle)

        def settle(one: asyncio.Future[Any]) -> None:
            if one.cancelled():
                found.cancel()
            elif found.cancelled():
                return
            elif (error := one.exception()) is None:
                found.set_result(one.result())
            elif getattr(error, "winerror", 0) not in _GONE:
                found.set_exception(error)
            else:
                try:
                    wait(accept_one(self, listener))
                except OSError as trouble:
                    found.set_exception(trouble)

        wait(first)
        return found

    proactor.accept = accept
