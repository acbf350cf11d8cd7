"""What each answer to a question covers, and that silence is a no."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from copilot_desktop.errors import NotApproved
from copilot_desktop.proxy.approvals import Approvals


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def approvals(clock: Clock) -> AsyncIterator[Approvals]:
    approvals = Approvals(clock=clock, wall=lambda: 5000.0)
    approvals.use(wanted=True, always=frozenset())
    yield approvals
    approvals.use(wanted=False, always=frozenset())


async def question(approvals: Approvals, client: str = "Codex") -> asyncio.Task[None]:
    asking = asyncio.create_task(approvals.ask(client, "gpt-5"))
    await asyncio.sleep(0)
    return asking


async def answer(approvals: Approvals, choice: str, client: str = "Codex") -> None:
    asking = await question(approvals, client)
    assert approvals.decide(approvals.questions[-1].id, choice)
    await asking


async def test_a_question_names_client_model_and_times(approvals):
    asking = await question(approvals)
    [shown] = approvals.questions
    assert (shown.client, shown.model) == ("Codex", "gpt-5")
    assert (shown.at, shown.until) == (5000.0, 5120.0)
    approvals.decide(shown.id, "once")
    await asking
    assert approvals.questions == ()


async def test_nobody_is_asked_where_it_is_not_wanted():
    assert Approvals().granted("anybody", by_agent=False)


async def test_once_covers_the_agents_own_requests_but_not_the_next_words_of_its_user(
    approvals, clock
):
    await answer(approvals, "once")
    for _ in range(40):
        clock.now += 600
        assert approvals.granted("Codex", by_agent=True)
    assert not approvals.granted("Codex", by_agent=False)
    assert not approvals.granted("Zed", by_agent=True)
    clock.now += 3601
    assert not approvals.granted("Codex", by_agent=True)


async def test_ten_minutes_are_ten_minutes(approvals, clock):
    await answer(approvals, "ten_minutes")
    assert approvals.granted("Codex", by_agent=False)
    clock.now += 601
    assert not approvals.granted("Codex", by_agent=False)


async def test_always_and_ten_minutes_answer_all_questions_of_that_client(approvals, clock):
    for choice in ("ten_minutes", "always"):
        asking = [await question(approvals, choice) for _ in range(3)]
        other = await question(approvals, "other")
        approvals.decide(approvals.questions[0].id, choice)
        await asyncio.gather(*asking)
        assert approvals.granted(choice, by_agent=False)
        assert not other.done()
        approvals.decide(approvals.questions[0].id, "deny")
        with pytest.raises(NotApproved):
            await other
        clock.now += 60


async def test_a_no_is_for_this_request_and_ends_what_was_allowed_once(approvals):
    await answer(approvals, "once")
    asking = await question(approvals)
    approvals.decide(approvals.questions[0].id, "deny")
    with pytest.raises(NotApproved, match="Codex was not allowed") as caught:
        await asking
    assert "Settings" in caught.value.message
    assert not approvals.granted("Codex", by_agent=True)


async def test_an_agent_that_repeats_itself_needs_one_no_and_not_five(approvals, clock):
    asking = [await question(approvals) for _ in range(2)]
    other = await question(approvals, "Zed")
    approvals.decide(approvals.questions[0].id, "deny")
    for each in asking:
        with pytest.raises(NotApproved):
            await each
    for _ in range(4):
        clock.now += 2
        with pytest.raises(NotApproved, match="a moment ago"):
            await approvals.ask("Codex", "gpt-5")
    assert not other.done()
    clock.now += 30
    again = await question(approvals)
    assert [each.client for each in approvals.questions] == ["Zed", "Codex"]
    approvals.use(wanted=False, always=frozenset())
    await asyncio.gather(again, other)


async def test_silence_is_a_no(clock):
    approvals = Approvals(clock=clock, patience=0.05)
    approvals.use(wanted=True, always=frozenset())
    with pytest.raises(NotApproved, match="nobody answered"):
        await approvals.ask("Codex", "gpt-5")
    assert approvals.questions == ()
    with pytest.raises(NotApproved, match="a moment ago"):
        await approvals.ask("Codex", "gpt-5")


async def test_a_client_that_leaves_takes_its_question_along(approvals):
    asking = await question(approvals)
    number = approvals.questions[0].id
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert approvals.questions == ()
    assert not approvals.decide(number, "always")
    assert not approvals.granted("Codex", by_agent=False)


async def test_turning_it_off_or_naming_the_client_answers_open_questions(approvals):
    first, second = await question(approvals, "Codex"), await question(approvals, "Zed")
    approvals.use(wanted=True, always=frozenset({"Codex"}))
    await first
    assert not second.done()
    approvals.use(wanted=False, always=frozenset())
    await second
    approvals.use(wanted=True, always=frozenset())
    assert not approvals.granted("Codex", by_agent=False), "taken off the list, asked again"


async def test_the_questions_at_one_time_are_bounded(approvals, monkeypatch):
    monkeypatch.setattr("copilot_desktop.proxy.approvals.MOST", 2)
    asking = [await question(approvals) for _ in range(2)]
    with pytest.raises(NotApproved, match="too many"):
        await approvals.ask("Codex", "gpt-5")
    approvals.use(wanted=False, always=frozenset())
    await asyncio.gather(*asking)
