"""The composition root: builds every part, wires it to the state, and takes it down in order.

    async with Core.running(preferences) as core:
        core.store.state          # the newest snapshot, from any thread
        await core.verbs.do("start_proxy")

Parts know nothing of the store: each has its own value and an `on_change`, which is connected here.
Nothing on the way to the first window needs the network: the stored account and the cached model
list are enough, and GitHub is asked in the background.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from functools import cached_property, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from copilot_desktop import build
from copilot_desktop.core import keys as local_keys
from copilot_desktop.core import logs, places
from copilot_desktop.core.account import AccountDesk, other_stores
from copilot_desktop.core.activity import Activity
from copilot_desktop.core.books import FILE_NAME as USAGE_FILE
from copilot_desktop.core.books import Books
from copilot_desktop.core.braking import BrakeMemory, rules_of
from copilot_desktop.core.life import Life
from copilot_desktop.core.listening import Listening, config_of
from copilot_desktop.core.rounds import Rounds
from copilot_desktop.core.settings import (
    BRAKE_NAMES,
    OUTGOING_NAMES,
    PROXY_NAMES,
    Preferences,
    Settings,
    bad,
)
from copilot_desktop.core.settings_file import Changes, data_dir
from copilot_desktop.core.state import Ask, LocalKey, ModelList, Requests, State, Surroundings
from copilot_desktop.core.store import Store
from copilot_desktop.core.tasks import Tasks
from copilot_desktop.errors import Problem
from copilot_desktop.provider import Provider
from copilot_desktop.proxy.brakes import Brakes
from copilot_desktop.proxy.config import ProxyConfig
from copilot_desktop.proxy.controller import ProxyController, ProxyState
from copilot_desktop.proxy.exchange import Traffic
from copilot_desktop.proxy.relay import Relay
from copilot_desktop.system import System, current
from copilot_desktop.upstream.catalogue import Catalogue
from copilot_desktop.upstream.client import CopilotClient
from copilot_desktop.upstream.credentials import (
    MemoryStore,
    TokenStore,
    choose_store,
    slot_store,
)
from copilot_desktop.upstream.http import open_http
from copilot_desktop.upstream.lessons import FILE_NAME as LESSONS_FILE
from copilot_desktop.upstream.lessons import Lessons
from copilot_desktop.upstream.origins import PUBLIC, Origins, known_host
from copilot_desktop.upstream.outgoing import use_way
from copilot_desktop.upstream.passthrough import PassThrough
from copilot_desktop.upstream.quota import Quota
from copilot_desktop.upstream.roster import FILE_NAME as ACCOUNTS_FILE
from copilot_desktop.upstream.roster import Roster
from copilot_desktop.upstream.session import Session

if TYPE_CHECKING:
    from copilot_desktop.core.commands import Commands, Shell
    from copilot_desktop.core.editors import Editors
    from copilot_desktop.core.report import Reports
    from copilot_desktop.core.verbs import Verbs

log = logging.getLogger(__name__)

MODELS_FILE = "models.json"
LOOK_PATIENCE = 0.3  # seconds that the first window waits for the desktop's dark or light
TRAFFIC_PAUSE = 0.1  # seconds between two looks at the traffic, however much there is


class Core:
    """Everything that runs. Made by `running`; lives on one event loop.

    `shell` is set by whoever has a window. `views` counts the pages that are looking. `key` is the
    local key for everybody, `keys` are those with a name. `quit_wanted` is set when the user asks
    to quit.
    """

    def __init__(
        self,
        preferences: Preferences,
        *,
        origins: Origins,
        token_store: TokenStore,
        system: System,
        environ: Mapping[str, str],
        demo: str | None,
        tenants: Mapping[str, Origins] | None = None,
    ) -> None:
        settings = preferences.settings
        self.system = system
        self.origins = origins
        self.data_dir = data_dir(preferences)
        self.shell: Shell | None = None
        self.views = 0
        self.quit_wanted = asyncio.Event()
        self.tasks = Tasks()
        self.key = settings.api_key or local_keys.load_or_make(self.data_dir)
        self.keys = local_keys.KeyRing(self.data_dir)
        self._shared_machine = system.shared_machine()
        self._environ, self._nonce = environ, secrets.token_hex(16)
        self._traffic_waits = False
        self._editors_followed: asyncio.Task[None] | None = None
        self._kept = Changes(lambda: self.store.state.preferences)
        # GitHubs that are not where their name says: the demo's, and one named by its address.
        self.places = {origins.host: origins, **(tenants or {})}
        identity = settings.identity
        self.http = open_http(github_timeout=settings.github_timeout, way=settings.way)
        self.quota = Quota()
        folder = None if demo else self.data_dir
        self.roster = Roster(folder and folder / ACCOUNTS_FILE, self._slot)
        self.session = Session(
            self.http,
            origins,
            identity,
            token_store,
            timeout=settings.github_timeout,
            direct=settings.direct_token,
            others=() if demo else other_stores(token_store, self.data_dir, origins.host),
            roster=self.roster,
        )
        self.pass_through = PassThrough(
            self.http, origins, identity, timeout=settings.github_timeout
        )
        self.client = CopilotClient(
            self.http,
            identity,
            headers_timeout=settings.headers_timeout,
            idle_timeout=settings.idle_timeout,
            on_headers=self.quota.note_headers,
        )
        self.lessons = Lessons(folder and folder / LESSONS_FILE)
        self.catalogue = Catalogue(
            self.client, folder and folder / MODELS_FILE, lessons=self.lessons
        )
        self.provider = Provider(self.client, self.catalogue, self.quota, self.session)
        self.traffic = Traffic()
        self.brakes = Brakes(rules_of(settings))
        self.brake_memory = BrakeMemory(self.data_dir, self.tasks)
        relay = Relay(
            self.provider,
            self.pass_through,
            self.traffic,
            self._proxy_config(preferences),
            self.brakes,
        )
        self.controller = ProxyController(relay, self._holder_of)
        self.listening = Listening(self.controller, relay, system)
        self.desk = AccountDesk(
            self.session,
            self.catalogue,
            self.quota,
            self.tasks,
            roster=self.roster,
            origins_of=self.origins_of,
            on_home=self._move,
            lasting=demo is None,
            data_dir=self.data_dir,
            protect=system.protect,
            environ={} if demo else environ,  # a real token is not for the fake GitHub
            on_look=self._note_look,
        )
        app = Surroundings(
            os=system.name, data_dir=str(self.data_dir), demo=demo, build=build.present()
        )
        self.store = Store(State(app=app, preferences=preferences, proxy=self.controller.state))
        self.books = Books(self, folder and folder / USAGE_FILE)
        self.life = Life(self)
        self.activity = Activity(self)
        self._wire()

    @classmethod
    @asynccontextmanager
    async def running(
        cls,
        settings: Settings | Preferences,
        *,
        demo: str | None = None,
        environ: Mapping[str, str] | None = None,
        headless: bool = False,
        alone: bool = False,
        system: System | None = None,
    ) -> AsyncIterator[Core]:
        """A core with everything started. Raises BadSetting.

        `demo` names a scenario of the built-in fake GitHub and Copilot. `headless`: the sign-in may
        go into a file where there is no keyring, because nobody can be asked. `alone`: for a single
        command; no proxy, and nothing that happens by itself.
        """
        preferences = Preferences.of(settings) if isinstance(settings, Settings) else settings
        environ = os.environ if environ is None else environ
        system = system or current()
        async with AsyncExitStack() as stack:
            if demo is not None:
                origins, tenants = await places.made_up(demo, stack)
                store: TokenStore = MemoryStore()
            else:
                origins, tenants = places.chosen(preferences), {}
                store = await choose_store(
                    preferences.settings.token_store,
                    data_dir=data_dir(preferences),
                    allow_file=headless,
                    environ=environ,
                    host=origins.host,
                    protect=system.protect,
                )
            core = cls(
                preferences,
                origins=origins,
                token_store=store,
                system=system,
                environ=environ,
                demo=demo,
                tenants=tenants,
            )
            stack.push_async_callback(core._close)
            await core._begin(headless=headless, alone=alone)
            yield core

    @property
    def settings(self) -> Settings:
        return self.store.state.settings

    # --------------------------------------------- parts that are made when somebody wants them

    @cached_property
    def editors(self) -> Editors:
        from copilot_desktop.core.editors import Editors  # noqa: PLC0415

        return Editors(self, self._environ)

    @cached_property
    def reports(self) -> Reports:
        from copilot_desktop.core.report import Reports  # noqa: PLC0415

        return Reports(self)

    @cached_property
    def commands(self) -> Commands:
        from copilot_desktop.core.commands import Commands  # noqa: PLC0415

        return Commands(self)

    @cached_property
    def verbs(self) -> Verbs:
        from copilot_desktop.core.verbs import Verbs  # noqa: PLC0415

        return Verbs(self.commands)

    # ------------------------------------------------------------------------ for the verbs

    async def start_proxy(self, *, lost: bool = False) -> ProxyState:
        return await self.listening.start(self._proxy_config, lost=lost)

    async def change(self, patch: Mapping[str, Any]) -> bool:
        """Change settings and let the parts know. False if the file could not be written.

        Raises BadSetting, and then nothing has changed.
        """
        before = self.store.state.preferences
        after = before.changed(patch)
        changed = {
            name
            for name in patch
            if getattr(before.settings, name) != getattr(after.settings, name)
        }
        self.store.set(preferences=after)
        saved = await self._kept.keep(patch)
        await self._apply(after, changed)
        return saved

    async def use_port(self, port: int) -> None:
        """Listen there from now on; where a flag or the environment named a port, in this run."""
        before = self.store.state.preferences
        if "port" not in before.fixed_by:
            await self.change({"port": port})
            return
        after = before.with_flags(port=port)
        self.store.set(preferences=after)
        await self._apply(after, {"port"})

    async def _apply(self, after: Preferences, changed: set[str]) -> None:
        if "log_level" in changed:
            logs.use_level(after.settings.log_level)
        if changed & OUTGOING_NAMES:
            use_way(self.http, after.settings.way)
        if changed & BRAKE_NAMES:
            self.brakes.use(rules_of(after.settings))
        if changed & PROXY_NAMES:
            self.key_changed()
            await self.listening.apply(self._proxy_config, changed)

    def origins_of(self, host: str) -> Origins:
        """Where the GitHub is that a person names by its host. Raises BadSetting."""
        host = host if host in self.places else known_host(host)
        if host in self.places:
            return self.places[host]
        if self.store.state.app.demo is not None:
            raise bad("github_host", "the demo has a GitHub of its own")
        return places.chosen(self.store.state.preferences.changed({"github_host": host}))

    def ask_for_screen(self, screen: str | None) -> None:
        """Let the page go to a screen."""
        if screen:
            app = self.store.state.app
            self.store.set(app=replace(app, screen=screen, screen_asked=app.screen_asked + 1))

    def key_changed(self) -> None:
        """Let proxy and state know the local keys and whether one is asked for."""
        config, sources = self._proxy_config(), self.store.state.preferences.sources
        fixed = sources["api_key"] in {"flag", "environment"}
        self.store.set(key=LocalKey(config.key_required, local_keys.hint(config.key), fixed))
        self.store.set(keys=self.books.keys.standings())
        self.listening.rekey(config)

    # ------------------------------------------------------------------------ for the shell

    def surroundings(self, **facts: Any) -> None:
        """Tell what the shell found out: `tray`, `engine`, `engine_reason`, `window_shown`."""
        self.store.set(app=replace(self.store.state.app, **facts))

    def ask(self, question: Ask | None) -> None:
        """Put a question over every screen; the answer comes as the verb `close_choice`."""
        self.store.set(ask=question)

    @contextmanager
    def viewed(self) -> Iterator[None]:
        """A page is looking."""
        self.views += 1
        self._watch_editors()
        try:
            yield
        finally:
            self.views -= 1

    # ------------------------------------------------------------------------ inner workings

    async def _begin(self, *, headless: bool, alone: bool) -> None:
        if self.session.store.read_only:  # its token says only after a look whose list this must be
            self.lessons.load()
        else:
            self.catalogue.load_cache()
        self.key_changed()
        telling = asyncio.get_running_loop().call_soon_threadsafe
        self.keys.on_change = partial(telling, self.key_changed)
        self.brakes.recall(await self.brake_memory.load())
        if alone:
            await self.desk.begin(alone=True)
            return
        await self.activity.begin()
        if not headless:
            looking = self.tasks.start(self._find_look(), "dark or light")
            await asyncio.wait({looking}, timeout=LOOK_PATIENCE)
        await self.life.begin()
        await self.desk.begin()
        if self.life.proxy_wanted:
            await self.start_proxy()
        await self.desk.found()
        self.desk.look_soon()  # what needs the network comes after what does not
        self.books.start()
        Rounds(self).start()

    async def _close(self) -> None:
        self.store.close()
        await self.controller.stop(drain=3.0)
        self.brakes.close()
        await self.brake_memory.settle()
        await self.life.settle()
        await self.books.close()
        await self.activity.close()
        await self.tasks.close()
        await self.lessons.keep()
        self.catalogue.close()
        self.quota.close()
        await self.session.close()
        await self.pass_through.close()
        await self.http.close()

    async def _find_look(self) -> None:
        self.surroundings(languages=await asyncio.to_thread(self.system.languages))
        self.surroundings(dark=await asyncio.to_thread(self.system.dark_mode))

    def _watch_editors(self) -> None:
        """From a page's first look on: until then nobody sees how they stand, and their tools and
        formats are three megabytes."""
        if self._editors_followed is None:
            self._editors_followed = self.tasks.start(self._follow_editors(), "load editors")

    async def _follow_editors(self) -> None:
        await asyncio.to_thread(import_module, "copilot_desktop.core.editors")
        self.editors.start()

    def _wire(self) -> None:
        self.session.on_change = self._account_changed
        self.catalogue.on_change = self._models_changed
        self.catalogue.on_trouble = self.brakes.heard
        self.lessons.on_change = self._lessons_changed
        self.quota.on_change = self._quota_changed
        self.controller.on_change = self.life.proxy_changed
        self.traffic.on_change = self._traffic_changed
        self.brakes.on_change = self._brakes_changed
        self.roster.on_change = lambda: self.store.set(parked=self.roster.parked)
        refused = self.traffic.refused_origins
        refused.on_change = lambda: self.store.set(refused_origins=refused.waiting)
        self.tasks.on_failure = self._note_fault
        self._account_changed()

    def _note_fault(self, task: str) -> None:
        """`task` is a name of ours: "load account" is E-LOAD-ACCOUNT for support."""
        self.store.set(fault="E-" + "-".join(task.upper().split()))

    async def _move(self, origins: Origins) -> None:
        """The account in use has another GitHub."""
        await self.pass_through.use(origins)
        self.origins = origins
        real = origins.host == PUBLIC or origins.is_tenant  # and not a place on this machine
        if real and self.store.state.app.demo is None:
            await self.change({"github_host": origins.host})

    def _slot(self, kind: str, host: str, number: int) -> TokenStore:
        return slot_store(kind, host, number, data_dir=self.data_dir, protect=self.system.protect)

    def _account_changed(self) -> None:
        account = self.session.account
        self.provider.follow()
        self.store.set(account=account, sign_in=self.session.sign_in)
        if account.problem is not None:
            self.brakes.heard(account.problem)
        if account.state == "signed_out" and self.quota.snapshot.state != "signed_out":
            self.quota.clear()

    def _quota_changed(self) -> None:
        self.store.set(quota=self.quota.snapshot)
        if self.brake_memory.is_other_plan(self.quota.snapshot):
            self.brakes.forget_limits()

    def _brakes_changed(self) -> None:
        self.store.set(brakes=self.brakes.state)
        self.brake_memory.keep(self.brakes.circuit.memory())

    def _models_changed(self) -> None:
        models = self.catalogue
        if models.problem is not None:
            self.brakes.heard(models.problem)
        known = self.lessons.known()
        self.store.set(
            models=ModelList(models.models, models.state, models.fetched_at, models.problem, known)
        )

    def _lessons_changed(self) -> None:
        self.store.set(models=replace(self.store.state.models, learned=self.lessons.known()))

    def _traffic_changed(self) -> None:
        # A thousand requests a second must not make a thousand snapshots.
        if not self._traffic_waits:
            self._traffic_waits = True
            asyncio.get_running_loop().call_later(TRAFFIC_PAUSE, self._show_traffic)

    def _show_traffic(self) -> None:
        self._traffic_waits = False
        traffic = self.traffic
        # A known exchange may have gone on in place.
        seen = Requests(traffic.recent, traffic.in_flight, traffic.today, traffic.day)
        self.store.touch(requests=seen)

    def _note_look(self, problem: Problem | None) -> None:
        self.life.reach.note(problem)

    def _proxy_config(self, preferences: Preferences | None = None) -> ProxyConfig:
        settings = preferences.settings if preferences else self.settings
        wanted = settings.key_wanted
        return config_of(
            settings,
            key=settings.api_key or self.key,
            keys=self.keys.keys,
            key_required=self._shared_machine if wanted is None else wanted,
            nonce=self._nonce,
        )

    def _holder_of(self, port: int) -> str | None:
        holder = self.system.port_holder(port)
        return str(holder) if holder else None
