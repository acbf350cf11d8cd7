"""What else happens in a day with a real client: sessions resumed, pictures, lost connections."""

from __future__ import annotations

import struct
import zlib

import pytest

from copilot_desktop.demo import Cut
from tests.clients.desk import ENDPOINTS, Desk
from tests.clients.drivers import Agent, ClaudeCode, Codex, OpenCode

TASK = """Please do this:
demo: write hello.txt Hello
demo: run tr a-z A-Z < hello.txt
Then tell me what was printed."""
CODING = (ClaudeCode(), Codex(), OpenCode("chat"), OpenCode("messages"))
# Each over an endpoint that is not its own, so that there is something to translate.
ELSEWHERE = (
    pytest.param(CODING[0], "gpt-5.3-codex", id="Claude Code over responses"),
    pytest.param(CODING[1], "gemini-3.1-pro-preview", id="Codex over chat"),
    pytest.param(CODING[2], "claude-sonnet-5", id="opencode over messages"),
    pytest.param(CODING[3], "gemini-3.1-pro-preview", id="opencode over chat"),
)
PNG = b"iVBORw0KGgo"  # how every PNG begins in base64
GO_ON = {"Claude Code": ("--continue",), "Codex": ("resume", "--last")}


def red_square() -> bytes:
    """A PNG of 64 by 64 pixels: clients refuse or shrink what is no real picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    rows = (b"\0" + b"\xff\0\0" * 64) * 64
    head = struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("alias", ["sonnet", "opus", "haiku", "claude-sonnet-4-5-20250929"])
async def test_claude_code_by_the_names_it_knows(desk: Desk, alias: str) -> None:
    words, ended = await ClaudeCode().do(desk, alias, TASK)
    assert ended.code == 0, ended
    assert "HELLO" in words
    family = "-".join(["claude", alias.removeprefix("claude-").split("-")[0]])
    assert all(call.body["model"].startswith(family) for call in desk.calls)
    # Nothing was refused on the way: each refusal would be one more prompt on the user's bill.
    assert [call.status for call in desk.calls] == [200, 200, 200]


@pytest.mark.parametrize("agent", CODING, ids=lambda agent: agent.name)
async def test_a_session_goes_on_later(desk: Desk, agent: Agent) -> None:
    model = "gemini-3.1-pro-preview"
    await agent.do(desk, model, "Please:\ndemo: write kept.txt Hello\nThanks.")
    later = "And now:\ndemo: run tr a-z A-Z < kept.txt\nThanks."
    words, ended = await agent.do(desk, model, later, *GO_ON.get(agent.name, ("--continue",)))
    assert ended.code == 0, ended
    assert "HELLO" in words
    initiators = [call.headers["X-Initiator"] for call in desk.rounds]
    assert initiators == ["user", "agent", "user", "agent"]
    assert "kept.txt" in str(desk.rounds[2].body)  # the first part of the session is there


@pytest.mark.parametrize(("agent", "model"), ELSEWHERE)
async def test_a_picture_is_seen(desk: Desk, agent: Agent, model: str) -> None:
    """A picture that a tool has read goes upstream as one, with the header without which Copilot
    refuses it."""
    (desk.work / "red.png").write_bytes(red_square())
    look = 'call view_image {"path": "red.png"}' if agent.name == "Codex" else "read red.png"
    _, ended = await agent.do(desk, model, f"Look at it:\ndemo: {look}\nThanks.")
    assert ended.code == 0, ended
    last = desk.rounds[-1]
    assert last.status == 200
    assert last.headers["Copilot-Vision-Request"] == "true"
    assert PNG in last.raw


@pytest.mark.parametrize(("agent", "model"), ELSEWHERE)
async def test_a_lost_connection_is_no_lost_task(desk: Desk, agent: Agent, model: str) -> None:
    """Each client asks again by itself, because it is told in words that it understands."""
    for endpoint in ENDPOINTS:  # only one of them is called
        desk.fake.add_fault(Cut(endpoint, nth=2, after_frames=1))
    words, ended = await agent.do(desk, model, TASK)
    assert ended.code == 0, ended
    assert (desk.work / "hello.txt").read_text().strip() == "Hello"
    assert "HELLO" in words, ended
    assert sum(not call.done for call in desk.calls) == 1, "nothing was cut"
