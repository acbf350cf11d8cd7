"""A program that kills a change of files at every step, each time in a process of its own.

Run by `test_carrying.py` as `python -m tests.integrations.killing FOLDER`. It prints the number of
steps, or fails with what was wrong. A step is anything that reaches the disk.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from copilot_desktop.errors import InvalidRequest
from tests.integrations.workbench import Bench, link, pair

MOST = 200
A, B = '{\n  "mine": 1 // one\n}\n', "# two\n[other]\nx = 1\n"
Scene = Callable[[Bench], None]


def with_files(bench: Bench) -> None:
    bench.write("a.json", A)
    bench.write("deep/down/b.toml", B)


def connected(bench: Bench) -> None:
    with_files(bench)
    bench.connect(pair())


def nothing(bench: Bench) -> None:
    pass


def connected_anew(bench: Bench) -> None:
    bench.connect(pair())


SCENES: dict[str, tuple[Scene, Scene]] = {
    "connect": (with_files, lambda bench: bench.connect(pair())),
    "connect, new files": (nothing, lambda bench: bench.connect(pair())),
    "update": (connected, lambda bench: void(bench.connection.update(pair(), link(5000)))),
    "undo": (connected, lambda bench: void(bench.connection.undo(pair()))),
    "undo, new files": (connected_anew, lambda bench: void(bench.connection.undo(pair()))),
}


def void(_result: object) -> None:
    pass


def arm(step: int) -> None:
    """Kill this process right before its step number `step`."""
    left = step

    def armed(real: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **named)

        return counted

    os.fsync = armed(os.fsync)
    os.link = armed(os.link)
    os.open = armed(os.open)
    for name in ("replace", "unlink", "mkdir", "rmdir", "chmod"):
        setattr(Path, name, armed(getattr(Path, name)))


def died(bench: Bench, work: Scene, step: int) -> bool:
    """Whether a child that does `work` was killed at `step`; else it came to its end."""
    child = os.fork()
    if child == 0:
        arm(step)
        work(bench)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.waitstatus_to_exitcode(status) == 0, f"step {step}: {status}"
    return False


def check(bench: Bench, before: dict[str, Any], after: dict[str, Any], work: Scene) -> None:
    """Everything old or everything new; and it goes on from there."""
    former = bench.everything()
    for content in former.values():
        assert "copilot-desktop-" in str(content) or content in {
            *before.values(), *after.values(), "special or folder",
        }, content  # fmt: skip
    bench.state(pair())  # the next look
    healed = files(bench)
    assert healed in (files_of(before), files_of(after)), healed
    work_again(bench, work)
    assert files(bench) == files_of(after), files(bench)
    if bench.connection.connected():
        bench.connection.undo(pair())
    for path, content in files(bench).items():
        assert content in {A.encode(), B.encode()}, (path, content)


def work_again(bench: Bench, work: Scene) -> None:
    with suppress(InvalidRequest):  # an undo that has happened cannot be done again
        work(bench)


def files(bench: Bench) -> dict[str, Any]:
    return files_of(bench.everything())


def files_of(everything: dict[str, Any]) -> dict[str, Any]:
    return {name: content for name, content in everything.items() if isinstance(content, bytes)}


def carry_out(folder: Path, name: str) -> int:
    """How many steps the scene has."""
    prepare, work = SCENES[name]
    os.fsync = lambda _file: None  # a killed program loses nothing that it has written
    (folder / "model").mkdir()
    model = Bench(folder / "model")
    prepare(model)
    work(model)
    after = model.everything()
    for step in range(1, MOST):
        place = folder / "now"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        bench = Bench(place)
        prepare(bench)
        before = bench.everything()
        if not died(bench, work, step):
            return step - 1
        check(bench, before, after, work)
    raise AssertionError("it never came to an end")


if __name__ == "__main__":
    sys.stdout.write(f"{carry_out(Path(sys.argv[1]), sys.argv[2])}\n")
