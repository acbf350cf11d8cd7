"""Which models a tool is told about, and how large they are said to be."""

from __future__ import annotations

from copilot_desktop.canonical import Effort
from copilot_desktop.integrations.offer import MOST, labelled, offered, thinks, title, window
from copilot_desktop.integrations.tool import Link
from copilot_desktop.model import Model


def link(*models: Model, **chosen: str) -> Link:
    return Link("http://127.0.0.1:4141", "key", models, chosen)


def ids(found: Link) -> list[str]:
    return [model.id for model in offered(found)]


def test_chosen_ones_come_first_and_the_rest_by_name() -> None:
    b, a, c = Model("b", "Beta"), Model("a", "alpha"), Model("c", "Gamma")
    assert ids(link(b, a, c, main="c")) == ["c", "a", "b"]
    assert ids(link(a, c, b, main="c")) == ["c", "a", "b"]


def test_what_the_picker_hides_is_listed_only_if_chosen() -> None:
    hidden = Model("old", in_picker=False)
    assert ids(link(hidden, Model("new"))) == ["new"]
    assert ids(link(hidden, Model("new"), main="old")) == ["old", "new"]


def test_a_model_that_is_gone_is_not_listed() -> None:
    assert ids(link(Model("new"), main="gone")) == ["new"]


def test_the_best_of_many() -> None:
    many = [Model(f"m{number:02}") for number in range(30)]
    assert ids(link(*many)) == [f"m{number:02}" for number in range(MOST)]
    assert len(ids(link(*many, main="m29", small="m28"))) == MOST


def test_names() -> None:
    assert title(Model("gpt-9")) == "gpt-9"
    known, other = Model("gpt-9", "GPT-9"), Model("gpt-8", "GPT-8")
    assert labelled(link(known, other), known) == "GPT-9 (Copilot Desktop)"


def test_models_of_one_name_are_told_apart() -> None:
    """`gpt-4o` and `gpt-4o-2024-11-20` are both called GPT-4o."""
    plain, dated = Model("gpt-9", "GPT-9"), Model("gpt-9-2026-11-20", "GPT-9", in_picker=False)
    assert labelled(link(plain, dated), plain) == "GPT-9 (Copilot Desktop)"
    both = link(plain, dated, main=dated.id)
    assert [labelled(both, model) for model in offered(both)] == [
        "gpt-9-2026-11-20 (Copilot Desktop)",
        "gpt-9 (Copilot Desktop)",
    ]


def test_the_window_holds_no_more_than_prompt_and_answer() -> None:
    small = Model("a", max_context=200_000, max_prompt=128_000, max_output=16_000)
    assert window(small) == 144_000
    assert window(Model("a", max_context=128_000, max_prompt=128_000, max_output=16_000)) == 128_000


def test_whether_there_is_anything_to_think_about() -> None:
    assert not thinks(Model("a"))
    assert not thinks(Model("a", efforts=(Effort.NONE,)))
    assert thinks(Model("a", efforts=(Effort.NONE, Effort.LOW)))
    assert thinks(Model("a", thinking="optional"))
