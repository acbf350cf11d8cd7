"""Runs of frames that differ in one text only, read and written as a whole.

Most of a streamed answer is the same frame over and over, with another piece of text in it each
time. Reading each of them means parsing, a value, a decision and a new frame, which costs many
times what the text itself does. Once a frame has been read in the ordinary way, the bytes around
its text are known. What follows and has the same bytes around its own text is the same frame with
another text, so a whole network read of them is split, and all texts are parsed at once:

    read → split at after + before → one JSON array of the texts → BlockDeltas → writer

Where answers are slow, each network read is one frame. Then there is nothing to split: if it begins
with `before` and ends with `after`, and what stands there is one JSON string, it is one frame of
the run (`TextRun.alone`).

*Finding the texts* is right because of how JSON writes strings: a quote inside a text is escaped,
and a line end cannot stand there at all. Frames end with two line ends, so where `after` and
`before` meet, one frame ends and the next begins, whatever the texts say. That each piece is one
whole text is not guessed: between the pieces of the array stand line ends, which no string may
hold, so every piece brings at least one string of its own; as many strings as pieces means one
each, and nothing else. Whatever is not exactly so is read frame by frame.

*Skipping the reader* is right where the same frame with another text would change nothing in it:
text has been said before, its block is open, nothing waits to be said first. Each reader says so
itself, after each frame that it has read (`Runs.look`), and everything that does not look the same
passes through it and may end the run. An empty text says nothing, here as there.

*Writing* needs no event per text either: a writer gets `BlockDeltas` and puts each text between the
same bytes (`framed`). It writes what it would have written for each `BlockDelta` alone: pieces are
never joined, so a client sees the same frames, byte by byte.

The pass-through does the same without looking into the texts (`upstream/quirks/runs.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from copilot_desktop.canonical import BlockDelta, Event

TEXT = re.compile(rb'[^"\\\r\n]*+(?:\\[^\r\n][^"\\\r\n]*+)*+')  # the inside of a JSON string
_CR = 0x0D  # a number: a byte is found sooner than bytes are
HERE = "\0"
_END = b"\n\n"
# A number, or a string in plain ASCII: the same in JSON, whatever it is.
_VALUE = rb'(?:0|[1-9][0-9]{0,17}|"[ !#-\[\]-~]*+")'
_LOOKS = 16  # at frames of one stream, in vain: there are streams in which no two are alike
_quoted = json.JSONEncoder().encode
_parse = json.JSONDecoder().raw_decode


class BlockDeltas(NamedTuple):
    """A `BlockDelta` of the block with this number for each of `texts`, of which none is empty.

    `bare`: as JSON strings in ASCII they look just as they are. There is one for each network read:
    a frozen dataclass would take three times as long to make.
    """

    block: int
    texts: list[str]
    bare: bool = False

    def quoted(self) -> Iterable[str]:
        """The texts as JSON strings."""
        return [f'"{text}"' for text in self.texts] if self.bare else map(_quoted, self.texts)


Told = Event | BlockDeltas


def spread(told: Iterable[Told]) -> Iterator[Event]:
    """The same as events only."""
    for each in told:
        if isinstance(each, BlockDeltas):
            yield from (BlockDelta(each.block, text) for text in each.texts)
        else:
            yield each


def framed(before: str, deltas: BlockDeltas, after: str) -> bytes:
    """A frame for each text, which stands in it as a JSON string between `before` and `after`."""
    if deltas.bare:
        texts = f'"{after}{before}"'.join(deltas.texts)
        return f'{before}"{texts}"{after}'.encode()
    texts = (after + before).join(map(_quoted, deltas.texts))
    return f"{before}{texts}{after}".encode()


def around(frame: bytes) -> tuple[str, str]:
    """What `framed` needs, from a frame with the text `HERE` and no word of a client after it."""
    before, _, after = frame.decode().rpartition(_quoted(HERE))
    return before, after


class Alike:
    """Frames with the bytes `before` and `after` around a text. The former ends with the quote that
    opens the text, the latter begins with the one that ends it, and ends with a blank line."""

    __slots__ = ("_size", "after", "around", "before")

    def __init__(self, before: bytes, after: bytes) -> None:
        self.before, self.after = before, after
        self.around = after + before
        self._size = len(self.around)

    def inside(self, read: bytes) -> bytes | None:
        """What stands there if `read` begins and ends as they do: they may be several. None if it
        does not."""
        before, after = self.before, self.after
        # Without the length both could stand in the same bytes.
        if len(read) < self._size or not (read.startswith(before) and read.endswith(after)):
            return None
        return read[len(before) : len(read) - len(after)]

    def insides(self, read: bytes) -> tuple[list[bytes], int]:
        """What stands there in the frames at the start of `read`, and their length in bytes.

        Where other frames stand between these, a piece holds them as well (`up_to_others`).
        """
        before = self.before
        if not read.startswith(before):
            return [], 0
        found = read.split(self.around)
        found[0] = found[0][len(before) :]
        last, after, rest = found[-1].partition(self.after)
        if after:
            found[-1] = last
            return found, len(read) - len(rest)
        rest = found.pop()
        return found, len(read) - len(rest) - len(before)

    def up_to_others(self, found: list[bytes]) -> tuple[list[bytes], int]:
        """Of these what stands before other frames, and the length of their own ones."""
        for number, inside in enumerate(found):
            if b"\n" in inside:
                last, after, _ = inside.partition(self.after)
                found = [*found[:number], last] if after else found[:number]
                break
        return found, sum(map(len, found)) + len(found) * len(self.around)


class TextRun(Alike):
    """Frames of a stream that only continue the open block of text, which is number `block`."""

    __slots__ = ("block", "held")

    def __init__(self, before: bytes, after: bytes, block: int) -> None:
        super().__init__(before, after)
        self.block = block
        self.held = False  # it has been good for something

    def alone(self, read: bytes) -> BlockDeltas | None:
        """What `read` says if it is one frame with a text; None if that takes a closer look."""
        inside = self.inside(read)
        if not inside:
            return None
        try:
            string = (b'"%b"' % inside).decode()
            text, end = _parse(string)
        except ValueError:
            return None
        if not text or end != len(string):  # it begins as a string, and has to be nothing more
            return None
        self.held = True
        bare = text.isascii() and len(text) == len(inside) and "\x7f" not in text
        return BlockDeltas(self.block, [text], bare)

    def read(self, read: bytes) -> tuple[BlockDeltas | None, int]:
        """What the frames at the start of `read` say, and their length in bytes: nought if the
        first one is none of this run. None: they say nothing."""
        insides, length = self.insides(read)
        told = self._told(insides)
        if told is None:
            insides, length = self.up_to_others(insides)
            told = self._told(insides)
        if told is None:
            return None, 0
        self.held = True
        return told if told.texts else None, length

    def _told(self, insides: list[bytes]) -> BlockDeltas | None:
        """What the insides of JSON strings say; None if they are not one whole string each."""
        if not insides:
            return None
        try:
            array = (b'["%s"]' % b'",\n"'.join(insides)).decode("utf-8", "surrogatepass")
            texts, end = _parse(array)
        except (ValueError, RecursionError):
            return None
        if end != len(array) or len(texts) != len(insides) or set(map(type, texts)) != {str}:
            return None
        if not all(texts):
            texts = [text for text in texts if text]
        bare = array.isascii() and "\\" not in array and "\x7f" not in array
        return BlockDeltas(self.block, texts, bare)


class VaryingRun(TextRun):
    """The same, where values that mean nothing are other ones in each frame."""

    __slots__ = ("_frame",)

    def __init__(self, before: list[bytes], after: list[bytes], block: int) -> None:
        """`before` and `after`: what stands before, between and behind these values."""
        super().__init__(before[0], after[-1], block)
        opening, closing = (_VALUE.join(map(re.escape, around)) for around in (before, after))
        self._frame = re.compile(opening + b"(" + TEXT.pattern + b")" + closing)

    def inside(self, read: bytes) -> bytes | None:
        frame = self._frame.fullmatch(read)
        return None if frame is None else frame[1]

    def insides(self, read: bytes) -> tuple[list[bytes], int]:
        found: list[bytes] = []
        end, match = 0, self._frame.match
        while (frame := match(read, end)) is not None:
            found.append(frame[1])
            end = frame.end()
        return found, end


class Runs:
    """The run that a stream is in, as far as its frames have shown one.

    `mark` finds what stands in front of a text, up to and with its quote; the group of `varying`
    the values of members that nobody reads.
    """

    __slots__ = ("_last", "_left", "_mark", "_varying", "run")

    def __init__(self, mark: re.Pattern[bytes], varying: re.Pattern[bytes] | None = None) -> None:
        self.run: TextRun | None = None
        self._last: TextRun | None = None
        self._mark = mark
        self._varying = varying
        self._left = _LOOKS

    def look(self, raw: bytes, block: int) -> None:
        """The frame `raw` has told no more than a text of the open `block`, nor would its like."""
        last = self._last
        if last is not None and last.held:
            self._left = _LOOKS
        if last is not None and last.block == block and last.inside(raw) is not None:
            self.run = last
        elif self._left:
            self._left -= 1
            self.run = self._last = self._learned(raw, block)

    def _learned(self, raw: bytes, block: int) -> TextRun | None:
        """What one frame shows that has a text; None if it cannot be said for sure where that is.

        It can where `mark` is found once, and where no name of a member is spelled with escapes.
        """
        found = self._mark.search(raw)
        text = TEXT.match(raw, found.end()) if found else None
        if text is None:
            return None
        before, after = raw[: text.start()], raw[text.end() :]
        if (
            not after.startswith(b'"')
            or not after.endswith(_END)
            or _CR in raw
            or b"\\" in before + after
            or self._mark.search(after)
        ):
            return None
        if self._varying is None:
            return TextRun(before, after, block)
        return VaryingRun(_without(self._varying, before), _without(self._varying, after), block)


def _without(varying: re.Pattern[bytes], around: bytes) -> list[bytes]:
    """What stands before, between and behind the values that vary."""
    parts, end = [], 0
    for found in varying.finditer(around):
        parts.append(around[end : found.start(1)])
        end = found.end(1)
    return [*parts, around[end:]]
