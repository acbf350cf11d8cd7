"""Is everything in order, and if not, what exactly? One list of checks for window and terminal.

Each check has five seconds and runs beside the others; what it finds is a value (`Finding`) whose
sentence stands in the strings file under `finding.<id>.<case>`. A check looks and changes
nothing, apart from asking GitHub for what the app would ask for anyway. None raises: what cannot be
found out is a finding as well.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from copilot_desktop import strings
from copilot_desktop.core import logs
from copilot_desktop.core.editor_rows import PROBLEMS
from copilot_desktop.errors import NotSignedIn, Problem
from copilot_desktop.upstream import hops
from copilot_desktop.upstream.outgoing import NONE, SYSTEM, UnusableProxy, proxy_for, why_unusable

if TYPE_CHECKING:
    from copilot_desktop.core.core import Core

log = logging.getLogger(__name__)

Level = Literal["ok", "look", "failed"]
Action = Literal[
    "", "start_proxy", "use_port", "sign_in", "store", "outgoing", "open_logs", "refresh_models"
]

LIMIT = 5.0  # seconds for one check
TRIP_LIMIT = 4.5  # the walk ends by itself before, so that it can say where it was
CLOCK_OFF = 120.0  # seconds; Copilot's tokens are renewed some minutes before they end
_ANYWHERE = ("slow", "broken")  # what can become of each check
LITTLE_SPACE = 50 * 1024 * 1024  # bytes
_EDITORS: tuple[tuple[str, Level, tuple[str, ...]], ...] = (
    ("trouble", "look", PROBLEMS),
    ("connected", "ok", ("connected",)),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. `fields` fill the sentence; `action` is the button that helps."""

    id: str
    level: Level
    case: str
    fields: Mapping[str, str] = field(default_factory=dict)
    action: Action = ""

    def said(self, words: strings.Words) -> str:
        """The sentence, in the language of `words`."""
        return words.text(self.key, **self.fields)

    @property
    def key(self) -> str:
        """Where its sentence stands in the strings."""
        case = self.case if self.case in _ANYWHERE else f"{self.id}.{self.case}"
        return f"finding.{case}"

    def to_json(self, words: strings.Words) -> dict[str, object]:
        """For page and terminal."""
        return {
            "id": self.id,
            "level": self.level,
            "words": self.said(words),
            "key": self.key,
            "fields": dict(self.fields),
            "action": self.action,
        }


Check = Callable[[], Awaitable[Finding | None]]


