"""A legacy completion request, read into a conversation of one turn (`translation.md` §12.4).

Refuses what only a model that continues raw text could do: a suffix, an echo of the prompt, several
continuations, probabilities, a prompt made of tokens. Sampling advice without a counterpart becomes
a `Loss`. Without `max_tokens` the model's own limit holds: the 16 tokens of the old interface would
cut nearly every answer of a chat model. Must not know any model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copilot_desktop.canonical import Loss, Message, Request, Text
from copilot_desktop.dialects.parameters import number, stop_sequences
from copilot_desktop.errors import InvalidRequest, NotExpressible

_ADVICE = ("seed", "presence_penalty", "frequency_penalty")
_UNSET: tuple[Any, ...] = (None, False, 0, "", [], {})


def parse_request(body: Mapping[str, Any]) -> Request:
    """Raises InvalidRequest for what makes no sense, NotExpressible for what Copilot lacks."""
    model = model_of(body)
    _refuse(body, model)
    options = body.get("stream_options")
    return Request(
        model=model,
        messages=(Message("user", (Text(_prompt(body.get("prompt"))),)),),
        max_tokens=_limit(body.get("max_tokens")),
        temperature=number(body, "temperature"),
        top_p=number(body, "top_p"),
        stop=stop_sequences(body),
        user=body["user"] if isinstance(body.get("user"), str) else "",
        stream=body.get("stream") is True,
        echo_usage=isinstance(options, dict) and options.get("include_usage") is True,
        losses=tuple(Loss(name) for name in _ADVICE if body.get(name) not in _UNSET),
    )


def model_of(body: Mapping[str, Any]) -> str:
    """The model's name as the client spells it. Raises InvalidRequest if there is none."""
    model = body.get("model")
    if not isinstance(model, str) or not model.strip():
        raise InvalidRequest("model must be a non-empty string.")
    return model


def _refuse(body: Mapping[str, Any], model: str) -> None:
    wishes = (
        ("Text after the gap (suffix)", body.get("suffix") not in _UNSET),
        ("An echo of the prompt", body.get("echo") not in _UNSET),
        # nought is a wish as well: the probability of what was written, without alternatives
        ("logprobs", not (body.get("logprobs") is None or body.get("logprobs") is False)),
        ("logit_bias", body.get("logit_bias") not in _UNSET),
        ("More than one completion", body.get("n") not in (None, 1)),
        ("The best of several completions (best_of)", body.get("best_of") not in (None, 1)),
    )
    for what, wished in wishes:
        if wished:
            raise NotExpressible(fields={"what": what, "model": model})


def _prompt(value: Any) -> str:
    """A text, or a list of one text."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str) and value.strip():
        return value
    raise InvalidRequest("prompt must be one text that is not empty; tokens are not taken.")


def _limit(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidRequest("max_tokens must be a whole number above 0.")
    return value
