"""A hostile page in the browser that the window's page is open in, with its cookie at hand.

The page is on another port of 127.0.0.1: for a browser that is another origin and the same site,
so that SameSite alone would let it in. Whatever it tries, it reads nothing and nothing happens.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from copilot_desktop.control.app import open_control
from copilot_desktop.control.instance import Instance
from tests.core_rig import running_core

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LIMIT = 20_000  # milliseconds
ASK = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "spend"}]}
TRIES = """
async ([proxy, plane, ask]) => {
    const found = {};
    const tried = async (name, what) => {
        try { found[name] = await what(); } catch (error) { found[name] = 'blocked'; }
    };
    const loaded = (tag, settings) => new Promise((resolve) => {
        const element = Object.assign(document.createElement(tag), settings);
        element.onload = () => resolve('loaded');
        element.onerror = () => resolve('blocked');
        document.body.append(element);
    });
    const sent = (action) => new Promise((resolve) => {
        const frame = Object.assign(document.createElement('iframe'), { name: action });
        document.body.append(frame);
        const form = Object.assign(document.createElement('form'),
            { action, method: 'post', enctype: 'text/plain', target: action });
        const half = ask.slice(0, -1);
        form.append(Object.assign(document.createElement('input'),
            { name: half + ',"x":"', value: '"}' }));
        document.body.append(form);
        frame.onload = () => {
            let text = 'blocked';
            try { text = frame.contentDocument.body.innerText || 'empty'; } catch {}
            if (frame.contentWindow.length !== undefined) resolve(text);
        };
        form.submit();
    });
    const chat = proxy + '/v1/chat/completions';
    const json = { 'Content-Type': 'application/json' };
    const own = { credentials: 'include' };
    await tried('read', async () => (await fetch(proxy + '/v1/models')).text());
    await tried('described', async () => (await fetch(proxy + '/openapi.json')).text());
    await tried('plain', async () =>
        (await fetch(chat, { method: 'POST', body: ask, mode: 'no-cors' })).text());
    await tried('json', async () =>
        (await fetch(chat, { method: 'POST', body: ask, headers: json })).text());
    await tried('beacon', async () => { navigator.sendBeacon(chat, ask); return ''; });
    await tried('form', () => sent(chat));
    await tried('script', () => loaded('script', { src: proxy + '/v1/models' }));
    await tried('picture', () => loaded('img', { src: proxy + '/health' }));
    await tried('socket', () => new Promise((resolve) => {
        const socket = new WebSocket(proxy.replace('http', 'ws') + '/v1/responses');
        socket.onopen = () => resolve('open');
        socket.onerror = () => resolve('blocked');
    }));
    await tried('state', async () => (await fetch(plane + '/state', own)).text());
    await tried('words', () => loaded('script', { src: plane + '/ui/app.js', type: 'module' }));
    await tried('events', () => new Promise((resolve) => {
        const source = new EventSource(plane + '/events', { withCredentials: true });
        source.onmessage = source.onopen = () => resolve('open');
        source.onerror = () => resolve('blocked');
    }));
    await tried('quit', async () => (await fetch(plane + '/do/quit',
        { method: 'POST', body: '{}', mode: 'no-cors', ...own })).text());
    await tried('quit in JSON', async () => (await fetch(plane + '/do/quit',
        { method: 'POST', body: '{}', headers: json, ...own })).text());
    await tried('quit by form', () => sent(plane + '/do/quit'));
    await tried('frame', () => new Promise((resolve) => {
        const frame = Object.assign(document.createElement('iframe'), { src: plane + '/' });
        frame.onload = () => {
            try { resolve(frame.contentDocument ? 'readable' : 'blocked'); }
            catch { resolve('blocked'); }
        };
        document.body.append(frame);
    }));
    return found;
}
"""


@asynccontextmanager
async def hostile_page() -> AsyncIterator[str]:
    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><body>hello", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_a_page_of_another_origin_reads_nothing_and_does_nothing(
    browser: Any, tmp_path: Path
) -> None:
    async with (
        running_core(tmp_path, signed_in=True) as rig,
        open_control(rig.core, Instance(tmp_path, None)) as plane,
        hostile_page() as evil,
    ):
        await rig.until(lambda state: state.quota.state == "ready")
        proxy = f"http://127.0.0.1:{rig.core.store.state.proxy.port}"
        context = await browser.new_context()
        try:
            window = await context.new_page()
            window.set_default_timeout(LIMIT)
            await window.goto(plane.url())
            await window.locator("main").wait_for()  # it has the cookie now
            page = await context.new_page()
            page.set_default_timeout(LIMIT)
            await page.goto(evil)
            asked = [proxy, f"http://127.0.0.1:{plane.port}", json.dumps(ASK)]
            before = rig.snapshot()["settings"]
            found = await page.evaluate(TRIES, asked)
            async with context.expect_page() as opening:
                await page.evaluate("(url) => { window.opened = window.open(url) }", asked[1])
            opened = await opening.value
            await opened.wait_for_load_state()
            words = await opened.inner_text("body")
        finally:
            await context.close()
        assert set(found.values()) <= {"blocked", ""}, found
        assert len(found) == 16
        assert "The request comes from another page." in words, "it could open the window's page"
        assert rig.core.traffic.recent == (), "a request of a page was carried out"
        assert rig.fake.ledger.to("/chat/completions") == []
        assert not rig.core.quit_wanted.is_set()
        assert rig.snapshot()["settings"] == before
        assert rig.core.store.state.refused_origins == (evil,)
