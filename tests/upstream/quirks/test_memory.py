"""What is remembered for an account: bounded in number, size and time, told apart by model."""

from __future__ import annotations

import sys
import threading

import pytest

from copilot_desktop.model import CHAT, RESPONSES, Model
from copilot_desktop.upstream.quirks import memory as memory_module
from copilot_desktop.upstream.quirks import quirks_for
from copilot_desktop.upstream.quirks.memory import (
    CALLS_KEPT,
    IssuedIds,
    Memory,
    Spoken,
    Thought,
    Thoughts,
)
from tests.upstream.quirks.test_chat import USER, called, result
from tests.upstream.quirks.test_responses import GOOD, MODEL

THOUGHT = Thought("Let me look.", "OPAQUE")


def call(call_id: str = "call_1", name: str = "f", arguments: str = '{"a":1,"b":2}') -> Spoken:
    return Spoken(call_id, name, arguments)


def test_a_call_finds_the_reasoning_it_came_from():
    thoughts = Thoughts()
    thoughts.keep("m", [call("call_1"), call("call_2", "g")], THOUGHT)
    assert thoughts.of("m", [call("call_1")]) == THOUGHT
    assert thoughts.of("m", [call("call_2", "g")]) == THOUGHT
    assert thoughts.of("m", [call("call_3", "h")]) is None


def test_reasoning_is_for_the_model_that_gave_it():
    thoughts = Thoughts()
    thoughts.keep("m", [call()], THOUGHT)
    assert thoughts.of("another", [call()]) is None


@pytest.mark.parametrize("call_id", ["", "made_up_by_the_client"])
def test_a_call_without_its_id_is_known_by_what_it_says(call_id: str):
    thoughts = Thoughts()
    thoughts.keep("m", [call()], THOUGHT)
    same = call(call_id, arguments='{ "b": 2, "a": 1 }')
    assert thoughts.of("m", [same]) == THOUGHT
    assert thoughts.of("m", [call(call_id, arguments='{"a":2}')]) is None


def test_the_id_counts_more_than_the_content():
    thoughts = Thoughts()
    thoughts.keep("m", [call("call_1")], THOUGHT)
    later = Thought("Again.", "LATER")
    thoughts.keep("m", [call("call_2")], later)
    assert thoughts.of("m", [call("call_1")]) == THOUGHT
    assert thoughts.of("m", [call("unknown")]) == later


def test_an_id_is_known_in_the_spelling_that_copilot_takes():
    thoughts = Thoughts()
    thoughts.keep("m", [call("functions.ls:0", arguments="{}")], THOUGHT)
    body = {"messages": [USER, called("functions.ls:0"), result("functions.ls:0")]}
    chat = quirks_for(CHAT, Memory(thoughts=thoughts))
    fixed = chat.fix_request({"model": "m", **body}, Model("m", vendor="Google"), ())
    assert fixed.body is not None
    assert fixed.body["messages"][1]["reasoning_opaque"] == "OPAQUE"


def test_without_an_opaque_part_there_is_nothing_to_keep():
    thoughts = Thoughts()
    thoughts.keep("m", [call()], Thought("words", ""))
    assert len(thoughts) == 0


def test_what_was_used_longest_ago_goes_first():
    thoughts = Thoughts()
    for number in range(CALLS_KEPT):
        thoughts.keep("m", [call(f"call_{number}", arguments=f"[{number}]")], THOUGHT)
    assert thoughts.of("m", [call("call_0", arguments="[0]")]) == THOUGHT
    for number in range(CALLS_KEPT, CALLS_KEPT + 5):
        thoughts.keep("m", [call(f"call_{number}", arguments=f"[{number}]")], THOUGHT)
    assert len(thoughts) <= 2 * CALLS_KEPT
    assert thoughts.of("m", [call("call_0", arguments="[]")]) == THOUGHT, "it was in use"
    assert thoughts.of("m", [call("call_2", arguments="[2]")]) is None


def test_the_characters_are_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory_module, "MOST_CHARACTERS", 1000)
    thoughts = Thoughts()
    for number in range(50):
        thoughts.keep("m", [call(f"call_{number}", arguments=f"[{number}]")], Thought("", "o" * 60))
    assert 0 < len(thoughts) * 60 <= 1000
    assert thoughts.of("m", [call("call_49", arguments="[49]")]) is not None


def test_one_endless_thought_does_not_push_out_all_others():
    thoughts = Thoughts()
    thoughts.keep("m", [call("call_1")], THOUGHT)
    thoughts.keep(
        "m", [call("call_2", "g")], Thought("", "o" * (memory_module.LONGEST_THOUGHT + 1))
    )
    assert thoughts.of("m", [call("call_1")]) == THOUGHT
    assert thoughts.of("m", [call("call_2", "g")]) is None


def test_reasoning_is_forgotten_six_hours_after_its_last_use():
    now = 0.0
    thoughts = Thoughts(clock=lambda: now)
    thoughts.keep("m", [call()], THOUGHT)
    now = 6 * 3600.0
    assert thoughts.of("m", [call()]) == THOUGHT
    now += 6 * 3600.0
    assert thoughts.of("m", [call()]) == THOUGHT
    now += 6 * 3600.0 + 1
    assert thoughts.of("m", [call()]) is None
    assert len(thoughts) == 0


def test_nothing_is_left_after_clearing():
    thoughts = Thoughts()
    thoughts.keep("m", [call()], THOUGHT)
    thoughts.clear()
    assert thoughts.of("m", [call()]) is None


def test_ids_are_forgotten_after_six_hours():
    now = 0.0
    issued = IssuedIds(clock=lambda: now)
    issued.remember({"type": "reasoning", "id": "rs_1", "encrypted_content": "E"})
    now = 6 * 3600.0
    assert issued.true_id("E") == "rs_1"
    now += 1
    assert issued.true_id("E") is None


def test_ids_outlive_a_request_for_the_same_account_alone():
    memory = Memory()
    memory.ids.remember({"type": "reasoning", "id": "rs_UP", "encrypted_content": "ENC"})
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "ENC"}

    def sent(known: Memory) -> str:
        body = {**GOOD, "input": [item]}
        fixed = quirks_for(RESPONSES, known).fix_request(body, MODEL, ())
        found: str = (fixed.body or body)["input"][0]["id"]
        return found

    assert sent(memory) == "rs_UP"
    assert sent(Memory()) == "rs_1"


def test_what_is_mended_on_a_thread_does_not_disturb_what_is_heard_on_another(monkeypatch):
    monkeypatch.setattr(memory_module, "CALLS_KEPT", 8)
    monkeypatch.setattr(memory_module, "IDS_KEPT", 4)
    thoughts, issued, broken = Thoughts(), IssuedIds(), []

    def talk() -> None:
        try:
            for number in range(8000):
                calls = [call(f"call_{number % 12}")]
                thoughts.keep("m", calls, Thought("t", "o" * (number % 7 + 1)))
                thoughts.of("m", calls)
                issued.remember({"id": "rs_1", "encrypted_content": f"{number % 9}"})
                issued.true_id(f"{number % 9}")
        except Exception as error:
            broken.append(error)

    often = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        talkers = [threading.Thread(target=talk) for _ in range(4)]
        for each in talkers:
            each.start()
        for each in talkers:
            each.join(60)
    finally:
        sys.setswitchinterval(often)
    assert not broken
    assert thoughts._characters == sum(kept.size for kept in thoughts._kept.values())
