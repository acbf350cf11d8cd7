"""What is fuzzed: functions of bytes that must never raise, whatever the bytes are.

Each checks a law besides. The first byte chooses a variant, so that one corpus serves all of them.
`run.py` drives them with coverage (atheris), `test_corpus.py` replays what is worth keeping.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import pairwise

from copilot_desktop.canonical import Event, Request
from copilot_desktop.dialects.registry import ALL, UPSTREAM
from copilot_desktop.errors import InvalidRequest, Problem
from copilot_desktop.integrations.edits import ABSENT, Format
from copilot_desktop.integrations.formats.text import (
    CannotKeep,
    Unreadable,
    drop,
    find,
    missing,
    put,
    same,
)
from copilot_desktop.integrations.formats.text import read as read_file
from copilot_desktop.integrations.shown import lines_of
from copilot_desktop.model import CHAT, MESSAGES, RESPONSES, Model
from copilot_desktop.preparation import prepared
from copilot_desktop.proxy.bodies import parse_object
from copilot_desktop.proxy.origins import plain_origin
from copilot_desktop.redaction import one_line
from copilot_desktop.sse import Frame, FrameDecoder
from copilot_desktop.upstream.failures import problem_from
from copilot_desktop.upstream.http import parse_json
from copilot_desktop.upstream.model_payloads import models_of
from copilot_desktop.upstream.payloads import (
    CopilotToken,
    CopilotUser,
    DeviceCode,
    PollAnswer,
    read,
)
from copilot_desktop.upstream.quirks import quirks_for
from copilot_desktop.upstream.quota_meters import has_no_access, meters_of, plan_of

MODEL = Model("m", vendor="OpenAI", vision=True, structured=True, thinking="optional")
ASKED = Request("asked", (), stream=True, echo_usage=True, echo_reasoning=True)
ENDPOINTS = (CHAT, RESPONSES, MESSAGES)
FORMATS: tuple[Format, ...] = ("json", "toml", "yaml")
PLACE = ("ours", "url")
SECRET = "cd-" + "s" * 43
MADE_UP = re.compile(rb'[a-z]+[-_][0-9a-f]{24,}|"created": ?[0-9]+')  # ids and times of ours
BREAKING = "\x7f\x85\x9b\u2028\u2029"


def events(data: bytes) -> None:
    """Server-sent events: any split gives the same frames, and no byte is lost."""
    step, raw = 1 + (data[:1] or b"\0")[0], data[1:]
    whole, split = FrameDecoder(), FrameDecoder()
    frames = [*whole.feed(raw), *whole.close()]
    places = [*range(0, len(raw), step), len(raw)]
    pieces = [frame for a, b in pairwise(places) for frame in split.feed(raw[a:b])]
    assert [*pieces, *split.close()] == frames
    assert b"".join(frame.raw for frame in frames) == raw


def requests(data: bytes) -> None:
    """A client's body: understood or refused in words, and what is understood can be said."""
    dialect, raw = ALL[(data[:1] or b"\0")[0] % len(ALL)], data[1:]
    try:
        body = parse_object(raw)
        json.dumps(body, allow_nan=False).encode()
        dialect.peek(body)
        request = dialect.parse_request(body)
        ready = prepared(request, MODEL, dialect.endpoint or "")
    except InvalidRequest:
        return
    for target in UPSTREAM:
        if not any(loss.semantic for loss in target.cannot(ready, MODEL)):
            json.dumps(target.render_request(ready, MODEL), allow_nan=False)


def sending(data: bytes) -> None:
    """The same body passed through: mended for Copilot, or refused, and never changed in place."""
    endpoint, raw = ENDPOINTS[(data[:1] or b"\0")[0] % len(ENDPOINTS)], data[1:]
    try:
        body = parse_object(raw)
        before = json.dumps(body)
        fixed = quirks_for(endpoint).fix_request(body, MODEL, ("a",))
    except InvalidRequest:
        return
    json.dumps(fixed.body, allow_nan=False).encode()
    assert json.dumps(body) == before


def answers(data: bytes) -> None:
    """A stream of Copilot's: read into events that can be said in every format, or a Problem."""
    dialect, raw = UPSTREAM[(data[:1] or b"\0")[0] % len(UPSTREAM)], data[1:]
    reader, decoder = dialect.reader(MODEL), FrameDecoder()
    told: list[Event] = []
    problem: Problem | None = None
    try:
        for frame in [*decoder.feed(raw), *decoder.close()]:
            told += reader.feed(frame)
        told += reader.close()
    except Problem as trouble:
        problem = trouble
    for client in ALL:
        writer = client.writer(ASKED)
        out = [writer.feed(event) for event in told]
        out += [writer.fail(problem)] if problem is not None else []
        b"".join(out).decode()


