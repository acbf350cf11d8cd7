"""`completions`: a script for a shell, made from what the parser knows.

The script holds a table: for each place in the tree of commands the words that may follow, and for
each flag that takes one of a few words those words. Nothing of ours runs while somebody types, so a
key press costs nothing. Where the table is silent (the value of a flag, what follows the tool of
`run`) the shell offers its files.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from copilot_desktop.cli import DONE, say
from copilot_desktop.cli.examples import PROGRAM
from copilot_desktop.cli.parser import Invocation, parser
from copilot_desktop.core.settings import Preferences

_TOOLS = ("connect", "disconnect", "run")


@dataclass(frozen=True, slots=True)
class Node:
    """One place in the tree: "" for the program, "keys make" for an action. `words` and `flags` are
    what may be typed there, with what it is for; `values` are the words that a flag takes, none
    where it takes any."""

    at: str
    words: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    below: tuple[str, ...] = ()  # the words that lead to another place


def run(_preferences: Preferences, invocation: Invocation) -> int:
    write = {"bash": bash, "zsh": zsh, "fish": fish, "powershell": powershell}[invocation.shell]
    say(write(tree()))
    return DONE


def tree() -> tuple[Node, ...]:
    """Every place, the program itself first."""
    from copilot_desktop.integrations.tools.registry import ALL  # noqa: PLC0415

    tools = {tool.id: tool.name for tool in ALL if tool.way != "impossible"}
    started = {tool.id: tool.name for tool in ALL if tool.launch is not None}
    programs = [name for tool in ALL if tool.launch is not None for name in tool.programs]
    spelled = tuple(dict.fromkeys([*started, *programs]))
    nodes = []
    for node in _nodes(parser(), ""):
        if node.at not in _TOOLS:
            nodes.append(node)
            continue
        named = started if node.at == "run" else tools
        below = spelled if node.at == "run" else ()
        nodes.append(Node(node.at, named, node.flags, node.values, below))
    return (*nodes, *(Node(f"run {name}") for name in spelled))


def _nodes(of: argparse.ArgumentParser, at: str) -> Iterator[Node]:
    words: dict[str, str] = {}
    flags: dict[str, str] = {}
    values: dict[str, tuple[str, ...]] = {}
    below: dict[str, argparse.ArgumentParser] = {}
    for action in of._actions:  # noqa: SLF001  (argparse has no other list of them)
        choices = tuple(map(str, action.choices or ()))
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            below |= action.choices
            words |= {each.dest: each.help or "" for each in action._choices_actions}  # noqa: SLF001
        elif not action.option_strings:
            words |= dict.fromkeys(choices, "")
        else:
            names = [name for name in action.option_strings if name.startswith("--")]
            flags |= dict.fromkeys(names, action.help or "")
            if action.nargs is None:
                values |= dict.fromkeys(names, choices)
    if "--demo" in values:  # its word stands behind an equals sign
        del values["--demo"]
    yield Node(at, words, flags, values, tuple(below))
    for name, inner in below.items():
        yield from _nodes(inner, f"{at} {name}".strip())


# ---------------------------------------------------------------------------------- the shells

_BASH = """\
# {program}: completion for bash
_copilot_desktop() {{
    local at="" word i cur="${{COMP_WORDS[COMP_CWORD]}}" prev="${{COMP_WORDS[COMP_CWORD - 1]}}"
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word="${{COMP_WORDS[i]}}"
        case "$at $word" in
{below}
        esac
    done
    case "$at $prev" in
{values}
    esac
    case "$at" in
{words}
    esac
}}
complete -o default -F _copilot_desktop {program}"""


def bash(nodes: Sequence[Node]) -> str:
    """For bash 3.2, which a Mac has, and later."""
    below = [
        f'            "{_key(n.at, word)}") at="{_at(n.at, word)}" ;;' for n, word in _steps(nodes)
    ]
    values = [
        f'        "{_key(node.at, flag)}") {_reply(words) if words else ""}return ;;'
        for node in nodes
        for flag, words in node.values.items()
    ]
    words = [
        f'        "{n.at}") {_reply((*n.words, *n.flags))};;' for n in nodes if n.words or n.flags
    ]
    return _BASH.format(
        program=PROGRAM, below="\n".join(below), values="\n".join(values), words="\n".join(words)
    )


def _reply(words: Sequence[str]) -> str:
    return f"COMPREPLY=($(compgen -W '{' '.join(words)}' -- \"$cur\")); "


_ZSH = """\
#compdef {program}
# {program}: completion for zsh
_copilot_desktop() {{
    local at="" word prev="${{words[CURRENT - 1]}}"
    local -i i
    local -a found
    for ((i = 2; i < CURRENT; i++)); do
        word="${{words[i]}}"
        case "$at $word" in
{below}
        esac
    done
    case "$at $prev" in
{values}
    esac
    case "$at" in
{words}
        (*) _files; return ;;
    esac
    _describe '{program}' found
}}
if [ "$funcstack[1]" = "_{program}" ]; then  # the name of its file
    _copilot_desktop "$@"
