"""What this app has used, day by day: a row for each day, account, client and model, for 90 days.

The numbers come from the answers themselves (tokens, and Copilot's exact cost where it sends one),
so they count this app's use only; the account's meters count everything and are kept beside them,
one number for each day and meter. Names and numbers are all there is: never content.

Rows live in memory and are written behind in one transaction (SQLite keeps what a crash leaves).
A damaged file is kept aside. One that cannot be read just now is tried again before each writing,
and nothing is written until then, since a row replaces the one of its key. One that cannot be
written costs the history and nothing else: no method raises. `load`, `flush` and `clear` touch the
disk, one at a time, and block; use a worker thread.
"""

from __future__ import annotations

import errno
import logging
import math
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import astuple, dataclass, fields
from datetime import date, timedelta
from pathlib import Path

from copilot_desktop.atomic import folder_mode, remove_file
from copilot_desktop.days import day_of
from copilot_desktop.proxy.exchange import Exchange
from copilot_desktop.upstream.quota import Meter

log = logging.getLogger(__name__)

DAYS = 90
OTHERS = "(others)"  # no key can be named so
_BUSY_SECONDS = 2.0
_MOST_ROWS = 20_000  # of one kind; a client that invents names must not fill the memory
_MOST_COUNTED = 10**13  # of one request; SQLite has no room for a sum of nonsense

_TABLES = """
CREATE TABLE IF NOT EXISTS use (
    day TEXT, account TEXT, client TEXT, model TEXT, requests INTEGER, failed INTEGER,
    input INTEGER, output INTEGER, cache_read INTEGER, cache_write INTEGER, nano_credits INTEGER,
    premium REAL, PRIMARY KEY (day, account, client, model)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meter (
    day TEXT, account TEXT, id TEXT, used REAL, "limit" REAL,
    PRIMARY KEY (day, account, id)) WITHOUT ROWID;
"""
UseKey = tuple[str, str, str, str]
MeterKey = tuple[str, str, str]


@dataclass(slots=True)
class Use:
    """`day` is local, `YYYY-MM-DD`; `account` as `account_name` gives it, empty where each client
    brings its own. Token counts are Anthropic's kind: `input` without cache.

    `nano_credits`: 1e9 are one AI credit; `premium`: premium requests, by the model's multiplier.
    The ledger's own rows grow with each request.
    """

    day: str
    account: str
    client: str
    model: str
    requests: int = 0
    failed: int = 0
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    nano_credits: int = 0
    premium: float = 0.0

    @property
    def key(self) -> UseKey:
        return (self.day, self.account, self.client, self.model)

    @property
    def whole_input(self) -> int:
        """Tokens that the model has read, from its cache or not."""
        return self.input + self.cache_read + self.cache_write

    def grow(self, other: Use) -> None:
        """Add what `other` counted under the same key."""
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))


_COUNTS = tuple(column.name for column in fields(Use))[4:]


@dataclass(frozen=True, slots=True)
class MeterDay:
    """The last reading of one meter on one day; `limit` is None where there is none."""

    day: str
    account: str
    id: str
    used: float
    limit: float | None = None

    @property
    def key(self) -> MeterKey:
        return (self.day, self.account, self.id)


def _reading(table: str, kind: type[Use | MeterDay]) -> str:
    # With its table before it: SQLite takes a lone quoted name that is no column for a text.
    names = ", ".join(f'{table}."{column.name}"' for column in fields(kind))
    return f"SELECT {names} FROM {table} WHERE {table}.day >= ? ORDER BY 1 DESC"  # noqa: S608  (our own names)


def _keeping(table: str, kind: type[Use | MeterDay]) -> str:
    names = [f'"{column.name}"' for column in fields(kind)]
    marks = ",".join("?" * len(names))
    return f"REPLACE INTO {table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608


_READ_USE, _KEEP_USE = _reading("use", Use), _keeping("use", Use)
_READ_METER, _KEEP_METER = _reading("meter", MeterDay), _keeping("meter", MeterDay)


def answered(exchange: Exchange) -> bool:
    """Whether a premium request was used: also by an answer that its client left half-way."""
    left = exchange.outcome == "cancelled" and exchange.upstream_status == 200
    return exchange.outcome == "ok" or left


def counts_for(exchange: Exchange) -> float | None:
    """What the lists tell of its multiplier: nothing once it has ended without an answer."""
    return exchange.multiplier if not exchange.settled or answered(exchange) else None


def account_name(host: str, number: int | None) -> str:
    """`github.com:583231`; empty for nobody."""
    return f"{host}:{number}" if number else ""


