"""Each state that cuts across the screens, as the user meets it: the real core over the demo, in
both themes, at the usual size, at the smallest one, and there with the largest text.

Every cell of `ui-design.md` §8 is reached the way it comes about (a scenario of the demo, a port
that is taken, a store that cannot be read), never by a made-up snapshot. Words are compared with
what a user reads; the pictures are for eyes. They go to the folder that COPILOT_DESKTOP_SCREENS
names, and are not compared: fonts differ between machines.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from copilot_desktop.control.app import open_control
from copilot_desktop.control.instance import claim, show_running
from copilot_desktop.core.state import Ask
from copilot_desktop.demo import SCENARIOS
from copilot_desktop.proxy import controller
from copilot_desktop.proxy.circuit import HITS
from copilot_desktop.system import PortHolder
from copilot_desktop.system.fake import FakeSystem
from copilot_desktop.upstream.credentials import FileStore, StoredAccount, token_file
from tests.core_rig import CoreRig, FakeUpstream, running_core
from tests.ui.conftest import USUAL
from tests.ui.stage import true_in

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LIMIT = 20_000  # milliseconds for a state to appear
LOOKS = [  # width, height, text size
    (960, 680, 100),
    (720, 520, 100),
    (720, 520, 140),
]
GROUND = {"light": "rgb(245, 246, 248)", "dark": "rgb(19, 22, 25)"}
NODE = PortHolder("node", 8120)
HOME = "127.0.0.1"  # the host of the demo's GitHub

Act = Callable[[CoreRig], Awaitable[None]]
Open = Callable[[Path], AbstractAsyncContextManager[CoreRig]]


@dataclass(frozen=True)
class Cell:
    """`headline` and `title` are patterns; `title` None: no banner. `card` heads the proxy card or,
    where there is none, stands on the screen. `sees` is what stands elsewhere, by screen."""

    open: Open
    headline: str
    title: str | None
    body: str = ""
    buttons: tuple[str, ...] = ()
    card: str = "Proxy is running"
    sees: tuple[tuple[str, str], ...] = ()


# --- how each state comes about ----------------------------------------------------------------


def over(scenario: str = "pro", *acts: Act, account: bool = True, **settings: Any) -> Open:
    """The scenario, for somebody who is signed in already unless `account` is False."""

    @asynccontextmanager
    async def opened(folder: Path) -> AsyncIterator[CoreRig]:
        fake = FakeUpstream(replace(SCENARIOS[scenario], pace=0.0))
        if account:
            kept = StoredAccount(HOME, "octo-user", 1234567, fake.github_token)
            await FileStore(token_file(folder), host=HOME).save(kept)
        chosen = {"token_store": "file", "notice_accepted": True, **settings}
        system = FakeSystem(folder, holder=NODE)
        async with running_core(folder, fake=fake, system=system, **chosen) as rig:
            rig.core.surroundings(tray="ok", engine="gtk")
            for act in acts:
                await act(rig)
            yield rig

    return opened


async def known(rig: CoreRig) -> None:
    """The first look has brought its numbers."""
    await rig.until(lambda state: state.quota.state == "ready" and state.models.state == "ready")


async def look_again(rig: CoreRig) -> None:
    await rig.do("check_account")


async def look_for_updates(rig: CoreRig) -> None:
    assert (await rig.do("look_for_updates"))["ok"]


async def revoke(rig: CoreRig) -> None:
    """What the scenario `reauth` does after two minutes."""
    rig.fake.tokens.revoke()


async def stop(rig: CoreRig) -> None:
    await rig.do("stop_proxy")


async def connect(rig: CoreRig) -> None:
    """One editor is set to the proxy, as the sheet does it."""
    settings = rig.core.data_dir / "home" / ".claude" / "settings.json"
    await asyncio.to_thread(settings.parent.mkdir, parents=True)
    await asyncio.to_thread(settings.write_text, "{}\n")
    await rig.do("look_for_editors")
    chosen: dict[str, Any] = {"id": "claude-code", "chosen": {}}
    shown = await rig.do("preview_editor", **chosen)
    assert (await rig.do("connect_editor", **chosen, digest=shown["digest"]))["ok"]


async def take_the_next_port(rig: CoreRig) -> None:
    """What the banner of a taken port offers."""
    port = controller.next_free_port(HOME, rig.core.store.state.proxy.port)
    assert (await rig.do("use_port", port=port))["ok"]
    await rig.do("look_for_editors")


async def fail(rig: CoreRig) -> None:
    async def broken() -> None:
        raise RuntimeError("for the picture")

    rig.core.tasks.start(broken(), "usage")
    await rig.until(lambda state: state.fault)


async def in_a_browser(rig: CoreRig) -> None:
    rig.core.surroundings(engine="browser", engine_missing="WebKitGTK")


async def without_a_tray(rig: CoreRig) -> None:
    rig.core.surroundings(tray="missing")
    rig.core.ask(Ask("close"))


async def ask(rig: CoreRig) -> None:
    await known(rig)
    body = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}]}
    url = f"http://127.0.0.1:{rig.core.store.state.proxy.port}/v1/chat/completions"
    async with aiohttp.ClientSession() as http:
        for _ in range(HITS):
            async with http.post(url, json=body) as answer:
                assert answer.status == 429


@asynccontextmanager
async def port_taken(folder: Path) -> AsyncIterator[CoreRig]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        async with over(port=holder.getsockname()[1])(folder) as rig:
            yield rig


@asynccontextmanager
async def port_reserved(folder: Path) -> AsyncIterator[CoreRig]:
    class Forbidden(controller.web.TCPSite):
        async def start(self) -> None:
            raise PermissionError(errno.EACCES, "not allowed")

    async with over("pro", known, port=4141, start_proxy=False)(folder) as rig:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(controller.web, "TCPSite", Forbidden)
            await rig.do("start_proxy")
        yield rig


@asynccontextmanager
async def locked(folder: Path) -> AsyncIterator[CoreRig]:
    token_file(folder).mkdir(parents=True)
    async with over(account=False)(folder) as rig:
        yield rig


CELLS = {
    "empty": Cell(
        over(account=False, notice_accepted=False),
        "Sign in to GitHub", None, card="Use your Copilot in any editor",
    ),
    "loading": Cell(over("loading"), "Running on .*", None),
    "error": Cell(
        over("pro", known, fail), "Something went wrong in the app",
        "Something went wrong in the app", "E-USAGE. The proxy is running.",
        ("Copy details", "Open log folder", "Dismiss"),
    ),
    "error_stopped": Cell(
        over("pro", known, stop, fail), "Something went wrong in the app",
        "Something went wrong in the app", "E-USAGE. The proxy is not running.",
        ("Copy details", "Open log folder", "Dismiss"), "Proxy is stopped",
    ),
    "offline": Cell(
        over("offline", known, look_again), "Running, no internet", "No internet connection",
        r"Shown data is from \d\d:\d\d\. Everything resumes by itself\.",
        ("Try now",), "Proxy is running, no internet",
    ),
    "portal": Cell(
        over("portal", known, look_again), "Running, no internet",
        r"127\.0\.0\.1:\d+ did not answer like GitHub",
        r"The network may want a sign-in of its own, or a filter is in between\. .*",
        ("Try now",), "Proxy is running, no internet",
    ),
    "down": Cell(
        over("down", known, look_again), "Running, Copilot is not answering",
        "Copilot is not answering", r"Requests may fail\. The proxy keeps trying\.",
        ("Try now", "GitHub status"), "Proxy is running, Copilot is not answering",
    ),
    "logged_out": Cell(
        over(account=False), "Sign in to GitHub", "You are not signed in",
        "Editors get a “sign in” error until you are.", ("Sign in",),
        "Proxy is running, but nobody is signed in",
        (("models", "Sign in to see your models"), ("usage", "Sign in to see your usage")),
    ),
    "expired": Cell(
        over("pro", known, revoke, look_again), "Sign in again", "Sign in again",
        r"GitHub no longer accepts the saved sign-in \(Bad credentials\)\. "
        r"Editors get an error until then\.",
        ("Sign in",), "Proxy is running, but nobody is signed in",
    ),
    "no_access": Cell(
        over("no_access"), "No Copilot access", "nobody has no Copilot",
        "Sign-in worked, but this account has no active Copilot plan.",
        ("Use another account", "Read more on GitHub", "Check again"),
        "Proxy is running, .*Copilot.*",
    ),
    "blocked": Cell(
        over("blocked"), "No Copilot access", "Copilot chat is switched off for octo-user",
        "The policy of your organisation disables it.",
        ("Check again", "Use another account"), "Proxy is running, .*Copilot.*",
    ),
    "exhausted": Cell(
        over("exhausted", known), "Premium requests: used up until .*",
        "Premium requests: used up until .*",
        "Requests to metered models fail until then. Included models still work.",
        ("Show included models", "Change limits on GitHub"),
        sees=(("models", "Used up"), ("usage", "Used up")),
    ),
    "session_limit": Cell(
        over("session_limit", known), "Limit until .*", "You reached a short-term limit",
        r"GitHub asks to wait until \w{3} \d\d:\d\d\. Nothing is lost; try again then\.",
        ("Refresh",),
    ),
    "weekly_limit": Cell(
        over("weekly_limit", known), "Limit until .*", "The weekly limit is reached",
        "It is separate from monthly usage and frees up .*", ("Refresh",),
    ),
    "limited": Cell(
        over("limited", ask), "Limit until .*", "GitHub asks to wait",
        r"GitHub said: “You've hit your global rate limit\..*", (),
        sees=(("activity", "Limit"),),
    ),
    "low": Cell(
        over("low", known), "Running, AI credits 93.% used", "AI credits is 93.% used",
        r"It resets .*\. [A-Z0-9].*\.", ("Refresh", "Dismiss"),
    ),
    "stopped": Cell(
        over("pro", known, connect, stop), "Proxy is stopped", None, card="Proxy is stopped",
        sees=(("editors", "The proxy is stopped; connected editors get no answer."),),
    ),
    "port_changed": Cell(
        over("pro", known, connect, take_the_next_port), "Running on .*",
        "1 connected editor has an old address or key",
        r"They get no answer until they are updated\. Only our own lines change\.",
        ("Update all", "Show editors", "Dismiss"),
        sees=(("editors", "Old port"), ("editors", "Update")),
    ),
    "port_conflict": Cell(
        port_taken, r"Port \d+ is in use", r"Port \d+ is already in use",
        r"Node \(process 8120\) is answering there\. Your editors cannot reach the proxy until "
        r"this is solved\.",
        (r"Use port \d+ instead", r"Try \d+ again", "Copy details"), "Proxy could not start",
    ),
    "port_reserved": Cell(
        port_reserved, "Proxy could not start", "The system does not allow port 4141",
        r"The system keeps it for itself, or it needs special rights\. .*",
        (r"Use port \d+ instead", "Try 4141 again"), "Proxy could not start",
    ),
    "storage_locked": Cell(
        locked, "Sign in to GitHub", r"Locked or missing: .*token\.json",
        "Unlock it to use the saved sign-in, or choose another place to keep it.",
        ("Try again", "Other storage…"), "Proxy is running, but nobody is signed in",
    ),
    "browser": Cell(
        over("pro", known, in_a_browser), "Running on .*", "This window runs in your browser",
        "WebKitGTK is not installed. The app goes on when this tab is closed.", ("Dismiss",),
    ),
    "changed": Cell(
        over("changed"), "Running on .*",
        "GitHub changed something this version does not know",
        r"(Usage numbers and m|M)odels may be missing\.",
        ("Try now", "Look for an update", "Dismiss"),
        sees=(("models", "Models could not be loaded"),),
    ),
    "update": Cell(
        over("update", known, look_for_updates), "Running on .*", r"Version 99\.1\.0 is available",
        r"You have \d+\.\d+\.\d+\.", ("Open download page", "Dismiss"),
        sees=(("help", "Version 99.1.0 is available."),),
    ),
    "no_tray": Cell(
        over("pro", known, without_a_tray), "Running on .*", None,
        sees=(("", "This desktop shows no tray icons."),),
    ),
}  # fmt: skip


# --- the test ----------------------------------------------------------------------------------


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def shown(browser: Any) -> AsyncIterator[Any]:
    """One page for all cells."""
    context = await browser.new_context(**USUAL)
    page = await context.new_page()
    page.set_default_timeout(LIMIT)
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda line: heard(line.text) and page.complaints.append(line.text))
    yield page
    await context.close()


@pytest.mark.parametrize("name", CELLS)
async def test_each_state_says_what_is_wrong_and_offers_the_way_on(
    shown: Any, name: str, tmp_path: Path
) -> None:
    cell, page = CELLS[name], shown
    page.complaints.clear()
    instance = claim(tmp_path)
    assert instance is not None
    async with cell.open(tmp_path) as rig, open_control(rig.core, instance) as control:
        await page.set_viewport_size({"width": 960, "height": 680})
        await page.goto(control.url())
        await read(page, cell)
        rig.core.shell = Shell()
        assert await asyncio.to_thread(show_running, tmp_path), "a second launch"
        assert rig.core.shell.shown == 1
        assert rig.fake.github_token not in await page.content()
        for theme in GROUND:
            for look in LOOKS:
                width, _, text = look
                await wear(page, rig, theme, look)
                await keep(page, f"{name}-{theme}-{width}-{text}")
                await inspect(page, name)
        for screen, words in cell.sees:
            if screen:
                await rig.do("show_window", screen=screen)
                await page.locator(f'#main[data-screen="{screen}"]').wait_for()
            await page.get_by_text(words).locator("visible=true").first.wait_for()
            await keep(page, f"{name}-{screen or 'sheet'}")
            await inspect(page, name)
        await page.goto("about:blank")
    instance.release()
    assert page.complaints == []


class Shell:
    """Counts how often the window is asked for."""

    shown = 0

    def show_window(self) -> None:
        self.shown += 1

    def hide_window(self) -> None: ...

    def quit(self) -> None: ...


def heard(line: str) -> bool:
    """Whether the engine says that the content policy was violated, or that code has failed."""
    return "Content Security" in line or "Uncaught" in line


async def read(page: Any, cell: Cell) -> None:
    """The exact words of the cell, once they are there."""
    await page.locator("h1, h2").get_by_text(re.compile(f"^{cell.card}$")).first.wait_for()
    banner = page.locator("#banner")
    if cell.title is None:
        assert await banner.count() == 0
    else:
        await banner.locator(".banner-title", has_text=re.compile(f"^({cell.title})$")).wait_for()
        body = await banner.locator(".banner-body").inner_text()
        assert re.fullmatch(cell.body, body), body
        found = await banner.locator("button").evaluate_all(
            "all => all.map(e => e.innerText.trim() || e.getAttribute('aria-label'))"
        )
        assert len(found) == len(cell.buttons), found
        for text, wanted in zip(found, cell.buttons, strict=True):
            assert re.fullmatch(wanted, text), found
    if await page.locator(".brand").is_visible():
        said = await page.locator(".brand").first.get_attribute("title")
        if said is not None:
            assert re.fullmatch(cell.headline, said), said


async def wear(page: Any, rig: CoreRig, theme: str, look: tuple[int, int, int]) -> None:
    width, height, text = look
    await page.set_viewport_size({"width": width, "height": height})
    await rig.do("update_settings", patch={"theme": theme, "text_size": text})
    await true_in(
        page,
        "([theme, ground, scale]) => document.documentElement.dataset.theme === theme"
        " && getComputedStyle(document.body).backgroundColor === ground"
        " && document.documentElement.style.getPropertyValue('--text-scale') === scale",
        arg=[theme, GROUND[theme], f"{text / 100:g}"],
    )


async def keep(page: Any, name: str) -> None:
    if folder := os.environ.get("COPILOT_DESKTOP_SCREENS"):
        await asyncio.to_thread(os.makedirs, folder, exist_ok=True)
        await page.screenshot(path=f"{folder}/{name}.png", animations="disabled")


async def inspect(page: Any, name: str) -> None:
    """Nothing sticks out, nothing is cut without saying so, nothing lies on something else."""
    assert await page.evaluate(FAULTS) == [], name


FAULTS = """() => {
    const out = [];
    const say = (what, e) => out.push(`${what}: ${e.outerHTML.slice(0, 160)}`);
    const root = document.documentElement;
    if (root.scrollWidth > innerWidth) out.push(`page: ${root.scrollWidth}`);
    const regions = [...document.querySelectorAll('#main, #sidebar, #panel, dialog[open]')]
        .filter((e) => e.checkVisibility());
    const modal = regions.find((e) => e.matches('dialog'));
    for (const region of regions) {
        if (region.scrollWidth > region.clientWidth + 1) say('region', region);
        for (const e of region.querySelectorAll('*')) {
            if (!e.checkVisibility() || e.closest('.spoken, svg')) continue;
            const style = getComputedStyle(e);
            const texts = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
            if (!texts || style.display === 'inline') continue;
            const cut = e.scrollWidth > e.clientWidth + 1;
            const told = style.textOverflow === 'ellipsis' && e.closest('[title]');
            if (cut && !told) say('cut', e);
            if (style.overflowY === 'hidden' && e.scrollHeight > e.clientHeight + 3) say('low', e);
            const box = e.getBoundingClientRect();
            const around = (e.closest('.card, .banner') || region).getBoundingClientRect();
            if (box.right > around.right + 1 || box.left < around.left - 1) say('outside', e);
            const pill = style.whiteSpace === 'nowrap' && e.matches('.pill');
            if (pill && box.height > 1.6 * parseFloat(style.lineHeight)) say('wrap', e);
        }
        if (modal && region !== modal) continue;
        const controls = [...region.querySelectorAll('button, input, select, a[href]')]
            .filter((e) => e.checkVisibility());
        const boxes = controls.map((e) => e.getBoundingClientRect());
        controls.forEach((a, i) => controls.slice(i + 1).forEach((b, k) => {
            if (a.contains(b) || b.contains(a)) return;
            const p = boxes[i], q = boxes[i + 1 + k];
            const x = Math.min(p.right, q.right) - Math.max(p.left, q.left);
            const y = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
            if (x > 1 && y > 1) say('overlap', b);
        }));
    }
    return out;
}"""
