"""What an editor is pointed at: which model for which role, which key, which order."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from copilot_desktop.core import editor_samples, editor_test
from copilot_desktop.core.editor_links import Offer, choosable
from copilot_desktop.core.editor_rows import EditorList, EditorRow, in_order
from copilot_desktop.errors import InvalidRequest
from copilot_desktop.integrations.planning import NO_KEY
from copilot_desktop.integrations.tool import Link, Role, Tool
from copilot_desktop.model import AUTO, Model

MODELS = (
    Model("gpt-5", is_default=True),
    Model("claude-sonnet-4.5"),
    Model("gpt-5-mini"),
    Model("older", in_picker=False),
)
PEN = Tool(
    id="pen",
    name="Pen",
    source="made up",
    roles=(Role("main", ("claude-sonnet", "gpt-5")), Role("small", ("haiku", "mini")), Role("any")),
)
OFFER = Offer("http://127.0.0.1:4141", MODELS, "cd-everybody")


def test_each_role_gets_the_best_model_that_it_likes() -> None:
    link = OFFER.link(PEN, {})
    assert link.chosen == {"main": "claude-sonnet-4.5", "small": "gpt-5-mini", "any": "gpt-5"}


@pytest.mark.parametrize(
    ("ids", "best"),
    [
        (("claude-sonnet-4", "claude-sonnet-4.5", "claude-sonnet-3.7"), "claude-sonnet-4.5"),
        (("claude-sonnet-4-20250514", "claude-sonnet-4-5"), "claude-sonnet-4-5"),
        (("claude-sonnet-4.5", "claude-sonnet-10"), "claude-sonnet-10"),
    ],
)
def test_of_several_that_it_likes_it_gets_the_newest(ids: tuple[str, ...], best: str) -> None:
    models = tuple(map(Model, ids))
    assert replace(OFFER, models=models).link(PEN, {}).chosen["main"] == best
    models = (*models, Model("claude-sonnet-99", preview=True))
    assert replace(OFFER, models=models).link(PEN, {}).chosen["main"] == best


def test_what_was_chosen_wins_and_what_is_chosen_now_wins_over_that() -> None:
    link = OFFER.link(PEN, {"main": "gpt-5", "small": "gone"}, {"any": "older"})
    assert link.chosen == {"main": "gpt-5", "small": "gpt-5-mini", "any": "older"}


@pytest.mark.parametrize("given", [{"main": "no-such"}, {"no-such": "gpt-5"}])
def test_what_cannot_be_chosen_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        OFFER.link(PEN, {}, given)
    assert caught.value.fields["reason"] == "unknown_model"


def test_without_models_nothing_is_chosen() -> None:
    assert replace(OFFER, models=()).link(PEN, {"main": "gpt-5"}).chosen == {}


def test_the_key_is_the_tools_own_else_everybodys_else_a_word() -> None:
    assert OFFER.key_of(PEN) == NO_KEY
    asking = replace(OFFER, required=True)
    assert asking.key_of(PEN) == "cd-everybody"
    assert replace(asking, named={"pen": "cd-pen"}).key_of(PEN) == "cd-pen"
    assert "cd-everybody" not in repr(asking)


def test_the_default_comes_first_and_what_cannot_be_asked_for_not_at_all() -> None:
    models = (*reversed(MODELS), Model("closed", policy="disabled"), Model("e", kind="embeddings"))
    assert [model.id for model in choosable(models)] == [
        "gpt-5", "gpt-5-mini", "claude-sonnet-4.5", "older",
    ]  # fmt: skip


def test_where_github_leaves_no_choice_there_is_auto_alone() -> None:
    hidden = tuple(replace(model, in_picker=False) for model in MODELS)
    assert [model.id for model in choosable(hidden)] == [AUTO]


def test_rows_come_with_problems_first_and_what_is_not_there_last() -> None:
    states = ("not_found", "connected", "by_hand", "old_port", "not_connected")
    rows = in_order(EditorRow(name, name, "automatic", name, written=True) for name in states)
    assert [row.state for row in rows] == [
        "old_port", "connected", "by_hand", "not_connected", "not_found",
    ]  # fmt: skip
    assert EditorList(rows=rows).problems == 1
    broken = EditorRow("x", "x", "automatic", "unreadable")
    assert EditorList(rows=(broken,)).problems == 0, "nothing of ours is in it"


def test_a_demo_keeps_what_was_done_to_its_files(tmp_path: Path) -> None:
    editor_samples.make(tmp_path / "home")
    file = tmp_path / "home" / ".claude" / "settings.json"
    file.write_text("changed")
    editor_samples.make(tmp_path / "home")
    assert file.read_text() == "changed"


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
async def test_a_test_asks_as_the_tool_would_and_tells_the_reason(dialect: str) -> None:
    seen: list[web.Request] = []
    silent = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        if "slow" in request.headers["Authorization"]:
            await silent.wait()
        if "bad" in request.headers["Authorization"]:
            return web.json_response({"error": {"message": "Wrong key."}}, status=401)
        return web.json_response({"ok": True})

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        tool = replace(PEN, dialect=dialect)  # type: ignore[arg-type]
        link = Link(f"http://127.0.0.1:{port}", "cd-key", MODELS, {"main": "gpt-5"})
        told = await editor_test.ask(tool, link)
        assert told["model"] == "gpt-5"
        assert seen[0].headers["Authorization"] == "Bearer cd-key"
        wanted = "/v1/messages" if dialect == "anthropic" else "/v1/chat/completions"
        assert seen[0].path == wanted
        with pytest.raises(InvalidRequest, match=r"Wrong key\."):
            await editor_test.ask(tool, replace(link, key="bad"))
        with pytest.raises(InvalidRequest) as caught:
            await editor_test.ask(tool, replace(link, key="slow"), seconds=0.3)
        assert caught.value.fields["reason"] == "no_answer"
    finally:
        silent.set()
        await runner.cleanup()
    with pytest.raises(InvalidRequest) as caught:
        await editor_test.ask(tool, link)
    assert caught.value.fields["reason"] == "not_running"
