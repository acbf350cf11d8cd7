"""The models of the account: read, kept, refreshed and found under the names that clients use."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import copilot_desktop
from copilot_desktop.errors import NotSignedIn, UnknownModel, Unreachable, UpstreamFault
from copilot_desktop.model import CHAT, EMBEDDINGS, MESSAGES, RESPONSES, Model
from copilot_desktop.upstream.catalogue import Catalogue
from copilot_desktop.upstream.client import CopilotClient
from copilot_desktop.upstream.http import open_http
from copilot_desktop.upstream.identity import Identity
from copilot_desktop.upstream.model_payloads import model_of, models_of
from tests.upstream.rig import Connection, Rig, Tokens, answer, serving

EXAMPLES = Path(copilot_desktop.__file__).parent / "demo" / "transcripts"
MULTIPLIERS = json.loads((EXAMPLES / "10-models-multiplier-era.json").read_text())
PRICES = json.loads((EXAMPLES / "11-models-token-price-era.json").read_text())


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def client() -> AsyncIterator[CopilotClient]:
    session = open_http(github_timeout=5)
    yield CopilotClient(session, Identity())
    await session.close()


@pytest.fixture
async def idle() -> AsyncIterator[Catalogue]:
    """A catalogue that will not be asked to fetch."""
    session: aiohttp.ClientSession = open_http(github_timeout=5)
    yield Catalogue(CopilotClient(session, Identity()))
    await session.close()


# ----------------------------------------------------------------------------------- reading


def by_id(payload: object) -> dict[str, Model]:
    return {model.id: model for model in models_of(payload)}


def test_the_multiplier_era() -> None:
    models = by_id(MULTIPLIERS)
    assert len(models) == len(MULTIPLIERS["data"]) - 1  # gpt-4 is listed twice
    old = models["gpt-4.1"]
    assert (old.endpoints, old.is_default, old.is_fallback) == ((CHAT,), True, True)
    assert (old.multiplier, old.premium, old.policy) == (0, False, "enabled")
    assert (old.max_prompt, old.max_output, old.max_images) == (128000, 16384, 1)
    assert models["gpt-5.4"].endpoints == (RESPONSES,)
    assert models["gpt-5.4"].websocket
    assert models["gpt-5.4"].max_tokens_key == "max_completion_tokens"
    assert old.max_tokens_key == "max_tokens"
    sonnet = models["claude-sonnet-4.6"]
    assert sonnet.endpoints == (CHAT, MESSAGES)
    assert (sonnet.thinking, sonnet.budget_min, sonnet.budget_max) == ("optional", 1024, 32000)
    assert [effort.value for effort in sonnet.efforts] == ["low", "medium", "high"]
    assert (models["claude-haiku-4.5"].thinking, old.thinking) == ("budget", "none")
    assert models["claude-haiku-4.5"].multiplier == 0.33
    assert models["claude-opus-4.6"].policy == "unconfigured"
    assert not models["claude-opus-4.6"].callable
    assert models["claude-opus-4.6"].policy_terms
    embeddings = models["text-embedding-3-small"]
    assert (embeddings.kind, embeddings.endpoints) == ("embeddings", (EMBEDDINGS,))
    assert models["gpt-41-copilot"].endpoints == ()
    picker = [m for m in models.values() if m.kind == "chat" and m.in_picker]
    assert len(picker) == 8


def test_the_price_era() -> None:
    models = by_id(PRICES)
    opus = models["claude-opus-4.8"]
    assert opus.multiplier is None
    assert opus.token_prices == {
        "input": 500, "output": 2500, "cache_read": 50, "cache_write": 625, "long_from": 200000,
        "long_input": 1000, "long_output": 3750, "long_cache_read": 100, "long_cache_write": 1250,
    }  # fmt: skip
    assert models["gpt-4.1"].notices
    assert models["claude-haiku-4.5"].notices == ("10 % off until 30 September",)
    assert models["example-restricted"].policy == "disabled"


def test_prices_without_a_default_level_and_with_another_batch() -> None:
    prices = {
        "batch_size": 1000,
        "input_price": "0.25",
        "cache_read_price": 0.5,
        "output_price": -1,
    }
    model = model_of({"id": "m", "billing": {"token_prices": prices, "multiplier": 3}})
    assert model is not None
    assert model.token_prices == {"input": 250, "cache_read": 500}
    assert model.multiplier is None


def test_prices_in_billionths_of_a_credit_are_told_in_credits() -> None:
    """As Visual Studio is told them (a capture of mid 2026)."""
    prices = {
        "batch_size": 1_000_000,
        "cache_price": 50_000_000_000,
        "input_price": 500_000_000_000,
        "output_price": 2_500_000_000_000,
    }
    model = model_of({"id": "m", "billing": {"token_prices": prices}})
    assert model is not None
    assert model.token_prices == {"input": 500, "output": 2500, "cache_read": 50}


def test_an_entry_with_nothing_but_an_id_gets_the_usual_limits() -> None:
    model = model_of({"id": "m"})
    assert model == Model(id="m", name="m")


def test_a_model_for_embeddings_is_not_given_what_conversations_usually_have() -> None:
    entry = {"id": "e", "capabilities": {"type": "embeddings", "limits": {"max_inputs": 512}}}
    (model,) = models_of({"data": [entry]})
    assert (model.max_prompt, model.max_context, model.max_output) == (8191, 8191, 0)
    assert not model.tools
    assert model.max_inputs == 512


@pytest.mark.parametrize(
    "entry",
    [
        None,
        [],
        {},
        {"id": ""},
        {"id": 5},
        {"id": "x" * 300},
        *({"id": f"gpt{odd}x"} for odd in ("\n", "\0", "\x1b[2J", "\x85", "\u2028", "\u202e")),
        {"id": "m", "capabilities": {"type": "speech"}},
    ],
)
def test_entries_that_cannot_be_used_are_left_out(entry: object) -> None:
    assert model_of(entry) is None


def test_half_a_letter_costs_neither_the_list_nor_the_files_made_of_it() -> None:
    """JSON can say it, UTF-8 cannot: lists in Ollama's words and editors' files were refused."""
    listed = json.loads(r'{"data": [{"id": "a\ud83d"}, {"id": "b", "name": "B \ud83d"}]}')
    [model] = models_of(listed)
    assert (model.id, model.name) == ("b", "B \ufffd")


def test_a_name_is_one_line_of_what_can_be_seen() -> None:
    """A file in YAML could not keep it, and terminals obey some of it."""
    model = model_of({"id": "m", "name": "GPT\x85\u202e\x1b[2J\xa0é 5", "warning_text": "a\nb"})
    assert model is not None
    assert (model.name, model.notices) == ("GPT [2J é 5", ("a\nb",))


def test_a_list_without_end_is_read_in_part() -> None:
    """All of it would be shown four times a second, and compared with each name that is unknown."""
    notices = [{"message": f"{n}"} for n in range(5000)]
    listed = {"data": [{"id": f"m{n}", "info_messages": notices} for n in range(5000)]}
    models = models_of(listed)
    assert (models[0].id, len(models), len(models[0].notices)) == ("m0", 1000, 20)


def test_wrong_types_count_as_missing() -> None:
    entry = {
        "id": "m", "name": 1, "vendor": None, "preview": "yes", "policy": "enabled",
        "billing": [], "supported_endpoints": "all", "request_headers": {"A\r\nB": "c", "D": 1},
        "capabilities": {"limits": {"max_prompt_tokens": "many", "vision": 1},
                         "supports": {"reasoning_effort": ["low", "warp", 3], "vision": 1,
                                      "adaptive_thinking": "unsupported"}},
    }  # fmt: skip
    model = model_of(entry)
    assert model is not None
    assert (model.name, model.preview, model.policy) == ("m", False, "enabled")
    assert (model.endpoints, model.max_prompt, model.request_headers) == ((CHAT,), 64000, {})
    assert [effort.value for effort in model.efforts] == ["low"]
    assert (model.thinking, model.vision) == ("none", False)


@pytest.mark.parametrize("payload", [None, {}, {"data": {}}, "x", {"error": "no"}])
def test_no_list_is_a_fault(payload: object) -> None:
    with pytest.raises(UpstreamFault):
        models_of(payload)


# ----------------------------------------------------------------------------- fetching and disk


async def test_fetched_and_kept_for_the_next_start(client: CopilotClient, tmp_path: Path) -> None:
    path = tmp_path / "new" / "models.json"
    async with serving(answer(200, PRICES)) as rig:
        states: list[str] = []
        catalogue = Catalogue(client, path, wall=lambda: 5000.0)
        catalogue.belongs_to(("github.com", 1))
        catalogue.on_change = lambda: states.append(catalogue.state)
        assert catalogue.state == "empty"
        await catalogue.ready(Tokens(rig.url))
        assert states == ["loading", "ready"]
        assert rig.seen[0].path == "/models"
        assert rig.seen[0].headers["openai-intent"] == "model-access"
        assert catalogue.fetched_at == 5000.0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["models.json"]

    later = Catalogue(client, path)
    later.load_cache()
    assert later.state == "cached"
    assert later.models == catalogue.models
    assert later.fetched_at == 5000.0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"v":1}',
        b'{"v":99,"fetched_at":1,"data":[]}',
        b'{"v":1,"fetched_at":1,"whose":["x",Infinity],"data":[{"id":"gpt-5"}]}',
        b'{"v":1,"fetched_at":1,"whose":null,"data":[{"id":"gpt-5"}]}',
        b"[" * 100_000,
    ],
)
async def test_a_broken_file_is_no_file(idle: Catalogue, tmp_path: Path, content: bytes) -> None:
    idle._path = tmp_path / "models.json"
    idle._path.write_bytes(content)
    idle.load_cache()
    assert idle.state == "empty"


async def test_a_disk_that_takes_nothing_is_no_reason_to_fail(
    client: CopilotClient, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    catalogue = Catalogue(client, tmp_path / "file" / "models.json")
    async with serving(answer(200, PRICES)) as rig:
        await catalogue.ready(Tokens(rig.url))
    assert catalogue.state == "ready"


async def test_many_requests_one_fetch_and_none_for_ten_minutes(client: CopilotClient) -> None:
    clock = Clock()
    catalogue = Catalogue(client, clock=clock)
    async with serving(answer(200, PRICES)) as rig:
        tokens = Tokens(rig.url)
        await asyncio.gather(*(catalogue.ready(tokens) for _ in range(40)))
        clock.now += 599
        await catalogue.ready(tokens)
        assert len(rig.seen) == 1
        clock.now += 2
        await catalogue.ready(tokens)
        await rig.until(2)


async def test_a_fresh_list_from_disk_is_used_at_once(
    client: CopilotClient, tmp_path: Path
) -> None:
    path = tmp_path / "models.json"
    kept = {"v": 1, "fetched_at": 5000.0, "whose": ["github.com", 1], "data": PRICES["data"]}
    path.write_text(json.dumps(kept))
    async with serving(answer(200, MULTIPLIERS)) as rig:
        fresh = Catalogue(client, path, wall=lambda: 5500.0)
        fresh.load_cache()
        await fresh.ready(Tokens(rig.url))
        assert not rig.seen
        old = Catalogue(client, path, wall=lambda: 9500.0)
        old.load_cache()
        await old.ready(Tokens(rig.url))
        assert "gpt-5.4" in {model.id for model in old.models}


async def test_without_a_list_the_failure_is_told(client: CopilotClient) -> None:
    catalogue = Catalogue(client)
    with pytest.raises(Unreachable):
        await catalogue.ready(Tokens("http://127.0.0.1:9"))
    assert (catalogue.state, type(catalogue.problem)) == ("empty", Unreachable)


async def test_a_list_that_cannot_be_refreshed_stays(client: CopilotClient) -> None:
    clock = Clock()
    catalogue = Catalogue(client, clock=clock)
    async with serving(answer(200, PRICES), answer(429, b"")) as rig:
        tokens = Tokens(rig.url)
        await catalogue.ready(tokens)
        clock.now += 700
        await catalogue.ready(tokens)
        await _settled(catalogue)
        assert catalogue.state == "stale"
        assert catalogue.resolve("claude-opus-4.8").id == "claude-opus-4.8"
        await catalogue.ready(tokens)  # rests instead of asking again with each request
        await _settled(catalogue)
        assert len(rig.seen) == 2
        clock.now += 31
        await catalogue.ready(tokens)
        await rig.until(3)


async def _settled(catalogue: Catalogue) -> None:
    task = catalogue._fetch._task
    if task is not None:
        await asyncio.wait({task}, timeout=5)
        await asyncio.sleep(0)


async def test_an_unknown_name_is_looked_up_once_more(client: CopilotClient) -> None:
    clock = Clock()
    catalogue = Catalogue(client, clock=clock)
    async with serving(answer(200, MULTIPLIERS), answer(200, PRICES)) as rig:
        tokens = Tokens(rig.url)
        await catalogue.ready(tokens)
        clock.now += 60
        assert (await catalogue.find("gpt-5.6-sol", tokens)).id == "gpt-5.6-sol"
        assert len(rig.seen) == 2
        with pytest.raises(UnknownModel):
            await catalogue.find("no-such", tokens)
        assert len(rig.seen) == 2


async def test_signing_out_forgets_the_list_and_its_file(
    client: CopilotClient, tmp_path: Path
) -> None:
    path = tmp_path / "models.json"
    catalogue = Catalogue(client, path)
    async with serving(answer(200, PRICES)) as rig:
        await catalogue.ready(Tokens(rig.url))
    catalogue.clear()
    assert (catalogue.state, catalogue.models, path.exists()) == ("empty", (), False)


async def test_signing_out_during_a_fetch_is_no_cancelled_request(client: CopilotClient) -> None:
    async def waits(connection: Connection) -> None:
        await connection.closed_by_client()

    catalogue = Catalogue(client)
    rig: Rig
    async with serving(waits) as rig:
        asking = asyncio.create_task(catalogue.ready(Tokens(rig.url)))
        await rig.until(1)
        catalogue.clear()
        with pytest.raises(NotSignedIn):
            await asking
        await asyncio.wait_for(rig.ended.wait(), 5)


def test_payload_types_are_not_trusted() -> None:
    entries: list[Any] = [{"id": "a"}, {"id": "a", "name": "second"}, 7, None]
    assert [model.name for model in models_of({"data": entries})] == ["a"]
