"""Items 47 to 76 of `translation.md` §17: what Copilot streams, and what each client is told.

Each case is replayed in pieces of 1, 7 and 4096 bytes, through reader and writer and through the
pass-through. The official SDKs hear the same cases in `tests/sdks`.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from copilot_desktop.canonical import Event, Message, Request, Text, Tool, fold
from copilot_desktop.dialects import Dialect
from copilot_desktop.dialects.registry import ALL, UPSTREAM
from copilot_desktop.errors import CutShort, Problem
from copilot_desktop.hearing import Listener, Passage, Turn
from copilot_desktop.model import Model
from copilot_desktop.routing import Route
from copilot_desktop.runs import BlockDeltas, spread
from copilot_desktop.sse import FrameDecoder
from copilot_desktop.upstream.client import Call
from copilot_desktop.upstream.quirks import quirks_for
from copilot_desktop.upstream.quirks.memory import Thoughts
from tests.golden.streams.cases import CASES, DIALECTS, Case
from tests.golden.streams.told import STREAMED, WHOLE, Told

ROOT = Path(__file__).parents[3]
SIZES = (1, 7, 4096)
MODEL = Model("m")
SPOKEN: dict[str, Dialect] = {
    {"/v1/messages": "messages", "/chat/completions": "chat"}.get(
        dialect.endpoint or "", "responses"
    ): dialect
    for dialect in UPSTREAM
}
SPOKEN["ollama"] = next(dialect for dialect in ALL if dialect.name == "ollama")
TRANSLATED = [
    (case, name) for case in CASES for name in (*DIALECTS, "ollama") if name != case.native
]

each_size = pytest.mark.parametrize("size", SIZES)
translated = pytest.mark.parametrize(
    ("case", "dialect"), TRANSLATED, ids=[f"{case.name}-to-{name}" for case, name in TRANSLATED]
)

# Items that are about time and connections stand where the proxy runs.
ELSEWHERE = {
    72: ("tests/phenomena/test_silence.py", "shows_signs_of_life"),
    73: ("tests/phenomena/test_hang_up.py", "in_the_middle_of_a_stream"),
}


def request_of(case: Case) -> Request:
    return Request(
        "mine",
        (Message("user", (Text("Go on."),)),),
        tools=tuple(Tool(name, schema={"type": "object"}) for name in case.ask.get("tools", ())),
        stop=tuple(case.ask.get("stop", ())),
        stream=True,
        echo_usage=True,
        echo_reasoning=True,
    )


def heard(case: Case, size: int) -> tuple[list[Event | BlockDeltas], Problem | None]:
    """The canonical events of a case, as the provider reads them off the wire."""
    spoken = SPOKEN[case.native]
    call = Call(case.endpoint, b"", "m", stream=True, initiator="user")
    turn = Turn(request_of(case), Route(MODEL, case.endpoint, spoken, same=False), call)
    listener = Listener(turn, Passage(), Thoughts())
    problem: Problem | None = None
    try:
        for piece in case.pieces(size):
            listener.feed(piece)
            if listener.over or listener.stopped:
                break
        else:
            listener.close()
    except Problem as trouble:
        listener.let_go()
        problem = trouble
    return listener.take(), problem


@each_size
@translated
def test_translated(case: Case, dialect: str, size: int) -> None:
    events, problem = heard(case, size)
    writer = SPOKEN[dialect].writer(request_of(case))
    raw = b"".join(writer.feed(event) for event in events)
    if problem is not None:
        raw += writer.fail(problem)
    case.check(dialect, STREAMED[dialect](raw))


@translated
def test_the_whole_answer_equals_the_folded_stream(case: Case, dialect: str) -> None:
    known, problem = heard(case, 4096)
    events = list(spread(known))
    if problem is not None:
        with pytest.raises(ValueError, match="no end"):
            fold(events)
        return
    body = SPOKEN[dialect].render_reply(fold(events), request_of(case))
    case.check(dialect, WHOLE[dialect](body), whole=True)


@each_size
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_passed_through(case: Case, size: int) -> None:
    case.check(case.native, passed(case, size))


def passed(case: Case, size: int) -> Told:
    """Through the quirks, with the proxy's word on a stream that is not complete."""
    body = {
        "model": "mine",
        "stream_options": {"include_usage": True},
        "tools": [_declared(case, name) for name in case.ask.get("tools", ())],
    }
    stream, decoder = quirks_for(case.endpoint).stream(body, "mine"), FrameDecoder()
    frames = [frame for piece in case.pieces(size) for frame in decoder.feed(piece)]
    raw = b"".join(stream.feed(frame) for frame in [*frames, *decoder.close()])
    if not (stream.complete or stream.failed):
        raw += SPOKEN[case.native].fault(CutShort())
    return STREAMED[case.native](raw)


def _declared(case: Case, name: str) -> dict[str, object]:
    schema = {"type": "object", "properties": {}}
    if case.native == "chat":
        return {"type": "function", "function": {"name": name, "parameters": schema}}
    if case.native == "messages":
        return {"name": name, "input_schema": schema}
    return {"type": "function", "name": name, "parameters": schema}


# ------------------------------------------------------------------------------------ the index


def test_no_item_is_missing() -> None:
    here = {case.golden["item"] for case in CASES}
    assert here | ELSEWHERE.keys() == set(range(47, 77))


@pytest.mark.parametrize("item", ELSEWHERE)
def test_what_is_tested_elsewhere_is_there(item: int) -> None:
    place, word = ELSEWHERE[item]
    tree = ast.parse((ROOT / place).read_text(encoding="utf-8"))
    names = [node.name for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)]
    assert any(name.startswith("test_") and word in name for name in names), names


def test_each_case_is_numbered_and_told_in_words() -> None:
    for case in CASES:
        assert case.name.startswith(f"{case.golden['item']}-")
        assert case.golden["what"]
        assert ("ends" in case.golden) != ("fails" in case.golden), case.name
