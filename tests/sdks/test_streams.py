"""What the official SDKs make of every golden stream, in raw and helper mode and not streamed.

One program for both generations (`listen.py`) hears all cases in one run, through the real proxy
over an upstream that sends the golden bytes. `translation.md` §16 says what the SDKs themselves
cannot do: those cells are in `_raises`.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from aiohttp import web

from tests.golden.streams.cases import CASES, DIALECTS, Case
from tests.golden.streams.told import Told
from tests.sdks.listening import listen

MODELS = {
    "/chat/completions": "gpt-4.1",
    "/responses": "gpt-5.3-codex",
    "/v1/messages": "claude-sonnet-5",
}
MODES = ("raw", "helper", "whole")
JOBS = [
    (case, dialect, mode)
    for case in CASES
    for dialect in DIALECTS
    for mode in MODES
    if mode != "whole" or dialect != case.native  # a stream is no whole answer
]
IDS = [f"{case.name}-{dialect}-{mode}" for case, dialect, mode in JOBS]

# The item is passed through as it came; the newest SDK wants its name from the beginning.
LATE_NAMES = {("50-name-only-in-the-finished-item.responses", "responses", "helper")}

pytestmark = pytest.mark.timeout(300)


async def golden(request: web.Request) -> web.StreamResponse:
    """The case that the prompt names."""
    found = re.search(rb"golden:([\w.-]+)", await request.read())
    assert found is not None
    case = next(case for case in CASES if case.name == found[1].decode())
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    for piece in case.pieces(600):
        await response.write(piece)
    return response


@pytest.fixture(scope="module")
def everything(generation: tuple[str, str | None]) -> dict[str, Any]:
    """All jobs, heard once by one generation."""
    jobs = [
        {"id": name, "dialect": dialect, "mode": mode, "model": MODELS[case.endpoint],
         "prompt": f"golden:{case.name}", "ask": case.ask}
        for name, (case, dialect, mode) in zip(IDS, JOBS, strict=True)
    ]  # fmt: skip
    return asyncio.run(listen(jobs, golden, generation[1]))


def test_it_is_the_generation_that_was_meant(
    generation: tuple[str, str | None], everything: dict[str, Any]
) -> None:
    versions = everything["versions"]
    if generation[0] == "older":
        assert versions == {"anthropic": "0.121.0", "openai": "2.8.0"}
    else:
        assert int(versions["anthropic"].split(".")[0]) >= 2
        assert int(versions["openai"].split(".")[0]) >= 3


@pytest.mark.parametrize(("case", "dialect", "mode"), JOBS, ids=IDS)
def test_heard(case: Case, dialect: str, mode: str, everything: dict[str, Any]) -> None:
    line = everything[f"{case.name}-{dialect}-{mode}"]
    if case.wanted(dialect, "fails"):
        assert "raised" in line, "the SDK took a broken answer for a complete one"
        assert case.wanted(dialect, "says") in line["says"]
        return
    if reason := _raises(case, dialect, mode):
        assert line.get("raised") in reason
        return
    assert "raised" not in line, line["says"]
    told = Told(**line["told"])
    newest = int(everything["versions"]["anthropic"].split(".")[0]) >= 2
    if newest and dialect == case.native == "messages":
        told.ends = _older_word(case, told.ends)
    _check(case, dialect, told, mode)


def _older_word(case: Case, ends: str | None) -> str | None:
    """Newer clients are told a newer word: check it, and go on with the older one."""
    newer = case.golden.get("native", {}).get("ends_since_2026")
    if newer is None:
        return ends
    assert ends == newer
    return str(case.wanted("messages", "ends"))


def _raises(case: Case, dialect: str, mode: str) -> tuple[str | None, ...]:
    """What the SDK itself makes an exception of (None: only one generation does)."""
    ends = case.wanted(dialect, "ends")
    if (case.name, dialect, mode) in LATE_NAMES:
        return ("RuntimeError", None)
    if dialect == "chat" and mode == "helper":
        if ends == "length":
            return ("LengthFinishReasonError",)
        if ends == "content_filter":
            return ("ContentFilterFinishReasonError",)
    return ()


def _check(case: Case, dialect: str, told: Told, mode: str) -> None:
    told.order = []
    told.explained = case.wanted(dialect, "explained") or ""
    for call, wanted in zip(told.calls, case.wanted(dialect, "calls") or (), strict=True):
        if wanted[2] is None:  # cut: what an SDK makes of half an object is its own affair
            call[2] = None if not (mode == "whole" and dialect == "messages") else {}
    case.check(dialect, told, whole=mode == "whole")
