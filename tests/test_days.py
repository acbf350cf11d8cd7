"""A day begins at local midnight, in whatever zone."""

from __future__ import annotations

import os
import time

import pytest

from copilot_desktop.days import day_of

NOON = 1_790_078_400.0  # 2026-09-22 12:00 UTC


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone of a process is fixed there")
def test_the_day_follows_the_zone_and_the_clock(monkeypatch):
    zones = (("UTC", 12), ("XXX-05:45", 6.25), ("YYY+09:30", 21.5), ("Europe/Berlin", 10))
    try:
        for zone, left in zones:
            monkeypatch.setitem(os.environ, "TZ", zone)
            time.tzset()
            midnight = NOON + left * 3600
            assert day_of(NOON) == "2026-09-22", zone
            assert day_of(midnight - 0.1) == "2026-09-22", zone
            assert day_of(midnight) == "2026-09-23", zone
    finally:
        monkeypatch.undo()
        time.tzset()
