"""The report that people may show to others: everything in it is seen before it is written.

It is made of what the app knows about itself: findings, settings, the latest requests without
content, the end of the log. Names, keys, paths and addresses of a company are masked in the whole
text, in one place, after it is put together, so that no part can bring one in by another way. What
was shown is kept, and only that very text can be saved.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import os
import re
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from yarl import URL

from copilot_desktop import strings
from copilot_desktop.core import exports, logs
from copilot_desktop.core.diagnostics import Diagnosis, Finding
from copilot_desktop.core.masking import COMPANY, Mask, company_in
from copilot_desktop.core.state import State
from copilot_desktop.errors import InvalidRequest
from copilot_desktop.system import machine
from copilot_desktop.upstream.origins import PUBLIC
from copilot_desktop.upstream.outgoing import NONE, SYSTEM

if TYPE_CHECKING:
    from copilot_desktop.core.core import Core

LOG_LINES = 150
LOG_BYTES = 64 * 1024
REQUESTS = 20
FRESH = 120.0  # seconds; findings that are older are looked for again
FILE_NAME = "copilot-desktop-report"
_PLAIN = re.compile(r"[a-z_]{1,16}|[0-9.]{1,12}|True|False")  # values that name nobody
# Settings that hold an address or a name even where it looks plain.
_TELLING = frozenset({"github_host", "api_key", "outgoing_proxy", "approved_clients", "aliases"})


class Reports:
    """Made with the core. The last text that was shown can be saved, and nothing else."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._shown: tuple[str, str] = ("", "")
        self._found: tuple[Finding, ...] = ()
        self._named: frozenset[tuple[str, str]] = frozenset()  # what `_found` may name
        self._looked = -math.inf  # when, in seconds since the epoch

    async def look(self, *, alone: bool = False) -> tuple[Finding, ...]:
        """Check everything; the next report holds what was found."""
        before = await asyncio.to_thread(_names, self._core)
        found = await Diagnosis(self._core, alone=alone).run()
        after = await asyncio.to_thread(_names, self._core)
        self._found, self._named, self._looked = found, before | after, time.time()
        return found

    async def make(self) -> tuple[str, str]:
        """The text, and the id under which `save` writes it."""
        if not self._found or not 0 <= time.time() - self._looked <= FRESH:
            await self.look()
        text = await asyncio.to_thread(self._text, self._found, self._named)
        self._shown = (hashlib.sha256(text.encode()).hexdigest()[:16], text)
        return self._shown

    async def save(self, number: str) -> Path:
        """Where the text was written: downloads, else the data folder. Raises InvalidRequest."""
        known, text = self._shown
        if not known or number != known:
            raise InvalidRequest("This report is not the one that was shown last.")
        downloads = await asyncio.to_thread(self._core.system.downloads_dir)
        for folder in (downloads, self._core.data_dir):
            try:
                return await asyncio.to_thread(
                    exports.write_new, text.encode(), folder, FILE_NAME, ".txt"
                )
            except OSError:
                continue
        raise InvalidRequest(f"The file could not be written to {downloads}")

    def _text(self, findings: tuple[Finding, ...], named: frozenset[tuple[str, str]]) -> str:
        core = self._core
        state = core.store.state
        folder = core.data_dir / logs.FOLDER
        mask = Mask.of(named | _names(core))  # of then and of now
        return mask("\n".join((*_lines(state, findings), *_log(folder))) + "\n")


def _lines(state: State, findings: tuple[Finding, ...]) -> Iterator[str]:
    app = state.app
    now = datetime.fromtimestamp(time.time(), UTC)
    yield f"{strings.text('app.name')} {app.build}, {now:%Y-%m-%d %H:%M} UTC"
    yield machine.described()
    yield strings.text("report.surroundings", engine=app.engine, tray=app.tray)
    yield from _section("diagnostics")
    for each in findings:
        level = strings.text(f"diagnostics.level.{each.level}")
        name = strings.text(f"diagnostics.name.{each.id}")
        yield f"{level:8}{name}: {each.said(strings.words())}"
    yield from _section("account")
    account = state.account
    yield strings.text(
        "report.account_line", state=account.state, plan=account.plan or "-", source=account.source
    )
    yield strings.text(
        "report.lists", n=len(state.models.items), models=state.models.state,
        usage=state.quota.state, source=state.quota.source or "-",
    )  # fmt: skip
    yield from _section("settings")
    yield from _settings(state)
    yield from _section("requests")
    for exchange in state.requests.recent[:REQUESTS]:
        when = datetime.fromtimestamp(exchange.at, UTC)
        notes = " ".join(sorted({note.split("=", 1)[0] for note in exchange.notes}))
        yield (
            f"{when:%H:%M:%S}  {exchange.dialect}  {exchange.model_used}  {exchange.route}  "
            f"{exchange.status}  {exchange.outcome}  {exchange.took_ms} ms  {notes}"
        ).rstrip()


def _section(name: str) -> tuple[str, str]:
    return "", f"== {strings.text(f'report.{name}')}"


def _settings(state: State) -> Iterator[str]:
    """Those that are not the default; a value only if it cannot name anybody."""
    for name, source in state.preferences.sources.items():
        if source == "default":
            continue
        value = str(getattr(state.settings, name))
        shown = value if name not in _TELLING and _PLAIN.fullmatch(value) else "[set]"
        if name == "outgoing_proxy" and value in {SYSTEM, NONE}:
            shown = value
        yield f"{name} = {shown} ({source})"


def _log(folder: Path) -> Iterator[str]:
    yield from _section("log")
    try:
        with (folder / logs.FILE_NAME).open("rb") as file:
            file.seek(0, os.SEEK_END)
            size = file.tell()
            file.seek(max(0, size - LOG_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return
    lines = text.splitlines()
    yield from lines[1 if size > LOG_BYTES else 0 :][-LOG_LINES:]  # the first one may be cut


def _names(core: Core) -> frozenset[tuple[str, str]]:
    """What is known to name this person, this computer or this company."""
    return frozenset(_known_names(core))


def _known_names(core: Core) -> Iterator[tuple[str, str]]:
    state, settings = core.store.state, core.settings
    yield str(core.data_dir), "[data folder]"
    yield str(machine.home()), "~"
    yield core.key, "[key]"
    yield from ((each.secret, "[key]") for each in core.keys.keys)
    if settings.api_key:
        yield settings.api_key, "[key]"
    for login in (state.account.login, *(each.login for each in state.parked)):
        yield login or "", "[account]"
    hosts = {
        core.origins.host,
        *(each.host for each in state.parked),
        *_proxies(settings.way.proxy),
    }
    for host in hosts - {PUBLIC, "127.0.0.1", "localhost", ""}:
        yield host, "[host]"
        yield company_in(host), COMPANY
    if settings.extra_ca:
        yield str(settings.extra_ca), "[file]"
    for name in machine.names():
        yield name, "[computer]"
        yield company_in(name), COMPANY
    yield machine.domain(), COMPANY
    yield machine.user(), "[user]"


def _proxies(own: str) -> Iterator[str]:
    named = () if own in {SYSTEM, NONE} else (own,)
    for proxy in (*named, *urllib.request.getproxies().values()):
        try:
            yield URL(proxy if "://" in proxy else f"http://{proxy}").host or ""
        except ValueError:
            continue
