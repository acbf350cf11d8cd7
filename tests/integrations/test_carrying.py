"""All files or none: at a sudden end, at a disk that takes only one of two, in a race."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from copilot_desktop.errors import InvalidRequest
from copilot_desktop.integrations import carrying
from copilot_desktop.integrations.refusals import Unusable
from tests.integrations.killing import SCENES
from tests.integrations.workbench import Bench, link, pair, pen, quill, reason_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a kill is tried with fork")
@pytest.mark.timeout(180)
@pytest.mark.parametrize("scene", SCENES)
def test_a_kill_at_any_step_leaves_old_or_new_and_heals(tmp_path: Path, scene: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.integrations.killing", str(tmp_path), scene],
        cwd=ROOT, capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) >= 6, "the steps are counted at other calls now"


@pytest.mark.parametrize("there", [True, False])
def test_where_the_second_file_fails_the_first_is_put_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    if there:
        bench.write("a.json", '{"mine": 1}\n')
        bench.write("deep/down/b.toml", "x = 1\n")
    before = bench.everything()
    real = carrying.write

    def write(document: carrying.Document, content: bytes) -> tuple[Path, ...]:
        if document.path.name == "b.toml":
            raise Unusable("cannot_write", document.path)
        return real(document, content)

    with monkeypatch.context() as patched:
        patched.setattr(carrying, "write", write)
        with pytest.raises(InvalidRequest) as caught:
            bench.connect(pair())
    assert reason_of(caught.value) == "cannot_write"
    assert bench.everything() == before
    assert bench.connection.connected() == ()
    assert bench.state(pair()) == ("not_connected" if there else "not_found")
    bench.connect(pair())
    assert bench.state(pair()) == "connected"


def test_records_that_cannot_be_written_stop_it_before_any_file(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = bench.write(".pen/settings.json", "{}")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("copilot_desktop.integrations.records.write_private", full)
    with pytest.raises(InvalidRequest) as caught:
        bench.connect(pen())
    assert reason_of(caught.value) == "records"
    assert file.read_text() == "{}"


def test_two_that_connect_at_once_both_come_through(bench: Bench) -> None:
    """Whoever is second sees that the file is another one by now, looks again, and is served."""
    file = bench.write(".pen/settings.json", '{"mine": 1}\n')
    before = file.read_bytes()
    barrier = threading.Barrier(2)

    def connect(name: int) -> None:
        barrier.wait(10)
        other = Bench(bench.home.parent)
        for _ in range(20):
            with suppress(InvalidRequest):
                other.connect([pen(), quill()][name])
                return

    threads = [threading.Thread(target=connect, args=(name,)) for name in (0, 1)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert sorted(bench.connection.connected()) == ["pen", "quill"]
    assert bench.state(pen()) == bench.state(quill()) == "connected"
    bench.connection.undo(pen())
    bench.connection.undo(quill())
    assert file.read_bytes() == before


def test_whoever_waits_too_long_is_told_so(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrying, "LOCK_SECONDS", 0.1)
    shown = bench.connection.preview(pen(), link())
    with bench.connection._carrier.held(), pytest.raises(InvalidRequest) as caught:
        Bench(bench.home.parent).connection.write(pen(), link(), shown.digest)
    assert reason_of(caught.value) == "busy"
