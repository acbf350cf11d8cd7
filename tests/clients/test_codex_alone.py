"""What only Codex asks for and only Codex is told: its catalogue, and a limit that is reached."""

from __future__ import annotations

import json

import pytest

from copilot_desktop.demo import Status
from tests.clients.desk import LOCAL_KEY, Desk, Ended

TASK = "Please:\ndemo: write hello.txt Hello\nThanks."
UNKNOWN = "metadata"  # Codex warns in these words about a model that its catalogue does not hold


async def codex(desk: Desk, model: str, task: str, credentials: str) -> Ended:
    """`credentials`: the line that tells Codex where its key is."""
    folder = desk.home / ".codex"
    folder.mkdir(exist_ok=True)
    (folder / "config.toml").write_text(
        f'model = "{model}"\nmodel_provider = "here"\ncheck_for_update_on_startup = false\n'
        "[analytics]\nenabled = false\n"
        '[model_providers.here]\nname = "Copilot Desktop"\n'
        f'base_url = "{desk.url}/v1"\nwire_api = "responses"\nsupports_websockets = false\n'
        f"{credentials}\n"
    )
    return await desk.run(
        "codex", "exec", "--skip-git-repo-check", "--json",
        "--dangerously-bypass-approvals-and-sandbox", task,
        LOCAL_KEY=LOCAL_KEY, CODEX_HOME=str(folder),
    )  # fmt: skip


BY_COMMAND = f'auth = {{ command = "/bin/echo", args = ["{LOCAL_KEY}"] }}'
BY_VARIABLE = 'env_key = "LOCAL_KEY"'


@pytest.mark.parametrize(
    ("model", "effort"),
    [("gpt-5.3-codex", "medium"), ("claude-sonnet-5", "medium"), ("gpt-4.1", None)],
)
async def test_codex_takes_the_catalogue(desk: Desk, model: str, effort: str | None) -> None:
    ended = await codex(desk, model, TASK, BY_COMMAND)
    assert ended.code == 0, ended
    assert UNKNOWN not in ended.out
    assert (desk.work / "hello.txt").read_text().strip() == "Hello"
    first = desk.rounds[0].body
    asked = first.get("reasoning") or first.get("output_config") or {}
    assert asked.get("effort") == effort
    assert "You are a coding agent" in json.dumps(first), "its instructions are gone"


async def test_without_the_catalogue_the_model_is_unknown_to_it(desk: Desk) -> None:
    """Otherwise the test above would prove nothing."""
    ended = await codex(desk, "gpt-5.3-codex", TASK, BY_VARIABLE)
    assert UNKNOWN in ended.out


@pytest.mark.parametrize(
    ("model", "path"), [("gpt-5.3-codex", "/responses"), ("claude-sonnet-5", "/v1/messages")]
)
async def test_an_allowance_that_is_used_up_is_said_once(desk: Desk, model: str, path: str) -> None:
    desk.fake.add_fault(Status.example("402-free-quota-exceeded", path, times=-1))
    ended = await codex(desk, model, TASK, BY_VARIABLE)
    assert ended.code != 0
    assert "usage limit" in ended.out
    assert "GitHub Copilot" in ended.out
    assert "Reconnecting" not in ended.out
    assert len(desk.calls) == 1


async def test_a_limit_of_days_is_said_instead_of_slept_through(desk: Desk) -> None:
    desk.fake.add_fault(Status.example("429-weekly", "/responses", times=-1))
    ended = await codex(desk, "gpt-5.3-codex", TASK, BY_VARIABLE)
    assert ended.code != 0
    assert "GitHub Copilot asks to wait" in ended.out
    assert len(desk.calls) == 1
