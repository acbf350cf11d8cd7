"""The heal table as a pure function: rows that the rest of the app lets nothing get to, and words
that must not set anything off."""

from __future__ import annotations

from typing import Any

import pytest

from copilot_desktop.canonical import Effort
from copilot_desktop.model import CHAT, MESSAGES, RESPONSES, Model
from copilot_desktop.spelling import NO_RESULT
from copilot_desktop.upstream.avoiding import avoided
from copilot_desktop.upstream.healing import Case, Cure, cure
from copilot_desktop.upstream.lessons import Lesson
from copilot_desktop.upstream.mending import general_path, without_paths
from copilot_desktop.upstream.pairing import paired_turns
from copilot_desktop.upstream.quirks import Fixed

CLAUDE = Model("claude-x", vendor="Anthropic", endpoints=(MESSAGES,), efforts=(Effort.LOW,))
GPT = Model("gpt-x", vendor="OpenAI")
MARK = {"type": "ephemeral"}


def treated(endpoint: str, body: dict[str, Any], message: str, **more: Any) -> Cure | None:
    before = repr(body)
    found = cure(Case(endpoint, body, CLAUDE, message, **more))
    assert repr(body) == before, "the refused body was changed in place"
    return found


def test_pairs_are_mended_once_more() -> None:
    """Row 11."""
    body = {
        "messages": [
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f"}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "b"}]},
        ]
    }
    for said in (
        "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: a",
        "messages.2.content.0: unexpected `tool_use_id` found in `tool_result` blocks: b",
        "unexpected tool_use_id",
    ):
        found = treated(MESSAGES, body, f"messages.1.content.0: {said}")
        assert found is not None
        (result,) = found.body["messages"][2]["content"]
        assert (result["tool_use_id"], result["content"]) == ("a", NO_RESULT)
    chat = {"messages": [{"role": "user", "content": "go"}, {"role": "tool", "tool_call_id": "b"}]}
    assert treated(CHAT, chat, "unexpected tool_use_id") is not None
    assert treated(RESPONSES, {"input": "x"}, "unexpected tool_use_id") is None


def test_calls_in_words_leave_out_nothing_that_was_said_with_them() -> None:
    """Row 16: agents send their texts in parts as well."""
    call = {"id": "a", "type": "function", "function": {"name": "ls", "arguments": "{}"}}
    parts = [{"type": "text", "text": "Let me"}, {"type": "text", "text": "look."}]
    found = treated(
        CHAT,
        {
            "messages": [
                {"role": "assistant", "content": parts, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "Öl"}]},
            ]
        },
        "Function call is missing a thought_signature in functionCall parts.",
    )
    assert found is not None
    assert [turn["content"] for turn in found.body["messages"]] == [
        "Let me\nlook.\n[Called the tool ls with {}]",
        "[Result of the tool call]\nÖl",
    ]


@pytest.mark.parametrize(
    ("said", "vendor"),
    [
        ("Corrupted thought signature.", ""),
        ("Invalid thought signature.", ""),
        ("Unable to submit request because Thought signature is not valid.", ""),
        ("Invalid `signature` in `thinking` block", "Google"),
    ],
)
def test_calls_of_another_model_or_account_are_told_to_gemini_in_words(
    said: str, vendor: str
) -> None:
    """A session that went over to Gemini, or to another account, was refused from then on: without
    their seals the calls are refused as well."""
    call = {"id": "a", "type": "function", "function": {"name": "ls", "arguments": "{}"}}
    turn = {"role": "assistant", "content": None, "reasoning_opaque": "x", "tool_calls": [call]}
    body = {"messages": [turn, {"role": "tool", "tool_call_id": "a", "content": "b.txt"}]}
    found = cure(Case(CHAT, body, Model("m", vendor=vendor), said))
    assert found is not None
    assert found.body["messages"] == [
        {"role": "assistant", "content": "[Called the tool ls with {}]"},
        {"role": "user", "content": "[Result of the tool call]\nb.txt"},
    ]


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("'reasoning' was provided without its required following item.",
         [{"type": "message", "id": "msg_1"}]),
        ("'message' was provided without its required 'reasoning' item: 'rs_1'.",
         [{"type": "reasoning"}, {"type": "message"}]),
        ("'message' was provided without its required preceding item of type 'reasoning'.",
         [{"type": "reasoning"}, {"type": "message"}]),
    ],
)  # fmt: skip
def test_items_that_openai_wants_beside_each_other(said: str, left: list[Any]) -> None:
    """Rows 13 and 14: a client has lost one of the two, and would be refused from then on."""
    items = [{"type": "reasoning", "id": "rs_1"}, {"type": "message", "id": "msg_1"}]
    found = treated(RESPONSES, {"input": items}, f"Item 'x' of type {said}")
    assert found is not None
    assert found.body["input"] == left


