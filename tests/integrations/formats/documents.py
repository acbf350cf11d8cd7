"""Settings files as people leave them, in any layout that a format allows; one for each seed.

Made by dice and not by hypothesis, which takes a hundred times longer for a text of this size. A
text that fails is small enough to read as it is.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

from copilot_desktop.integrations.edits import Format, Item, Place, Step

KEYS = ("a", "b", "name", "base url", "é", "x.y", "on", "1")
SCALARS = (
    "", "x", "http://127.0.0.1:4141/v1", "no", "# no comment", 'q"\\', "ü\t", "y: z", "2024-01-01",
    -5, 0, 1, 10**18, True, False, 0.5, -1e300, 1e16,
)  # fmt: skip


def a_text(format_: Format, dice: Random) -> str:
    """A document; now and then not a valid one."""
    match format_:
        case "json":
            return JsonText(dice).text()
        case "toml":
            return TomlText(dice).text()
        case "yaml":
            return YamlText(dice).text()


def a_value(dice: Random, *, nulls: bool, depth: int = 0) -> Any:
    """What an integration wants to see in a file."""
    match dice.randrange(5 if depth < 3 else 3):
        case 3:
            return [a_value(dice, nulls=nulls, depth=depth + 1) for _ in range(dice.randrange(3))]
        case 4:
            keys = dice.sample(KEYS, dice.randrange(4))
            return {key: a_value(dice, nulls=nulls, depth=depth + 1) for key in keys}
    return dice.choice((*SCALARS, None) if nulls else SCALARS)


def a_place(document: Any, dice: Random) -> Place:
    """A place somewhere in a document; something may stand there or not."""
    steps: list[Step] = []
    at = document
    while True:
        if isinstance(at, list):
            named = [each for each in at if isinstance(each, dict) and "name" in each]
            names = [each["name"] for each in named if isinstance(each["name"], str)]
            name = dice.choice([*names, "fresh"])
            steps.append(Item("name", name))
            at = next((each for each in named if each["name"] == name), None)
        elif isinstance(at, dict):
            own = steps[-1].key if steps and isinstance(steps[-1], Item) else ""
            key = dice.choice([*(each for each in at if each != own), "fresh", "new one"])
            steps.append(key)
            at = at.get(key)
        else:
            if at is None and dice.randrange(4) == 0:
                steps.append("deep")
            return tuple(steps)
        if dice.randrange(3) == 0:
            return tuple(steps)


class _Text:
    def __init__(self, dice: Random) -> None:
        self.dice = dice
        self.newline = dice.choice(["\n", "\n", "\r\n"])

    def times(self, low: int, high: int) -> range:
        return range(self.dice.randint(low, high))

    def end(self) -> str:
        return self.dice.choice(["", self.newline, self.newline * 2])


class JsonText(_Text):
    """JSON with comments and commas at any place that may have one."""

    def text(self) -> str:
        if self.dice.randrange(12) == 0:
            return self.gap()
        return self.gap() + self.value(0) + self.gap()

    def gap(self) -> str:
        kinds = ["", "", " ", self.newline, self.newline + "  ", "\t", "/* c */"]
        kinds.append(f" // c }}{self.newline}")
        return "".join(self.dice.choice(kinds) for _ in self.times(0, 2))

    def value(self, depth: int) -> str:
        kind = self.dice.randrange(4 if depth else 2) if depth < 4 else 3
        if kind > 1:
            return json.dumps(self.dice.choice((*SCALARS, None)), ensure_ascii=bool(depth % 2))
        members = []
        for key in self.dice.sample(KEYS, self.dice.randrange(4)):
            name = f"{json.dumps(key)}{self.gap()}:{self.gap()}" if kind == 0 else ""
            members.append(f"{self.gap()}{name}{self.value(depth + 1)}{self.gap()}")
        comma = self.dice.choice(["", "," + self.gap()]) if members else self.gap()
        opened, closed = "{}" if kind == 0 else "[]"
        return f"{opened}{','.join(members)}{comma}{closed}"


class TomlText(_Text):
    """TOML with headers, dotted keys and inline tables in any order."""

    def text(self) -> str:
        return self.newline.join(self.line() for _ in self.times(0, 8)) + self.end()

    def line(self) -> str:
        remark = self.dice.choice(["", "", " # c [x]", "   "])
        indent = self.dice.choice(["", "", "  "])
        match self.dice.randrange(9):
            case 0:
                return ""
            case 1:
                return f"{indent}# remark = [1"
            case 2:
                return f"{indent}[{self.keys()}]{remark}"
            case 3:
                name = self.dice.choice(['"x"', '"y"', "1"])
                return f"[[{self.keys()}]]{remark}{self.newline}name = {name}"
        return f"{indent}{self.keys()} = {self.value(0)}{remark}"

    def keys(self) -> str:
        return self.dice.choice([".", " . "]).join(self.key() for _ in self.times(1, 2))

    def key(self) -> str:
        name = self.dice.choice(KEYS)
        bare = name.isascii() and name.isalnum()
        return name if bare else self.dice.choice([f"'{name}'", json.dumps(name)])

    def value(self, depth: int) -> str:
        match self.dice.randrange(8 if depth < 3 else 5):
            case 0 | 1 | 2:
                odd = ("1979-05-27 07:32:00", "'''a\n[b]'''", '"""x\\"""" # """', "'# \\'", "0x1F")
                return self.dice.choice(odd)
            case 5:
                pairs = [f"{self.keys()} = {self.value(depth + 1)}" for _ in self.times(0, 2)]
                space = self.dice.choice(["", " "])
                return f"{{{space}{', '.join(pairs)}{space}}}"
            case 6:
                between = self.dice.choice([", ", f",{self.newline}  ", f" , # c ]{self.newline}"])
                inside = [self.value(depth + 1) for _ in self.times(0, 3)]
                end = self.dice.choice(["", ",", self.newline]) if inside else ""
                return f"[{between.join(inside)}{end}]"
        scalar = self.dice.choice(SCALARS)
        return repr(scalar) if isinstance(scalar, float) else json.dumps(scalar)


