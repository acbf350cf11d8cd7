"""The canary: a real run with secrets that can be recognised, and everything that leaves it.

Each secret has its own few places. Anywhere else, in an answer, on a page, in a log, a report, an
export, an argument list, a file or the environment of a child, it must not be found, not even in
another spelling of the same bytes.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from phenomena.routes import WAYS

from copilot_desktop.demo import FakeUpstream, Scenario, Status
from tests.cli.terminal import Process, Terminal

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

QUICK = Scenario(interval=1, enforce_interval=False, approve_after=0.0)
PASSWORD = "canary-of-the-company-proxy"
FORMER = "sk-ant-canary-of-another-provider"
OPENER = """#!/bin/sh
{ echo "$@"; env; } >> "$HOME/opened"
"""
AGENT = """#!/bin/sh
# stands in for claude-code
echo "$@" > "$HOME/agent-arguments"
env > "$HOME/agent-environment"
"""
# Where each may be; everything else is searched.
PLACES = {
    "github token": {"file data/tokens/token.json", "github"},
    "copilot token": {"copilot"},
    "device code": {"github /login/oauth/access_token"},
    "local key": {"file data/local-key", "command env"},
    "key of the editor": {
        "file data/local-keys.json", "file home/.claude/settings.json",
        "file home/agent-environment", "command connect claude-code --lines",
    },
    "former key": {"file data/editors/", "at last file home/.claude/settings.json"},
    "password of the proxy": {"environment"},  # given by it, so it stands in the process's own
    "secret of the window": {"file data/instance.json"},
}  # fmt: skip
COPILOT = {"/models", "/chat/completions", "/responses", "/v1/messages", "/models/session"}
# Without `reveal_key`, `new_key`, `make_key` and what copies: they give a key to whoever pressed.
VERBS: dict[str, dict[str, Any]] = {
    "check_account": {}, "refresh_models": {}, "refresh_quota": {}, "diagnose": {},
    "test_connection": {}, "usage_history": {"days": 7}, "look_for_editors": {},
    "look_for_updates": {}, "open_link": {"id": "github_status"}, "open_logs": {},
    "export_requests": {},
    "update_settings": {"patch": {"port": "x"}}, "play": {
        "dialect": "chat", "model": "gpt-4.1", "text": "hello"},
    "preview_undo": {"id": "claude-code"}, "test_editor": {"id": "claude-code"},
    "undo_editor": {"id": "claude-code", "digest": "0" * 64},
}  # fmt: skip


@dataclass
class Seen:
    """Everything that was seen, by where."""

    texts: dict[str, str] = field(default_factory=dict)

    def add(self, where: str, text: object) -> None:
        words = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        self.texts[where] = self.texts.get(where, "") + words

    def found(self, secrets: dict[str, list[str]]) -> list[tuple[str, str]]:
        return [
            (name, where)
            for name, values in secrets.items()
            for where, text in self.texts.items()
            if not any(where.startswith(place) for place in PLACES[name])
            and any(spelling in text for value in values for spelling in spellings(value))
        ]


def spellings(value: str) -> Iterator[str]:
    yield value
    yield quote(value, safe="")
    yield base64.b64encode(value.encode()).decode().rstrip("=")


class Desk:
    """The run's own window, as a program: the control plane with the secret of its file."""

    def __init__(self, folder: Path, seen: Seen, http: aiohttp.ClientSession) -> None:
        content = json.loads((folder / "instance.json").read_text())
        self.secret: str = content["token"]
        self._url = f"http://127.0.0.1:{content['port']}"
        self._seen, self._http = seen, http
        self._headers = {"Authorization": f"Bearer {self.secret}"}

    async def do(self, verb: str, **arguments: Any) -> dict[str, Any]:
        url = f"{self._url}/do/{verb}"
        async with self._http.post(url, json=arguments, headers=self._headers) as answer:
            text = await answer.text()
        self._seen.add(f"verb {verb}", text)
        told: dict[str, Any] = json.loads(text)
        return told

    async def look(self) -> None:
        for path in ("/", "/state", "/strings.json", "/nothing", "/?k=wrong"):
            async with self._http.get(self._url + path, headers=self._headers) as answer:
                self._seen.add(f"page {path}", await answer.text() + str(answer.headers))
        for path in ("/events", "/watch/requests", "/watch/log", "/watch/playground"):
            async with self._http.get(self._url + path, headers=self._headers) as answer:
                self._seen.add(f"feed {path}", await answer.content.readuntil(b"\n\n"))


