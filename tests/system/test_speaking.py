"""What is said reaches a terminal in order, and one that takes nothing holds nobody up."""

from __future__ import annotations

import io
import os
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from copilot_desktop.system.speaking import AT_THE_END, MOST, Speaker


def test_lines_come_in_the_order_in_which_they_were_said(tmp_path: Path) -> None:
    place, plain, speaker = tmp_path / "said", io.StringIO(), Speaker()
    with place.open("w", encoding="utf-8") as stream:
        assert not speaker.say("too early", stream)
        with speaker.at_work():
            assert all(speaker.say(f"line {each} …", stream) for each in range(100))
            assert speaker.say("a stream without a number", plain)
        assert not speaker.say("too late", stream)
    said = place.read_text(encoding="utf-8").splitlines()
    assert said == [f"line {each} …" for each in range(100)]
    assert plain.getvalue() == "a stream without a number\n"


def test_a_stream_that_is_closed_ends_nothing(tmp_path: Path) -> None:
    place, speaker = tmp_path / "said", Speaker()
    closed = (tmp_path / "closed").open("w", encoding="utf-8")
    closed.close()
    with place.open("w", encoding="utf-8") as stream, speaker.at_work():
        assert speaker.say("nobody hears this", closed)
        assert speaker.say("this is heard", stream)
    assert place.read_text(encoding="utf-8") == "this is heard\n"


@pytest.mark.skipif(sys.platform == "win32", reason="fills a pipe")
def test_nobody_waits_for_a_pipe_that_is_full() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, bytes(4096))
    os.set_blocking(writing, True)
    began, speaker = time.monotonic(), Speaker()
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        with speaker.at_work():
            assert all(speaker.say("nobody reads this", stream) for _ in range(MOST * 3))
        stream.flush()
        assert time.monotonic() - began < AT_THE_END + 20
        os.close(reading)
