"""What refusals teach: kept for its time, over a restart, and used by whoever asks for a model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from copilot_desktop.canonical import Effort
from copilot_desktop.model import CHAT, MESSAGES, RESPONSES, Model
from copilot_desktop.upstream.lessons import TEN_MINUTES, WEEK, Lesson, Lessons, Ratio

MODEL = Model("claude-x", vendor="Anthropic", endpoints=(MESSAGES, CHAT))


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_a_model_is_corrected_by_what_was_learned(clock: Clock) -> None:
    lessons = Lessons(wall=clock)
    for lesson in (
        Lesson("thinking", "required"),
        Lesson("efforts", "high,low"),
        Lesson("max_tokens_key", "max_completion_tokens"),
        Lesson("endpoint", MESSAGES),
        Lesson("no_prefill"),
        Lesson("no_forced_tool"),
        Lesson("no_temperature"),
        Lesson("bad_path", "speed"),
        Lesson("bad_path", "tools.*.custom.strict"),
    ):
        lessons.learn(MODEL.id, lesson)
    taught = lessons.corrected(MODEL)
    assert taught.thinking == "required"
    assert taught.efforts == (Effort.LOW, Effort.HIGH)
    assert taught.max_tokens_key == "max_completion_tokens"
    assert taught.endpoints == (CHAT,)
    assert taught.no_prefill
    assert taught.no_forced_tool
    assert taught.no_temperature
    assert taught.bad_paths == {"speed", "tools.*.custom.strict"}
    other = Model("gpt-x")
    assert lessons.corrected(other) is other


async def test_the_last_endpoint_stays(clock: Clock) -> None:
    lessons = Lessons(wall=clock)
    for endpoint in (MESSAGES, CHAT, RESPONSES):
        lessons.learn(MODEL.id, Lesson("endpoint", endpoint))
    assert len(lessons.corrected(MODEL).endpoints) == 1


async def test_a_lesson_runs_out(clock: Clock) -> None:
    lessons = Lessons(wall=clock)
    lessons.learn(MODEL.id, Lesson("no_prefill"))
    lessons.learn(MODEL.id, Lesson("bad_path", "scope", TEN_MINUTES))
    clock.now += TEN_MINUTES + 1
    assert lessons.corrected(MODEL).bad_paths == frozenset()
    assert lessons.corrected(MODEL).no_prefill
    clock.now += WEEK
    assert lessons.corrected(MODEL) == MODEL
    assert lessons.known() == {}


async def test_a_later_lesson_replaces_an_earlier_one_about_the_same(clock: Clock) -> None:
    lessons = Lessons(wall=clock)
    lessons.learn(MODEL.id, Lesson("efforts", "low"))
    lessons.learn(MODEL.id, Lesson("efforts", "medium,high"))
    assert len(lessons.known()[MODEL.id]) == 1
    assert lessons.corrected(MODEL).efforts == (Effort.MEDIUM, Effort.HIGH)


async def test_lessons_and_ratios_outlive_a_restart(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "lessons.json"
    before = Lessons(path, wall=clock)
    before.learn(MODEL.id, Lesson("no_forced_tool"))
    before.weighed(MODEL, 1000, 1700)
    await before.keep()
    assert path.stat().st_mode & 0o777 == 0o600
    after = Lessons(path, wall=clock)
    after.load()
    assert after.corrected(MODEL).no_forced_tool
    assert after.ratio(MODEL) == Ratio(1.7, 1)
    clock.now += WEEK + 1
    late = Lessons(path, wall=clock)
    late.load()
    assert late.corrected(MODEL) == MODEL
    assert late.ratio(MODEL).value == 1.7


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"v":2}',
        b'{"v":1,"learned":{"claude-x":[{"about":"no_prefill","at":"x","until":1}]},"ratios":{}}',
        b'{"v":1,"learned":{"claude-x":[{"about":"other","at":1,"until":9e12}]},"ratios":{}}',
        b'{"v":1,"learned":7,"ratios":{}}',
        b'{"v":1,"learned":{"claude-x":[{"about":"no_prefill","at":1,"until":1'
        + b"0" * 400
        + b'}]},"ratios":{}}',
        b'{"v":1,"learned":{},"ratios":{"claude-x":{"value":1,"seen":Infinity}}}',
        b'{"v":1,"learned":{},"ratios":{"claude-x":{"value":NaN,"seen":1}}}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
async def test_a_file_that_makes_no_sense_is_no_lesson(
    tmp_path: Path, clock: Clock, content: bytes
) -> None:
    path = tmp_path / "lessons.json"
    path.write_bytes(content)
    lessons = Lessons(path, wall=clock)
    lessons.load()
    assert lessons.corrected(MODEL) == MODEL
    assert 0.8 <= lessons.ratio(MODEL).value <= 2.5


async def test_forgetting_one_model_all_models_and_the_file(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "lessons.json"
    lessons = Lessons(path, wall=clock)
    told: list[int] = []
    lessons.on_change = lambda: told.append(len(lessons.known()))
    lessons.learn("a", Lesson("no_prefill"))
    lessons.learn("b", Lesson("no_prefill"))
    lessons.learn("b", Lesson("no_temperature"))
    assert lessons.forget("b") == 2
    assert list(lessons.known()) == ["a"]
    assert lessons.forget() == 1
    assert lessons.known() == {}
    assert told == [1, 2, 2, 1, 0]
    await lessons.keep()
    assert json.loads(path.read_bytes())["learned"] == {}
    lessons.clear()
    assert not path.exists()


async def test_the_book_has_a_last_page(clock: Clock) -> None:
    lessons = Lessons(wall=clock)
    for number in range(100):
        lessons.learn("one", Lesson("bad_path", f"path{number}"))
    assert len(lessons.known()["one"]) == 32
    for number in range(300):
        lessons.learn(f"model{number}", Lesson("no_prefill", "x" * 1000))
    assert len(lessons.known()) == 200
    assert max(len(e.lesson.value) for known in lessons.known().values() for e in known) == 200


async def test_counting_gets_better_with_use(clock: Clock) -> None:
    lessons = Lessons(wall=clock)
    assert lessons.ratio(MODEL) == Ratio(1.25)
    assert lessons.ratio(Model("gpt-x", vendor="OpenAI")) == Ratio(1.0)
    lessons.weighed(MODEL, 1000, 2000)
    assert lessons.ratio(MODEL) == Ratio(2.0, 1)
    lessons.weighed(MODEL, 1000, 1000)
    assert lessons.ratio(MODEL).value == pytest.approx(1.9)
    assert not lessons.ratio(MODEL).calibrated
    lessons.weighed(MODEL, 1000, 1_000_000)
    assert lessons.ratio(MODEL).value == pytest.approx(1.9 + 0.1 * (2.5 - 1.9))
    assert lessons.ratio(MODEL).calibrated
    lessons.weighed(Model("other"), 1000, 1)
    assert lessons.ratio(Model("other")).value == 0.8


async def test_a_folder_that_takes_nothing_is_no_trouble(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").write_text("in the way")
    lessons = Lessons(tmp_path / "file" / "lessons.json", wall=clock)
    lessons.learn(MODEL.id, Lesson("no_prefill"))
    await lessons.keep()
    lessons.load()
    assert lessons.corrected(MODEL).no_prefill