class Diagnosis:
    """One run over a core. `alone`: in a single command, where no proxy and no window belong."""

    def __init__(self, core: Core, *, alone: bool = False) -> None:
        self._core = core
        self._alone = alone
        self._trip: asyncio.Task[hops.Trip] | None = None

    async def run(self) -> tuple[Finding, ...]:
        """All findings in their order, within about five seconds."""
        self._trip = asyncio.ensure_future(self._travel())
        try:
            found = await asyncio.gather(*(self._bounded(*each) for each in self._checks()))
        finally:
            self._trip.cancel()
        return tuple(each for each in found if each is not None)

    async def reach(self) -> Finding:
        """Only whether GitHub can be reached."""
        return _of_trip(await self._travel())

    def _checks(self) -> tuple[tuple[str, Check], ...]:
        return (
            ("own_address", self._own_address),
            ("port", self._port),
            ("sign_in", self._sign_in),
            ("github", self._github),
            ("session", self._session),
            ("models", self._models),
            ("usage", self._usage),
            ("clock", self._clock),
            ("storage", self._storage),
            ("engine", self._engine),
            ("tray", self._tray),
            ("outgoing", self._outgoing),
            ("logs", self._logs),
            ("editors", self._editors),
            ("update", self._update),
        )

    async def _bounded(self, name: str, check: Check) -> Finding | None:
        try:
            async with asyncio.timeout(LIMIT):
                return await check()
        except TimeoutError:
            return Finding(name, "failed", "slow", {"seconds": f"{LIMIT:g}"})
        except Exception:  # a broken check must not take the others along
            log.exception("The check %s failed unexpectedly", name)
            return Finding(name, "failed", "broken")

    # ------------------------------------------------------------------------ this computer

    async def _own_address(self) -> Finding | None:
        core, name = self._core, "own_address"
        proxy = core.controller.state
        if self._alone:
            return Finding(name, "look", "not_running")
        at = {"host": proxy.host, "port": str(proxy.port)}
        match proxy.phase:
            case "running" if await core.controller.probe():
                return Finding(name, "ok", "answers", at)
            case "running" | "error":
                problem = core.controller.state.problem
                told = {"reason": problem.message if problem else ""}
                return Finding(name, "failed", "error", {**at, **told}, "start_proxy")
            case "stopped":
                return Finding(name, "look", "stopped", at, "start_proxy")
        return Finding(name, "look", "busy", at)

    async def _port(self) -> Finding | None:
        core = self._core
        state = core.controller.state
        port = {"port": str(core.settings.port)}
        if state.phase == "running" and not self._alone:
            return Finding("port", "ok", "ours", {"port": str(state.port)})
        if core.settings.port == 0:
            return None  # the system chooses at the start
        trial = await core.listening.look(core.settings.port)
        if trial.free:
            return Finding("port", "ok", "free", port)
        following = {"next": str(trial.next)} if trial.next else {}
        action: Action = "use_port" if trial.next and not self._alone else ""
        if trial.holder is None:
            return Finding("port", "failed", "taken_nameless", port | following, action)
        return Finding(
            "port", "failed", "taken", {**port, "holder": trial.holder} | following, action
        )

    async def _storage(self) -> Finding | None:
        store = self._core.session.store
        where = {"where": store.where}
        return Finding("storage", "look" if store.name == "memory" else "ok", store.name, where)

    async def _engine(self) -> Finding | None:
        app = self._core.store.state.app
        if not app.engine_reason and app.engine == "none":
            return None
        level: Level = "look" if app.engine in {"browser", "none"} else "ok"
        case = app.engine if app.engine in {"browser", "none"} else "window"
        return Finding("engine", level, case, {"engine": app.engine, "reason": app.engine_reason})

    async def _tray(self) -> Finding | None:
        tray = self._core.store.state.app.tray
        if tray == "unknown":
            return None
        return Finding("tray", "ok" if tray == "ok" else "look", tray)

    async def _logs(self) -> Finding | None:
        return await asyncio.to_thread(_log_folder, self._core.data_dir / logs.FOLDER)

    async def _editors(self) -> Finding | None:
        """Those that the app has connected, and whether they are as it wrote them."""
        await self._core.editors.look()
        editors = self._core.store.state.editors
        if editors.problem is not None:
            return Finding("editors", "look", "failed", {"reason": editors.problem.message})
        for case, level, states in _EDITORS:
            here = [row for row in editors.rows if row.written or level == "ok"]
            rows = [row for row in here if row.state in states]
            if rows:
                return Finding("editors", level, case, {"names": ", ".join(r.name for r in rows)})
        return Finding("editors", "ok", "none")

    async def _update(self) -> Finding | None:
        """What is known; asking is the user's choice."""
        core = self._core
        known = core.store.state.update
        if known.version:
            return Finding("update", "look", "newer", {"version": known.version})
        if known.failed:
            return Finding("update", "look", "failed")
        if known.asked_at is not None:
            return Finding("update", "ok", "newest")
        return Finding("update", "ok", "never" if core.settings.look_for_updates else "off")

    # ------------------------------------------------------------------------ the account

    async def _sign_in(self) -> Finding | None:
        session = self._core.session
        where = {"where": session.store.where}
        try:
            kept = await session.store.load()
        except Problem as problem:
            reason = {**where, "reason": problem.message}
            return Finding("sign_in", "failed", "unreadable", reason, "store")
        if kept is None and not session.account.usable:
            return Finding("sign_in", "look", "none", where, "sign_in")
        return Finding("sign_in", "ok", "readable", where)

    async def _session(self) -> Finding | None:
        return await self._asked("session", lambda: self._core.session.seat().grant(), "sign_in")

    async def _models(self) -> Finding | None:
        trouble = await self._asked("models", self._core.desk.refresh_models, "refresh_models")
        if trouble is None or trouble.level != "ok":
            return trouble
        count = len(self._core.catalogue.models)
        if not count:
            return Finding("models", "failed", "empty", {}, "refresh_models")
        return Finding("models", "ok", "ready", {"n": str(count)})

    async def _usage(self) -> Finding | None:
        trouble = await self._asked("usage", self._core.desk.refresh_quota)
        if trouble is None or trouble.level != "ok":
            return trouble
        count = len(self._core.quota.snapshot.meters)
        return Finding("usage", "ok", "ready" if count else "unmetered", {"n": str(count)})

    async def _asked(
        self, name: str, ask: Callable[[], Awaitable[object]], action: Action = ""
    ) -> Finding | None:
        """None where nobody is signed in: that is said once."""
        if not self._core.session.account.usable and self._core.session.cache is None:
            return None
        try:
            await ask()
        except NotSignedIn as problem:
            return Finding(name, "failed", "failed", {"reason": problem.message}, "sign_in")
        except Problem as problem:
            return Finding(name, "failed", "failed", {"reason": problem.message}, action)
        return Finding(name, "ok", "ready")

    # ------------------------------------------------------------------------ the network

    async def _travel(self) -> hops.Trip:
        core = self._core
        return await hops.travel(core.http, f"{core.origins.api}/", limit=TRIP_LIMIT)

    async def _walked(self) -> hops.Trip:
        assert self._trip is not None
        return await asyncio.shield(self._trip)

    async def _github(self) -> Finding | None:
        return _of_trip(await self._walked())

    async def _clock(self) -> Finding | None:
        trip = await self._walked()
        if trip.date is None:
            return None
        off = time.time() - trip.date
        minutes = {"minutes": str(max(1, round(abs(off) / 60)))}
        if abs(off) <= CLOCK_OFF:
            return Finding("clock", "ok", "right")
        return Finding("clock", "failed", "ahead" if off > 0 else "behind", minutes)

    async def _outgoing(self) -> Finding | None:
        core = self._core
        way = core.settings.way
        if way.extra_ca is not None:
            reason = await asyncio.to_thread(why_unusable, way.extra_ca)
            if reason is not None:
                file = {"file": str(way.extra_ca), "reason": reason}
                return Finding("outgoing", "failed", "bad_file", file, "outgoing")
        try:
            proxy = await asyncio.to_thread(proxy_for, core.origins.api, way)
        except UnusableProxy as found:
            case = "unusable" if found.scheme else "unreadable"
            return Finding("outgoing", "failed", case, {"kind": found.scheme}, "outgoing")
        extra = "_extra" if way.extra_ca else ""
        if proxy is None:
            case = "none" if way.proxy == NONE else "direct"
            return Finding("outgoing", "ok", case + extra)
        case = "system" if way.proxy == SYSTEM else "own"
        return Finding("outgoing", "ok", case + extra, {"proxy": hops.shown(proxy)})


def _of_trip(trip: hops.Trip) -> Finding:
    fields = {"host": trip.host, "at": trip.at, "proxy": trip.via, "reason": trip.reason}
    if not trip.why:
        fields |= {"ms": str(trip.ms), "status": str(trip.status)}
        if trip.status >= 500:
            return Finding("github", "look", "error", fields)
        return Finding("github", "ok", "answers_proxy" if trip.via else "answers", fields)
    fields["status"] = str(trip.status)
    case = f"{trip.hop}_{trip.why}"
    if not strings.words().has(f"finding.github.{case}"):
        case = trip.hop
    return Finding("github", "failed", case, fields, "outgoing")


def _log_folder(folder: Path) -> Finding:
    where = {"folder": str(folder)}
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not os.access(nearest, os.W_OK):
        return Finding("logs", "failed", "closed", where)
    try:
        free = shutil.disk_usage(nearest).free
    except OSError:
        free = LITTLE_SPACE
    if free < LITTLE_SPACE:
        mb = {**where, "mb": str(free // (1024 * 1024))}
        return Finding("logs", "look", "little_space", mb, "open_logs")
    return Finding("logs", "ok", "ready", where, "open_logs")
