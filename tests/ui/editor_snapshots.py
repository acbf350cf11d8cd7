"""Editors as `GET /state` tells them, one in each state, and the answers of their verbs."""

from __future__ import annotations

import time
from typing import Any

Json = dict[str, Any]


def editor(name: str, state: str = "not_connected", **changes: Any) -> Json:
    identity = name.lower().replace(" ", "-")
    usual = {
        "id": identity,
        "name": name,
        "way": "automatic",
        "state": state,
        "paths": [f"~/.config/{identity}/settings.json"],
        "detail": {},
        "roles": [{"name": "main", "model": "claude-sonnet-4.5"}],
        "after": "new_session",
        "dialect": "openai",
        "steps": [],
        "at": None,
        "backup": None,
    }
    return usual | changes


def connected(name: str, state: str = "connected", **changes: Any) -> Json:
    identity = name.lower().replace(" ", "-")
    had = {"at": time.time() - 86_400, "backup": f"{identity}-settings.json.20260801-101500"}
    return editor(name, state, **(had | changes))


def every_state() -> list[Json]:
    """One in each state, in the app's order: problems, connected, found, not found."""
    return [
        connected("Zed", "old_port", detail={"port": 4140}),
        connected("aider", "old_key", paths=["~/.aider.conf.yml"]),
        connected("opencode", "changed", detail={"changed": ["provider.copilot-desktop.options"]}),
        connected("Pi", "overridden", detail={"variable": "OPENAI_BASE_URL"}),
        editor(
            "Continue",
            "unreadable",
            paths=["~/.continue/config.yaml"],
            detail={"path": "~/.continue/config.yaml", "line": 12, "reason": "a bracket is open"},
        ),
        editor("Factory Droid", "read_only", detail={"path": "~/.factory/settings.json"}),
        claude_code("connected"),
        editor("Codex", paths=["~/.codex/copilot-desktop.config.toml"], after="restart"),
        editor(
            "JetBrains AI Assistant",
            "by_hand",
            way="by_hand",
            paths=[],
            id="jetbrains",
            steps=[
                {"text": "open", "copy": ""},
                {"text": "url", "copy": "openai"},
                {"text": "key", "copy": "key"},
            ],
        ),
        editor("Cursor", "impossible", way="impossible", paths=[], roles=[]),
        editor("Qwen Code", "not_found"),
        editor("LiteLLM", "not_found", roles=[]),
        editor(
            "Open WebUI",
            "not_found",
            way="by_hand",
            paths=[],
            steps=[{"text": "open", "copy": ""}],
        ),
    ]


def claude_code(state: str = "not_connected") -> Json:
    make = connected if state == "connected" else editor
    return make(
        "Claude Code",
        state,
        paths=["~/.claude/settings.json"],
        dialect="anthropic",
        roles=[
            {"name": "main", "model": "claude-sonnet-4.5"},
            {"name": "small", "model": "claude-haiku-4.5"},
        ],
    )


PROBLEMS = {"old_port", "old_key", "changed", "overridden", "unreadable", "read_only"}


def editors(rows: list[Json] | None = None, **changes: Any) -> Json:
    """The part of the snapshot; without rows given, one editor that is connected and two found."""
    if rows is None:
        rows = [
            claude_code("connected"),
            editor("Codex", paths=["~/.codex/copilot-desktop.config.toml"]),
            editor("Zed", "not_found"),
        ]
    usual = {
        "checked": time.time() - 60,
        "running": False,
        "error": None,
        "rows": rows,
        "problems": sum(row["state"] in PROBLEMS for row in rows),
    }
    return usual | changes


def preview(**changes: Any) -> Json:
    usual = {
        "ok": True,
        "files": [
            {
                "path": "~/.claude/settings.json",
                "new": False,
                "backup": "settings.json.20261121-180000",
                "lines": [
                    [" ", "{"],
                    [" ", '  "permissions": { "allow": ["Bash(git:*)"] },'],
                    ["-", '  "env": { "ANTHROPIC_BASE_URL": "https://example.org" }'],
                    ["+", '  "env": {'],
                    ["+", '    "ANTHROPIC_BASE_URL": "http://127.0.0.1:4141",'],
                    ["+", '    "ANTHROPIC_AUTH_TOKEN": "••••7f2c"'],
                    ["+", "  }"],
                    [" ", "}"],
                ],
            }
        ],
        "count": 4,
        "digest": "d1",
    }
    return usual | changes


SHELL = {
    "ok": True,
    "text": "export OPENAI_BASE_URL=http://127.0.0.1:4141/v1\nexport OPENAI_API_KEY=cd-secret\n",
    "lines": ["export OPENAI_BASE_URL=http://127.0.0.1:4141/v1", "export OPENAI_API_KEY=••••cret"],
}
UNDO = {
    "ok": True,
    "back": [
        ["~/.claude/settings.json", "env.ANTHROPIC_BASE_URL"],
        ["~/.claude/settings.json", "env.ANTHROPIC_AUTH_TOKEN"],
    ],
    "stay": [["~/.claude/settings.json", "env.ANTHROPIC_MODEL"]],
    "digest": "u1",
}
ANSWERS = {
    "preview_editor": preview(),
    "connect_editor": {"ok": True, "state": "connected", "after": "restart"},
    "preview_undo": UNDO,
    "undo_editor": UNDO,
    "update_editors": {"ok": True, "updated": 2, "left": []},
    "test_editor": {"ok": True, "ms": 640, "model": "claude-sonnet-4.5"},
    "copy_editor": {"ok": True, "text": "the lines\nwith cd-secret"},
    "copy_shell": SHELL,
}