def test_four_cache_marks_stay() -> None:
    """Row 12."""
    blocks = [{"type": "text", "text": str(n), "cache_control": MARK} for n in range(6)]
    body = {"messages": [{"role": "user", "content": blocks}]}
    said = "A maximum of 4 blocks with cache_control may be provided. Found 6."
    found = treated(MESSAGES, body, f"messages.1.content.0: {said}")
    assert found is not None
    marked = [b["text"] for b in found.body["messages"][0]["content"] if "cache_control" in b]
    assert marked == ["2", "3", "4", "5"]


@pytest.mark.parametrize(
    "said",
    [
        "Invalid `signature` in `thinking` block",
        "`thinking` or `redacted_thinking` blocks in the latest message cannot be modified.",
    ],
)
def test_a_turn_of_nothing_but_reasoning_goes_and_its_neighbours_join(said: str) -> None:
    """Row 1, with the budget that the running tool loop could not do with."""
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "x"}
    use = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    body = {
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "messages": [
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": [thought]},
            {"role": "user", "content": "two"},
            {"role": "assistant", "content": [thought, use]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}]},
        ],
    }
    found = treated(MESSAGES, body, f"messages.1.content.0: {said}")
    assert found is not None
    roles = [turn["role"] for turn in found.body["messages"]]
    assert roles == ["user", "assistant", "user"]
    assert [b["text"] for b in found.body["messages"][0]["content"]] == ["one", "two"]
    assert "thinking" not in found.body
    hidden = {"type": "redacted_thinking", "data": "x"}
    redacted = {"messages": [{"role": "assistant", "content": [hidden, use]}]}
    assert treated(MESSAGES, redacted, "Invalid `data` in `redacted_thinking` block") is not None


def test_between_tools_where_the_refusal_names_it() -> None:
    """Row 3."""
    said = '"thinking.type.disabled" is not supported for this model. Use "between_tools".'
    found = treated(MESSAGES, {"thinking": {"type": "disabled"}}, said)
    assert found is not None
    assert found.body == {
        "thinking": {"type": "between_tools"},
        "output_config": {"effort": "low"},
    }


@pytest.mark.parametrize(
    ("said", "left", "efforts"),
    [
        ("effort: supported values: [medium, high]", "high", "medium,high"),
        ("reasoning effort: supported values: []", None, ""),
    ],
)
def test_efforts_as_listed(said: str, left: str | None, efforts: str) -> None:
    """Row 4."""
    found = treated(RESPONSES, {"reasoning": {"effort": "max", "summary": "auto"}}, said)
    assert found is not None
    assert found.body["reasoning"].get("effort") == left
    assert found.body["reasoning"]["summary"] == "auto"
    assert found.lessons == (Lesson("efforts", efforts),)