else
    compdef _copilot_desktop {program}
fi"""


def zsh(nodes: Sequence[Node]) -> str:
    """As a file in `$fpath`, or read by `source`."""
    below = [
        f"            ('{_key(n.at, word)}') at='{_at(n.at, word)}' ;;" for n, word in _steps(nodes)
    ]
    values = []
    for node in nodes:
        for flag, words in node.values.items():
            what = f"compadd -- {' '.join(words)}" if words else "_files"
            values.append(f"        ('{_key(node.at, flag)}') {what}; return ;;")
    shown = []
    for node in nodes:
        said = [_single(f"{word}:{says}") for word, says in {**node.words, **node.flags}.items()]
        if said:
            shown.append(f"        ('{node.at}') found=({' '.join(said)}) ;;")
    return _ZSH.format(
        program=PROGRAM, below="\n".join(below), values="\n".join(values), words="\n".join(shown)
    )


_FISH = """\
# {program}: completion for fish
function __copilot_desktop_at
    set -l at ""
    for word in (commandline -opc)[2..-1]
        switch "$at $word"
{below}
        end
    end
    test "$at" = "$argv[1]"
end
complete -c {program} -f
{lines}"""


def fish(nodes: Sequence[Node]) -> str:
    below = [f"            case '{_key(n.at, word)}'\n                set at '{_at(n.at, word)}'"
             for n, word in _steps(nodes)]  # fmt: skip
    lines = []
    for node in nodes:
        here = f"complete -c {PROGRAM} -n \"__copilot_desktop_at '{node.at}'\""
        lines += [f"{here} -a {word} -d {_single(says)}" for word, says in node.words.items()]
        for flag, says in node.flags.items():
            taken = node.values.get(flag)
            value = "" if taken is None else f" -x -a '{' '.join(taken)}'" if taken else " -r -F"
            lines.append(f"{here} -l {flag[2:]} -d {_single(says)}{value}")
        if not node.words and not node.flags:
            lines.append(f"{here} -F")
    return _FISH.format(program=PROGRAM, below="\n".join(below), lines="\n".join(lines))


_POWERSHELL = """\
# {program}: completion for PowerShell
Register-ArgumentCompleter -Native -CommandName {program} -ScriptBlock {{
    param($wordToComplete, $commandAst, $cursorPosition)
    $below = @{{
{below}
    }}
    $words = @{{
{words}
    }}
    $values = @{{
{values}
    }}
    $typed = @($commandAst.CommandElements |
        Where-Object {{ $_.Extent.EndOffset -lt $cursorPosition }} | ForEach-Object {{ "$_" }})
    $at = ''
    foreach ($word in ($typed | Select-Object -Skip 1)) {{
        if ($below.ContainsKey("$at $word")) {{ $at = $below["$at $word"] }}
    }}
    $key = "$at $($typed[-1])"
    $found = if ($values.ContainsKey($key)) {{ $values[$key] }} else {{ $words[$at] }}
    $found | Where-Object {{ $_ -like "$wordToComplete*" }} | ForEach-Object {{
        [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
    }}
}}"""


def powershell(nodes: Sequence[Node]) -> str:
    below = [f"        '{_key(n.at, word)}' = '{_at(n.at, word)}'" for n, word in _steps(nodes)]
    words = [f"        '{n.at}' = {_array((*n.words, *n.flags))}" for n in nodes]
    values = [
        f"        '{_key(node.at, flag)}' = {_array(words)}"
        for node in nodes
        for flag, words in node.values.items()
    ]
    return _POWERSHELL.format(
        program=PROGRAM, below="\n".join(below), words="\n".join(words), values="\n".join(values)
    )


def _array(words: Sequence[str]) -> str:
    return f"@({', '.join(map(_doubled, words))})"


def _steps(nodes: Sequence[Node]) -> Iterator[tuple[Node, str]]:
    return ((node, word) for node in nodes for word in node.below)


def _key(at: str, word: str) -> str:
    return f"{at} {word}"


def _at(at: str, word: str) -> str:
    return f"{at} {word}".strip()


def _single(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _doubled(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
