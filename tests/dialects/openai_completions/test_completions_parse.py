"""What a legacy completion request means (`translation.md` §12.4)."""

from __future__ import annotations

import pytest

from copilot_desktop.canonical import Loss, Message, Text
from copilot_desktop.dialects.openai_completions import OpenAICompletions
from copilot_desktop.errors import InvalidRequest, NotExpressible

BODY = {"model": "gpt-4.1", "prompt": "Once"}


def parsed(**more):
    return OpenAICompletions().parse_request({**BODY, **more})


@pytest.mark.parametrize("prompt", ["Once", ["Once"]])
def test_the_prompt_is_one_turn_of_the_user(prompt):
    assert parsed(prompt=prompt).messages == (Message("user", (Text("Once"),)),)


def test_every_field_with_a_counterpart_is_kept():
    request = parsed(
        max_tokens=9, temperature=0, top_p=0.5, stop="END", user="u", stream=True, n=1, best_of=1,
        echo=False, suffix="", logprobs=None, logit_bias={}, stream_options={"include_usage": True},
    )  # fmt: skip
    assert (request.max_tokens, request.temperature, request.top_p) == (9, 0, 0.5)
    assert (request.stop, request.user) == (("END",), "u")
    assert (request.stream, request.echo_usage) == (True, True)
    assert request.losses == ()


def test_advice_without_a_counterpart_is_noted():
    request = parsed(seed=1, presence_penalty=0.5, frequency_penalty=0)
    assert request.losses == (Loss("seed"), Loss("presence_penalty"))


def test_without_a_limit_the_models_own_holds():
    assert parsed().max_tokens is None


@pytest.mark.parametrize(
    ("wish", "word"),
    [
        ({"suffix": "end"}, "suffix"),
        ({"echo": True}, "echo"),
        ({"best_of": 3}, "best_of"),
        ({"n": 2}, "More than one"),
        ({"logprobs": 0}, "logprobs"),
        ({"logprobs": 5}, "logprobs"),
        ({"logit_bias": {"50256": -100}}, "logit_bias"),
    ],
)
def test_what_no_chat_model_can_do_is_refused_by_name(wish, word):
    with pytest.raises(NotExpressible, match=word):
        parsed(**wish)


@pytest.mark.parametrize(
    "odd",
    [
        {"prompt": None}, {"prompt": ""}, {"prompt": []}, {"prompt": ["a", "b"]},
        {"prompt": [1, 2]}, {"prompt": [[1, 2]]}, {"prompt": {}}, {"max_tokens": 0},
        {"max_tokens": True}, {"max_tokens": "9"}, {"temperature": "hot"}, {"top_p": True},
        {"stop": 3}, {"stop": [1]}, {"model": ""}, {"model": 3},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(odd):
    with pytest.raises(InvalidRequest):
        parsed(**odd)
