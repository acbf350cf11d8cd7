#!/usr/bin/env python3
"""Does a program that was built or installed work? Nobody is asked, and no account is needed.

    python3 packaging/smoke.py PROGRAM [WORD …]

It says its version, serves against the built-in fake Copilot in a folder of its own, lists models
and answers one question in each format. Standard library only, on every system; ends with 0 if all
of that happened, else with 1 and what the program had said.
"""

from __future__ import annotations

import json
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

WAIT = 90  # seconds, for a first start on a busy machine
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+(?=/v1\b)")
MODEL = "gpt-4.1"
SAID = [{"role": "user", "content": "Say hello"}]
QUESTIONS = {
    "/v1/chat/completions": {"model": MODEL, "messages": SAID},
    "/v1/responses": {"model": MODEL, "input": "Say hello"},
    "/v1/messages": {"model": MODEL, "max_tokens": 99, "messages": SAID},
    "/api/chat": {"model": MODEL, "messages": SAID, "stream": False},
}


class Failed(Exception):
    """The program did not do what it should; the text says what."""


def main(words: Sequence[str]) -> int:
    if not words:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        for line in passes(words):
            print(line, flush=True)
    except Failed as trouble:
        print(f"Failed: {trouble}", file=sys.stderr)
        return 1
    return 0


def passes(program: Sequence[str]) -> Iterator[str]:
    """One line for each thing that works. Raises Failed."""
    yield version(program)
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        serving(program, Path(folder)) as address,
    ):
        listed = asked(f"{address}/v1/models")["data"]
        yield f"{len(listed)} models at {address}"
        for path, question in QUESTIONS.items():
            answer = asked(f"{address}{path}", question)
            if answer.get("error"):
                raise Failed(f"{path} answered {answer}")
            yield f"{path} answers"


def version(program: Sequence[str]) -> str:
    done = subprocess.run(
        [*program, "--version"], capture_output=True, text=True, timeout=WAIT, check=False
    )
    if done.returncode or not re.match(r"copilot-desktop \d+\.\d+\.\d+", done.stdout):
        raise Failed(f"--version ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout.splitlines()[0]


@contextmanager
def serving(program: Sequence[str], folder: Path) -> Iterator[str]:
    """`serve --demo` with an account, at the address that is given. Raises Failed."""
    process = subprocess.Popen(
        [*program, "serve", "--demo", "--port=0", "--token-store=memory", f"--data-dir={folder}"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONUNBUFFERED": "1"}, text=True, encoding="utf-8", errors="replace",
    )  # fmt: skip
    lines: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
    reader.start()
    try:
        yield _until_signed_in(process, lines)
    finally:
        process.terminate()
        try:
            code = process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Failed("it does not end when it is asked to") from None
        reader.join(5)
        if process.stdout is not None and not reader.is_alive():
            process.stdout.close()
    if os.name != "nt" and code:  # there it cannot be asked, only ended
        raise Failed(f"it ended with {code}")


def _read(process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put("")


def _until_signed_in(process: subprocess.Popen[str], lines: queue.Queue[str]) -> str:
    said, end = "", time.monotonic() + WAIT
    while time.monotonic() < end:
        try:
            line = lines.get(timeout=1)
        except queue.Empty:
            continue
        said += line
        if not line and process.poll() is not None:
            break
        if "Signed in as" in line and (found := ADDRESS.search(said)):
            return found.group()
    raise Failed(f"it did not come to serve; it said: {said or 'nothing'}")


def asked(url: str, body: object = None) -> dict[str, list[object]]:
    """The JSON that is answered. Raises Failed."""
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310 - an address of this machine
        url, content, {"Content-Type": "application/json", "anthropic-version": "2023-06-01"}
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=30) as answer:
            found: dict[str, list[object]] = json.load(answer)
            return found
    except (OSError, ValueError) as error:
        raise Failed(f"{url}: {error}") from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
