"""The model list, policies, auto mode, embeddings and counting: `upstream.md` 5, 8.3 and 9."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from copilot_desktop.demo import Scenario

# What goes with the acceptance of terms (`upstream.md` 5.3).
POLICY = {"OpenAI-Intent": "chat-policy", "X-Interaction-Type": "chat-policy"}


async def test_the_list_has_every_kind_of_row(caller):
    data = (await caller.get("/models")).json["data"]
    models = {model["id"]: model for model in data}
    assert len(models) < len(data), "a duplicate"
    kinds = {model["capabilities"]["type"] for model in data}
    assert kinds == {"chat", "embeddings", "completion"}
    states = {model["policy"]["state"] for model in data if "policy" in model}
    assert states == {"enabled", "unconfigured", "disabled"}
    endpoints = {tuple(model.get("supported_endpoints", ())) for model in data}
    assert () in endpoints, "a model that does not name its endpoints"
    assert ("/responses", "ws:/responses") in endpoints
    assert ("/v1/messages",) in endpoints
    assert all("token_prices" in model["billing"] for model in data)
    assert (await caller.get("/v1/models")).json["data"] == data


async def test_the_older_era_has_multipliers(calling):
    async with calling(Scenario(era="multiplier")) as caller:
        await caller.exchange()
        data = (await caller.get("/models")).json["data"]
        assert all("multiplier" in model["billing"] for model in data)
        assert "copilot_usage" not in (await caller.chat()).json


@pytest.mark.parametrize("number", ["10", "11"])
async def test_the_example_lists_are_served_unchanged(calling, number):
    root = resources.files("copilot_desktop.demo.transcripts")
    wanted = next(entry for entry in root.iterdir() if entry.name.startswith(f"{number}-"))
    async with calling(Scenario(catalogue=f"example-{number}")) as caller:
        await caller.exchange()
        assert (await caller.get("/models")).json == json.loads(wanted.read_text("utf-8"))


async def test_free_accounts_see_fewer_models(calling):
    async with calling(Scenario(who="free")) as caller:
        await caller.exchange()
        names = {model["id"] for model in (await caller.get("/models")).json["data"]}
        assert "gpt-5-mini" in names
        assert "claude-opus-4.8" not in names


async def test_a_policy_is_accepted_and_a_blocked_one_is_not(caller):
    refused = await caller.chat(model="claude-opus-4.6")
    assert refused.error["code"] == "model_not_supported"
    path, intent = "/models/claude-opus-4.6/policy", POLICY
    assert (await caller.post(path, {"state": "enabled"})).status == 400
    for name, value in POLICY.items():
        assert (await caller.post(path, {"state": "enabled"}, **{name: value})).status == 400
    answer = await caller.post(path, {"state": "enabled"}, **intent)
    assert answer.json == {"model": "claude-opus-4.6", "state": "enabled"}
    assert (await caller.chat(model="claude-opus-4.6")).status == 200
    blocked = await caller.post("/models/gpt-5.5/policy", {"state": "enabled"}, **intent)
    assert blocked.status == 403
    assert (await caller.post("/models/none/policy", {"state": "enabled"}, **intent)).status == 404


async def test_an_organisation_decides_about_the_models_of_its_seats(calling):
    async with calling(Scenario(who="business")) as caller:
        await caller.exchange()
        path, intent = "/models/claude-opus-4.6/policy", POLICY
        assert (await caller.post(path, {"state": "enabled"}, **intent)).status == 403


WANTED = {"auto_mode": {"model_hints": ["auto"]}}
SELECTOR = "Copilot-Session-Token"


async def test_a_selector_is_for_one_account_its_models_and_its_time(calling):
    async with calling(Scenario(auto_models=("gpt-5-mini",))) as caller:
        await caller.exchange()
        session = (await caller.post("/models/session", WANTED)).json
        header = {SELECTOR: session["session_token"]}
        assert session["available_models"] == ["gpt-5-mini"]
        assert (await caller.chat(model="gpt-5-mini", headers=header)).status == 200
        assert (await caller.chat(model="gpt-4.1", headers=header)).status == 401
        assert (await caller.chat(model="gpt-4.1")).status == 200
        other = caller.fake.tokens.give()
        body = (await caller.github("/copilot_internal/v2/token", other)).json
        foreign = {**header, "Authorization": f"Bearer {body['token']}"}
        assert (await caller.chat(model="gpt-5-mini", headers=foreign)).status == 401
        caller.fake.sessions.expire()
        assert (await caller.chat(model="gpt-5-mini", headers=header)).status == 401


async def test_plans_without_a_choice_answer_auto_mode_only(calling):
    async with calling(Scenario(who="free", auto_only=True)) as caller:
        await caller.exchange()
        data = (await caller.get("/models")).json["data"]
        assert not any(model["model_picker_enabled"] for model in data)
        assert (await caller.chat(model="gpt-5-mini")).error["code"] == "model_not_supported"
        session = (await caller.post("/models/session", WANTED)).json
        header = {SELECTOR: session["session_token"]}
        assert (await caller.chat(model=session["selected_model"], headers=header)).status == 200


async def test_there_may_be_no_auto_mode(calling):
    async with calling(Scenario(auto_models=())) as caller:
        await caller.exchange()
        assert (await caller.post("/models/session", WANTED)).status == 403


async def test_auto_mode(caller):
    assert (await caller.post("/models/session", {})).status == 400
    session = await caller.post("/models/session", WANTED)
    token = session.json["session_token"]
    assert session.headers["copilot-session-token"] == token
    assert session.json["selected_model"] in session.json["available_models"]
    route = {"prompt": "Rename", "available_models": session.json["available_models"]}
    missing = await caller.post("/models/session/intent", route)
    assert missing.error["message"] == "Missing Copilot-Session-Token header"
    header = {"Copilot-Session-Token": token}
    chosen = (await caller.post("/models/session/intent", route, **header)).json["chosen_model"]
    assert (await caller.chat(model=chosen, headers=header)).status == 200
    wrong = await caller.chat(model=chosen, headers={"Copilot-Session-Token": "other"})
    assert (wrong.status, wrong.error["message"]) == (401, "Invalid auto-mode selector")
    assert (await caller.chat(model="auto")).error["code"] == "model_not_supported"


async def test_embeddings(caller):
    body = {"model": "text-embedding-3-small", "input": ["one", "two", "one"], "dimensions": 8}
    answer = (await caller.post("/embeddings", body)).json
    assert set(answer) == {"data", "usage"}, "no object, no model"
    vectors = [row["embedding"] for row in answer["data"]]
    assert [len(vector) for vector in vectors] == [8, 8, 8]
    assert vectors[0] == vectors[2] != vectors[1]
    assert [row["index"] for row in answer["data"]] == [0, 1, 2]


@pytest.mark.parametrize(
    "change",
    [
        {"input": "one"},
        {"input": []},
        {"input": ["x"] * 513},
        {"input": [[1, 2]]},
        {"dimensions": "many"},
        {"dimensions": 10**9},
        {"model": "gpt-4.1"},
    ],
)
async def test_wrong_embeddings_are_refused(caller, change):
    body = {"model": "text-embedding-3-small", "input": ["one"], **change}
    assert (await caller.post("/embeddings", body)).status == 400


async def test_tokens_are_counted_even_for_shapes_that_are_refused(caller):
    body = {
        "model": "claude-sonnet-4.6",
        "messages": [{"role": "assistant", "content": "x" * 4000}],
        "service_tier": "auto",
    }
    assert (await caller.post("/v1/messages", body)).status == 400
    count = (await caller.post("/v1/messages/count_tokens", body)).json["input_tokens"]
    assert 1000 <= count < 1100


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing"),
        ("GET", "/responses"),
        ("POST", "/v1/chat/completions"),
        ("PUT", "/models"),
    ],
)
async def test_other_paths_are_not_found(caller, method, path):
    answer = await caller.send(method, path, headers=caller.headers)
    assert (answer.status, answer.text) == (404, "404 page not found\n")