async def everything_a_window_does(desk: Desk) -> None:
    assert (await desk.do("start_recording"))["ok"]
    shown = await desk.do("preview_editor", id="claude-code", chosen={})
    assert shown["ok"], shown
    connected = await desk.do("connect_editor", id="claude-code", chosen={}, digest=shown["digest"])
    assert connected["ok"], connected
    for verb, arguments in VERBS.items():
        await desk.do(verb, **arguments)
    report = await desk.do("report")
    assert (await desk.do("save_report", id=report["id"]))["ok"]


async def every_dialect(
    port: int, key: str, fake: FakeUpstream, seen: Seen, http: aiohttp.ClientSession
) -> None:
    url = f"http://127.0.0.1:{port}"
    for way in WAYS:
        fake.add_fault(Status.example("403-policy", way.endpoint))
        for given in (key, key, key[:-1] + "_"):
            headers = {"x-api-key": given}
            async with http.post(url + way.path, json=way.body(), headers=headers) as answer:
                seen.add(f"answer {way.path}", await answer.read() + str(answer.headers).encode())
    for path in ("/", "/health", "/v1/models", "/openapi.json", "/__self", "/nowhere"):
        async with http.get(url + path, headers={"x-api-key": key}) as answer:
            seen.add(f"answer {path}", await answer.text() + str(answer.headers))


COMMANDS = (
    "status", "status --json", "models", "quota", "doctor", "doctor --json", "logs", "accounts",
    "usage", "keys", "keys --json", "version", "connect", "connect --json",
    "connect claude-code --dry-run", "connect claude-code --lines", "connect codex --dry-run",
    "disconnect claude-code --dry-run", "completions bash", "resume", "login", "env bash",
    "remove-everything --dry-run", "nonsense",
)  # fmt: skip


async def all_commands(terminal: Terminal, seen: Seen) -> None:
    """Beside the running app. `env` and `--lines` print a key because that is what they are for."""
    async with terminal.commands() as commands:
        for words in COMMANDS:
            ended = await commands.run(*words.split())
            seen.add(f"command {words}", ended.out + ended.err)
    ended = await terminal.run("run", "claude-code", "--", "hello")
    assert ended.code == 0, ended
    seen.add("command run", ended.out + ended.err)
    assert "hello" in (terminal.home / "agent-arguments").read_text()


def upstream(fake: FakeUpstream, seen: Seen) -> None:
    """What left this machine. A Copilot token is for Copilot, a GitHub token for GitHub."""
    for call in fake.ledger:
        copilot = call.path in COPILOT
        where = f"{'copilot' if copilot else 'github'} {call.path}"
        where = "the releases page" if "/releases/" in call.path else where
        seen.add(where, f"{call.path} {call.headers} ".encode() + call.raw)


def processes(serve: Process, seen: Seen) -> None:
    """What other users of the machine can list, and what those of the same user can read."""
    own = Path(f"/proc/{serve.pid}")
    seen.add("arguments", (own / "cmdline").read_bytes())
    seen.add("environment", (own / "environ").read_bytes())
    for task in (own / "task").iterdir():
        seen.add("names of threads", (task / "comm").read_text())
    limits = (own / "limits").read_text()
    core = next(line for line in limits.splitlines() if "core file" in line)
    assert core.split()[4:6] == ["0", "0"], "a crash would leave the memory on the disk"


