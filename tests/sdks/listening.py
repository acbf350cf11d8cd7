"""Runs `listen.py` against the real proxy over an upstream that a test scripts."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from proxy.scripted import scripted_rig

LISTENER = Path(__file__).with_name("listen.py")
SECONDS = 200


async def listen(jobs: list[dict[str, Any]], answer: Any, path: str | None) -> dict[str, Any]:
    """What the listener says about each job, by id; and about itself under ``versions``."""
    async with scripted_rig(answer) as (rig, _):
        environ = {**os.environ, "PYTHONPATH": path or "", "PYTHONDONTWRITEBYTECODE": "1"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(LISTENER), env=environ, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        asked = json.dumps({"url": rig.url, "jobs": jobs}).encode()
        try:
            async with asyncio.timeout(SECONDS):
                out, errors = await process.communicate(asked)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        lines = [json.loads(line) for line in out.splitlines()]
        assert lines, errors.decode()
        assert "versions" in lines[-1], errors.decode()[-2000:]
        found = {line["id"]: line for line in lines[:-1]}
        requests = [exchange.dialect for exchange in rig.traffic.recent]
        return {**found, **lines[-1], "requests": requests}
