"""Claude Code: the `env` of its user settings, which it puts over the shell's own variables.

The token goes into ANTHROPIC_AUTH_TOKEN and never into ANTHROPIC_API_KEY: that one makes it ask
whether the key shall be used, and bills where both are set. `[1m]` behind a model asks for its long
window and is a mistake for any other. It takes a model that it does not know for one of 200 000
tokens, so where a prompt may hold less, Copilot's refusal makes it compact.
"""

from __future__ import annotations

import json
from pathlib import Path

from copilot_desktop.integrations.edits import Edit, Put
from copilot_desktop.integrations.offer import title
from copilot_desktop.integrations.tool import Launch, Link, Machine, Role, Tool
from copilot_desktop.model import Model

LONG = 1_000_000  # tokens of context from which `[1m]` is true
TOKEN = "ANTHROPIC_AUTH_TOKEN"  # noqa: S105  (the name of a variable)
# Each sends it to another cloud, whatever address it has been given.
ELSEWHERE = (
    "CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY",
    "CLAUDE_CODE_USE_MANTLE", "CLAUDE_CODE_USE_ANTHROPIC_AWS",
)  # fmt: skip
FAMILIES = ("opus", "sonnet", "haiku")


def _folder(machine: Machine) -> Path:
    return machine.folder("CLAUDE_CONFIG_DIR", ".claude")


def _named(model: Model) -> str:
    return f"{model.id}[1m]" if model.max_context >= LONG else model.id


def _variables(link: Link) -> dict[str, str]:
    """Everything but the token."""
    found = {"ANTHROPIC_BASE_URL": link.address}
    main = link.model("main")
    if main:
        found["ANTHROPIC_MODEL"] = _named(main)
    for family in FAMILIES:
        model = link.model(family)
        if model:
            found[f"ANTHROPIC_DEFAULT_{family.upper()}_MODEL"] = _named(model)
            found[f"ANTHROPIC_DEFAULT_{family.upper()}_MODEL_NAME"] = title(model)
    return found | {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}


def _edits(machine: Machine, link: Link) -> tuple[Edit, ...]:
    file = _folder(machine) / "settings.json"
    address, *others = _variables(link).items()
    return (
        Put(file, "json", ("env", address[0]), address[1]),
        Put(file, "json", ("env", TOKEN), link.key, secret=True),
        *(Put(file, "json", ("env", name), value) for name, value in others),
    )


def _launch(machine: Machine, link: Link) -> Launch:
    # Its settings win over the environment, and what is given here wins over its settings. The
    # token stays in the environment: arguments can be read by everybody on the machine.
    given = json.dumps({"env": {**_variables(link), **dict.fromkeys(ELSEWHERE, "0")}})
    env = {**_variables(link), TOKEN: link.key}
    return Launch(("--settings", given), env, without=("ANTHROPIC_API_KEY", *ELSEWHERE))


TOOL = Tool(
    id="claude-code",
    name="Claude Code",
    source="Claude Code 2.1.329, run with such a file",
    programs=("claude",),
    proof=("claude-code", "@anthropic-ai", "Claude Code", ".claude/local", ".local/share/claude"),
    traces=lambda machine: (_folder(machine) / "settings.json", machine.home / ".claude.json"),
    roles=(
        Role("main", ("claude-sonnet", "claude", "gpt-5")),
        Role("opus", ("claude-opus", "claude-sonnet", "gpt-5")),
        Role("sonnet", ("claude-sonnet", "claude", "gpt-5")),
        Role("haiku", ("claude-haiku", "gpt-5-mini", "-mini", "flash", "gpt-4.1")),
    ),
    edits=_edits,
    rejects=frozenset({"comments", "trailing_commas"}),  # else it takes no line of the file
    launch=_launch,
    overrides=ELSEWHERE,
    dialect="anthropic",
)
