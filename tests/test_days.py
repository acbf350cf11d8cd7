"""A day begins at local midnight, in whatever zone."""

from __future__ import annotations

import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


ZONES = ("UTC", "Asia/Kathmandu", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia")


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone of a process is fixed there")
@pytest.mark.parametrize("zone", ZONES)
def test_whatever_jumps_the_clock_makes_the_day_is_the_clocks(zone):
    """Forward and back, over midnights that do not exist (Sao Paulo) and a lost day (Apia)."""
    before = os.environ.get("TZ")

    @given(st.lists(st.floats(946_684_800, 4_102_444_800), max_size=20))
    def jumping(moments: list[float]) -> None:
        for each in (*moments, *(moment // 86_400 * 86_400 for moment in moments)):
            assert day_of(each) == time.strftime("%Y-%m-%d", time.localtime(each))

    try:
        os.environ["TZ"] = zone
        time.tzset()
        jumping()
    finally:
        os.environ.pop("TZ")
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()
