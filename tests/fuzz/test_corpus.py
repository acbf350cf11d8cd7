"""What fuzzing has found, and examples of everything, each with some damage: nothing breaks.

The damage is the same in every run. `python3 run.py fuzz` goes on from here for as long as wanted.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from golden.requests.line import ENDPOINTS as PATH_OF
from golden.requests.line import body_of, items

from copilot_desktop.dialects.registry import ALL
from tests.fuzz.targets import ENDPOINTS, TARGETS
from tests.fuzz.twisting import twists

HERE = Path(__file__).parent
TESTS = HERE.parent
DAMAGED = 3  # variants of each example
LARGEST = 20_000  # bytes of an example

# What has broken something once, by target. Written as short as it goes.
FOUND: dict[str, list[bytes]] = {
    "requests": [
        b'\0{"model":"m","temperature":1e999,"messages":[{"role":"user","content":"x"}]}',
        (
            b'\2{"model":"m","messages":[{"role":"user","content":""}],"tools":[{"type":"function",'
            b'"function":{"name":"ls"}}]}'
        ),
    ],
    "files": [b'\2{"ours":}'],
}
EXAMPLES = {
    **dict.fromkeys(("events", "answers", "mending"), "examples/*.sse"),
    "replies": "examples/[234]*.json",
}
CONTROL = (
    "examples/01-*", "examples/06-*", "examples/07-*", "examples/11-*", "examples/5*",
    "golden/errors/**/*.json",
)  # fmt: skip
WRITTEN: dict[str, list[bytes]] = {
    "files": [
        b'\0{"a": 1, // c\n}', b"\1[a]\nb = 1 # c\n", b"\2a:\n  - b: 1 # c\n", b"\0", b"\1", b"\2",
        b"\0{\"ours\": {\"a\": 1}}", b"\1ours = { a = 1 }\n", b"\2ours: {a: 1}\n", b"\2- a\n",
    ],
    "words": [
        b"https://a.example", b"app://x", b"tid=1;x ghu_123456789 Bearer x\r\n\xe2\x80\xa8",
        b"null", b"http://[::1]:80", b"https://\xd0\xb0.example",
    ],
}  # fmt: skip


def seeds(target: str) -> Iterator[bytes]:
    """Examples, sound ones: each in all variants that a target may have."""
    yield from WRITTEN.get(target, ())
    if (pattern := EXAMPLES.get(target)) is not None:
        for path in sorted(TESTS.glob(pattern)):
            raw = path.read_bytes()
            if len(raw) < LARGEST:
                yield from (bytes([variant]) + raw for variant in range(3))
    if target in {"requests", "sending"}:
        yield from bodies(target)
    if target == "github":
        for variant, name in enumerate(CONTROL):
            for path in sorted(TESTS.glob(name)):
                yield bytes([variant]) + path.read_bytes()


def bodies(target: str) -> Iterator[bytes]:
    """What clients send, each in its own dialect."""
    own = [dialect.endpoint or "" for dialect in ALL] if target == "requests" else [*ENDPOINTS]
    for _, cases in items().values():
        for case in cases:
            raw = json.dumps(body_of(case)).encode()
            if len(raw) < LARGEST:
                yield bytes([own.index(PATH_OF[case["as"]])]) + raw


def damaged(raw: bytes, dice: random.Random) -> bytes:
    """`raw` with a few pieces cut out, doubled, swapped or overwritten."""
    out = bytearray(raw)
    for _ in range(dice.randint(1, 4)):
        if len(out) < 3:
            break
        start = dice.randrange(1, len(out))
        end = min(len(out), start + dice.randint(1, 30))
        match dice.randrange(4):
            case 0:
                del out[start:end]
            case 1:
                out[start:start] = out[start:end]
            case 2:
                out[start] = dice.choice(b'\0\x7f"{}[]:,\\\r\n\xff-9eu')
            case _:
                out[start:end] = dice.choice(
                    [b"null", b"[]", b"{}", b"1e400", b'"\\ud800"', b"-1", b"true", b"\xef\xbb\xbf"]
                )
    return bytes(out)


def twisted(raw: bytes, seen: set[object], dice: random.Random) -> Iterator[bytes]:
    """`raw` with one value of another type, for each place that was not `seen` before."""
    lines = raw.split(b"\n") if b"data: " in raw else [raw]
    for number, line in enumerate(lines):
        start = line.find(b"{")
        try:
            found = json.loads(line[start:]) if start >= 0 else None
        except ValueError:
            continue
        for changed in twists(found, dice, 3, seen, raw[:1]) if found is not None else ():
            other = line[:start] + json.dumps(changed).encode()
            yield b"\n".join([*lines[:number], other, *lines[number + 1 :]])


@pytest.mark.parametrize(
    "target", ["requests", "sending", "answers", "mending", "replies", "github"]
)
def test_a_value_of_another_type_breaks_nothing_wherever_it_stands(target: str) -> None:
    dice, seen = random.Random(target), set[object]()
    for seed in seeds(target):
        for raw in twisted(seed, seen, dice):
            try:
                TARGETS[target](raw)
            except Exception as error:
                raise AssertionError(f"{raw[:2000]!r}") from error


@pytest.mark.parametrize("target", TARGETS)
def test_examples_whole_and_damaged_break_nothing(target: str) -> None:
    dice = random.Random(target)
    for number, seed in enumerate(seeds(target)):
        for raw in (seed, *(damaged(seed, dice) for _ in range(DAMAGED))):
            try:
                TARGETS[target](raw)
            except Exception as error:
                raise AssertionError(f"seed {number}: {raw[:2000]!r}") from error


@pytest.mark.parametrize(
    ("target", "raw"), [(target, raw) for target, all_ in FOUND.items() for raw in all_]
)
def test_what_was_found_once_stays_mended(target: str, raw: bytes) -> None:
    TARGETS[target](raw)
