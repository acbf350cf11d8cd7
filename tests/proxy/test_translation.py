"""Answers in another format than Copilot's: what was said before a defect is delivered."""

from __future__ import annotations

import pytest
from phenomena.routes import WAYS, Way
from proxy.raw import until
from proxy.scripted import pieces, post, scripted_rig
from proxy.test_forwarding import STREAMS

from copilot_desktop.dialects.registry import ALL
from copilot_desktop.proxy import translation

TRANSLATED = [way for way in WAYS if not way.same]


class Exploding:
    """A writer with a defect: the third event is too much for it."""

    def __init__(self, writer):
        self.content_type, self.ping, self.fail = writer.content_type, writer.ping, writer.fail
        self._feed = writer.feed
        self._left = 3

    def feed(self, event):
        self._left -= 1
        if not self._left:
            raise KeyError("canary-in-a-traceback")
        return self._feed(event)


@pytest.mark.parametrize("way", TRANSLATED, ids=lambda way: f"{way.path[4:]}-{way.endpoint[1:]}")
async def test_events_before_a_defect_in_the_same_read_are_delivered(way: Way, monkeypatch, caplog):
    spoken = next(each for each in ALL if way.path.removeprefix("/v1") in each.paths)
    known = type(spoken).writer
    monkeypatch.setattr(type(spoken), "writer", lambda *given: Exploding(known(*given)))
    async with scripted_rig(pieces(STREAMS[way.endpoint])) as (rig, script):
        status, body, _ = await post(rig, way.path, way.body())
        await until(lambda: not script.open, "upstream is let go")
        outcome = rig.traffic.recent[0].outcome
    parts = body.decode().rstrip().split("data: ")
    assert status == 200
    assert len(parts) > 2, "something was said before the error"
    message = way.error_in(parts[-1])["message"]
    assert "Error id" in message
    assert "canary" not in body.decode()
    assert message.split()[-1].rstrip(".") in caplog.text
    assert outcome == "failed"


@pytest.mark.parametrize("way", TRANSLATED, ids=lambda way: f"{way.path[4:]}-{way.endpoint[1:]}")
async def test_an_unstreamed_answer_without_end_is_refused(way: Way, monkeypatch):
    monkeypatch.setattr(translation, "READ_LIMIT", 3)
    async with scripted_rig(pieces(STREAMS[way.endpoint])) as (rig, script):
        status, body, _ = await post(rig, way.path, {**way.body(), "stream": False})
        await until(lambda: not script.open, "upstream is let go")
    assert status == 502
    assert "larger than" in way.error_in(body)["message"]
