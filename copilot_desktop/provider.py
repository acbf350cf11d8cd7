"""Copilot as a Python object: ask in canonical values, get canonical events. No HTTP server needed.

    import asyncio, os
    from copilot_desktop.canonical import BlockDelta, Message, Request, Text
    from copilot_desktop.provider import open_provider
    from copilot_desktop.upstream.credentials import EnvironmentStore

    async def main():
        async with open_provider(EnvironmentStore(os.environ)) as copilot:
            question = Request("gpt-4.1", (Message("user", (Text("Hello"),)),))
            async for event in copilot.stream(question):
                print(event.text if isinstance(event, BlockDelta) else "", end="")

    asyncio.run(main())

This is the hub of the whole product: the proxy's translated routes run through `Provider.pour`.
It knows conversations, models and routes; it knows no client dialect and no web server.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload
from weakref import WeakKeyDictionary

from copilot_desktop import json_bytes
from copilot_desktop.canonical import (
    Event,
    Reply,
    Request,
    fold,
    with_original_name,
)
from copilot_desktop.dialects import Dialect, Initiator
from copilot_desktop.errors import (
    AutoChoiceOver,
    InvalidRequest,
    NotExpressible,
    UnknownModel,
    UpstreamFault,
)
from copilot_desktop.hearing import Ear, Listener, Passage, Turn, refuse_a_page
from copilot_desktop.model import Model
from copilot_desktop.preparation import prepared
from copilot_desktop.preparation.strictness import refuse_marked
from copilot_desktop.preparation.weighing import refuse_overflow, weigh, weighed
from copilot_desktop.routing import UNSUPPORTED, Detour, Route, route
from copilot_desktop.runs import spread
from copilot_desktop.sse import EventTooLarge
from copilot_desktop.upstream.auto import by_auto
from copilot_desktop.upstream.avoiding import Wary
from copilot_desktop.upstream.catalogue import Catalogue
from copilot_desktop.upstream.client import Call, CopilotClient, UpstreamReply
from copilot_desktop.upstream.credentials import TokenStore
from copilot_desktop.upstream.direct import MORE, NO_MORE, Wish
from copilot_desktop.upstream.healed import Healed
from copilot_desktop.upstream.http import open_http
from copilot_desktop.upstream.identity import Identity
from copilot_desktop.upstream.lessons import FILE_NAME, TEN_MINUTES, Lesson, Lessons, taught
from copilot_desktop.upstream.origins import Origins
from copilot_desktop.upstream.quirks import Quirks, quirks_for
from copilot_desktop.upstream.quirks.memory import Memory
from copilot_desktop.upstream.quota import Quota, QuotaSnapshot
from copilot_desktop.upstream.session import Session
from copilot_desktop.upstream.token import Authority, TokenCache
from copilot_desktop.upstream.websocket import UpstreamSocket

if TYPE_CHECKING:
    from copilot_desktop.pi import AssistantMessageEvent
    from copilot_desktop.pi import Context as PiContext
    from copilot_desktop.pi import Options as PiOptions

_ELSEWHERE = "not accessible via the"


class Provider:
    """Copilot over one account. `session` is None where the caller brings an authority per call."""

    def __init__(
        self,
        client: CopilotClient,
        catalogue: Catalogue,
        quota: Quota,
        session: Session | None = None,
    ) -> None:
        self.client = client
        self.catalogue = catalogue
        self.lessons = catalogue.lessons
        self._quota = quota
        self.session = session
        self._followed: TokenCache | None = None  # of the account in use
        # By account, and no longer than whoever calls in its name.
        self._memories: WeakKeyDictionary[Authority, Memory] = WeakKeyDictionary()

    async def models(self, authority: Authority | None = None) -> tuple[Model, ...]:
        """The models of this account, at most ten minutes old. Raises Problem."""
        authority = authority or self._own()
        catalogue = self.catalogue.of(authority)
        await catalogue.ready(authority)
        return catalogue.models

    async def quota(self) -> QuotaSnapshot:
        """A fresh reading of the account's allowance."""
        await self._quota.refresh(self._session().user)
        return self._quota.snapshot

    @overload
    def stream(
        self, request: Request, *, initiator: Initiator | None = None
    ) -> AsyncGenerator[Event, None]: ...

    @overload
    def stream(
        self,
        request: Request | PiContext,
        *,
        shape: Literal["pi"],
        model: str = "",
        options: PiOptions | None = None,
        initiator: Initiator | None = None,
    ) -> AsyncGenerator[AssistantMessageEvent, None]: ...

    def stream(
        self,
        request: Request | PiContext,
        *,
        shape: Literal["canonical", "pi"] = "canonical",
        model: str = "",
        options: PiOptions | None = None,
        initiator: Initiator | None = None,
    ) -> AsyncGenerator[Event, None] | AsyncGenerator[AssistantMessageEvent, None]:
        """The reply to `request` as canonical events.

        Raises a Problem before the first event if Copilot refuses, later if the answer breaks off;
        tool names are the caller's own. Close the iterator to stop Copilot.

        With `shape="pi"` the events are pi-ai's, `request` may be pi's context for `model`, and
        trouble is an event instead of an exception (see `copilot_desktop.pi`).
        """
        if shape == "pi":
            from copilot_desktop.pi import told  # noqa: PLC0415  (only programs that embed us)

            ask = partial(self._events, initiator)
            return told(request, ask, model=model, options=options)
        if not isinstance(request, Request):
            raise TypeError("a pi context needs shape='pi'")
        return self._events(initiator, request)

    async def _events(
        self,
        initiator: Initiator | None,
        request: Request,
        on_route: Callable[[str, str], None] = lambda model, endpoint: None,
    ) -> AsyncGenerator[Event, None]:
        own = self._own()  # one account from here to the end
        model = await self.catalogue.find(request.model, own)
        way = self.route(model, None)
        initiator = initiator or request.initiator
        begun, detour = False, Detour()
        passage = Passage()
        while True:
            on_route(way.model.id, way.endpoint)
            try:
                turn = self.plan(request, way, initiator, own)
                async with aclosing(self.run(turn, own, passage)) as batches:
                    async for events in batches:
                        begun = True
                        for event in events:
                            yield with_original_name(event, turn.request)
                return  # noqa: TRY300  (the loop goes on only after a problem)
            except InvalidRequest as problem:
                if begun:
                    raise
                way = await self.another_way(way, None, problem, own, detour)

    async def complete(self, request: Request, *, initiator: Initiator | None = None) -> Reply:
        """The whole reply at once. Raises Problem."""
        return fold([event async for event in self.stream(request, initiator=initiator)])

    def route(self, model: Model, spoken: Dialect | None) -> Route:
        """Which endpoint answers, as far as is known by now. Raises UnknownModel."""
        return route(model, spoken)

    async def another_way(
        self,
        way: Route,
        spoken: Dialect | None,
        problem: InvalidRequest,
        authority: Authority,
        detour: Detour,
    ) -> Route:
        """Where to turn when the way's format cannot say what was asked, when Copilot says that the
        model is not at the endpoint it was listed at, or when it does not stand by its own choice
        in auto mode.

        What was refused upstream is among the lessons from then on. Raises the problem to tell if
        there is no other way, and what asking for another choice raises.
        """
        if isinstance(problem, NotExpressible):
            return detour.past(way, spoken, problem)
        other = None if detour.moved else await self._moved(way, spoken, problem, authority)
        if other is None:
            raise problem
        detour.moved = True
        return other

    async def _moved(
        self, way: Route, spoken: Dialect | None, problem: InvalidRequest, authority: Authority
    ) -> Route | None:
        catalogue = self.catalogue.of(authority)
        if isinstance(problem, AutoChoiceOver) and by_auto(way.model):
            return self.route(await catalogue.choose_again(way.model, authority), spoken)
        if isinstance(problem, UnknownModel):
            await catalogue.explain(problem, way.model, authority)
        if problem.code != UNSUPPORTED and _ELSEWHERE not in problem.detail.lower():
            return None
        catalogue.renew(authority)
        # For minutes only: the other way has not answered yet, and a single machine may be wrong.
        lesson = Lesson("endpoint", way.endpoint, TEN_MINUTES)
        other = self.route(taught(way.model, lesson), spoken)
        if other.endpoint == way.endpoint:
            return None
        self.lessons.learn(way.model.id, lesson)
        return other

    def quirks(self, endpoint: str, authority: Authority) -> Quirks:
        """The accent of `endpoint`, with what is remembered for this account."""
        return Wary(quirks_for(endpoint, self._memory(authority)), endpoint)

    def follow(self) -> None:
        """The account in use may be another one: what is known of the last one is nobody else's."""
        session, before = self._session(), self._followed
        if session.cache is not before:
            self._followed = session.cache
            if before is not None:
                self.forget()
                self.catalogue.clear(lessons=False)
                self._quota.clear()
        if session.account.id:
            self.catalogue.belongs_to((session.account.host, session.account.id))

    def forget(self) -> None:
        """The account has changed: nothing of the last one's conversations is kept."""
        self._memories.clear()

    def plan(
        self,
        request: Request,
        way: Route,
        initiator: Initiator,
        authority: Authority,
        *,
        strict: bool = False,
    ) -> Turn:
        """Prepare, check and render. Raises NotExpressible for what would silently change (with
        `strict`, for whatever a caller may notice), and InputTooLarge for what the model surely
        cannot read."""
        ready = prepared(request, way.model, way.endpoint)
        losses = ready.losses + way.target.cannot(ready, way.model)
        if meant := next((loss for loss in losses if loss.semantic), None):
            raise NotExpressible(fields={"what": meant.what, "model": way.model.id})
        if strict:
            refuse_marked(loss.note for loss in losses if loss.marked)
        weight, tokens = self.weigh(ready, way.model)
        ready.losses, ready.tokens = losses, tokens
        rendered = way.target.render_request(ready, way.model)
        # What Copilot's endpoint wants beyond the public format stands in its quirks.
        fixed = self.quirks(way.endpoint, authority).fix_request(rendered, way.model, ())
        if strict:
            refuse_marked(fixed.marked)
        large = 4 * weight >= json_bytes.LARGE
        write = json_bytes.written_in_pieces if large else json_bytes.written
        call = Call(
            endpoint=way.endpoint,
            body=write(fixed.body or rendered),
            model=way.model.id,
            stream=True,
            initiator=initiator,
            vision=ready.has_pictures(),
            betas=fixed.betas,
            extra_headers=way.model.request_headers,
        )
        return Turn(ready, way, call, weight, fixed.notes)

    def weigh(self, request: Request, model: Model) -> tuple[int, int]:
        """The size by length alone, and the estimate in tokens. Raises InputTooLarge."""
        weight, ratio = weigh(request, model), self.lessons.ratio(model)
        tokens = weighed(weight, ratio.value)
        refuse_overflow(tokens, model, calibrated=ratio.calibrated)
        return weight, tokens

    def socket(self) -> UpstreamSocket:
        """A way to Copilot for somebody whose requests follow one upon the other."""
        return UpstreamSocket(self.client, self._quota.note_snapshots)

    def send(
        self, call: Call, model: Model, authority: Authority, passage: Passage
    ) -> AbstractAsyncContextManager[UpstreamReply]:
        """The 200 answer to `call`, healed if need be. Raises Problem.

        Every conversation goes through here.
        """
        return Healed(
            passage.carrier or self.client,
            call,
            model,
            authority,
            tries=passage.tries,
            notes=passage.notes,
            lessons=self.lessons,
        )

    async def run(
        self, turn: Turn, authority: Authority, passage: Passage | None = None
    ) -> AsyncGenerator[list[Event], None]:
        """The events of each network read, in order. Raises Problem, also in mid-stream.

        Events that were read before the trouble are always given out first. A turn runs once: it
        lets go of its request when Copilot answers.
        """
        passage = passage or Passage()
        async with self.send(turn.call, turn.route.model, authority, passage) as reply:
            turn.let_go()
            await refuse_a_page(reply)
            heard = Listener(turn, passage, self._memory(authority).thoughts)
            try:
                async for chunk in reply.chunks():
                    heard.feed(chunk)
                    if heard.enough:
                        break
                    if heard.told:
                        yield list(spread(heard.take()))
                await self._all_heard(heard, reply, turn)
            except Exception as trouble:
                heard.let_go()
                if heard.told:
                    yield list(spread(heard.take()))
                if isinstance(trouble, EventTooLarge):
                    raise UpstreamFault(str(trouble), request_id=reply.request_id) from trouble
                raise
            if heard.told:
                yield list(spread(heard.take()))

    async def pour(self, turn: Turn, authority: Authority, ear: Ear, passage: Passage) -> None:
        """Tell `ear` the same as it arrives, if possible without waking a task for it."""
        async with self.send(turn.call, turn.route.model, authority, passage) as reply:
            turn.let_go()
            ear.arrived(reply)
            await refuse_a_page(reply)
            heard = Listener(turn, passage, self._memory(authority).thoughts)

            def take(read: bytes) -> Wish:
                if (text := heard.alone(read)) is not None:
                    return ear.hear([text])
                try:
                    heard.feed_frames(read)
                finally:
                    wish = ear.hear(heard.take()) if heard.told else MORE
                return NO_MORE if heard.enough else wish

            try:
                await reply.pour(take, ear.room, straight=ear.straight)
                await self._all_heard(heard, reply, turn)
            except Exception as trouble:
                heard.let_go()
                ear.hear(heard.take())
                await ear.room()
                if isinstance(trouble, EventTooLarge):
                    raise UpstreamFault(str(trouble), request_id=reply.request_id) from trouble
                raise
            ear.hear(heard.take())
            await ear.room()

    async def _all_heard(self, heard: Listener, reply: UpstreamReply, turn: Turn) -> None:
        """Nothing more is needed of `reply`. Raises CutShort if it should have said more."""
        if heard.stopped:
            await reply.close()  # it would go on, and be paid for
        heard.close()
        if heard.usage is not None and not (turn.call.vision or heard.estimated):
            # Pictures are weighed too roughly to teach anything.
            self.lessons.weighed(turn.route.model, turn.weight, heard.usage.total_input)

    def _memory(self, authority: Authority) -> Memory:
        if (memory := self._memories.get(authority)) is None:
            memory = self._memories.setdefault(authority, Memory())
        return memory

    def _session(self) -> Session:
        if self.session is None:
            raise RuntimeError("this provider has no session of its own")
        return self.session

    def _own(self) -> Authority:
        return self._session().seat()


