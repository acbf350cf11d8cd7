"""Bytes that are no HTTP: answered like every refusal, and nothing of them is kept."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from copilot_desktop.control.app import HEADERS, open_control
from copilot_desktop.control.instance import Instance
from copilot_desktop.core import logs
from tests.core_rig import running_core

COOKIE = "Cookie: copilot_desktop_1=NOT-FOR-THE-LOG"


@pytest.mark.parametrize(
    "lines",
    [
        ["G@T /state HTTP/1.1", COOKIE],
        ["GET /state HTTP/1.1", COOKIE + "\x00"],
        ["GET /state HTTP/1.1", "Bad Name: x", COOKIE],
        ["GET /state HTTP/1.1", COOKIE, "X-Long: " + "NOT-FOR-THE-LOG" * 2000],
        ["POST /do/quit HTTP/1.1", COOKIE, "Content-Length: 2", "Content-Length: 3"],
        ["POST /do/quit HTTP/1.1", COOKIE, "Content-Length: 2", "Transfer-Encoding: chunked"],
        ["GET /state HTTP/1.1", "Host: evil.example", "Expect: NOT-FOR-THE-LOG"],
        ["POST /do/quit HTTP/1.1", "Host: evil.example", "Expect: 100-continue"],
    ],
)
async def test_they_are_refused_in_our_own_words(tmp_path: Path, lines: list[str]) -> None:
    log = logs.start(tmp_path, "debug")
    assert log is not None
    try:
        async with running_core(tmp_path, start_proxy=False) as rig:
            async with open_control(rig.core, Instance(tmp_path, None)) as plane:
                reader, writer = await asyncio.open_connection("127.0.0.1", plane.port)
                writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode())
                answer = await asyncio.wait_for(reader.read(), 10)
                writer.close()
            assert not rig.core.quit_wanted.is_set()
    finally:
        logs.stop()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert int(head.split()[1]) in {400, 403}
    assert json.loads(body)["ok"] is False
    for name in ("Content-Security-Policy", "X-Content-Type-Options", "Server"):
        assert f"{name}: {HEADERS[name]}".encode() in head
    for place in (answer.decode(), log.read_text()):
        assert "NOT-FOR-THE-LOG" not in place
