"""Which endpoint answers: the client's own if the model has it, else what loses least."""

from __future__ import annotations

from itertools import chain, combinations

import pytest

from copilot_desktop.dialects.registry import ALL
from copilot_desktop.errors import NotExpressible, UnknownModel
from copilot_desktop.model import CHAT, EMBEDDINGS, MESSAGES, RESPONSES, Model
from copilot_desktop.routing import UNSUPPORTED, Detour, route

ENDPOINTS = (CHAT, RESPONSES, MESSAGES)
DIALECTS = {dialect.endpoint: dialect for dialect in ALL if dialect.endpoint is not None}
ORDER = {
    MESSAGES: (MESSAGES, RESPONSES, CHAT),
    RESPONSES: (RESPONSES, MESSAGES, CHAT),
    CHAT: (CHAT, RESPONSES, MESSAGES),
}
SOME = list(chain.from_iterable(combinations(ENDPOINTS, size) for size in (1, 2, 3)))


@pytest.mark.parametrize("own", ENDPOINTS)
@pytest.mark.parametrize("listed", SOME, ids="+".join)
def test_the_first_endpoint_in_the_dialects_order_that_the_model_has(own, listed):
    for order in (listed, tuple(reversed(listed)), (EMBEDDINGS, "/future", *listed)):
        way = route(Model("m", endpoints=order), DIALECTS[own])
        assert way.endpoint == next(each for each in ORDER[own] if each in listed)
        assert way.same is (way.endpoint == own)
        assert way.target.endpoint == way.endpoint


@pytest.mark.parametrize("listed", SOME, ids="+".join)
def test_a_python_program_gets_the_richest_endpoint_and_always_a_translation(listed):
    way = route(Model("m", endpoints=listed), None)
    assert way.endpoint == next(each for each in ORDER[MESSAGES] if each in listed)
    assert not way.same


@pytest.mark.parametrize("own", [*ENDPOINTS, None])
@pytest.mark.parametrize("listed", [(), (EMBEDDINGS,), ("/future",)])
def test_a_model_without_conversations_says_what_it_has(own, listed):
    with pytest.raises(UnknownModel) as caught:
        route(Model("m", endpoints=listed), DIALECTS.get(own))
    assert caught.value.code == UNSUPPORTED
    assert "m" in caught.value.message
    assert all(endpoint in caught.value.message for endpoint in listed)


@pytest.mark.parametrize("own", ENDPOINTS)
def test_a_refused_pair_is_gone_around_as_long_as_there_is_another_way(own):
    model, order = Model("m", endpoints=ENDPOINTS), ORDER[own]
    refused: set[tuple[str, str]] = set()
    for endpoint in order:
        assert route(model, DIALECTS[own], refused).endpoint == endpoint
        refused.add(("m", endpoint))
    assert route(model, DIALECTS[own], refused).endpoint == order[0], "better than no way"
    assert route(Model("n", endpoints=ENDPOINTS), DIALECTS[own], refused).endpoint == order[0]


@pytest.mark.parametrize("own", ENDPOINTS)
def test_what_one_format_cannot_say_is_tried_in_the_next_and_the_first_has_the_last_word(own):
    model, detour = Model("m", endpoints=ENDPOINTS), Detour()
    first, second = NotExpressible("first"), NotExpressible("second")
    way = route(model, DIALECTS[own])
    assert way.endpoint == ORDER[own][0]
    way = detour.past(way, DIALECTS[own], first)
    assert (way.endpoint, way.same) == (ORDER[own][1], False)
    way = detour.past(way, DIALECTS[own], second)
    assert way.endpoint == ORDER[own][2]
    with pytest.raises(NotExpressible, match="first"):
        detour.past(way, DIALECTS[own], second)


def test_every_dialect_that_copilot_speaks_is_a_target():
    assert set(DIALECTS) == set(ENDPOINTS)
