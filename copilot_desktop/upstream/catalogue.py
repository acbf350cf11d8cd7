"""The models of the account: fetched when somebody needs them, kept on disk, found by any name.

`auto` becomes the model that GitHub chooses for whoever asks (see `auto`).

The list on disk makes a start without network possible; it is used as it is for ten minutes and
asked for again after that. A list that cannot be refreshed stays in use (`upstream.md` §5.1).
A client that brings a token has a list of its own (`of`), in memory and as long as the token.

    empty ──fetch──> loading ──ok──> ready ──later fetch fails──> stale ──ok──> ready
      └──from disk──> cached ──ok──> ready
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Literal

from copilot_desktop.atomic import read_file, replace_file
from copilot_desktop.errors import NotSignedIn, Problem, UnknownModel, UpstreamFault
from copilot_desktop.model import AUTO, Model
from copilot_desktop.upstream import names
from copilot_desktop.upstream.auto import AutoMode, by_auto
from copilot_desktop.upstream.client import CopilotClient
from copilot_desktop.upstream.lessons import NONSENSE, Lessons
from copilot_desktop.upstream.model_payloads import models_of
from copilot_desktop.upstream.refreshed import Refreshed
from copilot_desktop.upstream.seat import check, for_its_own, in_use
from copilot_desktop.upstream.token import Authority

log = logging.getLogger(__name__)

State = Literal["empty", "loading", "cached", "ready", "stale"]

FRESH_SECONDS = 600.0
REST_SECONDS = 30.0  # between attempts that nobody asked for
PATIENCE_SECONDS = 5.0  # a first request waits so long for a newer list than the one on disk
FETCH_SECONDS = 30.0
_FORMAT = 1
_FILE_LIMIT = 8 * 1024 * 1024


class Brought:
    """What every Authority is that a client brought: the models of its account go with it."""

    brought = True
    catalogue: Catalogue | None = None


class Catalogue:
    """`cache_path` None keeps nothing on disk. `clock` is monotonic, `wall` gives epoch seconds.

    `whose` is the account that the list belongs to, by host and number, as far as it is known.
    """

    def __init__(
        self,
        client: CopilotClient,
        cache_path: Path | None = None,
        *,
        lessons: Lessons | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.fetched_at: float | None = None
        self.lessons = lessons or Lessons(wall=wall)
        self.on_change: Callable[[], None] | None = None
        self.on_trouble: Callable[[Problem], None] = lambda _: None  # of those that clients bring
        self.whose: tuple[str, int] | None = None
        self._client = client
        self._path = cache_path
        self._clock = clock
        self._wall = wall
        self._models: dict[str, Model] = {}
        self._fetch = Refreshed[tuple[Model, ...]]("model list", clock=clock)
        self._fetch.listen(self._tell)
        self._auto = AutoMode(client, clock=clock, wall=wall, on_choice=self._tell)

    @property
    def models(self) -> tuple[Model, ...]:
        """In GitHub's order, each id once; hidden and unusable ones included.

        First of all `auto`, where GitHub offers it.
        """
        return names.with_auto(tuple(self._models.values()), self._auto.names)

    @property
    def state(self) -> State:
        if not self._models:
            return "loading" if self._fetch.busy else "empty"
        if self._fetch.age is None:
            return "cached"
        return "ready" if self._fetch.problem is None else "stale"

    @property
    def problem(self) -> Problem | None:
        """Why the last fetch failed; None after a good one."""
        return self._fetch.problem

    def of(self, authority: Authority) -> Catalogue:
        """That of the account behind `authority`. What has been learned is everybody's."""
        if not isinstance(authority, Brought):
            return self
        if authority.catalogue is None:
            own = Catalogue(self._client, lessons=self.lessons, clock=self._clock, wall=self._wall)
            own._fetch.listen(partial(self._of_another, own))
            authority.catalogue = own
        return authority.catalogue

    def load_cache(self) -> None:
        """Take the list from disk, if there is one and it says whose it is, and the lessons. Never
        raises."""
        self.lessons.load()
        if self._path is None:
            return
        try:
            kept = json.loads(read_file(self._path, _FILE_LIMIT))
            if kept["v"] != _FORMAT:
                return
            models, fetched_at = models_of(kept), float(kept["fetched_at"])
            if not kept.get("whose"):
                return
            host, number = kept["whose"]
            whose = (str(host), int(number))
        except FileNotFoundError:
            return
        except (OSError, UpstreamFault, *NONSENSE) as error:
            log.info("The kept model list is not usable: %s", type(error).__name__)
            return
        self._models = {model.id: model for model in models}
        self.fetched_at = fetched_at
        self.whose = whose
        self._tell()

    def belongs_to(self, whose: tuple[str, int]) -> None:
        """Whose account is in use, now that it is known; another one's list goes. What has been
        learned is about models, whoever asks them."""
        if self.whose not in {None, whose}:
            self.clear(lessons=False)
        self.whose = whose

    async def refresh(self, authority: Authority) -> None:
        """Fetch now, or join the fetch that is running. Raises Problem; the old list stays."""

        async def fetch() -> None:
            await self._fetch.refresh(lambda: self._get(authority))

        await for_its_own(authority, fetch)

    def missed(self, problem: Problem) -> None:
        """GitHub could not be asked for a list: where there is none, the reason stands instead."""
        self._fetch.missed(problem)

    async def ready(self, authority: Authority) -> None:
        """Make sure there is a list to work with. Raises Problem only if there is none at all.

        A list from disk that is older than ten minutes is worth a short wait; one that has been
        fetched before is renewed in the background.
        """
        if not self._models:
            await self.refresh(authority)
            return
        if not self._is_old() or self._resting() or not in_use(authority):
            return
        renewal = self._fetch.begin(lambda: self._get(authority))
        if self._fetch.age is None:
            await asyncio.wait({renewal}, timeout=PATIENCE_SECONDS)

    def renew(self, authority: Authority) -> None:
        """The list has turned out to be wrong: fetch it in the background, unless just done."""
        if not self._resting() and in_use(authority):
            self._fetch.begin(lambda: self._get(authority))

    async def find(
        self,
        name: str,
        authority: Authority,
        *,
        aliases: Mapping[str, str] | None = None,
        default: str | None = None,
    ) -> Model:
        """`resolve` over a list that is fetched once more before a name is called unknown.

        Where the name leaves the choice to GitHub, the model that GitHub chose. In either case
        with what refusals have taught about it.
        """
        if not self._models or self._is_old():
            await self.ready(authority)
        try:
            found = self._found(name, authority, aliases, default)
            return found or await self._choice(authority)
        except UnknownModel:
            check(authority)
            if self._resting():
                raise
            with suppress(Problem):
                await self.refresh(authority)
            found = self._found(name, authority, aliases, default)
            return found or await self._choice(authority)

    async def choose_again(self, refused: Model, authority: Authority) -> Model:
        """Another choice of GitHub's after Copilot has refused this one. Raises Problem."""
        check(authority)
        model = await self._auto.choose(authority, self._models, stale=refused)
        return self.lessons.corrected(model)

    async def explain(self, problem: UnknownModel, model: Model, authority: Authority) -> None:
        """Put into `problem`, in which Copilot refuses a model, what a new list says about it."""
        if not self._resting() and in_use(authority):
            renewal = self._fetch.begin(lambda: self._get(authority))
            await asyncio.wait({renewal}, timeout=PATIENCE_SECONDS)
        others = [other for other in self._models.values() if other.id != model.id]
        problem.fields.setdefault("alternatives", ", ".join(names.nearest(model.id, others)))
        known = self._models.get(model.id)
        if known is not None and not names.usable(known):
            problem.fields["reason"] = names.why_not(known)
        elif names.auto_only(self._models.values()) and not by_auto(model):
            problem.fields["reason"] = names.ONLY_AUTO
            problem.fields["alternatives"] = AUTO

    def lists(self, name: str) -> bool:
        """Is it the id of a model in the list, whether or not that can be used?"""
        return name in self._models

    def resolve(
        self,
        name: str,
        *,
        aliases: Mapping[str, str] | None = None,
        default: str | None = None,
    ) -> Model:
        """The usable model that `name` stands for. Raises UnknownModel (see `names`)."""
        return names.resolve(name, self._models, aliases=aliases, default=default)

    def close(self) -> None:
        """End a fetch that is under way, without a word; what is known stays."""
        self._fetch.forget()
        self._auto.clear()

    def clear(self, *, lessons: bool = True) -> None:
        """Forget the list, also on disk: it belongs to an account that is gone. So do `lessons`,
        unless it is not known yet that the next account is another one."""
        self._fetch.forget()
        self._auto.clear()
        if lessons:
            self.lessons.clear()
            self.whose = None
        self._models = {}
        self.fetched_at = None
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
        self._tell()

    def _found(
        self,
        name: str,
        authority: Authority,
        aliases: Mapping[str, str] | None,
        default: str | None,
    ) -> Model | None:
        """What `name` stands for; None: whatever GitHub chooses."""
        check(authority)
        model = names.resolve(name, self._models, aliases=aliases, default=default)
        return None if model.id == AUTO else self.lessons.corrected(model)

    async def _choice(self, authority: Authority) -> Model:
        try:
            model = await self._auto.choose(authority, self._models)
        except NotSignedIn:
            check(authority)  # the choice was ended because another account is in use
            raise
        return self.lessons.corrected(model)

    async def _get(self, authority: Authority) -> tuple[Model, ...]:
        payload = await self._client.request_json(
            "GET", "/models", authority, intent="model-access", timeout=FETCH_SECONDS
        )
        models = models_of(payload)
        self._models = {model.id: model for model in models}
        self.fetched_at = self._wall()
        if self._path is not None:
            data = payload["data"] if isinstance(payload, dict) else payload
            kept = {
                "v": _FORMAT,
                "fetched_at": self.fetched_at,
                "whose": self.whose,
                "data": data,
            }
            try:
                await asyncio.to_thread(replace_file, self._path, json.dumps(kept).encode())
            except OSError as error:
                log.warning("The model list could not be kept in %s: %s", self._path, error)
        return models

    def _is_old(self) -> bool:
        age = self._fetch.age
        if age is None:  # from disk: only the wall clock is left, and it may have been set back
            age = abs(self._wall() - (self.fetched_at or 0.0))
        return age > FRESH_SECONDS

    def _resting(self) -> bool:
        tried = self._fetch.since_try
        return tried is not None and tried < REST_SECONDS

    def _of_another(self, own: Catalogue) -> None:
        if own.problem is not None and not own._fetch.busy:
            self.on_trouble(own.problem)

    def _tell(self) -> None:
        if self.on_change is not None:
            self.on_change()
