"""What a start without a window must not load: it takes time from the first answer, and memory ever
after.

No times are tested, as they would test the machine: a module is there or it is not.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from copilot_desktop.core.settings import PREFIX
from tests.architecture.source import ROOT
from tests.architecture.test_boundaries import HEAVY
from tests.ports import free_port

# A module stands for all below it. Each of them is for a window, for a page, for a command, or for
# something that seldom happens.
NOT_LOADED = (
    *HEAVY,
    *("pydantic", "ruamel", "tomllib", "plistlib", "xml", "zoneinfo"),
    "copilot_desktop.demo",
    "copilot_desktop.integrations",
    "copilot_desktop.pi",
    "copilot_desktop.shell",
    *(
        f"copilot_desktop.core.{name}"
        for name in (
            *("commands", "verbs", "verb_shapes", "key_shapes", "diagnostics", "report"),
            *("editors", "editor_links", "editor_test", "certificates", "masking"),
            *("snapshot", "headline", "exports"),
        )
    ),
    "copilot_desktop.upstream.healing",
)
SERVE = """
import asyncio, os, sys
from copilot_desktop import cli

async def answered(port):
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.01)
            continue
        writer.write(b"GET /v1/models HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\n\\r\\n")
        return await reader.readuntil(b"\\r\\n")

async def look(serve):
    serving = asyncio.ensure_future(serve)
    async with asyncio.timeout(50):
        assert b"HTTP/1.1" in await answered(int(sys.argv[1]))
    from aiohttp import connector
    print("certificates", connector._SSL_CONTEXT_VERIFIED.cert_store_stats()["x509"])
    print(*sys.modules, flush=True)
    os._exit(0)

cli._on_loop = lambda serve: asyncio.run(look(serve))
cli.main(["serve", "--port", sys.argv[1], "--data-dir", sys.argv[2], "--token-store", "memory"])
"""


def test_only_what_is_needed_is_there_when_the_first_request_is_answered(tmp_path: Path) -> None:
    port = free_port()
    nowhere = dict.fromkeys(("GITHUB_URL", "GITHUB_API_URL", "COPILOT_URL"), "http://127.0.0.1:9")
    own = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    environ = own | {PREFIX + name: value for name, value in nowhere.items()}
    environ["COPILOT_GITHUB_TOKEN"] = "gho_" + "s" * 36  # or it would ask for a code
    done = subprocess.run(
        [sys.executable, "-c", SERVE, str(port), str(tmp_path)],
        cwd=ROOT, env=environ, timeout=55, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    read, loaded = done.stdout.splitlines()[-2:]  # the command itself may have said where it is
    assert read == "certificates 0"
    assert "copilot_desktop.proxy.relay" in loaded.split()
    found = {
        name
        for name in loaded.split()
        for part in NOT_LOADED
        if name == part or name.startswith(f"{part}.")
    }
    assert found == set()
