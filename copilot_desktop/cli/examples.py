"""What `--help` of each command shows last: how it is typed, and what that is for."""

from __future__ import annotations

from collections.abc import Mapping

PROGRAM = "copilot-desktop"
EXAMPLES: Mapping[str, Mapping[str, str]] = {
    "serve": {
        "serve": "answer on 127.0.0.1:4141 until Ctrl-C",
        "serve --port 5000": "the same on another port",
        "--demo serve": "without an account and without a network",
    },
    "login": {
        "login": "show a code, open the browser, wait",
        "login --no-browser": "on a machine without one",
        "login --server octo.ghe.com": "at a company's own GitHub",
    },
    "logout": {"logout": "delete the stored sign-in of the account in use"},
    "accounts": {
        "accounts": "who is signed in, the one in use with a *",
        "accounts use octo-user": "use this one from now on",
    },
    "connect": {
        "connect": "every tool with its state",
        "connect claude-code --dry-run": "see the lines that would change",
        "connect claude-code": "see them, answer y, and they are written",
        "connect codex --model main=gpt-5.3-codex --yes": "choose a model, ask nothing",
        "connect --update": "after a change of port or key",
    },
    "disconnect": {
        "disconnect claude-code": "each value is again what it was",
        "disconnect --all --yes": "every tool, before this app is removed",
    },
    "run": {
        "run claude": "Claude Code with the right environment, no file touched",
        "run codex exec 'Explain this folder'": "what follows the tool is its own",
        "run --start opencode": "serve as well, for as long as it runs",
    },
    "env": {
        "env bash": 'in bash and zsh: eval "$(copilot-desktop env bash)"',
        "env fish": "in fish: copilot-desktop env fish | source",
        "env powershell": "then: | Out-String | Invoke-Expression",
        "env cmd": "lines to paste into a Command Prompt",
    },
    "completions": {
        "completions bash": "into ~/.local/share/bash-completion/completions/copilot-desktop",
        "completions zsh": "into a file _copilot-desktop in a folder of $fpath",
        "completions fish": "into ~/.config/fish/completions/copilot-desktop.fish",
        "completions powershell": "to the end of the file that $PROFILE names",
    },
    "version": {"version --check": "whether there is a newer one"},
    "remove-everything": {
        "remove-everything --dry-run": "what there is to undo and delete",
        "remove-everything": "see it, answer y, and it is gone",
    },
    "autostart": {"autostart on": "start in the tray when you log in"},
    "resume": {"resume": "once you have read why sending was paused"},
    "keys": {
        "keys make codex": "a key of its own; it is printed this once",
        "keys limit codex --models 'gpt-5*' --credits 5 --stop": "what it may use a day",
        "keys revoke codex": "it stops at once",
    },
    "status": {"status": "who is signed in, and where the proxy answers"},
    "models": {
        "models": "every model and the formats that it speaks",
        "models --json": "the same for programs",
    },
    "quota": {"quota": "what is used and left"},
    "doctor": {
        "doctor": "what works, and what does not",
        "doctor --json": "for programs; ends with 1 if a check failed",
        "doctor --report report.txt": "something to show to others that names nobody",
    },
    "usage": {
        "usage --days 7": "what this app has used in a week",
        "usage --by model": "summed up by model",
    },
    "logs": {
        "logs --level warning": "only what went wrong",
        "logs --follow": "go on with new lines until Ctrl-C",
    },
}


def examples(command: str) -> str | None:
    """The end of the command's help."""
    if command not in EXAMPLES:
        return None
    shown = (f"  {PROGRAM} {words}\n      {says}" for words, says in EXAMPLES[command].items())
    return "\n".join(["examples:", *shown])