def replies(data: bytes) -> None:
    """A whole answer of Copilot's, passed through."""
    endpoint, raw = ENDPOINTS[(data[:1] or b"\0")[0] % len(ENDPOINTS)], data[1:]
    try:
        answer = json.loads(raw)
        if isinstance(answer, dict):
            json.dumps(quirks_for(endpoint).fix_reply(answer, "mine")).encode()
    except (ValueError, RecursionError, Problem):
        return


def mending(data: bytes) -> None:
    """The same stream passed through: whole lines come out, or a Problem; and the same ones however
    it is cut and whether or not frames that are alike are mended at once."""
    choice, raw = (data[:1] or b"\0")[0], data[1:]
    endpoint, step = ENDPOINTS[choice % len(ENDPOINTS)], 497 - 5 * (choice // len(ENDPOINTS))
    cuts = [*range(0, len(raw), step), len(raw)]
    one_by_one = passed(endpoint, [raw], runs=False)
    assert passed(endpoint, [raw[a:b] for a, b in pairwise(cuts)], runs=True) == one_by_one
    singly = re.split(rb"(?<=\n\n)", raw)
    assert passed(endpoint, singly, runs=True) == one_by_one


def passed(endpoint: str, pieces: Iterable[bytes], *, runs: bool) -> tuple[object, ...]:
    """What a client gets of an answer, what is known of it, and the trouble, if any."""
    stream, decoder, out = quirks_for(endpoint).stream({"model": "m"}, "mine"), FrameDecoder(), []

    def at_once(read: bytes) -> int:
        run = stream.run if runs else None
        if run is None:
            return 0
        if alone := run.alone(read):
            out.append(alone)
            return len(read)
        mended, length = run.mended(read)
        out.append(mended)
        return length

    def frames() -> Iterator[Frame]:
        for piece in pieces:
            yield from decoder.feed_beside(piece, at_once)
        yield from decoder.close()

    trouble: type[Problem] | None = None
    try:
        for frame in frames():
            told = stream.feed(frame)
            assert told == b"" or told.endswith((b"\n", b"\r", frame.raw)), told
            out.append(told)
            if stream.failed:
                break
    except Problem as problem:
        trouble = type(problem)
    known = (stream.complete, stream.failed, stream.usage, stream.nano_credits)
    return MADE_UP.sub(b"", b"".join(out)), *known, trouble


def github(data: bytes) -> None:
    """What GitHub tells beside answers: sign-in, token, account, models, refusals."""
    kind, raw = (data[:1] or b"\0")[0] % 6, data[1:]
    found = parse_json(raw.decode("utf-8", "replace"))
    try:
        match kind:
            case 0:
                read(DeviceCode, found, what="It")
            case 1:
                read(PollAnswer, found, what="It")
            case 2:
                read(CopilotToken, found, what="It")
            case 3:
                json.dumps([asdict(model) for model in models_of(found)], default=str)
            case 4 if isinstance(found, dict):
                read(CopilotUser, found, what="It")
                has_no_access(found)
                json.dumps([plan_of(found), *map(asdict, meters_of(found))])
            case _:
                problem = problem_from(403, {}, raw, url="https://api.github.com/x")
                json.dumps([client.render_problem(problem) for client in ALL])
    except Problem:
        return


def files(data: bytes) -> None:
    """An editor's file: refused, or changed so that it says what was wanted and nothing else."""
    kind, raw = FORMATS[(data[:1] or b"\0")[0] % len(FORMATS)], data[1:]
    try:
        text = raw.decode("utf-8")
        before = read_file(kind, text)
        if find(kind, text, PLACE) is not ABSENT:
            return
        made = len(missing(kind, text, PLACE))
        after = put(kind, text, PLACE, SECRET)
        assert find(kind, after, PLACE) == SECRET
        assert put(kind, after, PLACE, SECRET) == after
        back = read_file(kind, drop(kind, after, PLACE, made))
    except (UnicodeDecodeError, Unreadable, CannotKeep):
        return
    assert same(back, before) or (before in (None, {}, ABSENT) and back in (None, {}, ABSENT))
    assert SECRET not in str(lines_of(text, after, [SECRET]))


def words(data: bytes) -> None:
    """Words of others, for a line of the log and as an origin."""
    text = data.decode("utf-8", "replace")
    line = one_line(text)
    assert not [sign for sign in line if sign in BREAKING or (ord(sign) < 32 and sign != "\t")]
    origin = plain_origin(text)
    assert origin is None or plain_origin(origin) == origin


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    each.__name__: each
    for each in (events, requests, sending, answers, replies, mending, github, files, words)
}