def test_an_effort_that_openai_lists_in_prose() -> None:
    said = (
        "Unsupported value: 'reasoning.effort' does not support 'max' with this model. "
        "Supported values are: 'low', 'medium', and 'high'."
    )
    found = treated(RESPONSES, {"reasoning": {"effort": "max"}}, said)
    assert found is not None
    assert found.body == {"reasoning": {"effort": "high"}}
    assert found.lessons == (Lesson("efforts", "low,medium,high"),)


@pytest.mark.parametrize(
    ("path", "body", "left"),
    [
        (
            "tools.1.custom.defer_loading",
            {"tools": [{"name": "a", "defer_loading": True}, {"name": "b", "defer_loading": True}]},
            {"tools": [{"name": "a"}, {"name": "b"}]},
        ),
        (
            "system.0.cache_control.ephemeral.scope",
            {"system": [{"type": "text", "cache_control": {"type": "ephemeral", "scope": "x"}}]},
            {"system": [{"type": "text", "cache_control": {"type": "ephemeral"}}]},
        ),
        (
            "messages.0.content.0.text.cache_control",
            {"messages": [{"content": [{"type": "text", "text": "a", "cache_control": MARK}]}]},
            {"messages": [{"content": [{"type": "text", "text": "a"}]}]},
        ),
        (
            "messages.0.content.0.tool_result.content.0.text.cache_control",
            {"messages": [{"content": [
                {"type": "tool_result", "content": [{"type": "text", "cache_control": MARK}]},
                {"type": "text", "cache_control": MARK}]}]},
            {"messages": [{"content": [
                {"type": "tool_result", "content": [{"type": "text"}]},
                {"type": "text", "cache_control": MARK}]}]},
        ),
        ("speed", {"speed": "fast", "model": "m"}, {"model": "m"}),
    ],
)  # fmt: skip
def test_unknown_fields_go_wherever_they_stand(
    path: str, body: dict[str, Any], left: dict[str, Any]
) -> None:
    """Row 5."""
    found = treated(MESSAGES, body, f"{path}: Extra inputs are not permitted")
    assert found is not None
    assert found.body == left
    assert found.lessons[0].value == general_path(path)
    assert without_paths(body, [general_path(path)]) == left


@pytest.mark.parametrize(
    ("endpoint", "body", "said"),
    [
        (MESSAGES, {"output_config": {"format": {}}},
         "output_config.format: Extra inputs are not permitted"),
        (MESSAGES, {"output_config": {"format": {"type": "json_schema"}, "effort": "low"}},
         "output_config: Extra inputs are not permitted"),
        (MESSAGES, {"scope": 1, "system": []},
         "scope: Extra inputs are not permitted. system: Extra inputs are not permitted"),
        (MESSAGES, {}, "speed: Extra inputs are not permitted"),
        (CHAT, {"logprobs": True}, "Unsupported parameter: 'logprobs' is not supported."),
        (CHAT, {"n": 2}, "Unsupported value: 'n' must be 1."),
        (CHAT, {"stop": ["x"]}, "Unsupported parameter: 'stop' is not supported."),
        (CHAT, {"response_format": {}}, "Unsupported parameter: 'response_format'"),
        (CHAT, {"messages": []}, "Unsupported parameter: 'temperature' is not supported."),
        (CHAT, {"tool_choice": "auto"}, "tool_choice is not supported"),
        (CHAT, {}, "max_tokens is not supported, use max_completion_tokens"),
        (MESSAGES, {}, '"thinking.type.enabled" is not supported for this model'),
        (MESSAGES, {}, "unsupported beta header(s): some-beta"),
        (RESPONSES, {"input": "x"}, "item_id did not match"),
        (CHAT, {"n": 2}, "Unrecognized request argument supplied: n"),
        (CHAT, {"n": 2, "min_p": 1}, "Unrecognized request arguments supplied: min_p, n"),
        (RESPONSES, {"input": [{"x": 1}]}, "Unknown parameter: 'input[0].y'."),
        (RESPONSES, {"input": [{"x": 1}]}, "Unknown parameter: 'input[0]'."),
        (RESPONSES, {"input": [{"x": 1}]}, "Unknown parameter: 'input[x]'."),
        (RESPONSES, {"input": [{"output": "x"}]}, "Unknown parameter: 'input[0].output'."),
        (
            RESPONSES,
            {"input": [{"content": [{"text": "x"}]}]},
            "Unknown parameter: 'input[0].content[0].text'.",
        ),
        (CHAT, {"messages": None}, "The conversation must end with a user message."),
        (CHAT, {"messages": 7}, "cannot end with trailing whitespace"),
        (MESSAGES, {}, ""),
    ],
)  # fmt: skip
def test_nothing_is_done_about_the_rest(endpoint: str, body: dict[str, Any], said: str) -> None:
    assert treated(endpoint, body, said) is None