class Ledger:
    """`path` None keeps nothing on disk. `wall` gives epoch seconds, `keep` is in days."""

    def __init__(
        self, path: Path | None, *, wall: Callable[[], float] = time.time, keep: int = DAYS
    ) -> None:
        self.keep = keep
        self.earlier = 0  # requests of today that the file held
        self._path = path
        self._wall = wall
        self._uses: dict[UseKey, Use] = {}
        self._meters: dict[MeterKey, MeterDay] = {}
        self._new_uses: set[UseKey] = set()
        self._new_meters: set[MeterKey] = set()
        self._loaded = path is None
        self.writing = False  # something that is neither new any more nor kept yet
        self._lock = threading.Lock()  # the event loop counts while a worker writes
        self._disk = threading.Lock()  # held over all work with the file; always taken first

    @property
    def dirty(self) -> bool:
        return bool(self._new_uses or self._new_meters)

    @property
    def begun(self) -> bool:
        """Whether anything was ever used, as far back as it is kept."""
        return bool(self._uses)

    @property
    def loaded(self) -> bool:
        """Whether what the file holds is in here."""
        return self._loaded

    def uses(self, days: int = DAYS, account: str | None = None) -> tuple[Use, ...]:
        """The rows of the last `days` days, today included, the newest day first.

        `account` None: those of all accounts.
        """
        rows = self.since(self._day(days - 1))
        today = self._day()  # a clock that was wrong may have counted in years to come
        found = [
            row for row in rows if row.day <= today and (account is None or row.account == account)
        ]
        return tuple(sorted(found, key=lambda row: row.key, reverse=True))

    def since(self, day: str) -> list[Use]:
        """The rows from `day` on, in no order. A month, `2026-11`, begins before its days."""
        first = max(day, self._day(self.keep - 1))
        with self._lock:
            return [row for row in self._uses.values() if row.day >= first]

    def meters(self, days: int = DAYS, account: str | None = None) -> tuple[MeterDay, ...]:
        """The readings of the last `days` days, the newest day first."""
        first, today = self._day(min(days, self.keep) - 1), self._day()
        with self._lock:
            rows = [row for row in self._meters.values() if first <= row.day <= today]
        found = [row for row in rows if account is None or row.account == account]
        return tuple(sorted(found, key=lambda row: row.key, reverse=True))

    def count(self, exchange: Exchange, multiplier: float | None) -> None:
        """Add a finished exchange that reached a model.

        `multiplier` is the model's; only a turn that a human began costs premium requests.
        """
        client, model = _whole(exchange.client), _whole(exchange.model_used)
        key = (self._day(), exchange.account, client, model)
        with self._lock:
            row = self._row(key, named=bool(exchange.key))
            row.requests += 1
            if exchange.outcome == "failed":
                row.failed += 1
            elif multiplier and exchange.initiator == "user" and answered(exchange):
                row.premium += multiplier
            if exchange.nano_credits:
                row.nano_credits += _counted(exchange.nano_credits)
            if (usage := exchange.usage) is not None:
                row.input += _counted(usage.input)
                row.output += _counted(usage.output)
                row.cache_read += _counted(usage.cache_read)
                row.cache_write += _counted(usage.cache_write)

    def add(self, use: Use) -> None:
        """Add `use` to its row."""
        with self._lock:
            self._row(use.key).grow(use)

    def read(self, meters: Iterable[Meter], account: str = "") -> None:
        """Keep today's reading of every meter that counts something."""
        day = self._day()
        for meter in meters:
            if meter.used is None:
                continue
            limit = meter.limit if meter.limit and math.isfinite(meter.limit) else None
            # Beyond the limit the meter itself stands still.
            used = meter.used + meter.overage
            self.note(MeterDay(day, account, _whole(meter.id), used, limit))

    def note(self, reading: MeterDay) -> None:
        """Keep one reading."""
        with self._lock:
            if self._meters.get(reading.key) != reading:
                self._meters[reading.key] = reading
                self._new_meters.add(reading.key)

    # ------------------------------------------------------------------------ disk

    def load(self) -> None:
        """Take what the file holds, in addition to what was counted since the start. Once only."""
        with self._disk:
            self._load()

    def flush(self) -> None:
        """Write what is new, and let go of what is too old."""
        with self._disk:
            self._load()
            self.writing = self._loaded
            if self._loaded:
                self._write()
            self.writing = False

    def clear(self) -> bool:
        """Forget everything, also on disk; false if the disk still holds something."""
        with self._disk:
            with self._lock:
                self._uses, self._meters = {}, {}
                self._new_uses, self._new_meters = set(), set()
            self._loaded = True  # nothing of the file is wanted
            gone = [_gone(path) for path in _files(self._path)] if self._path else []
            return all(gone)

    def _load(self) -> None:
        if self._loaded or self._path is None:
            return
        try:
            if self._path.exists():
                self._take(*self._read())
        except (sqlite3.Error, OSError, TypeError, ValueError) as error:
            if _may_pass(error):
                log.warning("The usage history could not be read: %s", error)
                return
            log.warning("The usage history is damaged and is kept aside: %s", error)
            try:
                self._path.replace(self._path.with_suffix(".broken"))
            except OSError:
                return
        self._loaded = True

    def _read(self) -> tuple[list[Use], list[MeterDay]]:
        first = self._day(self.keep - 1)
        with closing(self._open()) as file:
            uses = file.execute(_READ_USE, (first,)).fetchmany(2 * _MOST_ROWS)
            meters = file.execute(_READ_METER, (first,)).fetchmany(_MOST_ROWS)
        for row in uses:
            _check(row[:4], row[4:])
        for row in meters:
            _check(row[:3], row[3:4] if row[4] is None else row[3:])
        return [Use(*row) for row in uses], [MeterDay(*row) for row in meters]

    def _take(self, uses: list[Use], meters: list[MeterDay]) -> None:
        with self._lock:
            self.earlier = sum(row.requests for row in uses if row.day == self._day())
            for row in uses:
                if (new := self._uses.get(row.key)) is not None:
                    row.grow(new)
                self._uses[row.key] = row
            self._meters = {row.key: row for row in meters} | self._meters

    def _write(self) -> None:
        with self._lock:
            uses = [astuple(self._uses[key]) for key in self._new_uses]
            meters = [astuple(self._meters[key]) for key in self._new_meters]
            self._new_uses, self._new_meters = set(), set()
            self._forget_old()
        if self._path is None or not (uses or meters):
            return
        try:
            with closing(self._open()) as file, file:
                file.executemany(_KEEP_USE, uses)
                file.executemany(_KEEP_METER, meters)
                file.execute("DELETE FROM use WHERE day < ?", (self._day(self.keep - 1),))
                file.execute("DELETE FROM meter WHERE day < ?", (self._day(self.keep - 1),))
        except (sqlite3.Error, OSError, OverflowError, ValueError) as error:
            log.warning("The usage history could not be written: %s", error)
            with self._lock:  # the next flush tries again
                self._new_uses |= {row[:4] for row in uses} & self._uses.keys()
                self._new_meters |= {row[:3] for row in meters} & self._meters.keys()

    def _open(self) -> sqlite3.Connection:
        assert self._path is not None
        folder = self._path.parent
        folder.mkdir(parents=True, exist_ok=True, mode=folder_mode(folder))
        if self._path.is_symlink() or (self._path.exists() and not self._path.is_file()):
            raise OSError(errno.EINVAL, "not a regular file", str(self._path))
        self._path.touch(mode=0o600)
        file = sqlite3.connect(self._path, timeout=_BUSY_SECONDS)
        try:
            file.executescript(_TABLES)
        except BaseException:
            file.close()
            raise
        return file

    def _forget_old(self) -> None:
        first = self._day(self.keep - 1)
        self._uses = {key: row for key, row in self._uses.items() if row.day >= first}
        self._meters = {key: row for key, row in self._meters.items() if row.day >= first}
        self._new_uses &= self._uses.keys()
        self._new_meters &= self._meters.keys()

    def _row(self, key: UseKey, *, named: bool = False) -> Use:
        """The row of `key`, which changes now. Called with the lock.

        Where there are too many, one for all further clients: a budget goes on counting. A client
        that is `named` by its key has its own in any case, since its budget may, too.
        """
        if key not in self._uses and len(self._uses) >= _MOST_ROWS and not named:
            day, account, _, model = key
            key = (day, account, OTHERS, model)
        self._new_uses.add(key)
        return self._uses.setdefault(key, Use(*key))

    def _day(self, ago: int = 0) -> str:
        """By the calendar: not every day has 24 hours."""
        today = day_of(self._wall())
        return (date.fromisoformat(today) - timedelta(days=ago)).isoformat() if ago else today


