"""A waker is called while it wants to be, and may leave in the middle of it."""

from __future__ import annotations

from contextlib import ExitStack

from copilot_desktop.core.wakers import Wakers


def test_each_is_woken_until_it_leaves() -> None:
    wakers, woken = Wakers(), []
    with wakers.waking(lambda: woken.append("a")), wakers.waking(lambda: woken.append("b")):
        wakers.wake()
    wakers.wake()
    assert sorted(woken) == ["a", "b"]


def test_one_may_leave_while_it_is_woken() -> None:
    wakers, woken, leaving = Wakers(), [], ExitStack()

    def once() -> None:
        woken.append("once")
        leaving.close()

    leaving.enter_context(wakers.waking(once))
    wakers.wake()
    wakers.wake()
    assert woken == ["once"]
