"""A change as lines for people: what goes, what comes, a little around it, and no secret.

Masked are the keys that we write, whatever stands under a name that sounds like a secret, and what
looks like one anywhere. Lines are as in the file, without their ends.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from copilot_desktop.redaction import redact

Sign = Literal["+", "-", " "]
DOTS = "••••"
GAP = "…"
_AROUND = 2  # lines before and after a change
_SHORTEST = 12  # characters of a secret of which the last four may be shown
_LONGEST_LINE = 400
_BESIDE = 60  # characters before a change in a line that is longer
_WORDS = "key|token|secret|passw(?:or)?d|passphrase|auth|credential|cookie|(?<![a-z])pass(?![a-z])"
_TELLING = rf"(?<![\w.-])[\w.-]{{0,64}}?(?:{_WORDS})s?[\w.-]{{0,64}}"  # bounded: lines may be long
_VALUE = r"""(?P<value>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s,;}\])"']+)"""
_NAMED = re.compile(
    rf"""(?i)(?P<name>{_TELLING}["']?\s*[:=]\s*\[?\s*|\bset\s+(?:-\w+\s+)*{_TELLING}\s+"""
    rf"""|(?=-){_TELLING}["']?(?:\s*,\s*|\s+)){_VALUE}"""
)
_PLAIN = re.compile(  # the last but one: the name of a variable, as in `"envKey": "OPENAI_API_KEY"`
    r"""["']?((?i:true|false|null|none)|-?\d+(\.\d+)?|[\[{].*|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|)["']?"""
)
_VENDOR = re.compile(r"(?<![\w-])(sk|pk|rk|xai|gsk|hf|glpat|AIza)[-_]?[A-Za-z0-9_-]{16,}")


@dataclass(frozen=True, slots=True)
class FileChange:
    """`new`: there is no file yet. `backup`: the name that its copy will have; empty without."""

    path: Path
    new: bool
    backup: str
    lines: tuple[tuple[Sign, str], ...]


def lines_of(before: str, after: str, secrets: Collection[str]) -> tuple[tuple[Sign, str], ...]:
    """The lines that change, with `GAP` between parts that are far apart."""
    old, new = before.splitlines(), after.splitlines()
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    shown: list[tuple[Sign, str]] = []
    for group in matcher.get_grouped_opcodes(_AROUND):
        if shown:
            shown.append((" ", GAP))
        for kind, a, b, c, d in group:
            if kind == "equal":
                shown += [(" ", _cut(masked(line, secrets))) for line in old[a:b]]
            else:
                shown += _changed(old[a:b], new[c:d], secrets)
    return tuple(shown)


def masked(line: str, secrets: Collection[str]) -> str:
    """`line` without what is or may be secret."""
    for secret in sorted(secrets, key=len, reverse=True):
        if secret:
            line = line.replace(secret, mask(secret))
    line = _NAMED.sub(_mask_named, line)
    line = _VENDOR.sub(lambda found: mask(found.group()), line)
    return redact(line)


def mask(secret: str) -> str:
    """`••••last4`, and only dots for what is short."""
    return DOTS + secret[-4:] if len(secret) >= _SHORTEST else DOTS


def _mask_named(found: re.Match[str]) -> str:
    value = found["value"]
    bare = value.strip("\"'")
    if DOTS in bare or _PLAIN.fullmatch(value) or _is_address(bare):
        return found.group()
    return found["name"] + value.replace(bare, mask(bare), 1)


def _is_address(text: str) -> bool:
    return text.startswith(("http://127.0.0.1", "http://localhost", "http://[::1]"))


def _changed(
    old: Sequence[str], new: Sequence[str], secrets: Collection[str]
) -> list[tuple[Sign, str]]:
    gone = [masked(line, secrets) for line in old]
    come = [masked(line, secrets) for line in new]
    if len(gone) == len(come) == 1 and max(len(gone[0]), len(come[0])) > _LONGEST_LINE:
        pairs = zip(gone[0], come[0], strict=False)
        alike = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
        start = max(0, alike - _BESIDE)
        gone, come = ([GAP * (start > 0) + line[0][start:]] for line in (gone, come))
    return [*(("-", _cut(line)) for line in gone), *(("+", _cut(line)) for line in come)]


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else line[:_LONGEST_LINE] + GAP
