"""One short run of the whole app in a process of its own, with a kill or a full disk on the way.

    python -m tests.life.runs FOLDER FAKE_URL whole | kill STEP | full BYTES

Signs in from the file, answers, changes a setting, makes a key, ends. Prints what happened as JSON.
`kill` ends it at that step of writing (`integrations/killing.py`). `full` lets the disk take no
file beyond so many bytes, from the moment in which the app stands: what is larger is cut there,
with an error, as on a disk that runs full in the middle of a write.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from pathlib import Path
from typing import Any

import aiohttp

from copilot_desktop.core import settings_file
from copilot_desktop.core.core import Core
from copilot_desktop.system.fake import FakeSystem
from tests.integrations.killing import arm

LIMIT = 30.0  # seconds
PATIENT = 77.0  # the setting that is changed
ASK = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hello"}]}


async def run(folder: Path, url: str, how: str, amount: int) -> dict[str, Any]:
    flags = {"data_dir": folder, "port": 0, "token_store": "file", "github_url": url,
             "github_api_url": url, "copilot_url": url}  # fmt: skip
    preferences = settings_file.load(flags, {}, folder / settings_file.FILE_NAME)
    told: dict[str, Any] = {"idle_timeout": preferences.settings.idle_timeout}
    if how == "kill":
        arm(amount)
    system = FakeSystem(folder)
    async with Core.running(preferences, environ={}, headless=True, system=system) as core:
        async with asyncio.timeout(LIMIT):
            async for state in core.store.watch():
                if state.account.state == "signed_in" and state.models.items:
                    break
        told["login"] = core.store.state.account.login
        if how == "full":
            resource.setrlimit(resource.RLIMIT_FSIZE, (amount, amount))
        told |= await use(core)
    return told


async def use(core: Core) -> dict[str, Any]:
    """A request, a setting, a key, a reading of the history."""
    url = f"http://127.0.0.1:{core.store.state.proxy.port}/v1/chat/completions"
    key = {"Authorization": f"Bearer {core.key}"}
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=LIMIT)) as http,
        http.post(url, json=ASK, headers=key) as answer,
    ):
        await answer.read()
        told: dict[str, Any] = {"status": answer.status}
    for verb, arguments in (
        ("update_settings", {"patch": {"idle_timeout": PATIENT}}),
        ("make_key", {"name": "codex"}),
        ("start_recording", {}),
        ("refresh_models", {}),
        ("usage_history", {"days": 1}),
    ):
        told[verb] = (await core.verbs.do(verb, arguments)).to_json()
    return told


def main() -> None:
    folder, url, how, *rest = sys.argv[1:]
    told = asyncio.run(run(Path(folder), url, how, int(rest[0]) if rest else 0))
    sys.stdout.write(json.dumps(told, default=str) + "\n")


if __name__ == "__main__":
    main()
