"""The names that clients have built in lead to models that this account has, or to an error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import copilot_desktop
from copilot_desktop.errors import UnknownModel
from copilot_desktop.model import Model
from copilot_desktop.upstream.model_payloads import models_of
from copilot_desktop.upstream.names import (
    offered,
    resolve,
    spellings,
    usable,
    usual_model,
    with_auto,
)

EXAMPLES = Path(copilot_desktop.__file__).parent / "demo" / "transcripts"


def example(name: str) -> dict[str, Model]:
    return {m.id: m for m in models_of(json.loads((EXAMPLES / f"{name}.json").read_text()))}


def models(*ids: str, **changed: Model) -> dict[str, Model]:
    found = {name: Model(id=name) for name in ids}
    return found | {model.id: model for model in changed.values()}


CATALOGUE = models(
    "gpt-4.1", "gpt-4o", "gpt-5-mini", "gpt-5.4", "claude-opus-4.6", "claude-opus-4.8",
    "claude-opus-4.8-fast", "claude-sonnet-4", "claude-sonnet-4.5", "claude-sonnet-4.6",
    "claude-haiku-4.5", "gemini-3.1-pro-preview", "o1",
    default=Model(id="gpt-4.1", is_default=True),
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gpt-4.1", "gpt-4.1"),
        ("GPT-4.1", "gpt-4.1"),
        ("openai/gpt-4.1", "gpt-4.1"),
        ("models/gemini-3.1-pro-preview", "gemini-3.1-pro-preview"),
        ("gpt-4.1-2025-04-14", "gpt-4.1"),
        ("gpt-4o:latest", "gpt-4o"),
        ("gpt-4-1", "gpt-4.1"),
        ("o1-2024-12-17", "o1"),
        ("claude-opus-4-6", "claude-opus-4.6"),
        ("claude-opus-4-6-20260101", "claude-opus-4.6"),
        ("claude-opus-4-8[1m]", "claude-opus-4.8"),
        ("claude-opus-4-8-fast", "claude-opus-4.8-fast"),
        ("claude-sonnet-4-20250514", "claude-sonnet-4"),
        ("claude-sonnet-4@20250514", "claude-sonnet-4"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4.5"),
        ("anthropic/claude-sonnet-4-5-20250929", "claude-sonnet-4.5"),
        ("github_copilot/claude-4.5-sonnet", "claude-sonnet-4.5"),
        ("claude-4-sonnet", "claude-sonnet-4"),
        ("claude-4-5-haiku-latest", "claude-haiku-4.5"),
        # ids that GitHub never had: the newest of the same line
        ("claude-3-5-sonnet-latest", "claude-sonnet-4.6"),
        ("claude-3-7-sonnet-20250219", "claude-sonnet-4.6"),
        ("claude-3-opus-20240229", "claude-opus-4.8"),
        ("claude-sonnet-5-5", "claude-sonnet-4.6"),
        ("claude-opus-5-5[1m]", "claude-opus-4.8"),
        ("claude-haiku-5-5", "claude-haiku-4.5"),
        ("sonnet", "claude-sonnet-4.6"),
        ("Opus", "claude-opus-4.8"),
        ("haiku", "claude-haiku-4.5"),
        ("claude-sonnet", "claude-sonnet-4.6"),
        # names that stand for the account's usual model
        ("default", "gpt-4.1"),
        ("gpt-4", "gpt-4.1"),
        ("openai/gpt-3.5-turbo", "gpt-4.1"),
    ],
)
def test_names_that_clients_use(name: str, expected: str) -> None:
    assert resolve(name, CATALOGUE).id == expected


@pytest.mark.parametrize(
    "name",
    ["gpt-9", "gpt-4.2", "llama", "", "claude", "claude-fable-5", "claude-instant-1", "x" * 5000],
)
def test_unknown_names_get_up_to_five_neighbours(name: str) -> None:
    with pytest.raises(UnknownModel) as caught:
        resolve(name, CATALOGUE)
    offered = caught.value.fields["alternatives"].split(", ")
    assert 1 <= len(offered) <= 5
    assert set(offered) <= set(CATALOGUE)
    assert caught.value.status == 404


def test_neighbours_are_near() -> None:
    with pytest.raises(UnknownModel) as caught:
        resolve("gpt-4.11", CATALOGUE)
    assert caught.value.fields["alternatives"].startswith("gpt-4.1")
    assert "Model gpt-4.11 is not available." in str(caught.value)


def test_classics_are_themselves_where_the_account_has_them() -> None:
    assert resolve("gpt-4", example("10-models-multiplier-era")).id == "gpt-4"
    assert resolve("gpt-4", example("11-models-token-price-era")).id == "gpt-5-mini"
    off = models("gpt-4.1", old=Model(id="gpt-4", policy="disabled"))
    assert resolve("gpt-4", off).id == "gpt-4.1"


def test_the_usual_model() -> None:
    both = [Model("a", in_picker=False), Model("b"), Model("c", is_fallback=True)]
    assert usual_model(both) == both[2]
    assert usual_model(both[:2]) == both[1]
    assert usual_model(both[:1]) == both[0]
    blocked = Model("d", is_default=True, policy="unconfigured")
    assert usual_model([blocked, *both]) == both[2]
    assert usual_model([]) is None


@pytest.mark.parametrize(
    "name", ["auto", "Auto", "copilot/auto", "github-copilot/auto", "auto:latest", "mine", "gpt-4"]
)
def test_auto_leaves_the_choice_to_github(name: str) -> None:
    assert resolve(name, CATALOGUE, aliases={"mine": "auto"}, default="auto").id == "auto"
    assert "auto" not in {model.id for model in with_auto(tuple(CATALOGUE.values()))}


def test_auto_stands_in_the_list_where_github_names_it() -> None:
    listed = Model("auto", "Automatic", in_picker=False, policy="disabled")
    both = with_auto((Model("a", vision=True, max_prompt=9), Model("b", max_prompt=5), listed))
    assert [model.id for model in both] == ["auto", "a", "b"]
    entry = both[0]
    assert (entry.name, entry.in_picker, entry.policy) == ("Automatic", True, "enabled")
    assert (entry.vision, entry.max_prompt) == (False, 5), "whichever answers can do this"
    assert with_auto((*both, listed), ("a",))[0].max_prompt == 9
    assert offered(entry)
    assert not usable(entry)


def test_an_account_that_may_choose_nothing_has_auto() -> None:
    hidden = models(a=Model("a", in_picker=False), b=Model("b", in_picker=False, is_default=True))
    assert [model.id for model in with_auto(tuple(hidden.values()))] == ["auto", "a", "b"]
    for name in ("default", "gpt-4"):
        assert resolve(name, hidden).id == "auto"
    assert resolve("a", hidden).id == "a"
    vectors = Model("v", kind="embeddings", in_picker=False)
    assert with_auto((vectors,)) == (vectors,)


def test_the_users_own_default() -> None:
    assert resolve("default", CATALOGUE, default="claude-opus-4-8").id == "claude-opus-4.8"
    assert resolve("gpt-4", CATALOGUE, default="gpt-5.4").id == "gpt-5.4"
    assert resolve("", CATALOGUE, default="gpt-5.4").id == "gpt-5.4"
    assert resolve("default", CATALOGUE, default="default").id == "gpt-4.1"
    with pytest.raises(UnknownModel):
        resolve("default", CATALOGUE, default="nothing")


def test_aliases() -> None:
    table = {"fast": "quick", "quick": "gpt-5-mini", "gpt-4.1": "gpt-5.4", "mine": "sonnet"}
    assert resolve("fast", CATALOGUE, aliases=table).id == "gpt-5-mini"
    assert resolve("gpt-4.1", CATALOGUE, aliases=table).id == "gpt-4.1"  # an exact id wins
    assert resolve("mine", CATALOGUE, aliases=table).id == "claude-sonnet-4.6"
    with pytest.raises(UnknownModel) as caught:
        resolve("a", CATALOGUE, aliases={"a": "b", "b": "a"})
    assert "circle" in str(caught.value)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Model("m", policy="unconfigured"), "copilot-desktop models enable m"),
        (Model("m", policy="disabled"), "organisation or your plan"),
        (Model("m", kind="completion", endpoints=()), "cannot be called"),
    ],
)
def test_a_model_that_exists_but_may_not_be_used_says_why(model: Model, words: str) -> None:
    with pytest.raises(UnknownModel) as caught:
        resolve(model.id, {**CATALOGUE, model.id: model})
    assert words in str(caught.value)
    assert model.id not in caught.value.fields["alternatives"].split(", ")


def test_a_dated_name_of_a_blocked_model_is_not_replaced() -> None:
    catalogue = example("10-models-multiplier-era")
    with pytest.raises(UnknownModel) as caught:
        resolve("claude-opus-4-6-20260101", catalogue)
    assert "models enable claude-opus-4.6" in str(caught.value)
    with pytest.raises(UnknownModel):
        resolve("claude-opus-5-5", catalogue)  # its only sibling is not allowed either


def test_an_unusable_sibling_does_not_hide_a_usable_one() -> None:
    catalogue = models("claude-opus-4.6", newer=Model(id="claude-opus-4.8", policy="disabled"))
    assert resolve("opus", catalogue).id == "claude-opus-4.6"


def test_an_empty_list_says_so() -> None:
    with pytest.raises(UnknownModel) as caught:
        resolve("gpt-4.1", {})
    assert "not been loaded" in str(caught.value)


def test_spellings_are_bounded() -> None:
    assert len(list(spellings("openai/" * 60 + "a-1-2-latest"))) <= 40
