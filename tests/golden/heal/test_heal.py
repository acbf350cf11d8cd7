"""Golden item 81: what Copilot refuses and explains is mended once, noted, and learned from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest
from golden.heal.cases import CHAT, GPT, MESSAGES, ROWS, SONNET, Row, at, messages, said
from rig import Rig, running_rig

from copilot_desktop.demo import Scenario
from copilot_desktop.demo.faults import Status
from copilot_desktop.upstream.lessons import TEN_MINUTES, WEEK, Lessons

NOTES = "x-copilot-desktop-notes"
each_row = pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])


async def ask(
    rig: Rig, path: str, body: dict[str, Any], headers: dict[str, str] | None = None
) -> tuple[int, str, str]:
    """Status, notes and text of the answer."""
    async with (
        aiohttp.ClientSession() as http,
        http.post(rig.url + path, json=body, headers=headers) as response,
    ):
        return response.status, response.headers.get(NOTES, ""), await response.text()


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@each_row
async def test_a_row_costs_two_calls_and_the_next_time_one(row: Row, stream: bool) -> None:
    body = {**row.body, "stream": stream}
    if "stream_options" in body and not stream:
        pytest.skip("there is nothing to refuse")
    async with running_rig(Scenario(whims=row.whims)) as rig:
        status, notes, text = await ask(rig, row.client, body, row.headers)
        assert status == 200, text
        assert '"error":{' not in text
        assert f"healed={row.note}" in notes
        first, second = rig.fake.ledger.to(row.endpoint)
        assert (first.raw, row.betas) != (second.raw, None), "nothing was changed"
        for path in row.gone:
            assert at(first.body, path) is not ..., path
            assert at(second.body, path) is ..., path
        for path, value in row.come.items():
            assert at(second.body, path) == value, path
        if row.betas is not None:
            sent = [each.headers.get("anthropic-beta", "") for each in (first, second)]
            assert tuple(sent) == row.betas
        kept = {"model", "stream", "max_tokens", "instructions"} - set(row.gone)
        for name in kept & first.body.keys():
            assert first.body[name] == second.body[name], name
        lessons = [each.lesson.about for known in rig.provider.lessons.known().values()
                   for each in known]  # fmt: skip
        assert lessons[:1] == ([row.learned] if row.learned else [])
        if row.learned:
            status, notes, text = await ask(rig, row.client, body, row.headers)
            assert status == 200, text
            assert "healed" not in notes
            assert len(rig.fake.ledger.to(row.endpoint)) == 3


async def test_the_exchange_says_what_was_healed() -> None:
    row = next(row for row in ROWS if row.name == "3")
    async with running_rig(Scenario(whims=row.whims)) as rig:
        await ask(rig, row.client, row.body)
        assert "healed=thinking.disabled" in rig.traffic.recent[0].notes


REFUSALS = (
    "Unsupported parameter: 'temperature' is not supported with this model.",
    "Unsupported value: 'presence_penalty' does not support 0.3 with this model.",
    "Unrecognized request argument supplied: stream_options",
)


def refusing(text: str, nth: int, path: str = CHAT, times: int = 1) -> Status:
    error = {"error": {"message": text, "code": "unsupported_parameter"}}
    return Status(path, nth=nth, times=times, status=400, body=error)


async def test_two_heals_are_the_most_and_the_third_refusal_reaches_the_client() -> None:
    body = {"model": GPT, **said(), "temperature": 0.3, "tool_choice": "required", "stream": True}
    forced = "tool_choice: forcing a tool is not supported for this model."
    body["tools"] = [
        {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    ]
    faults = [
        refusing(REFUSALS[0], 1),
        refusing(forced, 2),
        refusing(REFUSALS[2], 3),
    ]
    async with running_rig(Scenario(), *faults) as rig:
        status, notes, text = await ask(rig, "/v1/chat/completions", body)
        assert status == 400
        assert "stream_options" in text
        assert "healed=parameter,tool_choice" in notes
        assert len(rig.fake.ledger.to(CHAT)) == 3
        assert rig.provider.lessons.known() == {}


async def test_an_unknown_field_beside_the_items_and_one_within_both_go() -> None:
    row = next(row for row in ROWS if row.name == "9-within")
    body = {**row.body, "repetition_penalty": 1.1}
    async with running_rig() as rig:
        status, notes, text = await ask(rig, row.client, body)
        assert status == 200, text
        assert "healed=unknown parameter,unknown item field" in notes
        status, notes, text = await ask(rig, row.client, body)
        assert status == 200, text
        assert len(rig.fake.ledger.to(row.endpoint)) == 4, "both were learned"


async def test_a_remedy_that_does_not_help_is_taken_once_and_teaches_nothing() -> None:
    body = {"model": GPT, **said(), "temperature": 0.3}
    async with running_rig(Scenario(), refusing(REFUSALS[0], 1, times=-1)) as rig:
        status, notes, text = await ask(rig, "/v1/chat/completions", body)
        assert status == 400
        assert "temperature" in text
        assert "healed=parameter" in notes
        assert len(rig.fake.ledger.to(CHAT)) == 2
        assert rig.provider.lessons.known() == {}


@pytest.mark.parametrize(
    ("whim", "path", "body"),
    [
        (
            "format", "/v1/messages",
            messages(output_config={"format": {"type": "json_schema", "schema": {
                "type": "object", "properties": {}, "additionalProperties": False}}}),
        ),
    ],
)  # fmt: skip
async def test_what_would_change_the_answer_is_not_healed(
    whim: str, path: str, body: dict[str, Any]
) -> None:
    async with running_rig(Scenario(whims=(whim,))) as rig:
        status, notes, text = await ask(rig, path, body)
        assert status == 400
        assert "Extra inputs" in text
        assert "healed" not in notes
        assert len(rig.fake.ledger.to(MESSAGES)) == 1


async def test_unknown_words_are_not_healed() -> None:
    async with running_rig(Scenario(), refusing("The moon is in the wrong place.", 1)) as rig:
        status, _, text = await ask(rig, "/v1/chat/completions", {"model": GPT, **said()})
        assert status == 400
        assert "moon" in text
        assert len(rig.fake.ledger.to(CHAT)) == 1


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


async def test_lessons_outlive_a_restart_and_run_out_after_a_week(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "lessons.json"
    row = next(row for row in ROWS if row.name == "15-chat")

    async def calls() -> int:
        lessons = Lessons(path, wall=clock)
        lessons.load()
        async with running_rig(Scenario(whims=row.whims)) as rig:
            rig.provider.lessons = rig.provider.catalogue.lessons = lessons
            status, _, text = await ask(rig, row.client, row.body)
            assert status == 200, text
            return len(rig.fake.ledger.to(row.endpoint))

    assert await calls() == 2
    assert await calls() == 1
    clock.now += WEEK - 60
    assert await calls() == 1
    clock.now += 120
    assert await calls() == 2


async def test_an_unknown_field_is_tried_again_after_ten_minutes() -> None:
    clock = Clock()
    row = next(row for row in ROWS if row.name == "5")
    async with running_rig(Scenario(whims=row.whims)) as rig:
        rig.provider.lessons = rig.provider.catalogue.lessons = Lessons(wall=clock)
        for wait, calls in ((0.0, 2), (TEN_MINUTES - 5, 3), (10.0, 5)):
            clock.now += wait
            await ask(rig, row.client, row.body)
            assert len(rig.fake.ledger.to(row.endpoint)) == calls


async def test_another_endpoint_is_learned_as_well() -> None:
    """Row 10: the refused pair of model and endpoint is not tried again."""
    refusal = Status.example("400-unsupported-api-for-model", MESSAGES, times=-1)
    async with running_rig(Scenario(), refusal) as rig:
        for _ in range(2):
            status, _, text = await ask(rig, "/v1/messages", messages())
            assert status == 200, text
        assert len(rig.fake.ledger.to(MESSAGES)) == 1
        assert len(rig.fake.ledger.to(CHAT)) == 2
        (learned,) = rig.provider.lessons.known()[SONNET]
        assert (learned.lesson.about, learned.lesson.value) == ("endpoint", MESSAGES)


async def test_another_endpoint_is_left_again_after_ten_minutes() -> None:
    """One stray refusal does not move a model for long."""
    clock = Clock()
    async with running_rig(
        Scenario(), Status.example("400-unsupported-api-for-model", MESSAGES)
    ) as rig:
        rig.provider.lessons = rig.provider.catalogue.lessons = Lessons(wall=clock)
        for wait, calls in ((0.0, 1), (TEN_MINUTES - 5, 1), (10.0, 2)):
            clock.now += wait
            status, _, text = await ask(rig, "/v1/messages", messages())
            assert status == 200, text
            assert len(rig.fake.ledger.to(MESSAGES)) == calls


async def test_without_another_endpoint_the_refusal_stands_and_teaches_nothing() -> None:
    refusal = Status.example("400-unsupported-api-for-model", CHAT, times=-1)
    async with running_rig(Scenario(), refusal) as rig:
        status, _, text = await ask(rig, "/v1/chat/completions", {"model": GPT, **said()})
        assert status == 400, text
        assert len(rig.fake.ledger.to(CHAT)) == 1
        assert rig.provider.lessons.known() == {}


async def test_a_model_that_copilot_no_longer_knows_is_told_with_others() -> None:
    refusal = Status.example("400-model-not-supported", CHAT)
    async with running_rig(Scenario(), refusal) as rig:
        status, _, text = await ask(rig, "/v1/chat/completions", {"model": GPT, **said()})
        assert status in (400, 404)
        assert "gpt-4o" in text
        assert len(rig.fake.ledger.to(CHAT)) == 1
