"""Which signals end the app: those of this system, and not what `nohup` has switched off."""

from __future__ import annotations

import signal

import pytest

from copilot_desktop.system.signals import ending


def test_what_this_system_lacks_is_left_out() -> None:
    assert list(ending("SIGTERM", "SIGNOTHERE", "SIGINT")) == [signal.SIGTERM, signal.SIGINT]


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no closed terminals")
def test_a_closed_terminal_ends_nothing_after_nohup() -> None:
    assert list(ending("SIGHUP")) == [signal.SIGHUP]
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert list(ending("SIGTERM", "SIGHUP")) == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGHUP, before)
