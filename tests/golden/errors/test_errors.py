"""Items 77 to 83 of `translation.md` §17: what goes wrong upstream, as each client is told.

`rows.json` holds one object a line, written by hand from §13.1 to §13.3:

    id, what           the number in §17 and the case in words
    upstream           status, headers and `body` (JSON) or `text` of Copilot's answer
    problem            instead: something that went wrong here, and its fields
    messages           status, `error.type`
    chat, responses    status, `error.type`, `error.code`
    ollama             status
    took               seconds that the client has waited
    counted            tokens and limit as they are counted here, where Copilot names none
    retry_after, should_retry    headers of the answer; null: not there
    says, exactly      a part of the sentence; by dialect: all of it

Item 81 (what is healed) stands in `tests/upstream/test_healing.py`.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from copilot_desktop import errors
from copilot_desktop.dialects import Dialect
from copilot_desktop.dialects.registry import ALL
from copilot_desktop.errors import DETAIL_LIMIT, InputTooLarge, Problem
from copilot_desktop.model import Model
from copilot_desktop.preparation.weighing import number_overflow
from copilot_desktop.proxy.answers import problem_answer
from copilot_desktop.upstream.failures import problem_from

HERE = Path(__file__).parent
ROOT = Path(__file__).parents[3]
ROWS: list[dict[str, Any]] = json.loads((HERE / "rows.json").read_text(encoding="utf-8"))
NAMES = {
    "messages": "anthropic_messages",
    "chat": "openai_chat",
    "responses": "openai_responses",
    "ollama": "ollama",
}
URL = "https://api.individual.githubcopilot.com/chat/completions"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
HEALING = "tests/upstream/test_healing.py"


def spoken(name: str) -> Dialect:
    return next(dialect for dialect in ALL if dialect.name == NAMES[name])


def problem_of(row: dict[str, Any]) -> Problem:
    if "problem" in row:
        kind, fields = row["problem"]
        problem = getattr(errors, kind)(fields=fields)
        assert isinstance(problem, Problem)
        return problem
    upstream = row["upstream"]
    text = json.dumps(upstream["body"]) if "body" in upstream else upstream["text"]
    found = problem_from(
        upstream["status"], upstream["headers"], text.encode(), url=URL, model="m", now=NOW
    )
    if counted := row.get("counted"):
        assert isinstance(found, InputTooLarge)
        number_overflow(found, int(counted[0]), Model("m", max_prompt=int(counted[1])))
    return found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_told(row: dict[str, Any], name: str) -> None:
    answer = problem_answer(problem_of(row), spoken(name), took=row.get("took", 0))
    assert isinstance(answer.body, bytes)
    body = json.loads(answer.body)
    if name == "ollama":
        message = body["error"]
        assert [answer.status] == row[name]
    elif name == "messages":
        assert body["type"] == "error"
        message = body["error"]["message"]
        assert [answer.status, body["error"]["type"]] == row[name]
    else:
        error = body["error"]
        message = error["message"]
        assert {"param", "code", "type", "message"} <= error.keys()
        assert [answer.status, error["type"], error["code"]] == row[name]
    assert answer.headers.get("retry-after") == row.get("retry_after")
    assert answer.headers.get("x-should-retry") == row.get("should_retry")
    _check_words(row, name, message)


def _check_words(row: dict[str, Any], name: str, message: str) -> None:
    assert message
    assert row.get("says", "") in message
    if wanted := row.get("exactly", {}).get(name):
        assert message == wanted
    assert "ghp_" not in message
    assert "<" not in message
    assert '{"' not in message, "JSON in a sentence"
    assert len(message) < DETAIL_LIMIT + 200


@pytest.mark.parametrize(
    "row", [row for row in ROWS if "upstream" in row], ids=lambda row: row["id"]
)
def test_the_request_id_is_passed_on(row: dict[str, Any]) -> None:
    if "x-github-request-id" not in row["upstream"]["headers"]:
        return
    headers = problem_answer(problem_of(row), spoken("messages")).headers
    for name in ("request-id", "x-request-id", "x-github-request-id"):
        assert headers[name] == "FF66:27F1BF"


def test_no_item_is_missing() -> None:
    items = {int(row["id"].partition("-")[0]) for row in ROWS}
    assert items | {81} == set(range(77, 84))
    assert (ROOT / HEALING).is_file()
