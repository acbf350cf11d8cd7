"""Calls and results that lost each other are brought back together, or told apart in words."""

from __future__ import annotations

from copilot_desktop.canonical import Message, Text, ToolResult, ToolUse
from copilot_desktop.preparation.pairing import paired
from copilot_desktop.spelling import NO_RESULT


def call(identifier: str, arguments: str = "{}") -> ToolUse:
    return ToolUse(identifier, "f", arguments)


def result(identifier: str, text: str = "ok") -> ToolResult:
    return ToolResult(identifier, (Text(text),) if text else ())


def turns(*turns: tuple[str, tuple]) -> tuple[Message, ...]:
    return tuple(Message(role, blocks) for role, blocks in turns)


ASK = ("user", (Text("go"),))


def test_a_whole_history_is_left_alone():
    history = turns(
        ASK, ("assistant", (call("1"), call("2"))), ("user", (result("1"), result("2")))
    )
    assert paired(history) == history


def test_results_lead_the_turn():
    history = turns(ASK, ("assistant", (call("1"),)), ("user", (Text("now?"), result("1"))))
    assert paired(history)[2].blocks == (result("1"), Text("now?"))


def test_a_call_without_result_gets_one_that_says_so():
    missing = ToolResult("1", (Text(NO_RESULT),), is_error=True)
    asked_on = turns(ASK, ("assistant", (call("1"),)), ("user", (Text("hello?"),)))
    assert paired(asked_on)[2].blocks == (missing, Text("hello?"))
    ended = turns(ASK, ("assistant", (call("1"),)))
    assert paired(ended)[2] == Message("user", (missing,))


def test_an_orphaned_result_becomes_words_and_an_empty_one_goes():
    history = turns(ASK, ("assistant", (Text("hi"),)), ("user", (result("9", "late"), Text("x"))))
    words = Text("[Result of an earlier tool call 9]\nlate")
    assert paired(history)[2].blocks == (words, Text("x"))
    empty = turns(ASK, ("assistant", (Text("hi"),)), ("user", (result("9", ""), Text("x"))))
    assert paired(empty)[2].blocks == (Text("x"),)


def test_of_two_results_the_later_content_counts():
    history = turns(
        ASK, ("assistant", (call("1"),)), ("user", (result("1", "a"), result("1", "b")))
    )
    assert paired(history)[2].blocks == (result("1", "b"),)


def test_a_half_written_call_that_nobody_answered_is_dropped():
    history = turns(ASK, ("assistant", (Text("hm"), call("1", '{"p":'))), ("user", (Text("stop"),)))
    assert paired(history) == turns(ASK, ("assistant", (Text("hm"),)), ("user", (Text("stop"),)))


def test_many_calls_are_looked_through_once():
    """Each compared with all the others, these would take minutes, and the app with them."""
    whole = tuple(call(str(number)) for number in range(60_000))
    told = tuple(result(one.id) for one in whole)
    history = turns(ASK, ("assistant", (call("half", "{"), *whole)), ("user", told))
    assert paired(history) == turns(ASK, ("assistant", whole), ("user", told))


def test_an_instruction_between_call_and_result_moves_behind_the_result():
    note = ("system", (Text("hurry"),))
    history = turns(ASK, ("assistant", (call("1"),)), note, ("user", (result("1"),)))
    assert [m.role for m in paired(history)] == ["user", "assistant", "user", "system"]