def files(terminal: Terminal, seen: Seen, when: str = "") -> None:
    place = terminal.home.parent
    for path in place.rglob("*"):
        if path.is_file() and not path.is_symlink():
            where = f"{when}file {path.relative_to(place)}"
            seen.add(where, path.read_bytes() + str(path).encode())


async def test_no_secret_is_found_where_it_does_not_belong(tmp_path: Path) -> None:
    terminal, seen = Terminal(tmp_path), Seen()
    tools = tmp_path / "tools"
    tools.mkdir()
    agent = terminal.home / ".local" / "bin" / "claude"
    agent.parent.mkdir(parents=True)
    for program, script in ((tools / "xdg-open", OPENER), (agent, AGENT)):
        program.write_text(script)
        program.chmod(0o755)
    (terminal.home / ".claude").mkdir()
    mine = terminal.home / ".claude" / "settings.json"
    mine.write_text(json.dumps({"env": {"ANTHROPIC_AUTH_TOKEN": FORMER}}))
    terminal.environ |= {
        "PATH": f"{tools}{os.pathsep}{terminal.environ['PATH']}",
        "DISPLAY": ":1",
        "COPILOT_DESKTOP_OUTGOING_PROXY": f"http://hana:{PASSWORD}@127.0.0.1:9",
        "COPILOT_DESKTOP_REQUIRE_KEY": "true",
    }
    async with FakeUpstream(QUICK) as fake, aiohttp.ClientSession() as http:
        terminal.at(fake)
        async with terminal.start("serve", "--log-level", "debug") as serve:
            port = await serve.port()
            await serve.until("Signed in as")
            key = (terminal.folder / "local-key").read_text().strip()
            desk = Desk(terminal.folder, seen, http)
            await every_dialect(port, key, fake, seen, http)
            await everything_a_window_does(desk)
            fake.tokens.expire()
            await every_dialect(port, key, fake, seen, http)
            await desk.look()
            await all_commands(terminal, seen)
            processes(serve, seen)
            files(terminal, seen)
            given = json.loads(mine.read_text())["env"]["ANTHROPIC_AUTH_TOKEN"]
            ended = await serve.end(signal.SIGTERM)
        files(terminal, seen)
        seen.add("output", ended.out + ended.err)
        upstream(fake, seen)
        ended = await terminal.run("remove-everything", "--yes")
        seen.add("command remove-everything", ended.out + ended.err)
        (terminal.home / "agent-environment").unlink()
        files(terminal, seen, "at last ")
        secrets = {
            "github token": [*fake.tokens._github],
            "copilot token": [*fake.tokens._copilot],
            "device code": [*fake._github._codes],
            "local key": [key],
            "key of the editor": [given],
            "former key": [FORMER],
            "password of the proxy": [PASSWORD],
            "secret of the window": [desk.secret],
        }
    assert secrets.keys() == PLACES.keys()
    for name, values in secrets.items():
        assert values, name
        assert all(len(value) > 15 for value in values), name
    assert given not in {key, FORMER}
    assert "file home/opened" in seen.texts, "no program was opened, so no environment was seen"
    assert "file data/logs/copilot-desktop.log" in seen.texts
    assert any(where.startswith("file data/contents/") for where in seen.texts)
    assert "the releases page" in seen.texts
    assert FORMER in seen.texts["at last file home/.claude/settings.json"]
    assert not (terminal.folder / "tokens").exists()
    assert seen.found(secrets) == []


def test_a_secret_would_be_found() -> None:
    """The test of the test."""
    for spelled in spellings("cd-what+ever/x"):
        seen = Seen({"answer /": f"<{spelled}>", "file data/local-key": spelled})
        assert seen.found({"local key": ["cd-what+ever/x"]}) == [("local key", "answer /")]
