"""The real tools, set up by what their integrations write, and put back again.

Each begins in a home with a file or two of its own. After connecting, the tool is started as a
person would and its question has to reach Copilot; after undoing, those files are the very bytes
they were, nothing of ours is left in any other, and the tool talks to us no more. aider and LiteLLM
take 700 megabytes each to fetch, so they are tried only where `HEAVY_CLIENTS` is set.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp
import pytest

from copilot_desktop.demo import Scenario
from copilot_desktop.integrations import finding
from copilot_desktop.integrations.connection import Connection
from copilot_desktop.integrations.tool import Link, Machine, Tool
from copilot_desktop.integrations.tools.registry import tool
from copilot_desktop.model import Model
from tests.clients import shelf, tools
from tests.clients.desk import LOCAL_KEY, Desk, Ended, laid
from tests.ports import free_port

QUESTION = "Hello from here"  # more than a word: one alone would be a command to some
ANSWER = "This is the demo of Copilot Desktop"
MODELS = ("gpt-4.1", "claude-sonnet-5", "gpt-5.3-codex")
A_WHILE = 15.0  # seconds for a tool that has nobody to talk to; some of them try for ever


@dataclass(frozen=True)
class Trial:
    """How a tool is asked something. `asking` begins with the program; `mine` are the files that
    are there before, by their path below the home folder."""

    asking: tuple[str, ...]
    model: str = "gpt-4.1"
    mine: dict[str, str] = field(default_factory=dict)
    more: dict[str, str] = field(default_factory=dict)  # variables


TRIALS = {
    "claude-code": Trial(
        ("claude", "-p", QUESTION),
        "claude-sonnet-5",
        {".claude/settings.json": '{\n  "env": {"EDITOR": "vim"},\n  "cleanupPeriodDays": 30\n}'},
        {"IS_SANDBOX": "1"},
    ),
    "codex": Trial(
        ("codex", "exec", "--profile", "copilot-desktop", "--strict-config",
         "--skip-git-repo-check", QUESTION),
        "gpt-5.3-codex",
        {".codex/config.toml":
         "# mine\ncheck_for_update_on_startup = false\n[analytics]\nenabled = false\n"},
    ),
    "opencode": Trial(
        ("opencode", "run", QUESTION),
        mine={".config/opencode/opencode.json":
              '{\n  "$schema": "https://opencode.ai/config.json",\n  // mine\n'
              '  "share": "disabled",\n'
              '  "autoupdate": false,\n}\n'},
        more={"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_AUTOUPDATE": "1",
              "OPENCODE_DISABLE_LSP_DOWNLOAD": "1"},
    ),
    # The first of the list, and the list is in the order of names.
    "continue": Trial(("cn", "-p", QUESTION), "claude-sonnet-5"),
    "pi": Trial(
        ("pi", "-p", QUESTION),
        mine={".pi/agent/models.json": '{\n  "providers": {} // none yet\n}\n'},
        more={"PI_OFFLINE": "1"},
    ),
    "qwen-code": Trial(
        ("qwen", "-p", QUESTION),
        # As it lays them out itself; both would lead elsewhere.
        mine={".qwen/settings.json":
              '{\n  "model": {\n    "name": "mine",\n    "baseUrl": "http://127.0.0.1:9/v1"\n  },\n'
              '  "$version": 4\n}'},
    ),
    "cline": Trial(("cline", QUESTION)),
    "droid": Trial(
        ("droid", "exec", QUESTION), mine={".factory/settings.json": '{\n  // mine\n  "x": 1\n}\n'}
    ),
    "llm": Trial(
        ("llm", "-m", "copilot", QUESTION),
        mine={".config/io.datasette.llm/extra-openai-models.yaml":
              "# mine\n- model_id: mine\n  model_name: mine\n  api_base: http://127.0.0.1:9/v1\n"},
    ),
    "aider": Trial(
        ("aider", "--message", QUESTION, "--yes-always", "--no-git", "--no-check-update",
         "--analytics-disable", "--no-show-release-notes"),
        mine={".aider.conf.yml": "# mine\nauto-commits: false\n"},
        more={"LITELLM_LOCAL_MODEL_COST_MAP": "True"},
    ),
    "litellm": Trial(("litellm",), more={"LITELLM_LOCAL_MODEL_COST_MAP": "True"}),
    "copilot-cli": Trial(("copilot", "-p", QUESTION), more={"COPILOT_OFFLINE": "true"}),
}  # fmt: skip
WRITTEN = [name for name in TRIALS if name not in {"copilot-cli", "litellm"}]
STARTED = ("claude-code", "codex", "opencode", "aider", "qwen-code", "copilot-cli")
# Those that are not among the clients of every other test.
ALONE = {each.command: each for each in (*tools.LIGHT, *tools.HEAVY)}


def named(name: str) -> Tool:
    found = tool(name)
    assert found is not None
    return found


class Bench:
    """A desk with one tool on it."""

    def __init__(self, desk: Desk, name: str, place: Path) -> None:
        self.desk, self.trial, self.tool = desk, TRIALS[name], named(name)
        self.program = desk.shelf.programs / self.trial.asking[0]
        self.machine = Machine("macos" if sys.platform == "darwin" else "linux", desk.home)
        models = tuple(Model(each, each.upper()) for each in MODELS)
        chosen = dict.fromkeys((role.name for role in self.tool.roles), self.trial.model)
        self.link = Link(desk.url, LOCAL_KEY, models, chosen)
        self.connection = Connection(self.machine, place)
        for file, text in self.trial.mine.items():
            (desk.home / file).parent.mkdir(parents=True, exist_ok=True)
            (desk.home / file).write_text(text)

    async def ask(self, *before: str, deadline: float = 100.0, **more: str) -> Ended:
        words = (*before, *self.trial.asking[1:])
        return await self.desk.run(
            self.program, *words, deadline=deadline, **{**self.trial.more, **more}
        )

    def files(self) -> dict[str, bytes]:
        found = (path for path in self.desk.home.rglob("*") if path.is_file())
        return {path.relative_to(self.desk.home).as_posix(): path.read_bytes() for path in found}

    def holding(self) -> set[str]:
        """The small files of the home that lead to us."""
        marks = (self.desk.url.encode(), LOCAL_KEY.encode())
        texts = ((name, text) for name, text in self.files().items() if len(text) < 100_000)
        kept = {name for name, text in texts if any(mark in text for mark in marks)}
        return {name for name in kept if name in self.settings}

    @property
    def settings(self) -> set[str]:
        edits = self.tool.edits(self.machine, self.link)
        return {edit.file.relative_to(self.desk.home).as_posix() for edit in edits}


def _end_what_stays(work: Path) -> None:
    """Cline leaves a process behind that waits for more, in a session of its own."""
    listed = subprocess.run(
        ["ps", "-axww", "-o", "pid=,command="],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    for line in listed.stdout.splitlines():
        if str(work) in line:
            with suppress(ProcessLookupError):
                os.kill(int(line.split()[0]), signal.SIGTERM)


@pytest.fixture
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    alone = ALONE.get(TRIALS[request.param].asking[0])
    if alone in tools.HEAVY and not os.environ.get("HEAVY_CLIENTS"):
        pytest.skip("only where HEAVY_CLIENTS is set")
    if alone is None or sys.platform == "win32":
        stock = request.getfixturevalue("stock")
    else:
        try:
            stock = await asyncio.to_thread(tools.fetched, alone)
        except shelf.CannotInstallError as trouble:
            stock = f"{alone.command} cannot be installed here: {trouble}"
    if isinstance(stock, str):
        pytest.skip(stock)
    async with laid(stock, tmp_path, Scenario()) as desk:
        yield Bench(desk, request.param, tmp_path / "editors")
        await asyncio.to_thread(_end_what_stays, desk.work)


@pytest.mark.parametrize("bench", WRITTEN, indirect=True)
async def test_connected_it_answers_and_undone_it_forgets(bench: Bench) -> None:
    where = {"PATH": str(bench.program.parent)}
    assert finding.program(bench.tool, replace(bench.machine, env=where)) == bench.program
    preview = bench.connection.preview(bench.tool, bench.link)
    shown = [text for file in preview.files for _, text in file.lines]
    assert not any(LOCAL_KEY in line for line in shown)
    bench.connection.write(bench.tool, bench.link, preview.digest)

    ended = await bench.ask()
    assert ANSWER in ended.out, ended
    assert {call.body["model"] for call in bench.desk.calls} == {bench.trial.model}
    assert "metadata for" not in ended.out + ended.err  # Codex, of a model it does not know
    standing = bench.connection.check(bench.tool, bench.link)
    assert standing.state == "connected", standing
    assert bench.holding()

    bench.connection.undo(bench.tool)
    after = bench.files()
    assert {name: after.get(name) for name in bench.trial.mine} == {
        name: text.encode() for name, text in bench.trial.mine.items()
    }
    assert bench.holding() == set()
    calls = len(bench.desk.calls)
    with suppress(AssertionError):  # of the run: not every tool gives up
        await bench.ask(deadline=A_WHILE)
    assert len(bench.desk.calls) == calls


@pytest.mark.parametrize("bench", STARTED, indirect=True)
async def test_started_by_us_it_answers_and_no_file_is_touched(bench: Bench) -> None:
    launch = bench.tool.launch
    assert launch is not None
    start = launch(bench.machine, bench.link)
    words = [
        word for word in bench.trial.asking[1:] if word not in ("--profile", "copilot-desktop")
    ]
    ended = await bench.desk.run(
        bench.program, *start.arguments, *start.model, *words, **{**bench.trial.more, **start.env}
    )
    assert ANSWER in ended.out, ended
    assert {call.body["model"] for call in bench.desk.calls} == {bench.trial.model}
    after = bench.files()
    assert {name: after.get(name) for name in bench.trial.mine} == {
        name: text.encode() for name, text in bench.trial.mine.items()
    }


@pytest.mark.parametrize("bench", ["opencode"], indirect=True)
async def test_opencode_itself_finds_nothing_wrong(bench: Bench) -> None:
    digest = bench.connection.preview(bench.tool, bench.link).digest
    bench.connection.write(bench.tool, bench.link, digest)
    told = await bench.desk.run(bench.program, "debug", "config", **bench.trial.more)
    assert told.code == 0, told
    merged = json.loads(told.out)
    provider = merged["provider"]["copilot-desktop"]
    assert set(provider["models"]) == set(MODELS)
    assert merged["model"] == f"copilot-desktop/{bench.trial.model}"
    assert merged["share"] == "disabled"


@pytest.mark.parametrize("bench", ["litellm"], indirect=True)
async def test_litellm_serves_the_models_of_the_file_and_none_after_it_is_gone(
    bench: Bench,
) -> None:
    digest = bench.connection.preview(bench.tool, bench.link).digest
    bench.connection.write(bench.tool, bench.link, digest)
    (file,) = (bench.desk.home / name for name in bench.settings)
    port = str(free_port())
    where = ("--config", str(file), "--host", "127.0.0.1", "--port", port)
    serving = asyncio.create_task(bench.ask(*where, LITELLM_MASTER_KEY="sk-of-its-own"))
    asking = {"model": bench.trial.model, "messages": [{"role": "user", "content": QUESTION}]}
    try:
        async with asyncio.timeout(90), aiohttp.ClientSession() as http:
            while True:
                assert not serving.done(), serving.result()
                with suppress(aiohttp.ClientError):
                    async with http.post(
                        f"http://127.0.0.1:{port}/v1/chat/completions",
                        json=asking,
                        headers={"Authorization": "Bearer sk-of-its-own"},
                    ) as answer:
                        told = await answer.text()
                    break
                await asyncio.sleep(0.2)
    finally:
        serving.cancel()
        await asyncio.wait([serving])
    assert ANSWER in told
    assert {call.body["model"] for call in bench.desk.calls} == {bench.trial.model}
    bench.connection.undo(bench.tool)
    assert not file.exists()
    assert bench.holding() == set()
