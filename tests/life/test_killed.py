"""kill -9 at every step of every write: nothing is lost, nothing is half written, it goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from copilot_desktop.core.ledger import Ledger
from tests.life.killed import SCENES

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="a kill is tried with fork")

BUSY = """
import sys
from pathlib import Path
from copilot_desktop.core.ledger import Ledger, Use
ledger = Ledger(Path(sys.argv[1]))
ledger.load()
for number in range(10**6):
    for model in range(50):
        ledger.add(Use(DAY, "", "Codex", f"gpt-{model}", requests=1))
    ledger.flush()
    sys.stdout.write(f"{number + 1}\\n")
    sys.stdout.flush()
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int | str]:
    """The number of steps of each scene, or what was wrong."""
    folder = tmp_path_factory.mktemp("killed")
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-m", "tests.life.killed", folder],
        cwd=ROOT, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, int | str] = json.loads(done.stdout)
    return found


@pytest.mark.timeout(120)
@pytest.mark.parametrize("scene", SCENES)
def test_at_every_step(outcomes: dict[str, int | str], scene: str) -> None:
    steps = outcomes[scene]
    assert isinstance(steps, int), steps
    least = 1 if scene in {"settings, broken", "token, sign out"} else 2
    assert steps >= least, "the steps are counted at other calls now"


def test_the_usage_history(tmp_path: Path) -> None:
    """Its writes are SQLite's own: killed in the middle of them, what was written is there."""
    path = tmp_path / "usage.sqlite3"
    day = Ledger(None)._day()
    script = BUSY.replace("DAY", repr(day))
    written = 0
    for round_ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", script, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as busy:
            assert busy.stdout is not None
            for _ in range(3 + round_):
                busy.stdout.readline()
                written += 1
            busy.send_signal(signal.SIGKILL)
            written += len(busy.stdout.read().splitlines())
        ledger = Ledger(path)
        ledger.load()
        counts = {use.requests for use in ledger.uses()}
        assert len(ledger.uses()) == 50
        assert len(counts) == 1, "half of a flush is there"
        # What was written between the last word and the kill counts as well.
        assert written <= counts.pop() <= written + round_ + 1
        assert not path.with_suffix(".broken").exists()
