"""The tree of problems: each has words, a status, and keeps secrets to itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from copilot_desktop import errors
from copilot_desktop.errors import (
    DETAIL_LIMIT,
    Action,
    InputTooLarge,
    InvalidRequest,
    NotExpressible,
    PortTaken,
    Problem,
    QuotaExhausted,
    RateLimited,
    SignInExpired,
    UnknownModel,
    Unreachable,
    UpstreamFault,
    UpstreamTimeout,
    spoken_wait,
)


def tree(root: type[Problem] = Problem) -> Iterator[type[Problem]]:
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


KINDS = sorted(
    {kind for kind in tree() if kind.__module__ == errors.__name__}, key=lambda kind: kind.__name__
)
each = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


@each
def test_every_problem_says_something_even_without_details(kind: type[Problem]) -> None:
    sentence = str(kind())
    assert sentence
    assert "{" not in sentence
    assert sentence[0].isupper() or sentence.startswith("unknown")
    assert sentence.endswith(".")
    assert "please" not in sentence.lower()
    assert "!" not in sentence


@each
def test_every_problem_has_a_name_of_its_own_and_a_status(kind: type[Problem]) -> None:
    assert re.fullmatch(r"[a-z_]+", kind.kind)
    assert [other for other in KINDS if other.kind == kind.kind] == [kind]
    assert 400 <= kind.status <= 599
    assert kind.action in Action


@each
def test_every_problem_stands_in_the_drawing(kind: type[Problem]) -> None:
    """The module opens with the tree; a drawing that lies is worse than none."""
    assert errors.__doc__
    lines = errors.__doc__.splitlines()
    (line,) = [line for line in lines if re.search(rf"[─ ]{kind.__name__}\b", line)]
    assert re.search(rf"\b{kind.kind}\b", line)
    assert str(kind.status) in line


def test_what_needs_a_sign_in_offers_one() -> None:
    for kind in KINDS:
        if kind.requires_reauth:
            assert kind.action is Action.SIGN_IN
    assert SignInExpired.requires_reauth


def test_what_the_other_side_said_follows_the_sentence() -> None:
    problem = UpstreamFault("  connection reset  ")
    assert str(problem) == "GitHub Copilot answered with a server error. connection reset"
    assert problem.headline == "GitHub Copilot answered with a server error."


def test_what_the_sentence_says_already_is_not_repeated() -> None:
    assert str(UpstreamFault(UpstreamFault.sentence)) == UpstreamFault.sentence


def test_secrets_and_endless_texts_are_cut() -> None:
    problem = UpstreamFault("gho_abcdefghijklmnop " + "x" * 1000)
    assert "gho_" not in str(problem)
    assert len(problem.detail) <= DETAIL_LIMIT
    named = Unreachable(fields={"host": "h", "reason": "Bearer abcdefghijkl was refused"})
    assert "abcdefghijkl" not in str(named)


def test_fields_fill_the_sentence_and_may_be_missing() -> None:
    taken = PortTaken(fields={"port": "4141", "holder": "node"})
    assert str(taken) == "Port 4141 is already in use by node. Port unknown is free."
    braces = NotExpressible(fields={"what": "{odd}", "model": "m"})
    assert str(braces).startswith("{odd} is not available")


def test_an_invalid_request_says_only_what_is_wrong() -> None:
    assert str(InvalidRequest("stop must be a string.")) == "stop must be a string."
    assert str(InvalidRequest()) == "The request is not valid."


def test_an_unknown_model_names_the_closest() -> None:
    fields = {"model": "gpt-9", "alternatives": "gpt-5, gpt-4.1"}
    assert str(UnknownModel(fields=fields)) == (
        "Model gpt-9 is not available. Closest: gpt-5, gpt-4.1."
    )
    assert str(UnknownModel(fields={"model": "x", "reason": "It is off."})) == (
        "Model x is not available. It is off."
    )


def test_waits_and_dates_are_told() -> None:
    assert str(RateLimited(retry_after=75)) == "GitHub Copilot asks to wait 75 seconds."
    assert "2026-12-01" in str(QuotaExhausted(fields={"reset": "2026-12-01"}))
    assert "5 seconds" in str(UpstreamTimeout(fields={"seconds": "5"}))
    assert "128000" in str(InputTooLarge(fields={"tokens": "140211", "limit": "128000"}))


@pytest.mark.parametrize(
    ("seconds", "spoken"),
    [
        (0.2, "1 second"),
        (2, "2 seconds"),
        (75, "75 seconds"),
        (600, "10 minutes"),
        (7100, "118 minutes"),
        (200_000, "56 hours"),
    ],
)
def test_spoken_waits(seconds: float, spoken: str) -> None:
    assert spoken_wait(seconds) == spoken


def test_a_code_from_upstream_is_cut_and_redacted_as_well() -> None:
    problem = Problem(code="ghu_abcdefgh12345678" + "x" * 10_000)
    assert problem.code is not None
    assert "ghu_" not in problem.code
    assert len(problem.code) <= 100