@pytest.mark.parametrize(
    ("said", "gone", "lessons"),
    [
        ("parameter: 'top_k' is not supported.", {"top_k"}, (Lesson("bad_path", "top_k"),)),
        ("parameter: top_k.", {"top_k"}, (Lesson("bad_path", "top_k"),)),
        ("value: 'top_p' does not support 0.5.", {"top_p"}, (Lesson("bad_path", "top_p"),)),
        ("value: 'temperature' does not support 0.3.", {"temperature", "top_p", "top_k"},
         (Lesson("no_temperature"),)),
        ("parameter: 'seed' is not supported.", {"seed"}, (Lesson("bad_path", "seed"),)),
        ("value: 'seed' does not support 7.", {"seed"}, ()),
    ],
)  # fmt: skip
def test_a_refusal_teaches_no_more_than_it_says(
    said: str, gone: set[str], lessons: tuple[Lesson, ...]
) -> None:
    """Row 9."""
    body = {"temperature": 0.3, "top_p": 0.5, "top_k": 4, "seed": 7}
    found = treated(CHAT, body, f"Unsupported {said}")
    assert found is not None
    assert body.keys() - found.body.keys() == gone
    assert found.lessons == lessons


@pytest.mark.parametrize(
    ("said", "gone"),
    [
        ("Unknown parameter: 'min_p'.", {"min_p", "provider"}),
        ("Unrecognized request argument supplied: min_p", {"min_p", "provider"}),
        ("Unrecognized request arguments supplied: min_p, seed", {"min_p", "seed", "provider"}),
    ],
)
def test_fields_of_other_vendors_go_together(said: str, gone: set[str]) -> None:
    body = {"min_p": 0.1, "provider": {"order": []}, "seed": 7, "n": 2, "modalities": ["audio"]}
    found = treated(CHAT, body, said)
    assert found is not None
    assert found.body.keys() == body.keys() - gone
    assert {(one.about, one.value) for one in found.lessons} == {("bad_path", n) for n in gone}


@pytest.mark.parametrize("said", ["input[1].notes", "input[1].notes.kinds", "input[0].notes[2].a"])
def test_a_field_that_only_its_maker_knows_goes_from_all_items(said: str) -> None:
    """Codex writes notes of its own on each message, which are for OpenAI's servers."""
    body = {
        "input": [
            {"role": "user", "content": "a", "notes": {"id": 1}},
            {"role": "user", "content": "b", "notes": {"kinds": ["x"]}},
        ],
        "notes": "mine",
    }
    found = treated(RESPONSES, body, f"Unknown parameter: '{said}'.")
    if said.endswith("[2].a"):
        assert found is None  # there is no list of notes
        return
    assert found is not None
    assert found.body == {
        "input": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}],
        "notes": "mine",
    }
    assert [(one.about, one.value) for one in found.lessons] == [("bad_path", "input.*.notes")]


def test_no_instruction_goes_with_the_fields_of_other_vendors() -> None:
    kept = {"system": "Be brief.", "stop_sequences": ["END"], "thinking": {"type": "adaptive"}}
    found = treated(MESSAGES, {**kept, "min_p": 0.1}, "Unknown parameter: 'min_p'.")
    assert found is not None
    assert found.body == kept