@asynccontextmanager
async def open_provider(
    store: TokenStore,
    *,
    origins: Origins | None = None,
    identity: Identity | None = None,
    cache: Path | None = None,
    headers_timeout: float = 600.0,
    idle_timeout: float = 300.0,
    github_timeout: float = 15.0,
) -> AsyncIterator[Provider]:
    """A provider with everything below it. Times are in seconds; `cache` is the file of the model
    list, beside which the lessons are kept."""
    origins = origins or Origins.of()
    identity = identity or Identity()
    async with open_http(github_timeout=github_timeout) as http:
        quota = Quota()
        session = Session(http, origins, identity, store, timeout=github_timeout)
        client = CopilotClient(
            http,
            identity,
            headers_timeout=headers_timeout,
            idle_timeout=idle_timeout,
            on_headers=quota.note_headers,
        )
        lessons = Lessons(cache.with_name(FILE_NAME) if cache else None)
        lessons.load()
        catalogue = Catalogue(client, cache, lessons=lessons)
        provider = Provider(client, catalogue, quota, session)
        session.on_change = provider.follow
        if (await session.load()).id:  # else nobody can tell whose list it is
            catalogue.load_cache()
            provider.follow()
        try:
            yield provider
        finally:
            await lessons.keep()
            catalogue.close()
            quota.close()
            await session.close()
