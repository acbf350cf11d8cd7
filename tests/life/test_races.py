"""Several launches in the same moment: one app, and everything that it needs stays whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
AT_ONCE = 6

CLAIM = """
import sys
from pathlib import Path
from copilot_desktop.control import instance
sys.stdout.write("ready\\n"); sys.stdout.flush()
sys.stdin.readline()
mine = instance.claim(Path(sys.argv[1]))
if mine is not None:
    mine.publish(4711)
sys.stdout.write("first\\n" if mine else "second\\n"); sys.stdout.flush()
sys.stdin.readline()
if mine is not None:
    mine.release()
"""

WRITE = """
import sys
from pathlib import Path
from copilot_desktop.core import keys, settings_file
sys.stdout.write("ready\\n"); sys.stdout.flush()
sys.stdin.readline()
folder = Path(sys.argv[1])
key = keys.load_or_make(folder)
for number in range(30):
    preferences = settings_file.load({}, {}, folder / "settings.json")
    settings_file.save(preferences.changed({"port": 5000 + number}))
sys.stdout.write("done\\n"); sys.stdout.flush()
"""


def together(script: str, folder: Path) -> list[subprocess.Popen[str]]:
    """Processes that begin their work in the same moment."""
    made = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(folder)], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(AT_ONCE)
    ]  # fmt: skip
    for each in made:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    go_on(made)
    return made


def go_on(processes: list[subprocess.Popen[str]]) -> None:
    for each in processes:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()


def test_one_of_many_launches_is_the_first(tmp_path: Path) -> None:
    launched = together(CLAIM, tmp_path)
    said = [each.stdout.readline() for each in launched if each.stdout is not None]
    assert sorted(said) == ["first\n", *["second\n"] * (AT_ONCE - 1)]
    first = launched[said.index("first\n")]
    assert json.loads((tmp_path / "instance.json").read_text())["pid"] == first.pid
    for each in launched:
        _, err = each.communicate("\n", timeout=30)
        assert (each.returncode, err) == (0, "")
    assert not (tmp_path / "instance.json").exists()


def test_many_that_write_at_once_leave_whole_files(tmp_path: Path) -> None:
    """As commands in terminals beside the running app do."""
    for each in together(WRITE, tmp_path):
        out, err = each.communicate(timeout=50)
        assert (each.returncode, out, err) == (0, "done\n", "")
    assert json.loads((tmp_path / "settings.json").read_text())["port"] == 5029
    assert sorted(path.name for path in tmp_path.iterdir()) == ["local-key", "settings.json"]
