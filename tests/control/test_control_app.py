"""The control plane's routes: page, files, snapshot, stream, verbs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from copilot_desktop.control.app import POLICY, ControlPlane, open_control
from copilot_desktop.control.events import PAUSE
from copilot_desktop.control.instance import claim
from tests.core_rig import CoreRig, running_core


class View:
    """A page, seen from outside."""

    def __init__(self, plane: ControlPlane, rig: CoreRig, http: aiohttp.ClientSession) -> None:
        self.plane = plane
        self.rig = rig
        self._http = http

    def get(self, path: str, **more: Any) -> Any:
        return self._http.get(f"http://127.0.0.1:{self.plane.port}{path}", **more)

    async def do(self, verb: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        url = f"http://127.0.0.1:{self.plane.port}/do/{verb}"
        async with self._http.post(url, json={} if body is None else body) as answer:
            return answer.status, await answer.json()


@asynccontextmanager
async def viewing(folder: Path, ui: Path | None = None, **settings: Any) -> AsyncIterator[View]:
    async with running_core(folder, **{"start_proxy": False, **settings}) as rig:
        instance = claim(folder)
        assert instance is not None
        jar = aiohttp.CookieJar(unsafe=True)
        try:
            async with (
                open_control(rig.core, instance, ui=ui, ping=0.05) as plane,
                aiohttp.ClientSession(cookie_jar=jar) as http,
            ):
                async with http.get(plane.url()) as answer:
                    assert answer.status == 200
                yield View(plane, rig, http)
        finally:
            instance.release()


async def events(answer: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Any]]:
    name = ""
    async for line in answer.content:
        text = line.decode().strip()
        if text.startswith("event: "):
            name = text.removeprefix("event: ")
        elif text.startswith("data: "):
            yield name, json.loads(text.removeprefix("data: "))


async def test_the_page_comes_in_the_right_colours_with_the_policy(tmp_path: Path) -> None:
    async with viewing(tmp_path, theme="dark") as view, view.get("/") as answer:
        text = await answer.text()
        assert answer.status == 200
        assert answer.content_type == "text/html"
        assert 'data-theme="dark"' in text
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert answer.headers["Cache-Control"] == "no-store"
        assert "aiohttp" not in answer.headers["Server"]


async def test_the_policy_forbids_what_the_rules_say() -> None:
    rules = dict(rule.split(" ", 1) for rule in POLICY.split("; "))
    assert rules == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


async def test_every_answer_carries_the_headers_refusals_too(tmp_path: Path) -> None:
    async with viewing(tmp_path) as view:
        for path in ("/", "/state", "/strings.json", "/ui/nothing.js", "/nothing", "/do/quit"):
            async with view.get(path) as answer:
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert answer.headers["Content-Security-Policy"] == POLICY


async def test_files_come_from_the_page_folder_only(tmp_path: Path) -> None:
    ui = tmp_path / "ui"
    (ui / "views").mkdir(parents=True)
    (ui / "index.html").write_text("<html data-theme='light'>")
    (ui / "views" / "a.js").write_text("export const a = 1;")
    (ui / "notes.txt").write_text("not for the page")
    (tmp_path / "secret.json").write_text("{}")
    (ui / "link.json").symlink_to(tmp_path / "secret.json")
    async with viewing(tmp_path / "data", ui) as view:
        async with view.get("/ui/views/a.js") as answer:
            assert answer.content_type == "text/javascript"
            assert await answer.text() == "export const a = 1;"
        for path in (
            "/ui/notes.txt",
            "/ui/link.json",
            "/ui/../secret.json",
            "/ui/%2e%2e/secret.json",
            "/ui/..%2fsecret.json",
            "/ui/views",
            "/ui//etc/passwd",
        ):
            async with view.get(path) as answer:
                assert answer.status == 404, path


async def test_the_page_comes_in_the_chosen_language_and_in_no_other(tmp_path: Path) -> None:
    async with viewing(tmp_path, language="de") as view:
        async with view.get("/") as answer:
            assert 'lang="de"' in await answer.text()
        async with view.get("/strings.json") as answer:
            words = await answer.json()
        assert words["overview"]["stopped"]["title"] == "Proxy ist gestoppt"
        assert "tray" not in words
        async with view.get("/state") as answer:
            app = (await answer.json())["app"]
        assert (app["lang"], app["languages"][:2]) == ("de", ["en", "de"])


async def test_the_system_decides_about_the_language_where_the_user_does_not(
    tmp_path: Path,
) -> None:
    async with viewing(tmp_path) as view:
        view.rig.core.surroundings(languages=("fr-FR", "de-DE"))
        async with view.get("/strings.json") as answer:
            assert (await answer.json())["nav"]["usage"] == "Verbrauch"


async def test_strings_are_the_ones_python_reads(tmp_path: Path) -> None:
    async with viewing(tmp_path) as view, view.get("/strings.json") as answer:
        told = await answer.json()
    assert told["usage"]["title"] == "Usage"
    assert not told.keys() & {"tray", "notification"}, "what only Python says is not sent along"


async def test_words_of_one_screen_are_told_when_it_is_opened(tmp_path: Path) -> None:
    async with viewing(tmp_path, language="de") as view:
        async with view.get("/strings.json") as answer:
            assert "editors" not in await answer.json()
        async with view.get("/strings/editors.json") as answer:
            words = await answer.json()
        assert words["editors"]["title"] == "Editoren"
        async with view.get("/strings/finding.json") as answer:
            assert answer.status == 404


async def test_verbs_answer_in_one_shape(tmp_path: Path) -> None:
    async with viewing(tmp_path) as view:
        assert await view.do("accept_notice") == (200, {"ok": True})
        assert view.rig.core.settings.notice_accepted
        status, answer = await view.do("explode")
        assert (status, answer["code"]) == (404, "unknown_verb")
        status, answer = await view.do("use_port", {"port": "x"})
        assert (status, answer["code"]) == (400, "bad_arguments")
        for body in ([], "x", 1):
            status, answer = await view.do("accept_notice", body)
            assert (status, answer["ok"]) == (400, False)
        status, answer = await view.do("refresh_quota")
        assert (status, answer["code"]) == (200, "not_signed_in")


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 50_000, b'{"a":' * 5_000])
async def test_nonsense_as_body_is_a_clean_400(tmp_path: Path, body: bytes) -> None:
    async with (
        viewing(tmp_path) as view,
        view._http.post(
            f"http://127.0.0.1:{view.plane.port}/do/quit",
            data=body,
            headers={"Content-Type": "application/json"},
        ) as answer,
    ):
        assert answer.status == 400
        assert not view.rig.core.quit_wanted.is_set()


async def test_a_large_body_is_refused(tmp_path: Path) -> None:
    async with viewing(tmp_path) as view:
        url = f"http://127.0.0.1:{view.plane.port}/do/quit"
        async with view._http.post(url, json={"a": "x" * 200_000}) as answer:
            assert answer.status == 413


async def test_a_question_may_be_as_long_in_every_script(tmp_path: Path) -> None:
    async with viewing(tmp_path) as view:
        url = f"http://127.0.0.1:{view.plane.port}/do/play"
        texts = {"text": "字" * 16_000, "system": "字" * 16_000}
        body = json.dumps({"dialect": "chat", "model": "gpt-4.1", **texts}, ensure_ascii=False)
        headers = {"Content-Type": "application/json"}
        async with view._http.post(url, data=body.encode(), headers=headers) as answer:
            assert answer.status == 200


async def test_the_stream_starts_with_the_present_and_follows(tmp_path: Path) -> None:
    async with viewing(tmp_path) as view, view.get("/events") as answer:
        assert answer.content_type == "text/event-stream"
        async with asyncio.timeout(10):
            stream = events(answer)
            name, first = await anext(stream)
            assert (name, first["settings"]["theme"]) == ("state", "system")
            await view.do("update_settings", {"patch": {"theme": "dark"}})
            async for name, page in stream:
                if name == "state" and page["settings"]["theme"] == "dark":
                    break
            async for name, _ in stream:
                if name == "ping":
                    break


async def test_a_burst_of_changes_is_a_few_snapshots_and_ends_with_the_newest(
    tmp_path: Path,
) -> None:
    async with viewing(tmp_path) as view, view.get("/events") as answer:
        stream = events(answer)
        seen, loop = 0, asyncio.get_running_loop()
        async with asyncio.timeout(10):
            await anext(stream)
            began = loop.time()
            for number in range(1, 201):
                view.rig.core.ask_for_screen(f"s_{'a' * (number % 9)}")
                await asyncio.sleep(0.001)
            async for name, page in stream:
                seen += name == "state"
                if name == "state" and page["app"]["screen"]["n"] == 200:
                    break
        assert seen <= 2 + (loop.time() - began) / PAUSE


async def test_a_hidden_window_gets_pings_only_and_then_the_newest(tmp_path: Path) -> None:
    async with viewing(tmp_path) as view, view.get("/events") as answer:
        core = view.rig.core
        stream = events(answer)
        async with asyncio.timeout(10):
            await anext(stream)
            core.surroundings(window_shown=False)
            core.ask_for_screen("usage")
            for _ in range(5):
                name, _page = await anext(stream)
                assert name == "ping"
            core.surroundings(window_shown=True)
            async for name, page in stream:
                if name == "state":
                    assert page["app"]["screen"]["name"] == "usage"
                    break


async def test_views_are_counted_while_they_look(tmp_path: Path) -> None:
    async with viewing(tmp_path) as view:
        core = view.rig.core
        async with view.get("/events") as answer:
            await anext(events(answer))
            assert core.views == 1
        async with asyncio.timeout(5):
            while core.views:  # noqa: ASYNC110  (the server notices the hang-up in its own time)
                await asyncio.sleep(0.01)


async def test_open_streams_do_not_delay_the_end(tmp_path: Path) -> None:
    async with viewing(tmp_path) as view, view.get("/events") as answer:
        stream = events(answer)
        await anext(stream)
        async with asyncio.timeout(5):
            await view.plane.close()
            rest = [name async for name, _ in stream]
        assert set(rest) <= {"state", "ping"}


async def test_no_secret_is_on_any_page(tmp_path: Path) -> None:
    async with viewing(tmp_path, start_proxy=True, token_store="file") as view:
        await view.do("sign_in")
        await view.rig.until(lambda s: s.quota.state == "ready" and s.models.state == "ready")
        github = view.rig.core.session._token
        copilot = (await view.rig.core.session.grant()).token
        key = view.rig.core.key
        texts = []
        for path in ("/state", "/strings.json", "/"):
            async with view.get(path) as answer:
                texts.append(await answer.text())
        verbs = ("check_account", "refresh_models", "refresh_quota", "start_proxy")
        answers = [await view.do(verb) for verb in verbs]
        text = "".join(texts) + json.dumps(answers)
        assert len(github) > 10
        for secret in (github, copilot, key):
            assert secret not in text
