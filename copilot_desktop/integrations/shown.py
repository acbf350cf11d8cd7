"""A change as lines for people: what goes, what comes, a little around it, and no secret.

Masked are the keys that we write, whatever stands under a name that sounds like a secret, and what
looks like one anywhere. Lines are as in the file, without their ends.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from copilot_desktop.redaction import redact

Sign = Literal["+", "-", " "]
Opcode = tuple[Literal["replace", "delete", "insert", "equal"], int, int, int, int]
DOTS = "••••"
GAP = "…"
_AT_ONCE = 2000  # lines of both texts that are compared as a whole
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


class _Pieces(difflib.SequenceMatcher[str]):
    """Compares piece by piece, between lines that stand once in both texts: the time that difflib
    needs grows with the square of the length, and settings may have many thousand lines."""

    def __init__(self, old: list[str], new: list[str]) -> None:
        super().__init__(None, (), ())
        self._old, self._new = old, new

    def get_opcodes(self) -> list[Opcode]:
        found: list[Opcode] = []
        a = b = 0
        for at, to in [*self._anchors(), (len(self._old), len(self._new))]:
            for code in _compared(self._old[a:at], self._new[b:to]):
                moved = (code[0], code[1] + a, code[2] + a, code[3] + b, code[4] + b)
                if found and found[-1][0] == moved[0] == "equal":
                    moved = ("equal", found[-1][1], moved[2], found[-1][3], moved[4])
                    found.pop()
                found.append(moved)
            a, b = at, to
        return found

    def _anchors(self) -> Iterator[tuple[int, int]]:
        """Where lines stand that both have once and in the same order."""
        if len(self._old) + len(self._new) <= _AT_ONCE:
            return
        counts = Counter(self._old)
        here = {line: at for at, line in enumerate(self._new)}
        counts_here = Counter(self._new)
        last = -1
        for at, line in enumerate(self._old):
            if counts[line] == 1 == counts_here[line] and here[line] > last:
                last = here[line]
                yield at, last


def _compared(old: list[str], new: list[str]) -> list[Opcode]:
    if old == new:
        return [("equal", 0, len(old), 0, len(new))] if old else []
    if len(old) + len(new) > 2 * _AT_ONCE:
        return _ends_compared(old, new)
    return difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()


def _ends_compared(old: list[str], new: list[str]) -> list[Opcode]:
    """For what cannot be told better: alike at the beginning, alike at the end, another middle."""
    most = min(len(old), len(new))
    first = next((at for at in range(most) if old[at] != new[at]), most)
    left = most - first
    last = next((at for at in range(left) if old[-1 - at] != new[-1 - at]), left)
    a, b = len(old) - last, len(new) - last
    codes: list[Opcode] = [
        ("equal", 0, first, 0, first),
        ("replace", first, a, first, b),
        ("equal", a, len(old), b, len(new)),
    ]
    return [code for code in codes if code[1] < code[2] or code[3] < code[4]]


def lines_of(before: str, after: str, secrets: Collection[str]) -> tuple[tuple[Sign, str], ...]:
    """The lines that change, with `GAP` between parts that are far apart."""
    old, new = before.splitlines(), after.splitlines()
    shown: list[tuple[Sign, str]] = []
    for group in _Pieces(old, new).get_grouped_opcodes(_AROUND):
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
