"""How each shell is told a variable, in lines of its own language.

Values are quoted so that a shell takes them as they are, whatever they hold; a line break cannot be
said in one line of any of them and is refused.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from copilot_desktop.integrations.edits import Block, Edit
from copilot_desktop.integrations.tool import Link

Shell = Literal["sh", "fish", "powershell", "cmd"]  # "sh": bash and zsh


def variables(link: Link) -> dict[str, str]:
    """What programs look for that know neither of us: names from OpenAI's and Anthropic's SDKs."""
    return {
        "OPENAI_BASE_URL": link.openai,
        "OPENAI_API_BASE": link.openai,  # its older name, which aider and LiteLLM still read
        "OPENAI_API_KEY": link.key,
        "ANTHROPIC_BASE_URL": link.address,
        "ANTHROPIC_AUTH_TOKEN": link.key,
    }


def lines(shell: Shell, wanted: Mapping[str, str]) -> tuple[str, ...]:
    """One line for each variable. Raises ValueError for a value that a line cannot hold."""
    return tuple(_line(shell, name, value) for name, value in wanted.items())


def _line(shell: Shell, name: str, value: str) -> str:
    if any(letter in value for letter in "\r\n\0"):
        raise ValueError(f"{name} cannot be written in one line")
    match shell:
        case "sh":
            return f"export {name}={shlex.quote(value)}"
        case "fish":
            escaped = value.replace("\\", "\\\\").replace("'", "\\'")
            return f"set -gx {name} '{escaped}'"
        case "powershell":
            doubled = value.replace("'", "''")
            return f"$env:{name} = '{doubled}'"
        case "cmd":
            if '"' in value or "%" in value:
                raise ValueError(f"{name} cannot be written for this shell")
            return f'set "{name}={value}"'


def profile(shell: Shell, file: Path, link: Link) -> Edit:
    """The variables as a block in a shell's start file."""
    written = lines(shell, variables(link))
    return Block(file, "addresses", written, secrets=(link.key,))
