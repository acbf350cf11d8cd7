"""The log: for the owner only, without secrets, and never a reason to stop."""

from __future__ import annotations

import io
import logging
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from copilot_desktop.cli.logs import Records
from copilot_desktop.core import logs

SECRETS = (
    "ghu_abcdefghijklmnop1234",
    "tid=abc;exp=1;sku=x:sig",
    "Bearer sk-0123456789abcdef",
    "cd-" + "x" * 43,
)


@pytest.fixture(autouse=True)
def quiet_end() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("copilot_desktop")
    before = (root.level, ours.level, logging.raiseExceptions)
    yield
    logs.stop()
    root.setLevel(before[0])
    ours.setLevel(before[1])
    logging.raiseExceptions = before[2]


def test_no_secret_reaches_the_file_even_at_debug_level(tmp_path: Path) -> None:
    path = logs.start(tmp_path, "debug")
    assert path is not None
    log = logging.getLogger("copilot_desktop.somewhere")
    for secret in SECRETS:
        log.debug("token %s", secret)
        try:
            raise ValueError(secret)
        except ValueError:
            log.exception("failed with %s", secret)
    text = path.read_text()
    assert text.count("Traceback") == len(SECRETS)
    for secret in SECRETS:
        assert secret.removeprefix("Bearer ") not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_client_cannot_forge_lines(tmp_path: Path) -> None:
    path = logs.start(tmp_path, "info")
    assert path is not None
    logging.getLogger("copilot_desktop").info("agent %s", "x\n2026-01-01 ERROR forged")
    assert len(path.read_text().splitlines()) == 1


def test_rotated_files_stay_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES", 200)
    path = logs.start(tmp_path, "info")
    assert path is not None
    for number in range(40):
        logging.getLogger("copilot_desktop").info("line number %s", number)
    files = sorted(path.parent.iterdir())
    assert len(files) == 1 + logs.KEPT_FILES
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_a_line_ends_the_same_on_every_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Text that is written on Windows without a word about it gets a carriage return, which
    `logs --json` would then show at the end of each message."""

    def of_windows(file: int, mode: str, newline: str | None = None, **named: str) -> Any:
        return open(file, mode, newline="\r\n" if newline is None else newline, **named)

    monkeypatch.setattr(logs, "open", of_windows, raising=False)
    path = logs.start(tmp_path, "info")
    assert path is not None
    logging.getLogger("copilot_desktop.somewhere").info("a message")
    records = Records()
    lines = path.read_bytes().decode().split("\n")
    found = [record for line in lines[:-1] for record in records.feed(line)]
    assert [each.message for each in (*found, *records.rest())] == ["a message"]


def test_half_a_character_does_not_cost_the_line(tmp_path: Path) -> None:
    path = logs.start(tmp_path, "info")
    assert path is not None
    told = logging.LogRecord("x", logging.INFO, "", 1, "caf\udce9 \ud800 is told", (), None)
    [file] = [each for each in logging.getLogger().handlers if isinstance(each, logs._PrivateFile)]
    file.handle(
        told
    )  # not by the logger: what pytest keeps of it cannot be sent to another process
    assert path.read_text().endswith("caf? ? is told\n")


@pytest.mark.parametrize("older", ["", ".1"])
def test_a_file_that_cannot_be_moved_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, older: str
) -> None:
    """On Windows a file that somebody reads, such as `logs --follow`, cannot get another name."""

    def held(source: object, target: object) -> None:
        if str(source) == f"{path}{older}":
            raise PermissionError(13, "used by another process")
        move(source, target)

    def said() -> list[str]:
        files = sorted(path.parent.iterdir(), reverse=True)
        return [line.rpartition(": ")[2] for file in files for line in file.read_text().split("\n")]

    monkeypatch.setattr(logs, "FILE_BYTES", 2000)
    path = logs.start(tmp_path, "info") or tmp_path
    say = logging.getLogger("copilot_desktop").info
    move = os.replace
    words = [f"line number {number}" for number in range(240)]
    for word in words[:80]:
        say(word)
    before = said()
    with monkeypatch.context() as closed:
        closed.setattr(os, "rename", held)
        closed.setattr(os, "replace", held)
        for word in words[80:120]:
            say(word)
        assert [line for line in said() if line] == [line for line in before if line] + words[
            80:120
        ]
        for _ in range(500):
            say("much")
        assert path.stat().st_size < 2100 * (1 + logs.KEPT_FILES), "it has an end"
    for word in words[120:]:
        say(word)
    assert len(list(path.parent.iterdir())) == 1 + logs.KEPT_FILES
    assert [line for line in said() if line][-120:] == words[120:]


def test_a_folder_that_takes_nothing_is_no_reason_to_stop(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")
    assert logs.start(tmp_path, "info") is None
    logging.getLogger("copilot_desktop").warning("still alive")


@pytest.mark.parametrize("kind", ["closed", "missing"])
def test_a_closed_or_missing_stderr_is_no_reason_to_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stderr", None if kind == "missing" else stream)
    path = logs.start(tmp_path, "info", terminal="info")
    logging.getLogger("copilot_desktop").error("nobody sees this on the terminal")
    assert path is not None
    assert "nobody sees this" in path.read_text()


def test_other_libraries_are_heard_only_when_something_is_wrong(tmp_path: Path) -> None:
    path = logs.start(tmp_path, "debug")
    assert path is not None
    logging.getLogger("asyncio").debug("chatter")
    logging.getLogger("asyncio").error("trouble")
    assert "chatter" not in path.read_text()
    assert "trouble" in path.read_text()
