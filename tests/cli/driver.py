"""Many commands in one process, so that a test does not pay for the start of each.

Reads one JSON object a line, `{"words": [...], "environ": {...}}`, runs the command as the terminal
would, and writes `{"code", "out", "err"}`.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys

from copilot_desktop.cli import main


def run(words: list[str]) -> dict[str, object]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code: object = main(words)
        except SystemExit as ending:
            code = ending.code
    return {"code": code, "out": out.getvalue(), "err": err.getvalue()}


for line in sys.stdin:
    task = json.loads(line)
    os.environ.clear()
    os.environ.update(task["environ"])
    sys.stdout.write(json.dumps(run(task["words"])) + "\n")
    sys.stdout.flush()
