"""The whole running application as one immutable value.

Each part belongs to the module that knows it and is defined there; this one only puts them side by
side. `seq` grows with every change. Views are functions of this value and of nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from copilot_desktop import __version__, strings
from copilot_desktop.build import Build
from copilot_desktop.core.budget import Budget
from copilot_desktop.core.editor_rows import EditorList
from copilot_desktop.core.key_uses import KeyStanding
from copilot_desktop.core.settings import Preferences, Settings
from copilot_desktop.errors import Problem
from copilot_desktop.model import Model
from copilot_desktop.proxy.brakes import BrakesState
from copilot_desktop.proxy.controller import ProxyState
from copilot_desktop.proxy.exchange import Exchange
from copilot_desktop.upstream.lessons import Learned
from copilot_desktop.upstream.quota import QuotaSnapshot
from copilot_desktop.upstream.roster import Parked
from copilot_desktop.upstream.session import Account, SignIn

Degraded = Literal["offline", "github_down"]


@dataclass(frozen=True, slots=True)
class Trouble:
    """GitHub cannot be reached: since when, and when it is tried again. Epoch seconds.

    `impostor`: the host in whose place something else has answered.
    """

    since: float
    next_try: float
    impostor: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the app runs in. The shell fills in tray, engine and window when it knows them."""

    version: str = __version__
    build: Build = field(default_factory=Build)
    os: str = ""
    data_dir: str = ""
    tray: Literal["ok", "missing", "unknown"] = "unknown"
    engine: str = "none"
    engine_reason: str = ""
    engine_missing: str = ""  # what would have to be installed for a window of its own
    dark: bool | None = None
    languages: tuple[str, ...] = ()  # the user's, as the system tells them, best first
    demo: str | None = None
    window_shown: bool = True
    window_front: bool = False  # a page has the keyboard
    last_screen: str = ""  # where the last look at the window ended
    login_item: Literal["on", "off", "blocked", "unknown"] = "unknown"
    login_settings: bool = False  # the system has a page to switch that
    listener: Literal["new", "fine", "lost"] = "new"  # lost: it ran, and cannot be brought back
    screen: str = ""  # where the tray asked the window to go, until a page has gone there
    screen_asked: int = 0  # how often it did, so that a page can tell a new wish from an old one


@dataclass(frozen=True, slots=True)
class Ask:
    """A question that the app puts to the user over every screen: `close` or `quit`."""

    id: Literal["close", "quit"]
    fields: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelList:
    """`fetched_at` in seconds since the epoch; `learned` is what refusals have taught, by id."""

    items: tuple[Model, ...] = ()
    state: Literal["empty", "loading", "cached", "ready", "stale"] = "empty"
    fetched_at: float | None = None
    problem: Problem | None = None
    learned: Mapping[str, tuple[Learned, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LocalKey:
    """What people see of the local key: whether it is asked for, and its last four characters."""

    required: bool = False
    hint: str | None = None
    fixed: bool = False  # given by environment or flag, so the window cannot replace it


@dataclass(frozen=True, slots=True)
class Requests:
    """The latest exchanges, newest first, and two counts; `day` is the one that `today` means."""

    recent: tuple[Exchange, ...] = ()
    in_flight: int = 0
    today: int = 0
    day: str = ""


@dataclass(frozen=True, slots=True)
class Spending:
    """What the ledger says. `news` grows with each entry; `speeds`: what each meter of the account
    lost on a day of the last week, in its unit, by its id; `budget` is the user's own; `begun`:
    there is something in it."""

    news: int = 0
    speeds: Mapping[str, float] = field(default_factory=dict)
    budget: Budget | None = None
    begun: bool = False


@dataclass(frozen=True, slots=True)
class Update:
    """`version` is newer than this one, or empty; `asked_at` in epoch seconds, None: never asked.

    `failed`: the last question got no answer.
    """

    version: str = ""
    asked_at: float | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class State:
    seq: int = 0
    app: Surroundings = field(default_factory=Surroundings)
    preferences: Preferences = field(default_factory=lambda: Preferences.of(Settings()))
    account: Account = field(default_factory=Account)
    sign_in: SignIn | None = None
    parked: tuple[Parked, ...] = ()  # the other accounts
    proxy: ProxyState = field(default_factory=ProxyState)
    key: LocalKey = field(default_factory=LocalKey)
    keys: tuple[KeyStanding, ...] = ()  # those with a name
    degraded: Degraded | None = None
    trouble: Trouble | None = None
    models: ModelList = field(default_factory=ModelList)
    quota: QuotaSnapshot = field(default_factory=QuotaSnapshot)
    requests: Requests = field(default_factory=Requests)
    refused_origins: tuple[str, ...] = ()  # to decide about, the first one first
    ask: Ask | None = None
    brakes: BrakesState = field(default_factory=BrakesState)
    editors: EditorList = field(default_factory=EditorList)
    recording_until: float | None = None  # seconds since the epoch, while contents are recorded
    spending: Spending = field(default_factory=Spending)
    update: Update = field(default_factory=Update)
    fault: str = ""  # code of the last work that ended unexpectedly, until the user has seen it

    @property
    def settings(self) -> Settings:
        return self.preferences.settings

    @property
    def language(self) -> str:
        """The language that window, tray and notifications speak."""
        return strings.chosen(self.settings.language, self.app.languages)
