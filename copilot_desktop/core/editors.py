"""The editors of this computer: looked at when something has changed, changed on request only.

The engine (`integrations.connection`) reads and writes files and may block, so it runs in threads
with a deadline, one change at a time. A look comes with the first page that is open, after a change
of address, keys or models, and when it is asked for. Nothing is written by itself. A demo has a
home folder of its own, so that it never touches the user's files.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import urlsplit

from copilot_desktop.core import editor_samples, editor_test, own_files
from copilot_desktop.core.editor_links import Offer, choosable
from copilot_desktop.core.editor_rows import OLD, EditorList, EditorRow, in_order
from copilot_desktop.core.keys import Drafts
from copilot_desktop.core.state import State
from copilot_desktop.errors import InvalidRequest, Problem
from copilot_desktop.integrations.connection import Connection, Preview, UndoPreview
from copilot_desktop.integrations.planning import NO_KEY
from copilot_desktop.integrations.refusals import refused, shortened
from copilot_desktop.integrations.shells import lines as shell_lines
from copilot_desktop.integrations.shells import variables
from copilot_desktop.integrations.shown import masked
from copilot_desktop.integrations.tool import Link, Machine, Tool
from copilot_desktop.proxy.answers import unexpected
from copilot_desktop.system.files import private_folder

if TYPE_CHECKING:
    from copilot_desktop.core.core import Core

log = logging.getLogger(__name__)

FOLDER = own_files.EDITORS
DEMO_FOLDER = "demo"  # everything about editors in a demo
LOOK_SECONDS = 20.0
CHANGE_SECONDS = 30.0
_SHELLS: Mapping[str, Literal["sh", "fish", "powershell", "cmd"]] = {
    "bash": "sh", "fish": "fish", "powershell": "powershell", "cmd": "cmd",
}  # fmt: skip
Json = dict[str, Any]
T = TypeVar("T")


class Editors:
    """Belongs to one core. `tools` None: all that there are. Methods are the verbs' own and raise
    InvalidRequest."""

    def __init__(
        self, core: Core, environ: Mapping[str, str], tools: tuple[Tool, ...] | None = None
    ) -> None:
        self._core = core
        self._given = tools
        self._changing = asyncio.Lock()
        self._begun = self._shown = 0  # looks, by their number
        self._demo = core.store.state.app.demo is not None
        top = core.data_dir / DEMO_FOLDER if self._demo else core.data_dir
        home = top / "home" if self._demo else core.system.home_dir()
        env = {} if self._demo else environ
        self.machine = Machine.of(core.system.name, home, env)
        self.connection = Connection(self.machine, top / FOLDER)
        self._folder = top / FOLDER
        self._drafts = Drafts(self._folder)

    def start(self) -> None:
        """Look now and after each change that matters, in the background."""
        self._core.tasks.start(self._watch(), "editors")

    async def look(self) -> None:
        """How every tool stands. A failure is part of the state. Of several looks at once the one
        that has begun last is told: an earlier one may have seen files that are changed by now."""
        self._begun = number = self._begun + 1
        store = self._core.store
        store.set(editors=replace(store.state.editors, running=True))
        found = await self._looked()
        if number > self._shown:
            self._shown = number
            store.set(editors=found)

    async def _looked(self) -> EditorList:
        store, trouble = self._core.store, None
        offer, tools = self._offer(), self._tools
        if offer is None:  # no address yet, so there is nothing to compare with
            return replace(store.state.editors, running=False)
        try:
            rows = await self._in_thread(lambda: self._rows(offer, tools), LOOK_SECONDS)
            return EditorList(time.time(), rows=rows)
        except Problem as problem:
            trouble = problem
        except Exception as error:  # noqa: BLE001  (one fault must not end all later looks)
            trouble = unexpected(error)
        return replace(store.state.editors, running=False, problem=trouble)

    # ------------------------------------------------------------------------ connecting

    async def preview(self, name: str, chosen: Mapping[str, str]) -> Json:
        tool = self._tool(name)
        offer = await self._with_draft(await self._offer_for(tool, make=False), tool)
        return await self._in_thread(
            lambda: self._told(self.connection.preview(tool, self._link(offer, tool, chosen)))
        )

    async def connect(self, name: str, chosen: Mapping[str, str], digest: str) -> Json:
        tool = self._tool(name)
        known = await self._offer_for(tool, make=False)
        offer = await self._with_draft(known, tool)

        def work() -> str:
            link = self._link(offer, tool, chosen)
            if offer is not known:  # the key is made for a change that will be written, only
                if self.connection.preview(tool, link).digest != digest:
                    raise refused("changed_since")
                self._core.keys.key_for(tool.id, link.key)
                self._drafts.take(tool.id)  # one that is revoked must not come again
            self.connection.write(tool, link, digest)
            return self.connection.check(tool, link).state

        state = await self._change(work)
        return {"state": state, "after": tool.after}

    async def update(self) -> Json:
        """Bring all that have an old port or key to the present ones."""
        await self.look()
        old = {row.id for row in self._core.store.state.editors.rows if row.state in OLD}
        tools = [tool for tool in self._tools if tool.id in old]
        left = []
        for tool in tools:
            try:
                offer = await self._offer_for(tool)
                await self._change(
                    lambda offer=offer, tool=tool: self.connection.update(  # type: ignore[misc]
                        tool, self._link(offer, tool, {})
                    ),
                    look=False,
                )
            except InvalidRequest:
                left.append(tool.id)
        await self.look()
        return {"updated": len(tools) - len(left), "left": left}

    # ------------------------------------------------------------------------ going back

    async def preview_undo(self, name: str) -> Json:
        tool = self._tool(name)
        return await self._in_thread(lambda: self._undone(self.connection.preview_undo(tool)))

    async def undo(self, name: str, digest: str | None) -> Json:
        tool = self._tool(name)
        return await self._change(lambda: self._undone(self.connection.undo(tool, digest)))

    async def leave(self, name: str) -> None:
        tool = self._tool(name)
        await self._change(lambda: self.connection.leave(tool))

    async def undo_all(self) -> Json:
        """`left`: the tools of which a file could not be changed."""
        known = {tool.id: tool for tool in self._tools}

        def work() -> list[str]:
            left = []
            for name in self.connection.connected():
                tool = known.get(name) or Tool(id=name, name=name, source="an earlier version")
                try:
                    self.connection.undo(tool)
                except InvalidRequest:
                    left.append(name)
            return left

        before = await self._in_thread(lambda: len(self.connection.connected()))
        left = await self._change(work)
        return {"undone": before - len(left), "left": left}

    async def forget(self) -> None:
        """Undo everything, then delete records and backups. Raises InvalidRequest where something
        is left, and then keeps what is needed to undo it."""
        if (await self.undo_all())["left"]:
            raise refused("left")
        top = self._folder.parent
        await self._in_thread(lambda: own_files.delete(top, own_files.BACKUPS, own_files.EDITORS))

    # ------------------------------------------------------------------------ beside it

    async def test(self, name: str) -> Json:
        tool = self._tool(name)
        if self._core.controller.state.phase != "running":
            raise refused("not_running")
        offer = self._offered()
        link = await self._in_thread(lambda: self._link(offer, tool, {}))
        return await editor_test.ask(tool, link)

    async def launch(self, name: str, chosen: Mapping[str, str]) -> Json:
        """How the tool is started without touching a file; `env` holds the key."""
        tool = self._tool(name)
        if (start := tool.launch) is None:
            raise refused("no_launch")
        if self._core.controller.state.phase != "running":
            raise refused("not_running")
        offer = await self._offer_for(tool)
        made = await self._in_thread(lambda: start(self.machine, self._link(offer, tool, chosen)))
        return {
            "arguments": list(made.arguments),
            "env": dict(made.env),
            "without": list(made.without),
            "model": list(made.model),
        }

    async def copy(self, name: str, what: str) -> Json:
        """The text for the clipboard."""
        tool = self._tool(name)
        offer = await self._offer_for(tool) if what in {"key", "lines"} else self._offered()
        return {"text": await self._in_thread(lambda: self._copied(offer, tool, what))}

    def copy_shell(self, shell: str) -> Json:
        """The text for the clipboard, and its lines to be shown."""
        offer = self._offered()
        link = Link(offer.address, offer.shared_key, ())
        try:
            lines = shell_lines(_SHELLS[shell], variables(link))
        except ValueError:
            raise refused("no_line") from None
        shown = lines if link.key == NO_KEY else [masked(line, (link.key,)) for line in lines]
        return {"text": "\n".join(lines) + "\n", "lines": shown}

    async def open_backups(self) -> Json:
        folder = self.connection.backups

        def work() -> bool:
            with suppress(OSError):
                private_folder(folder)
            return self._core.system.open_folder(folder)

        if not await self._in_thread(work):
            raise refused("no_folder", path=str(folder))
        return {"folder": str(folder)}

    # ------------------------------------------------------------------------ inner workings

    @property
    def _tools(self) -> tuple[Tool, ...]:
        if self._given is not None:
            return self._given
        from copilot_desktop.integrations.tools import registry  # noqa: PLC0415  (after the start)

        return registry.ALL

    def _tool(self, name: str) -> Tool:
        for tool in self._tools:
            if tool.id == name:
                return tool
        raise refused("unknown_tool")

    async def _watch(self) -> None:
        seen: object = None
        async for state in self._core.store.watch():
            now = _signature(state)
            if now != seen and state.proxy.phase not in {"starting", "stopping"}:
                seen = now
                await self.look()

    def _rows(self, offer: Offer, tools: tuple[Tool, ...]) -> tuple[EditorRow, ...]:
        if self._demo:
            with suppress(OSError):
                editor_samples.make(self.machine.home)
        written = self.connection.connected()
        return in_order(self._row(offer, tool, written=tool.id in written) for tool in tools)

    def _row(self, offer: Offer, tool: Tool, *, written: bool) -> EditorRow:
        link = self._link(offer, tool, {})
        standing = self.connection.check(tool, link)
        files = dict.fromkeys(edit.file for edit in tool.edits(self.machine, link))
        return EditorRow(
            id=tool.id,
            name=tool.name,
            way=tool.way,
            state=standing.state,
            paths=tuple(shortened(path, self.machine.home) for path in files),
            detail=standing.detail,
            roles=tuple((role.name, link.chosen.get(role.name, "")) for role in tool.roles),
            after=tool.after,
            dialect=tool.dialect,
            steps=tuple((step.text, step.copy) for step in tool.steps),
            written=written,
        )

    def _link(self, offer: Offer, tool: Tool, chosen: Mapping[str, str]) -> Link:
        return offer.link(tool, self.connection.chosen(tool), chosen)

    def _offer(self) -> Offer | None:
        """What can be offered now; None while there is no port."""
        core = self._core
        config = core.listening.config
        if config.port == 0:
            return None
        named = {key.name.casefold(): key.secret for key in config.keys}
        models = choosable(core.store.state.models.items)
        return Offer(config.own_address, models, config.key, config.key_required, named)

    def _offered(self) -> Offer:
        offer = self._offer()
        if offer is None:
            raise refused("not_running")
        return offer

    async def _offer_for(self, tool: Tool, *, make: bool = True) -> Offer:
        """What can be offered to a tool that is about to be connected: with a key of its own where
        keys are asked for, if it shall be made now."""
        offer = self._offered()
        self._check_loop(offer)
        if tool.way == "automatic" and tool.needs_models and not offer.models:
            raise refused("no_models")
        if make and _lacks_key(offer, tool):
            key = await self._in_thread(
                lambda: self._core.keys.key_for(tool.id, self._drafts.take(tool.id))
            )
            return _with_key(offer, tool, key)
        return offer

    async def _with_draft(self, offer: Offer, tool: Tool) -> Offer:
        """With the key that the tool will get. Whoever looks and goes away leaves no key behind."""
        if not _lacks_key(offer, tool):
            return offer
        draft = await self._in_thread(lambda: self._drafts.of(tool.id))
        return _with_key(offer, tool, draft)

    def _check_loop(self, offer: Offer) -> None:
        """An upstream that is this proxy would ask itself for ever."""
        here, origins = urlsplit(offer.address), self._core.origins
        for there in map(urlsplit, (origins.copilot or "", origins.api, origins.github)):
            if there.hostname in {"localhost", "127.0.0.1", "::1"} and there.port == here.port:
                raise refused("loop")

    def _copied(self, offer: Offer, tool: Tool, what: str) -> str:
        link = self._link(offer, tool, {})
        match what:
            case "openai":
                return link.openai
            case "anthropic":
                return link.address
            case "key":
                return link.key
            case "model":
                return next(iter(link.chosen.values()), "")
            case _:
                return self.connection.lines(tool, link)

    def _told(self, preview: Preview) -> Json:
        files = [
            {
                "path": shortened(file.path, self.machine.home),
                "new": file.new,
                "backup": file.backup,
                "lines": [list(line) for line in file.lines],
            }
            for file in preview.files
        ]
        return {"files": files, "count": preview.count, "digest": preview.digest}

    def _undone(self, preview: UndoPreview) -> Json:
        def places(of: tuple[tuple[Path, str], ...]) -> list[list[str]]:
            return [[shortened(path, self.machine.home), place] for path, place in of]

        return {
            "back": places(preview.back),
            "stay": places(preview.stay),
            "digest": preview.digest,
        }

    async def _change(self, work: Callable[[], T], *, look: bool = True) -> T:
        async with self._changing:
            try:
                return await self._in_thread(work)
            finally:
                if look:
                    await self.look()

    async def _in_thread(self, work: Callable[[], T], seconds: float = CHANGE_SECONDS) -> T:
        """A disk may hang; whoever asked gets an answer."""
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.to_thread(work)
        except TimeoutError:
            raise refused("slow") from None


def _lacks_key(offer: Offer, tool: Tool) -> bool:
    return offer.required and tool.id.casefold() not in offer.named


def _with_key(offer: Offer, tool: Tool, key: str) -> Offer:
    return replace(offer, named={**offer.named, tool.id.casefold(): key})


def _signature(state: State) -> tuple[object, ...]:
    """What the lines in the files depend on."""
    proxy, keys = state.proxy, tuple((key.name, key.created) for key in state.keys)
    listening = (proxy.phase == "running", proxy.host, proxy.port)
    return (*listening, state.key, keys, state.models.items)
