"""Runs of frames that differ only in one text, mended in one go.

Most of a streamed answer is the same frame over and over, with another piece of text in it each
time. Once one such frame has been mended, the bytes around its text are known, as they come and as
the client gets them; a whole network read of them is then split and joined again. What does not
look exactly the same ends the run and is looked at frame by frame.

It is right because of how JSON writes strings: a quote inside a text is escaped, and a line end
cannot stand there at all. So bytes that hold a bare quote, as those around a text do, are never
inside of one, and what holds neither quote nor line end is one whole text. Mostly a network read is
one frame: then there is nothing to split.
"""

from __future__ import annotations

from copilot_desktop.runs import TEXT, Alike
from copilot_desktop.sse import FRAME_END

_QUOTE, _ESCAPE, _LF, _CR = b'"\\\n\r'  # numbers: a byte is found sooner than bytes are
_LOOKS = 16  # of one stream: there are streams in which no two frames are alike


class Run(Alike):
    """`before` and `after` a text, each as it comes and as the client gets it."""

    __slots__ = ("_between_now", "_now", "_same")

    def __init__(self, before: tuple[bytes, bytes], after: tuple[bytes, bytes]) -> None:
        super().__init__(before[0], after[0])
        self._now = (before[1], after[1])
        self._between_now = after[1] + before[1]
        self._same = before[0] == before[1] and after[0] == after[1]

    def alone(self, read: bytes) -> bytes:
        """What the client gets for `read` if it is one frame; empty if that takes a closer look."""
        text = self.inside(read)
        if text is None:
            return b""
        odd = _QUOTE in text or _ESCAPE in text or _LF in text or _CR in text
        if odd and TEXT.fullmatch(text) is None:
            return b""
        return read if self._same else b"".join((self._now[0], text, self._now[1]))

    def mended(self, read: bytes) -> tuple[bytes, int]:
        """What the client gets for the frames at the start of `read`, and their length there."""
        texts, size = self.insides(read)
        if not _are_texts(texts):
            texts, size = self.up_to_others(texts)
            if not _are_texts(texts):
                odd = next(number for number, text in enumerate(texts) if not _are_texts([text]))
                size -= sum(map(len, texts[odd:])) + (len(texts) - odd) * len(self.around)
                del texts[odd:]
        if not texts:
            return b"", 0
        if self._same:
            return read[:size], size
        texts[0] = self._now[0] + texts[0]
        texts[-1] += self._now[1]
        return self._between_now.join(texts), size


class Runs:
    """The run that a stream is in, as far as its frames have shown one. `mark` stands in front of
    the text, with the quote.

    A frame is looked at when the run is asked for, not when it comes: the first one is on its way
    to the client then.
    """

    __slots__ = ("_left", "_mark", "_run", "_seen")

    def __init__(self, mark: bytes) -> None:
        self._run: Run | None = None
        self._seen: tuple[bytes, bytes] | None = None
        self._mark = mark
        self._left = _LOOKS

    @property
    def run(self) -> Run | None:
        """None as long as there is none."""
        if (seen := self._seen) is not None:
            self._seen = None
            self._run = learned(self._mark, *seen) or self._run
        return self._run

    def look(self, raw: bytes, out: bytes) -> None:
        """A frame, and what the client got for it, that was not in the run."""
        if self._left and self._mark in raw:
            self._left -= 1
            self._seen = raw, out


def learned(mark: bytes, raw: bytes, out: bytes) -> Run | None:
    """What one frame shows; None if it is not such a frame."""
    start, started = raw.find(mark) + len(mark), out.find(mark) + len(mark)
    if start < len(mark) or started < len(mark):
        return None
    found = TEXT.match(raw, start)
    text = found[0] if found is not None else b""
    before, after = raw[:start], raw[start + len(text) :]
    now_before, now_after = out[:started], out[started + len(text) :]
    around = before + after
    if (
        not after.startswith(b'"')
        or not now_after.startswith(b'"')
        or out[started : started + len(text)] != text
        or mark in around.replace(mark, b"", 1)
        or b'\\"' in around
        or _CR in raw
        or not (after.endswith(FRAME_END) and now_after.endswith(FRAME_END))
        or raw.count(FRAME_END) != 1
        or out.count(FRAME_END) != 1
    ):
        return None
    return Run((before, now_before), (after, now_after))


def _are_texts(found: list[bytes]) -> bool:
    """Whether each is the inside of one JSON string."""
    bare = b"".join(found)
    if _LF in bare or _CR in bare:
        return False
    if _ESCAPE in bare:  # without its whole escapes each must hold no quote, and no half of one
        bare = b"\n".join([*found, b""]).replace(b"\\\\", b"").replace(b'\\"', b"")
    return not (_QUOTE in bare or b"\\\n" in bare)