def _files(path: Path) -> tuple[Path, ...]:
    """All that may hold history: SQLite's own files beside it, and one that was kept aside."""
    beside = (path.with_name(path.name + end) for end in ("-journal", "-wal", "-shm"))
    return path, *beside, path.with_suffix(".broken")


def _gone(path: Path) -> bool:
    try:
        remove_file(path)  # an empty file is an empty history to SQLite, too
    except OSError as error:
        log.warning("The usage history could not be deleted: %s", error)
        return False
    return True


def _whole(name: str) -> str:
    """Without half characters, which no file takes: then nothing at all would be written."""
    return name if name.isascii() else name.encode("utf-8", "replace").decode()


def _counted(number: int) -> int:
    return min(max(number, 0), _MOST_COUNTED)


def _check(words: tuple[object, ...], numbers: tuple[object, ...]) -> None:
    """Raises ValueError for a row that this app cannot have written."""
    sound = all(isinstance(each, int | float) and math.isfinite(each) for each in numbers)
    if not sound or not all(isinstance(each, str) for each in words):
        raise ValueError("a row holds something else than words and numbers")
    date.fromisoformat(str(words[0]))


def _may_pass(error: Exception) -> bool:
    """Whether the file may be readable later: locked, no room, an error of the disk.

    SQLite tells a missing column or a text that is none as an operational error too, with the
    general code or without one (sqlite.org/rescode.html).
    """
    if isinstance(error, sqlite3.OperationalError):
        return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) != sqlite3.SQLITE_ERROR
    return isinstance(error, OSError)
