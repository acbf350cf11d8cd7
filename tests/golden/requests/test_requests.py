"""Golden items 1 to 46 of `translation.md` §17: requests, from the client to Copilot."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import web
from golden.requests.line import (
    ENDPOINTS,
    PATHS,
    Line,
    body_of,
    differences,
    expanded,
    items,
    line,
    model_of,
    strictly,
)
from proxy.scripted import events, pieces, scripted_rig

ITEMS = items()


@pytest.mark.parametrize(
    "number", ITEMS, ids=[f"{number}-{words}" for number, (words, _) in ITEMS.items()]
)
async def test_item(number: int) -> None:
    wrong: list[str] = []
    async with line() as found:
        for case in ITEMS[number][1]:
            for endpoint in case["out"]:
                told = await trouble(found, case, endpoint)
                wrong += [f"{case['name']} > {endpoint}: {words}" for words in told]
    assert not wrong, "\n".join(["", *wrong])


LONG = "mcp__" + "x" * 60


@pytest.mark.parametrize("dialect", PATHS)
async def test_item_18_reverse_in_the_reply(dialect: str) -> None:
    """The model calls the tool by the name that it was sent; the client reads its own."""
    sent: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        tool = (await request.json())["tools"][0]["function"]["name"]
        sent.append(tool)
        call = {"index": 0, "id": "c1", "function": {"name": tool, "arguments": "{}"}}
        told = events(
            {"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}]},
            {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
            "[DONE]",
        )
        return await pieces(told)(request)

    declared = {
        "messages": {"name": LONG, "input_schema": {"type": "object"}},
        "chat": {"type": "function", "function": {"name": LONG}},
        "responses": {"type": "function", "name": LONG},
    }[dialect]
    body = body_of({"as": dialect, "in": {"tools": [declared], "stream": True}})
    async with scripted_rig(answer) as (rig, _):
        found = Line(rig)
        found.use(model_of("gpt", "chat"))
        status, text = await found.send(PATHS[dialect], body)
    assert (status, len(sent[0])) == (200, 64)
    assert LONG in text
    assert sent[0] not in text


def test_none_of_the_items_is_missing() -> None:
    assert sorted(ITEMS) == list(range(1, 47))
    assert all(cases for _, cases in ITEMS.values())


async def trouble(found: Line, case: dict[str, Any], endpoint: str) -> list[str]:
    """What is wrong with one case at one endpoint; `a>b` means that both are there, b answers."""
    listed = endpoint.split(">")
    if "catalogue" in case:
        found.use_list(case["catalogue"], *listed)
    else:
        found.use(model_of(case.get("model", "gpt"), *listed))
    strictly(found, case.get("strict", False))
    headers = {"anthropic-beta": ",".join(case["betas"])} if "betas" in case else {}
    status, text = await found.send(PATHS[case["as"]], body_of(case), headers)
    wanted = case["out"][endpoint]
    arrived = found.arrived
    if "error" in wanted:
        if arrived is not None:
            return [f"was sent: {json.dumps(arrived.body)}"]
        refused = status == wanted.get("status", 400) and wanted["error"] in text
        return [] if refused else [f"{status} {text}"]
    if arrived is None:
        return [f"was not sent: {status} {text}"]
    wrong = differences(wanted, arrived.body)
    if arrived.path != ENDPOINTS[listed[-1]]:
        wrong.append(f"went to {arrived.path}")
    for name, value in case.get("headers", {}).items():
        if arrived.headers.get(name) != value:
            wrong.append(f"header {name}: {arrived.headers.get(name)}, not {value}")
    notes = case.get("notes", [])
    notes = notes.get(endpoint, []) if isinstance(notes, dict) else notes
    missing = [note for note in expanded(notes) if note not in found.notes]
    return wrong + ([f"notes {missing} missing in {found.notes}"] if missing else [])
