"""How each client is pointed at the proxy, given a task, and asked for its last words.

Each is told its local key, as its own documentation wants it, and told with its own switches to
stay at home: no updates, no telemetry, no model lists from elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tests.clients.desk import LOCAL_KEY, Desk, Ended

# opencode shows a model that it does not know no picture unless told that it sees.
EYES = {"input": ["text", "image"], "output": ["text"]}


class Finished(NamedTuple):
    """`words` is the client's last answer, `ended` all that it printed."""

    words: str
    ended: Ended


class Agent(Protocol):
    name: str

    async def do(self, desk: Desk, model: str, task: str, *options: str) -> Finished:
        """`options` are the client's own: how to go on with a session, a picture to look at."""
        ...


class ClaudeCode:
    name = "Claude Code"

    async def do(self, desk: Desk, model: str, task: str, *options: str) -> Finished:
        ended = await desk.run(
            "claude", "-p", "--model", model, "--output-format", "json",
            "--permission-mode", "bypassPermissions", *options, task,
            ANTHROPIC_BASE_URL=desk.url,
            ANTHROPIC_AUTH_TOKEN=LOCAL_KEY,
            CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
            CLAUDE_CONFIG_DIR=str(desk.home / ".claude"),
            IS_SANDBOX="1",  # as root it asks before it bypasses permissions
        )  # fmt: skip
        result = next(iter(_objects(ended.out)), {})
        assert not result.get("is_error"), result
        return Finished(str(result.get("result", "")), ended)


class Codex:
    name = "Codex"

    def __init__(self, *, websockets: bool = False) -> None:
        self._websockets = websockets

    async def do(self, desk: Desk, model: str, task: str, *options: str) -> Finished:
        folder = desk.home / ".codex"
        folder.mkdir(exist_ok=True)
        (folder / "config.toml").write_text(
            f'model = "{model}"\nmodel_provider = "here"\n'
            "check_for_update_on_startup = false\n"
            "[analytics]\nenabled = false\n"
            '[model_providers.here]\nname = "Copilot Desktop"\n'
            f'base_url = "{desk.url}/v1"\nwire_api = "responses"\nenv_key = "LOCAL_KEY"\n'
            f"supports_websockets = {str(self._websockets).lower()}\n"
        )
        ended = await desk.run(
            "codex", "exec", *options, "--skip-git-repo-check", "--json",
            "--dangerously-bypass-approvals-and-sandbox", task,
            LOCAL_KEY=LOCAL_KEY, CODEX_HOME=str(folder),
        )  # fmt: skip
        words = [event["item"]["text"] for event in _objects(ended.out)
                 if event.get("type") == "item.completed"
                 and event["item"].get("type") == "agent_message"]  # fmt: skip
        return Finished(words[-1] if words else "", ended)


class CopilotCli:
    """GitHub's own CLI with somebody else's models, over a WebSocket."""

    name = "GitHub Copilot CLI"

    async def do(self, desk: Desk, model: str, task: str, *options: str) -> Finished:
        ended = await desk.run(
            "copilot", "-p", task, "--allow-all", "--no-color", *options,
            COPILOT_PROVIDER_BASE_URL=f"{desk.url}/v1",
            COPILOT_PROVIDER_TYPE="openai",
            COPILOT_PROVIDER_WIRE_API="responses",
            COPILOT_PROVIDER_TRANSPORT="websockets",
            COPILOT_PROVIDER_API_KEY=LOCAL_KEY,
            COPILOT_MODEL=model,
            COPILOT_OFFLINE="true",
        )  # fmt: skip
        return Finished(ended.out, ended)


class OpenCode:
    """With either of the two AI SDK packages that it carries: chat completions or Messages."""

    def __init__(self, wire: str) -> None:
        self.name = f"opencode, {wire}"
        self._package = {"chat": "@ai-sdk/openai-compatible", "messages": "@ai-sdk/anthropic"}[wire]

    async def do(self, desk: Desk, model: str, task: str, *options: str) -> Finished:
        provider = {
            "npm": self._package,
            "options": {"baseURL": f"{desk.url}/v1", "apiKey": LOCAL_KEY},
            "models": {model: {"attachment": True, "modalities": EYES}},
        }
        settings: dict[str, Any] = {
            "permission": {"*": "allow"},
            "provider": {"here": provider},
            "autoupdate": False,
            "share": "disabled",
        }
        (desk.work / "opencode.json").write_text(json.dumps(settings))
        ended = await desk.run(
            "opencode", "run", "--format", "json", "--model", f"here/{model}", *options, task,
            OPENCODE_DISABLE_MODELS_FETCH="1",
            OPENCODE_DISABLE_AUTOUPDATE="1",
            OPENCODE_DISABLE_LSP_DOWNLOAD="1",
        )  # fmt: skip
        words = [event["part"]["text"] for event in _objects(ended.out)
                 if event.get("type") == "text"]  # fmt: skip
        return Finished(words[-1] if words else "", ended)


class Framework:
    """openai-agents over one of its two wires, unstreamed as is its default."""

    def __init__(self, wire: str) -> None:
        self.name = f"openai-agents, {wire}"
        self._wire = wire

    async def do(self, desk: Desk, model: str, task: str, *options: str) -> Finished:
        assert not options, "a program of our own has none"
        program = Path(__file__).with_name("framework.py")
        ended = await desk.run(
            desk.shelf.python, program, f"{desk.url}/v1", self._wire, model, task,
            OPENAI_API_KEY=LOCAL_KEY, OPENAI_AGENTS_DISABLE_TRACING="1",
        )  # fmt: skip
        result = next(iter(_objects(ended.out)), {})
        return Finished(str(result.get("final_output", "")), ended)


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The lines of `text` that are JSON objects."""
    for line in text.splitlines():
        if line.startswith("{"):
            yield json.loads(line)
