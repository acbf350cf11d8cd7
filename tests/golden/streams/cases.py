"""The golden streams: what Copilot sends, and what each client must be told of it.

Each case is two files. `NN-words.endpoint.sse` holds the bytes, `NN-words.endpoint.json` what was
written by hand from `translation.md`:

    item, what         the number in its §17, and the case in words
    endpoint           where these bytes come from
    ask                what of the request matters: `stop` sequences, names of declared `tools`
    line_ends, fill    the wire in another form: line ends, `<fill>` as so many letters
    heard              thinking, text, refusal, calls [id, name, arguments; null where they were
                       cut], whether reasoning is `sealed`, `stopped_at`, `explained`,
                       `longest_id` of a call
    order              of the blocks, for the dialects that have blocks
    ends, counts       by dialect: the reason; [input, cache read, cache write, output] for
                       Messages, [input, cached, output] for both of OpenAI
    fails, says        by dialect: the word programs branch on; a part of the sentence
    native             what differs for the client that speaks this endpoint's own format;
                       `ends_since_2026` for clients of Anthropic's newer API version
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.golden.streams import told as wire
from tests.golden.streams.told import Told, fits

HERE = Path(__file__).parent
DIALECTS = ("messages", "chat", "responses")
LARGE = 4096  # bytes
NATIVE = {"/v1/messages": "messages", "/chat/completions": "chat", "/responses": "responses"}


@dataclass(frozen=True)
class Case:
    name: str
    golden: dict[str, Any]

    @property
    def endpoint(self) -> str:
        return str(self.golden["endpoint"])

    @property
    def native(self) -> str:
        """The dialect whose clients get these bytes passed through."""
        return NATIVE[self.endpoint]

    @property
    def ask(self) -> dict[str, Any]:
        return dict(self.golden.get("ask", {}))

    def raw(self) -> bytes:
        """The bytes as Copilot sends them."""
        text = (HERE / f"{self.name}.sse").read_bytes().decode()
        if ends := self.golden.get("line_ends"):
            text = text.replace("\n", ends)
        return self.filled(text).encode()

    def pieces(self, size: int) -> Iterator[bytes]:
        """The bytes in reads of `size`; only a filler of megabytes comes in larger ones."""
        raw, fill = self.raw(), self.golden.get("fill", 0)
        start = 0
        while start < len(raw):
            filling = fill and raw[start : start + LARGE] == b"x" * LARGE
            step = LARGE if filling else size
            yield raw[start : start + step]
            start += step

    def filled(self, text: str) -> str:
        return text.replace("<fill>", "x" * self.golden.get("fill", 0))

    def wanted(self, dialect: str, key: str) -> Any:
        """The golden value for a client of `dialect`."""
        if dialect == self.native and key in (native := self.golden.get("native", {})):
            return native[key]
        if dialect == "ollama":
            return self._of_ollama(key)
        heard = self.golden["heard"]
        if key in heard:
            return heard[key]
        value = self.golden.get(key)
        return value.get(dialect) if isinstance(value, dict) else value

    def _of_ollama(self, key: str) -> Any:
        """Ollama's clients are told less: whole calls only, one word for an error, two ends."""
        of_chat = self.wanted("responses" if self.native == "chat" else "chat", key)
        match key:
            case "text":
                return (of_chat or "") + (self.golden["heard"].get("refusal") or "")
            case "refusal" | "sealed":
                return None
            case "calls":
                broken = "fails" in self.golden
                return [call for call in of_chat or () if call[2] is not None and not broken]
            case "ends" if of_chat:
                return "length" if self.golden["ends"]["chat"] == "length" else "stop"
            case "fails" if of_chat:
                return "error"
            case "counts" if isinstance(of_chat, list):
                return [of_chat[0], of_chat[2]]
        return of_chat

    def check(self, dialect: str, told: Told, *, whole: bool = False) -> None:
        """Compare what was told with what should have been. `whole`: it was not streamed."""
        self._check_content(dialect, told, whole=whole)
        assert told.fails == self.wanted(dialect, "fails")
        assert (self.wanted(dialect, "says") or "") in told.says
        assert "ghp_" not in told.says
        assert told.ends == self.wanted(dialect, "ends")
        if dialect == "messages" and told.ends:
            assert told.stopped_at == self.wanted(dialect, "stopped_at")
            assert (self.wanted(dialect, "explained") or "") in told.explained
        counts = self.wanted(dialect, "counts")
        if isinstance(counts, list):
            assert told.counts == counts
        elif counts == "estimated" and dialect != self.native:
            assert told.counts is not None
            assert told.counts[0] > 0

    def _check_content(self, dialect: str, told: Told, *, whole: bool) -> None:
        assert told.thinking == (self.wanted(dialect, "thinking") or "")
        text = self.filled(self.wanted(dialect, "text") or "")
        refusal = self.wanted(dialect, "refusal") or ""
        if dialect == "messages":  # it has no other place for a refusal
            text, refusal = text + refusal, ""
        assert (told.text, told.refusal) == (text, refusal)
        wanted = self.wanted(dialect, "calls") or []
        assert [(name, found) for _, name, found in told.calls] == [
            (name, {} if whole and found is wire.CUT and dialect == "messages" else found)
            for _, name, found in wanted
        ]
        if dialect == "ollama":
            return  # its clients send no ids back
        for (pattern, _, _), (found, _, _) in zip(wanted, told.calls, strict=True):
            assert fits(pattern, found)
            assert len(found) <= (self.wanted(dialect, "longest_id") or len(found))
        if told.ends and (order := self.golden.get("order")) and told.order:
            assert told.order == order
        if self.wanted(dialect, "sealed") and told.ends:
            assert told.seals == (self.wanted(dialect, "seals") or told.seals)
            assert told.seals or dialect == self.native


def cases() -> list[Case]:
    """Every case, by number."""
    return [
        Case(path.stem, json.loads(path.read_text(encoding="utf-8")))
        for path in sorted(HERE.glob("*.json"))
    ]


CASES = cases()
