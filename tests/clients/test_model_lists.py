"""Claude Code can fill its picker from the proxy's list of models."""

from __future__ import annotations

import json

from tests.clients.desk import LOCAL_KEY, Desk


async def test_claude_code_keeps_the_models_that_it_finds(desk: Desk) -> None:
    folder = desk.home / ".claude"
    ended = await desk.run(
        "claude", "-p", "--model", "claude-sonnet-5", "--output-format", "json", "Hello",
        ANTHROPIC_BASE_URL=desk.url,
        ANTHROPIC_AUTH_TOKEN=LOCAL_KEY,
        CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY="1",
        CLAUDE_CONFIG_DIR=str(folder),
        IS_SANDBOX="1",
    )  # fmt: skip
    assert ended.code == 0, ended
    kept = json.loads((folder / "cache" / "gateway-models.json").read_text())
    names = {model["id"]: model["display_name"] for model in kept["models"]}
    assert names["claude-sonnet-5"] == "Claude Sonnet 5"
    assert len(names) > 3
