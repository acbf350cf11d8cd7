"""What a setting may be: how a value is read, whoever gave it, and why it cannot be used.

The same setting comes as a word (a flag, a variable of the environment), as JSON (the settings
file, the page) or as a value of Python (a program that embeds the app). A form makes one value of
all of them, or raises ValueError with the reason in words for people, in which the value itself
never stands: it may be a key. Made by hand, because settings are read before anything else can
happen, and the library that would do it takes longer to load than the proxy needs to answer.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ODD = "its form is not right"
_YES = frozenset({"1", "on", "t", "true", "y", "yes"})
_NO = frozenset({"0", "off", "f", "false", "n", "no"})
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}(\.0*)?")


class Unfit(ValueError):
    """Why a value cannot be used."""


@dataclass(frozen=True, slots=True)
class Form:
    """`read` is the value or raises ValueError. `takes` is what is allowed, as `docs/settings.md`
    says it, where that follows from the form alone."""

    read: Callable[[object], Any]
    takes: str = ""


def text(pattern: str | None = None, *, longest: int | None = None) -> Form:
    """At least one character, unless nothing is said about its form."""
    wanted = re.compile(pattern) if pattern is not None else None

    def read(value: object) -> str:
        word = _word(value)
        if longest is not None and not 1 <= len(word) <= longest:
            raise Unfit(ODD)
        if wanted is not None and wanted.fullmatch(word) is None:
            raise Unfit(ODD)
        return word

    return Form(read)


def made(make: Callable[[str], str]) -> Form:
    """A text of which `make` makes the one spelling that is kept."""
    return Form(lambda value: make(_word(value)))


def switch() -> Form:
    def read(value: object) -> bool:
        word = str(value).lower()
        if isinstance(value, bool | int | str) and word in _YES | _NO:
            return word in _YES
        raise Unfit("give true or false")

    return Form(read, "`true`, `false`")


def one_of(*words: str) -> Form:
    """In small letters."""
    quoted = [f"'{word}'" for word in words]
    reason = f"give {', '.join(quoted[:-1])} or {quoted[-1]}"

    def read(value: object) -> str:
        word = value.strip().lower() if isinstance(value, str) else ""
        if word not in words:
            raise Unfit(reason)
        return word

    return Form(read, ", ".join(f"`{word}`" for word in words))


def whole(least: int, most: int) -> Form:
    def read(value: object) -> int:
        if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
            value = int(value.strip().partition(".")[0])
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise Unfit("give a whole number")
        _limit(value, least, most)
        return value

    return Form(read, f"{least:g} to {_grouped(most)}")


def number(most: float, *, least: float | None = None) -> Form:
    """Above zero unless `least` is given."""

    def read(value: object) -> float:
        found = math.nan
        if isinstance(value, int | float | str) and not isinstance(value, bool):
            with suppress(ValueError, OverflowError):
                found = float(value)
        if not math.isfinite(found):
            raise Unfit("give a number")
        if least is None and found <= 0:
            raise Unfit("give a number above 0")
        _limit(found, least, most)
        return found

    low = "above 0, up to" if least is None else f"{least:g} to"
    return Form(read, f"{low} {_grouped(most)}")


def path() -> Form:
    """It is kept as it was written; a `~` at its beginning can be followed."""

    def read(value: object) -> Path:
        if not isinstance(value, str | Path):
            raise Unfit(ODD)
        word = str(value)
        if not word.strip():
            # Taken as it is, that would be the folder that happens to be the current one.
            raise Unfit("give a path")
        try:
            if b"\0" in os.fsencode(word):
                raise Unfit(ODD)
            Path(word).expanduser()
        except UnicodeEncodeError:
            raise Unfit(ODD) from None
        except RuntimeError:
            raise Unfit("there is no such home folder") from None
        return Path(word)

    return Form(read)


def listed(each: Form) -> Form:
    """`a, b` as an environment variable can hold it, or a list."""

    def read(value: object) -> tuple[Any, ...]:
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        if not isinstance(value, list | tuple | set | frozenset):
            raise Unfit(ODD)
        return tuple(each.read(one) for one in value)

    return Form(read)


def paired() -> Form:
    """`fast=gpt-4.1-mini, best=claude-opus-4.5` as an environment variable can hold it, or pairs
    of texts."""

    def read(value: object) -> dict[str, str]:
        if isinstance(value, str):
            parts = [part.partition("=") for part in value.split(",") if part.strip()]
            if any(not sign for _, sign, _ in parts):
                raise Unfit("give pairs such as fast=gpt-4.1")
            value = {name.strip(): target.strip() for name, _, target in parts}
        if not isinstance(value, Mapping):
            raise Unfit(ODD)
        return {_word(name): _word(target) for name, target in value.items()}

    return Form(read)


def either(first: Form, second: Form) -> Form:
    """The second where it fits, else what the first says."""

    def read(value: object) -> Any:
        try:
            return second.read(value)
        except ValueError:
            return first.read(value)

    return Form(read)


def maybe(form: Form) -> Form:
    """Or None."""
    return Form(lambda value: None if value is None else form.read(value), form.takes)


def _word(value: object) -> str:
    """Text that can be written down: JSON can also say half a letter."""
    if not isinstance(value, str):
        raise Unfit(ODD)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Unfit(ODD) from None
    return value


def _limit(value: float, least: float | None, most: float) -> None:
    if least is not None and value < least:
        raise Unfit(f"give a number from {least:g}")
    if value > most:
        raise Unfit(f"give a number up to {most:g}")


def _grouped(value: float) -> str:
    return f"{value:,g}".replace(",", " ")
