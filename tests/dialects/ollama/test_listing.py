"""Models and vectors in the words that editors read before they offer anything."""

from __future__ import annotations

import pytest

from copilot_desktop.canonical import Effort
from copilot_desktop.dialects.ollama import listing
from copilot_desktop.dialects.side_routes import AboutModel, Embedding, Fixed, Vectors
from copilot_desktop.errors import InvalidRequest
from copilot_desktop.model import Model

ROUTES = {(route.method, route.path): route for route in listing.SIDE_ROUTES}


def test_a_model_is_listed_with_all_that_clients_parse():
    (told,) = listing.tags([Model("gpt-x", family="gpt")])["models"]
    assert told["name"] == told["model"] == "gpt-x"
    assert told["size"] == 0
    assert len(told["digest"]) == 64
    assert int(told["digest"], 16)
    assert told["details"]["families"] == ["gpt"]


@pytest.mark.parametrize(
    ("model", "able"),
    [(Model("m", tools=False), ["completion"]), (Model("m"), ["completion", "tools"]),
     (Model("m", vision=True, thinking="budget"), ["completion", "tools", "vision", "thinking"]),
     (Model("m", efforts=(Effort.LOW,)), ["completion", "tools", "thinking"]),
     (Model("m", kind="embeddings"), ["embedding"])],
)  # fmt: skip
def test_capabilities_are_those_of_the_model(model, able):
    assert listing.show(model)["capabilities"] == able
    assert listing.tags([model])["models"][0]["capabilities"] == able


def test_the_context_length_stands_under_the_architecture_s_name():
    facts = listing.show(Model("m-1", name="M One", max_prompt=1000, max_context=1500))
    assert facts["model_info"]["general.architecture"] == "m-1"
    assert facts["model_info"]["m-1.context_length"] == 1000
    assert facts["model_info"]["general.basename"] == "M One"


def test_older_clients_say_name():
    route = ROUTES["POST", "/api/show"]
    assert isinstance(route, AboutModel)
    assert route.name({"name": "m"}) == route.name({"model": "m", "verbose": True}) == "m"
    with pytest.raises(InvalidRequest):
        route.name({})


def test_texts_are_read_and_vectors_told():
    new, old = ROUTES["POST", "/api/embed"], ROUTES["POST", "/api/embeddings"]
    assert isinstance(new, Embedding)
    assert isinstance(old, Embedding)
    asked = new.asked({"model": "m", "input": ["a", "b"], "dimensions": 8, "truncate": True})
    assert (asked.model, asked.texts, asked.dimensions) == ("m", ("a", "b"), 8)
    assert new.asked({"model": "m", "input": "a"}).texts == ("a",)
    assert new.asked({"model": "m", "input": [""]}).texts == ("",)  # it is to have a vector
    assert old.asked({"model": "m", "prompt": "a"}).texts == ("a",)
    vectors = Vectors("m", ([0.5], [1.5]), 3)
    assert new.answer(vectors)["embeddings"] == [[0.5], [1.5]]
    assert new.answer(vectors)["prompt_eval_count"] == 3
    assert old.answer(vectors) == {"embedding": [0.5]}


@pytest.mark.parametrize(
    "body", [{"input": 7}, {"input": {}}, {"input": [1]}, {"input": [[1]]},
             {"input": "a", "dimensions": 0},
             {"input": "a", "dimensions": "8"}, {"input": "a", "dimensions": True}]
)  # fmt: skip
def test_what_cannot_be_embedded_is_refused(body):
    route = ROUTES["POST", "/api/embed"]
    assert isinstance(route, Embedding)
    with pytest.raises(InvalidRequest):
        route.asked({"model": "m", **body})


@pytest.mark.parametrize("body", [{}, {"input": None}, {"input": ""}, {"input": []}])
def test_nothing_to_embed_is_how_a_model_is_loaded(body):
    new, old = ROUTES["POST", "/api/embed"], ROUTES["POST", "/api/embeddings"]
    assert isinstance(new, Embedding)
    assert isinstance(old, Embedding)
    assert new.asked({"model": "m", **body}).texts == ()
    assert new.answer(Vectors("m", (), 0))["embeddings"] == []
    assert old.answer(Vectors("m", (), 0)) == {"embedding": []}


def test_the_version_is_new_enough_for_editors():
    route = ROUTES["GET", "/api/version"]
    assert isinstance(route, Fixed)
    assert tuple(map(int, route.answer()["version"].split("."))) >= (0, 6, 4)
