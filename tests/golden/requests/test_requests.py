"""Golden items 1 to 46 of `translation.md` §17: requests, from the client to Copilot."""

from __future__ import annotations

import json
from typing import Any

import pytest
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
