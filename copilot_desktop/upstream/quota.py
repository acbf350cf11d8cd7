"""How much of the allowance is used: a list of meters, whatever GitHub counts in.

Read from `/copilot_internal/user` in its several shapes (`upstream.md` §10.2, in `quota_meters`)
and kept up to date by the headers of every model answer (§10.3). A number that GitHub does not give
is None, never made up; a placeholder is not "0 left".
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from copilot_desktop.errors import NoCopilot, Problem
from copilot_desktop.upstream.quota_headers import (
    SNAPSHOT,
    WINDOW,
    window_of,
    window_of_snapshot,
)
from copilot_desktop.upstream.quota_meters import (
    Meter,
    has_no_access,
    meter_of_header,
    meter_of_window,
    meters_of,
    plan_of,
)
from copilot_desktop.upstream.refreshed import Refreshed

__all__ = ["Meter", "Quota", "QuotaSnapshot"]

MOST, LONGEST_NAME = 20, 60  # meters, and characters; GitHub has some three with short names


@dataclass(frozen=True, slots=True)
class QuotaSnapshot:
    """`fetched_at` in epoch seconds. `source`: which of the two ways gave the newest number.

    `plan` is GitHub's own word (`individual_pro`), empty if unknown.
    """

    state: Literal["loading", "ready", "stale", "unavailable", "signed_out"] = "loading"
    meters: tuple[Meter, ...] = ()
    fetched_at: float | None = None
    source: Literal["", "account", "headers"] = ""
    plan: str = ""
    problem: Problem | None = None


class Quota:
    """The quota of the signed-in account. `wall` gives epoch seconds."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.snapshot = QuotaSnapshot()
        self.on_change: Callable[[], None] | None = None
        self._wall = wall
        self._fetch = Refreshed[dict[str, Any]]("quota", clock=clock)

    async def refresh(self, fetch: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        """Ask the account. Raises the Problem of `fetch`; the meters that were known stay."""
        if self.snapshot.state == "signed_out":
            self._set(QuotaSnapshot())
        before = self.snapshot
        try:
            answer = await self._fetch.refresh(fetch)
        except Problem as problem:
            if self.snapshot.state != "signed_out":
                state: Literal["stale", "unavailable"] = "stale" if before.meters else "unavailable"
                self._set(replace(self.snapshot, state=state, problem=problem))
            raise
        if self.snapshot.state == "signed_out":  # meanwhile
            return
        windows = tuple(m for m in self.snapshot.meters if m.kind == "window" and self._lasts(m))
        no_access = has_no_access(answer)
        self._set(
            QuotaSnapshot(
                state="unavailable" if no_access else "ready",
                meters=meters_of(answer) + windows,
                fetched_at=self._wall(),
                source="account",
                plan=plan_of(answer),
                problem=NoCopilot() if no_access else None,
            )
        )

    def missed(self, problem: Problem) -> None:
        """The account could not be asked: where nothing is known, the reason stands instead."""
        if self.snapshot.state == "loading":
            self._set(replace(self.snapshot, state="unavailable", problem=problem))

    def note_headers(self, headers: Mapping[str, str]) -> None:
        """Take the numbers out of the headers of a model answer, if there are any. Never raises."""
        given = {name.lower(): value for name, value in headers.items()}
        told = {name for name in given if name.startswith((SNAPSHOT, WINDOW))}
        if not told or self.snapshot.state == "signed_out":
            return
        known = {meter.id: meter for meter in self.snapshot.meters if meter.kind != "window"}
        windows: list[Meter] = []
        for name in sorted(told):
            read = window_of(given[name])
            if name.startswith(WINDOW):
                windows.append(meter_of_window(name.removeprefix(WINDOW), read))
            else:
                meter = name.removeprefix(SNAPSHOT)
                known[meter] = meter_of_header(meter, read, known.get(meter))
        # A window whose header is missing has more room than GitHub finds worth telling (§10.3).
        self._set(
            replace(
                self.snapshot,
                state="ready",
                meters=(*known.values(), *windows),
                fetched_at=self._wall(),
                source="headers",
                problem=None,
            )
        )

    def note_snapshots(self, snapshots: Mapping[str, Any]) -> None:
        """Take the numbers that a frame of a WebSocket brings (§10.3). Never raises.

        It tells nothing of the rate windows; what is known of them stays until they are over.
        """
        told = {str(name): value for name, value in snapshots.items() if isinstance(value, Mapping)}
        if not told or self.snapshot.state == "signed_out":
            return
        known = {
            meter.id: meter
            for meter in self.snapshot.meters
            if meter.kind != "window" or self._lasts(meter)
        }
        for name, value in told.items():
            known[name] = meter_of_header(name, window_of_snapshot(value), known.get(name))
        self._set(
            replace(
                self.snapshot,
                state="ready",
                meters=tuple(known.values()),
                fetched_at=self._wall(),
                source="headers",
                problem=None,
            )
        )

    def close(self) -> None:
        """End a fetch that is under way, without a word; what is known stays."""
        self._fetch.forget()

    def clear(self) -> None:
        """Signed out: nothing is known, and late answers change nothing."""
        self._fetch.forget()
        self._set(QuotaSnapshot(state="signed_out"))

    def _lasts(self, window: Meter) -> bool:
        """A limit that is over would be told for ever: the account's own numbers leave it out."""
        return window.resets_at is None or window.resets_at > self._wall()

    def _set(self, snapshot: QuotaSnapshot) -> None:
        meters = tuple(filter(_can_be_shown, snapshot.meters))[:MOST]
        if meters != snapshot.meters:
            snapshot = replace(snapshot, meters=meters)
        if snapshot == self.snapshot:
            return
        self.snapshot = snapshot
        if self.on_change is not None:
            self.on_change()


def _can_be_shown(meter: Meter) -> bool:
    """Its name stands in a tray and in notifications, which have no room for odd ones."""
    return len(meter.id) <= LONGEST_NAME and meter.id.isprintable() and not meter.is_none