class YamlText(_Text):
    """YAML with block and flow collections, any indentation, comments and block scalars."""

    def __init__(self, dice: Random) -> None:
        super().__init__(dice)
        self.step = dice.choice([1, 2, 2, 4])
        self.dash = dice.choice([0, 2])

    def text(self) -> str:
        top = self.dice.randrange(12)
        lines = ["# top"] if top % 2 else []
        if top == 0:
            lines.append(self.flow(0))
        elif top == 1:
            lines += self.sequence("", 0)
        elif top > 2:
            lines += [*self.dice.choice([[], ["---"]]), *self.mapping("", 0)]
        return self.newline.join(lines) + self.end()

    def remark(self) -> str:
        return self.dice.choice(["", "", "", "  # c: x", " "])

    def between(self, indent: str) -> list[str]:
        return self.dice.choice([[], [], [""], [f"{indent}# - c: 1"], ["# left"]])

    def scalar(self) -> str:
        if self.dice.randrange(4) == 0:
            return self.dice.choice(["plain words", "'it''s'", "~", "2024-01-01", "a:b#c"])
        return json.dumps(self.dice.choice((*SCALARS, None)), ensure_ascii=False)

    def flow(self, depth: int) -> str:
        match self.dice.randrange(4 if depth < 3 else 2):
            case 2:
                names = self.dice.sample(["a", "b", '"name"'], self.dice.randrange(3))
                space = self.dice.choice(["", " "])
                comma = self.dice.choice(["", ","]) if names else ""
                pairs = (f"{name}: {self.flow(depth + 1)}" for name in names)
                return f"{{{space}{', '.join(pairs)}{comma}{space}}}"
            case 3:
                return f"[{', '.join(self.flow(depth + 1) for _ in self.times(0, 3))}]"
        return json.dumps(self.dice.choice(SCALARS), ensure_ascii=False)

    def behind(self, indent: str, depth: int, deeper: int) -> list[str]:
        """The rest of the line of a key, and the lines below it."""
        match self.dice.randrange(8 if depth < 3 else 5):
            case 0:
                return [self.remark()]
            case 1:
                return [" " + self.flow(0) + self.remark()]
            case 2:
                mark = self.dice.choice(["|", ">-", "|-", "|2"])
                inner = indent + "  "
                end = self.dice.choice([[], [""], ["", ""]])
                return [f" {mark}", f"{inner}text # no", f"{inner}  more", *end]
            case 5 | 6:
                below = self.mapping(indent + " " * deeper, depth + 1)
                return [self.remark(), *self.between(indent), *below]
            case 7:
                below = self.sequence(indent + " " * self.dash, depth + 1)
                return [self.remark(), *self.between(indent), *below]
        return [" " + self.scalar() + self.remark()]

    def mapping(self, indent: str, depth: int) -> list[str]:
        lines = []
        for name in self.dice.sample(KEYS, self.dice.randint(1, 3)):
            quoted = name in {"on", "1"} or self.dice.randrange(3) == 0
            written = json.dumps(name, ensure_ascii=False) if quoted else name
            first, *below = self.behind(indent, depth, self.step)
            lines += [*self.between(indent), f"{indent}{written}:{first}", *below]
        return lines

    def sequence(self, indent: str, depth: int) -> list[str]:
        lines = []
        for _ in self.times(1, 3):
            gap = self.dice.choice([" ", " ", "   "])
            match self.dice.randrange(3):
                case 0:
                    lines.append(f"{indent}-{gap}{self.scalar()}{self.remark()}")
                case 1:
                    lines.append(f"{indent}-{gap}name: {self.dice.choice('xyz')}")
                case 2:
                    inner = indent + " " + gap
                    first, *below = self.mapping(inner, depth + 1)
                    if not first.startswith(f"{inner}") or first.lstrip().startswith("#"):
                        first, below = f"{inner}name: w", []
                    lines += [f"{indent}-{gap}{first[len(inner) :]}", *below]
        return [*lines, *self.between(indent)]
