"""Streams for a page that looks closely: everything once, changes once more, nothing unasked."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from copilot_desktop.control.app import open_control
from copilot_desktop.control.instance import claim
from tests.core_rig import CoreRig, running_core


@asynccontextmanager
async def controlled(folder: Path, **options: Any) -> AsyncIterator[tuple[CoreRig, Any]]:
    """A core and `watch(feed)`, whose news can be read one by one."""
    instance = claim(folder)
    assert instance is not None
    async with (
        running_core(folder, **options) as rig,
        open_control(rig.core, instance) as plane,
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {instance.token}"}) as http,
    ):

        @asynccontextmanager
        async def watch(feed: str) -> AsyncIterator[Any]:
            url = f"http://127.0.0.1:{plane.port}/watch/{feed}"
            async with http.get(url) as answer:
                yield answer

        yield rig, watch
    instance.release()


async def news(answer: Any) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while True:
            if (await answer.content.readline()).startswith(b"event: news"):
                data = await answer.content.readline()
                found: dict[str, Any] = json.loads(data.removeprefix(b"data: "))
                return found


async def test_requests_come_once_and_again_when_they_change(tmp_path: Path) -> None:
    async with controlled(tmp_path) as (rig, watch):
        traffic = rig.core.traffic
        done, running = traffic.open("curl/8", "openai_chat"), traffic.open("codex", "x")
        traffic.close(done, "ok")
        async with watch("requests") as answer:
            first = await news(answer)
            assert [(row["id"], row["outcome"]) for row in first["rows"]] == [
                (1, "ok"),
                (2, "open"),
            ]
            traffic.close(running, "failed")
            [row] = (await news(answer))["rows"]
            assert (row["id"], row["outcome"]) == (2, "failed")
            traffic.open("zed", "x")
            assert [row["id"] for row in (await news(answer))["rows"]] == [3]


async def test_a_page_that_knows_some_gets_the_others(tmp_path: Path) -> None:
    async with controlled(tmp_path) as (rig, watch):
        for _ in range(5):
            rig.core.traffic.close(rig.core.traffic.open("curl/8", "x"), "ok")
        async with watch("requests?from=4&cleared=0") as answer:
            assert [row["id"] for row in (await news(answer))["rows"]] == [4, 5]


async def test_a_long_list_comes_in_parts(tmp_path: Path) -> None:
    async with controlled(tmp_path) as (rig, watch):
        for _ in range(1300):
            rig.core.traffic.close(rig.core.traffic.open("curl/8", "x"), "ok")
        seen: list[int] = []
        async with watch("requests") as answer:
            while len(seen) < 1300:
                seen += [row["id"] for row in (await news(answer))["rows"]]
        assert seen == list(range(1, 1301))


async def test_clearing_empties_the_page_too(tmp_path: Path) -> None:
    async with controlled(tmp_path) as (rig, watch):
        traffic = rig.core.traffic
        traffic.close(traffic.open("curl/8", "x"), "ok")
        traffic.open("codex", "x")
        async with watch("requests") as answer:
            await news(answer)
            assert (await rig.do("clear_requests"))["ok"]
            told = await news(answer)
            assert told["emptied"]
            assert [row["id"] for row in told["rows"]] == [2]


async def test_log_lines_come_without_secrets_and_from_any_thread(tmp_path: Path) -> None:
    async with controlled(tmp_path) as (_, watch):
        log = logging.getLogger("copilot_desktop.somewhere")
        log.error("before %s", "ghu_abcdefgh12345678")
        async with watch("log") as answer:
            lines = (await news(answer))["lines"]
            assert lines[-1]["text"] == "before [secret]"
            assert (lines[-1]["level"], lines[-1]["name"]) == ("error", "somewhere")
            await asyncio.to_thread(log.error, "from a thread")
            [line] = (await news(answer))["lines"]
            assert line["text"] == "from a thread"
            assert line["n"] == lines[-1]["n"] + 1


async def test_a_window_that_is_hidden_is_sent_nothing(tmp_path: Path) -> None:
    async with controlled(tmp_path) as (rig, watch):
        rig.core.surroundings(window_shown=False)
        traffic = rig.core.traffic
        traffic.close(traffic.open("curl/8", "x"), "ok")
        async with watch("requests") as answer:
            telling = asyncio.create_task(news(answer))
            await rig.until(lambda state: len(state.requests.recent) == 1)
            assert not telling.done()
            rig.core.surroundings(window_shown=True)
            assert len((await telling)["rows"]) == 1


async def test_the_playground_streams_words_and_ends_with_all_sides(tmp_path: Path) -> None:
    async with (
        controlled(tmp_path, signed_in=True) as (rig, watch),
        watch("playground") as answer,
    ):
        assert (await news(answer))["phase"] == "idle"
        question = {"dialect": "messages", "model": "gpt-4.1", "text": "Hello there"}
        assert (await rig.do("play", **question))["ok"]
        text = ""
        while True:
            told = await news(answer)
            text = text[: told["at"]["text"]] + told["text"]
            if told["phase"] != "running":
                break
        assert told["phase"] == "done"
        assert "Hello there" in text
        assert told["row"]["client"] == "Playground"
        assert "Hello there" in told["sides"]["sent"]["text"]


async def test_an_unknown_stream_is_not_found(tmp_path: Path) -> None:
    async with controlled(tmp_path) as (_, watch), watch("nothing") as answer:
        assert answer.status == 404
