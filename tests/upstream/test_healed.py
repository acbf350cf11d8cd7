"""Sending and healing, against a carrier that says what the test wants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from copilot_desktop.errors import InvalidRequest, Problem, RateLimited
from copilot_desktop.model import CHAT, Model
from copilot_desktop.upstream.client import CALLS, Call, Tries
from copilot_desktop.upstream.healed import Healed
from copilot_desktop.upstream.lessons import Lessons

TEMPERATURE = "Unsupported parameter: 'temperature' is not supported with this model."
SEED = "Unsupported parameter: 'seed' is not supported with this model."
FORCED = "tool_choice: forcing a tool is not supported"


def refusal(text: str, status: int | None = 400) -> InvalidRequest:
    return InvalidRequest(text, upstream_status=status)


class Carrier:
    """Refuses with these, one after the other, then answers."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = list(problems)
        self.bodies: list[dict[str, Any]] = []
        self.open = 0

    @asynccontextmanager
    async def converse(
        self, call: Call, authority: Any, tries: Tries | None = None
    ) -> AsyncIterator[Any]:
        del authority
        assert tries is not None
        tries.calls += 1
        self.bodies.append(json.loads(call.body))
        if self.problems:
            raise self.problems.pop(0)
        self.open += 1
        try:
            yield "reply"
        finally:
            self.open -= 1


class Sending:
    def __init__(self, *problems: Problem, tries: int = 0) -> None:
        self.carrier = Carrier(*problems)
        self.notes: list[str] = []
        self.lessons = Lessons()
        self._tries = Tries(tries)
        body = {"temperature": 1, "seed": 2, "tool_choice": "required"}
        self._call = Call(CHAT, json.dumps(body).encode(), "m", stream=True, initiator="user")

    async def go(self) -> Any:
        sending = Healed(
            self.carrier,
            self._call,
            Model("m"),
            None,  # type: ignore[arg-type]  # the carrier does not look at it
            tries=self._tries,
            notes=self.notes,
            lessons=self.lessons,
        )
        async with sending as reply:
            return reply

    @property
    def learned(self) -> list[str]:
        return [each.lesson.about for each in self.lessons.known().get("m", ())]


async def test_an_answer_comes_as_it_is() -> None:
    sending = Sending()
    assert await sending.go() == "reply"
    assert (sending.notes, sending.learned) == ([], [])


async def test_two_heals_one_after_the_other() -> None:
    sending = Sending(refusal(TEMPERATURE), refusal(FORCED))
    assert await sending.go() == "reply"
    assert sending.carrier.bodies[1:] == [
        {"seed": 2, "tool_choice": "required"},
        {"seed": 2, "tool_choice": "auto"},
    ]
    assert sending.notes == ["healed=parameter", "healed=tool_choice"]
    assert sending.learned == ["no_temperature", "no_forced_tool"]


async def test_one_row_heals_once_even_for_another_field() -> None:
    sending = Sending(refusal(TEMPERATURE), refusal(SEED))
    with pytest.raises(InvalidRequest, match="seed"):
        await sending.go()
    assert len(sending.carrier.bodies) == 2


async def test_a_change_that_only_brought_another_refusal_teaches_nothing() -> None:
    for second in ([refusal("something worse")], [refusal(FORCED), refusal("something worse")]):
        sending = Sending(refusal(TEMPERATURE), *second)
        with pytest.raises(InvalidRequest, match="worse"):
            await sending.go()
        assert sending.learned == []


async def test_a_third_call_that_is_refused_is_the_last() -> None:
    sending = Sending(refusal(TEMPERATURE), refusal(FORCED), refusal("something else"))
    with pytest.raises(InvalidRequest, match="something else"):
        await sending.go()
    assert len(sending.carrier.bodies) == CALLS


async def test_calls_that_were_made_before_count() -> None:
    sending = Sending(refusal(TEMPERATURE), tries=CALLS - 1)
    with pytest.raises(InvalidRequest):
        await sending.go()
    assert len(sending.carrier.bodies) == 1
    assert sending.notes == []


async def test_what_did_not_help_teaches_nothing() -> None:
    for second in (refusal(TEMPERATURE), RateLimited("slow down")):
        sending = Sending(refusal(TEMPERATURE), second)
        with pytest.raises(type(second)):
            await sending.go()
        assert sending.notes == ["healed=parameter"]
        assert sending.learned == []


@pytest.mark.parametrize("status", [403, 404, 413, None])
async def test_only_a_refusal_of_the_request_itself_is_healed(status: int | None) -> None:
    sending = Sending(refusal(TEMPERATURE, status))
    with pytest.raises(InvalidRequest):
        await sending.go()
    assert len(sending.carrier.bodies) == 1


async def test_trouble_in_the_middle_of_an_answer_is_not_healed() -> None:
    sending = Sending()
    with pytest.raises(InvalidRequest):
        async with Healed(
            sending.carrier,
            sending._call,
            Model("m"),
            None,  # type: ignore[arg-type]
            tries=Tries(),
            notes=sending.notes,
            lessons=sending.lessons,
        ):
            raise refusal(TEMPERATURE)
    assert len(sending.carrier.bodies) == 1


async def test_who_leaves_while_a_lesson_is_written_leaves_no_answer_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sending = Sending(refusal(TEMPERATURE))
    writing = asyncio.Event()

    async def keep(*, now: bool = True) -> None:
        assert now, "nothing is written for who has left"
        writing.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(sending.lessons, "keep", keep)
    task = asyncio.ensure_future(sending.go())
    async with asyncio.timeout(20):
        await writing.wait()
    assert sending.carrier.open == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sending.carrier.open == 0
    assert sending.learned == ["no_temperature"]