def test_a_refused_value_goes_from_this_request_only() -> None:
    said = "Unsupported value: 'reasoning.summary' does not support 'concise' with this model."
    body = {"reasoning": {"effort": "low", "summary": "concise"}}
    found = treated(RESPONSES, body, said)
    assert found is not None
    assert found.body == {"reasoning": {"effort": "low"}}
    assert found.lessons == ()


def test_a_forced_shape_stays_where_its_field_is_known_to_be_refused() -> None:
    """The client is to hear of it; an effort alone goes unseen."""
    model = Model("m", bad_paths=frozenset({"output_config"}))
    shaped = {"output_config": {"format": {"type": "json_schema"}, "effort": "low"}}
    assert avoided(Fixed(), shaped, MESSAGES, model).body is None
    plain = {"output_config": {"effort": "low"}, "model": "m"}
    assert avoided(Fixed(), plain, MESSAGES, model).body == {"model": "m"}


def test_each_row_is_taken_once() -> None:
    case = Case(CHAT, {"temperature": 1}, GPT, "Unsupported parameter: 'temperature'")
    assert cure(case) is not None
    assert cure(case, {"parameter"}) is None


def test_a_beta_goes_with_what_it_was_for() -> None:
    beta = "context-management-2025-06-27"
    body = {"context_management": {"edits": []}, "model": "m"}
    found = treated(MESSAGES, body, f"unsupported beta header(s): {beta}", betas=(beta, "other-1"))
    assert found is not None
    assert found.betas == ("other-1",)
    assert found.body == {"model": "m"}


def test_a_forced_tool_beside_reasoning_teaches_nothing() -> None:
    body = {"tool_choice": {"type": "any"}}
    said = "Thinking may not be enabled when tool_choice forces tool use."
    found = treated(MESSAGES, body, f"messages.1.content.0: {said}")
    assert found is not None
    assert found.body == {"tool_choice": {"type": "auto"}}
    assert found.lessons == ()


def test_what_is_known_is_left_out_before_it_is_sent() -> None:
    model = Model(
        "m",
        no_prefill=True,
        no_forced_tool=True,
        no_temperature=True,
        bad_paths=frozenset({"user", "anthropic-beta.b-1"}),
    )
    body = {
        "messages": [{"role": "assistant", "content": "I am "}],
        "tool_choice": "required",
        "temperature": 0.2,
        "user": "me",
    }
    found = avoided(Fixed(betas=("a-1", "b-1")), body, CHAT, model)
    assert found.body is not None
    assert found.body["tool_choice"] == "auto"
    assert [turn["role"] for turn in found.body["messages"]] == ["assistant", "user"]
    assert not {"temperature", "user"} & found.body.keys()
    assert found.betas == ("a-1",)
    fine = Fixed()
    assert avoided(fine, body, CHAT, GPT) is fine
    assert avoided(fine, {"messages": []}, CHAT, model).body is None


def test_a_history_that_is_paired_stays_as_it_is() -> None:
    use = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    history = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "1"}]},
    ]
    assert paired_turns(history) is None
    assert paired_turns(history[:2]) is not None


def test_results_may_come_in_another_order_than_their_calls() -> None:
    uses = [{"type": "tool_use", "id": name, "name": "f", "input": {}} for name in "ab"]
    results = [{"type": "tool_result", "tool_use_id": name, "content": "1"} for name in "ba"]
    history = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": uses},
        {"role": "user", "content": results},
    ]
    assert paired_turns(history) is None
    cut = [*history[:2], {"role": "user", "content": results[:1]}]
    paired = paired_turns(cut)
    assert paired is not None
    assert [block["tool_use_id"] for block in paired[2]["content"]] == ["b", "a"]
