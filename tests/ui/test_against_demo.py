"""The page over the real core and the demo: from the notice to a streamed answer and back."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from copilot_desktop.control.app import open_control
from copilot_desktop.control.instance import claim
from copilot_desktop.core.core import Core
from copilot_desktop.core.settings import Settings

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
LIMIT = 20_000  # milliseconds for anything to appear


@asynccontextmanager
async def demo(folder: Path, scenario: str = "pro", **settings: Any) -> AsyncIterator[tuple]:
    chosen = {"port": 0, "require_key": False, **settings}
    instance = claim(folder)
    assert instance is not None
    async with (
        Core.running(Settings(data_dir=folder, **chosen), demo=scenario) as core,
        open_control(core, instance) as control,
    ):
        yield core, control
    instance.release()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Any) -> AsyncIterator[Any]:
    opened = await browser.new_page(viewport={"width": 960, "height": 680}, locale="en-GB")
    opened.set_default_timeout(LIMIT)
    opened.complaints = []
    opened.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.on(
        "console",
        lambda line: line.type == "error" and opened.complaints.append(line.text),
    )
    yield opened
    await opened.close()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_a_new_user_signs_in_asks_stops_and_signs_out(page, tmp_path):
    async with demo(tmp_path) as (core, control):
        await page.goto(control.url())
        await page.get_by_text("Unofficial. Not made or supported by GitHub.").first.wait_for()
        await page.get_by_role("button", name="Continue to sign-in").click()
        await page.get_by_text("Copy this code").wait_for()
        shown = await page.locator("main").inner_text()
        assert core.session.sign_in.user_code in shown.replace("\n", "")

        await page.get_by_role("heading", name="Proxy is running", exact=True).wait_for()
        await page.get_by_text("octo-user").first.wait_for()
        port = core.store.state.proxy.port
        body = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}]}
        async with aiohttp.ClientSession() as http:
            url = f"http://127.0.0.1:{port}/v1/chat/completions"
            headers = {"User-Agent": "claude-cli/2"}
            async with http.post(url, json=body, headers=headers) as answer:
                assert answer.status == 200
                await answer.read()
        await page.get_by_role("cell", name="Claude Code").wait_for()

        await page.get_by_role("button", name="Models").click()
        await page.get_by_text("claude-sonnet-4.5").first.wait_for()
        await page.get_by_role("button", name="Usage").click()
        await page.get_by_text("AI credits").first.wait_for()

        await page.get_by_role("button", name="Overview").click()
        await page.get_by_role("button", name="Stop proxy").click()
        await page.get_by_role("heading", name="Proxy is stopped", exact=True).wait_for()
        assert not listens(port)
        await page.get_by_role("button", name="Start proxy").click()
        await page.get_by_role("heading", name="Proxy is running", exact=True).wait_for()
        assert listens(core.store.state.proxy.port)
        assert page.complaints == []


async def test_terms_are_accepted_in_the_window_and_the_model_is_ready(page, tmp_path):
    async with demo(tmp_path, notice_accepted=True) as (core, control):
        await page.goto(control.url())
        await core.verbs.do("sign_in")
        await page.get_by_text("octo-user").first.wait_for()
        await page.get_by_role("button", name="Models").click()
        row = page.locator('[data-row="claude-opus-4.6"]')
        await row.click()
        await page.locator("#panel").get_by_text("Claude Opus 4.6 model from Anthropic").wait_for()
        await page.get_by_role("button", name="Accept terms and enable").click()
        sheet = page.get_by_role("dialog")
        await sheet.get_by_role("button", name="Accept terms and enable").click()
        await page.get_by_text("Claude Opus 4.6 is enabled.").first.wait_for()
        await page.locator("tr", has=row).get_by_text("Ready").wait_for()
        assert page.complaints == []


async def test_an_account_without_a_choice_sees_who_chooses(page, tmp_path):
    async with demo(tmp_path, "auto", notice_accepted=True) as (core, control):
        await page.goto(control.url())
        await core.verbs.do("sign_in")
        await page.get_by_text("free-user").first.wait_for()
        body = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
        async with aiohttp.ClientSession() as http:
            url = f"http://127.0.0.1:{core.store.state.proxy.port}/v1/chat/completions"
            async with http.post(url, json=body) as answer:
                assert answer.status == 200
                assert (await answer.json())["model"] == "auto"
        await page.get_by_role("button", name="Activity", exact=True).click()
        await page.get_by_text("auto → gpt-5-mini").first.wait_for()
        await page.get_by_role("button", name="Models").click()
        row = page.locator("tr", has=page.locator('[data-row="auto"]'))
        await row.get_by_text("GitHub chooses").wait_for()
        assert page.complaints == []


async def test_a_taken_port_names_its_holder_and_one_press_solves_it(page, tmp_path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = holder.getsockname()[1]
        async with demo(tmp_path, port=taken, notice_accepted=True) as (core, control):
            await page.goto(control.url())
            await page.get_by_text(f"Port {taken} is already in use").first.wait_for()
            free = core.store.state.proxy.problem.fields["next"]
            await page.get_by_role("button", name=f"Use port {free} instead").click()
            await page.get_by_text(f"127.0.0.1:{free}").first.wait_for()
            assert core.store.state.proxy.phase == "running"
            assert listens(int(free))


async def test_a_sign_in_that_github_refuses_says_so_and_offers_another(page, tmp_path):
    async with demo(tmp_path, "denied", notice_accepted=True) as (core, control):
        await page.goto(control.url())
        await core.verbs.do("sign_in")
        await core.verbs.do("show_window", {"screen": "sign_in"})
        await page.get_by_text("Access was refused on GitHub").first.wait_for()
        await page.get_by_role("button", name="Try again").wait_for()
        assert core.session.account.state == "signed_out"
