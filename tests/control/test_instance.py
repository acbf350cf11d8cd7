"""One app for each folder; the second one tells the first and touches nothing."""

from __future__ import annotations

import asyncio
import http.server
import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from copilot_desktop.control.app import open_control
from copilot_desktop.control.instance import (
    VERB_SECONDS,
    Instance,
    NotAnswering,
    Running,
    claim,
    find,
    show_running,
    take_turn,
)
from copilot_desktop.core import editor_test, editors
from tests.core_rig import running_core


def test_whoever_asks_waits_longer_than_a_verb_that_gives_up() -> None:
    """Else a terminal says that the app does not answer, where the app says what does not."""
    assert VERB_SECONDS >= editor_test.SECONDS + 1
    assert VERB_SECONDS >= editors.CHANGE_SECONDS + editors.LOOK_SECONDS + 1


def test_the_second_claim_fails_until_the_first_is_released(tmp_path: Path) -> None:
    first = claim(tmp_path)
    assert first is not None
    assert claim(tmp_path) is None
    first.release()
    second = claim(tmp_path)
    assert second is not None
    second.release()


def test_a_file_that_somebody_reads_keeps_nobody_from_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows deletes no file that another program has open: a second launch that looks for the
    first one, or a scanner."""

    def refused(_path: Path, **_: object) -> None:
        raise PermissionError(13, "The process cannot access the file")

    first = claim(tmp_path)
    assert first is not None
    first.publish(1)
    with monkeypatch.context() as held:
        held.setattr(Path, "unlink", refused)
        first.release()
    assert find(tmp_path) is None
    second = claim(tmp_path)
    assert second is not None
    second.release()


def test_a_lock_that_an_elevated_start_left_can_be_taken_by_its_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows filelock gives a lock with mode 0600 an access list of SYSTEM, administrators and
    its owner, which are the administrators where the program ran elevated. What is killed there, as
    at the end of a session, leaves a lock that its user could never take."""
    modes: list[int] = []

    def lock(path: Path, *, mode: int, **named: Any) -> FileLock:
        modes.append(mode)
        return FileLock(path, mode=mode, **named)

    monkeypatch.setattr("copilot_desktop.control.instance.FileLock", lock)
    monkeypatch.delattr(os, "geteuid")
    held = claim(tmp_path)
    assert held is not None
    held.publish(1)
    assert find(tmp_path) is not None
    held.release()
    assert len(modes) >= 2
    assert all(mode & 0o077 for mode in modes)


def test_a_killed_process_does_not_block_the_next_start(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path;"
        "from copilot_desktop.control.instance import claim;"
        f"held = claim(Path({str(tmp_path)!r})); held.publish(1); print('held', flush=True);"
        "sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline().strip() == b"held"
    assert claim(tmp_path) is None
    child.kill()
    child.wait(10)
    child.stdout.close()
    child.stdin.close()
    mine = claim(tmp_path)
    assert mine is not None
    # The dead one's file is still there; it must not be taken for a running app.
    assert not show_running(tmp_path, wait=0.2)
    mine.release()


def test_the_file_is_private_and_goes_with_its_owner(tmp_path: Path) -> None:
    mine = claim(tmp_path)
    assert mine is not None
    mine.publish(4242)
    path = tmp_path / "instance.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text()) == {"port": 4242, "token": mine.token, "pid": os.getpid()}
    found = find(tmp_path)
    assert found is not None
    assert mine.token not in repr(found)
    mine.release()
    assert not path.exists()


def test_another_ones_file_is_left_alone(tmp_path: Path) -> None:
    mine = claim(tmp_path)
    assert mine is not None
    (tmp_path / "instance.json").write_text('{"port": 1, "token": "theirs", "pid": 2}')
    mine.release()
    assert (tmp_path / "instance.json").exists()


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"port": "1", "token": "x", "pid": 1}', "[" * 50_000]
)
def test_a_broken_file_means_nobody_is_there(tmp_path: Path, content: str) -> None:
    (tmp_path / "instance.json").write_text(content)
    assert find(tmp_path) is None
    assert not show_running(tmp_path, wait=0)


def test_a_disk_that_takes_nothing_is_no_reason_to_stop(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    mine = claim(tmp_path / "file")
    assert mine is not None
    mine.publish(1)
    mine.release()


def test_turns_are_taken_one_after_the_other(tmp_path: Path) -> None:
    end = take_turn(tmp_path / "new", "some.lock", 1)
    assert end is not None
    assert take_turn(tmp_path / "new", "some.lock", 0.1) is None
    end()
    again = take_turn(tmp_path / "new", "some.lock", 1)
    assert again is not None
    again()
    (tmp_path / "file").touch()
    nowhere = take_turn(tmp_path / "file", "some.lock", 1)
    assert nowhere is not None, "who cannot write does no harm"
    nowhere()


async def test_a_second_launch_shows_the_window_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A proxy setting must not send the request anywhere else.
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    shown = asyncio.Event()

    class Shell:
        def show_window(self) -> None:
            shown.set()

        def hide_window(self) -> None: ...

        def quit(self) -> None: ...

    mine = claim(tmp_path)
    assert mine is not None
    async with running_core(tmp_path, start_proxy=False) as rig:
        rig.core.shell = Shell()
        async with open_control(rig.core, mine):
            assert claim(tmp_path) is None
            assert await asyncio.to_thread(show_running, tmp_path)
            assert shown.is_set()
            running = find(tmp_path)
            assert running is not None
            assert (await asyncio.to_thread(running.state))["v"] == 1
            refused = await asyncio.to_thread(running.do, "refresh_quota")
            assert refused["code"] == "not_signed_in"
            stranger = Running(running.port, "guessed")
            assert (await asyncio.to_thread(stranger.do, "quit"))["ok"] is False
            assert not rig.core.quit_wanted.is_set()
            assert await asyncio.to_thread(running.do, "quit") == {"ok": True}
            assert rig.core.quit_wanted.is_set()
    mine.release()
    with pytest.raises(NotAnswering):
        await asyncio.to_thread(running.state)


def test_nobody_is_asked_on_the_port_of_an_app_that_has_died(tmp_path: Path) -> None:
    """By now somebody else may listen there, and would show a code of their own to sign in with."""
    died = Instance(tmp_path, None)
    died.publish(4242)
    assert find(tmp_path) is None
    alive = claim(tmp_path)
    assert alive is not None
    alive.publish(4242)
    assert find(tmp_path) is not None
    alive.release()


def test_looking_does_not_keep_the_app_from_starting(tmp_path: Path) -> None:
    Instance(tmp_path, None).publish(4242)
    ended = threading.Event()

    def look_on() -> None:
        while not ended.is_set():
            find(tmp_path)
            ended.wait(0.01)

    looking = threading.Thread(target=look_on)
    looking.start()
    try:
        for _ in range(10):
            mine = claim(tmp_path)
            assert mine is not None
            assert mine._lock is not None
            mine._lock.release()
    finally:
        ended.set()
        looking.join()


def test_the_token_follows_no_redirect(tmp_path: Path) -> None:
    seen: list[str] = []

    class Elsewhere(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(302)
            self.send_header("Location", "/taken")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(NotAnswering):
            Running(server.server_port, "secret").state()
        server.shutdown()
    assert seen == ["/state"]
