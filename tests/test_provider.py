"""Copilot as a Python object: the documented example itself, and what it promises beside it."""

from __future__ import annotations

import asyncio
import inspect
import io
import re
import textwrap
from collections.abc import AsyncIterator
from contextlib import aclosing, redirect_stdout
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from phenomena.routes import MODELS
from proxy.raw import until
from proxy.scripted import events, pieces, scripted_rig
from rig import running_rig

from copilot_desktop import provider as provider_module
from copilot_desktop.canonical import (
    Begin,
    BlockDelta,
    BlockEnd,
    BlockStart,
    End,
    Event,
    Message,
    Request,
    Text,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
    fold,
)
from copilot_desktop.demo import Cut, Fault, Garbage, Scenario, Stall, Status
from copilot_desktop.demo.scenario import PEOPLE
from copilot_desktop.errors import (
    CutShort,
    InvalidRequest,
    NotExpressible,
    NotSignedIn,
    Problem,
    QuotaExhausted,
    RateLimited,
    UnknownModel,
    UpstreamFault,
    UpstreamTimeout,
)
from copilot_desktop.provider import Provider, open_provider
from copilot_desktop.upstream.credentials import EnvironmentStore, MemoryStore, StoredAccount
from copilot_desktop.upstream.origins import Origins
from copilot_desktop.upstream.quirks import Fixed

DOCUMENT = Path(__file__).parents[1] / "docs" / "embedding.md"
each_endpoint = pytest.mark.parametrize("endpoint", MODELS)


def ask(text: str = "hello", model: str = "gpt-4.1", **more) -> Request:
    return Request(model, (Message("user", (Text(text),)),), **more)


def example() -> str:
    found = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


# ------------------------------------------------------------------------------ the document


def test_the_docstring_shows_the_example_of_the_document():
    assert textwrap.indent(example(), "    ").strip() in provider_module.__doc__
    lines = [line for line in example().splitlines() if line]
    assert len(lines) <= 10
    assert len(DOCUMENT.read_text().splitlines()) <= 60


async def test_the_documented_example_runs(monkeypatch):
    async with running_rig() as rig:
        here = Origins.of(github=rig.fake.url, api=rig.fake.url)
        here = replace(here, host="github.com")
        monkeypatch.setattr(Origins, "of", lambda: here)
        monkeypatch.setenv("COPILOT_GITHUB_TOKEN", rig.fake.github_token)
        said = io.StringIO()
        with redirect_stdout(said):
            # As a reader runs it: in a thread of its own it has a loop of its own.
            await asyncio.to_thread(exec, compile(example(), str(DOCUMENT), "exec"), {})
    assert "Hello" in said.getvalue()


def test_the_document_names_only_what_there_is():
    named = re.findall(r"`(?:await )?copilot\.(?:session\.)?(\w+)\(", DOCUMENT.read_text())
    assert {"stream", "complete", "models", "quota", "start", "poll", "sign_out"} <= set(named)
    known = {name for name, _ in inspect.getmembers(Provider)}
    known |= {name for name, _ in inspect.getmembers(provider_module.Session)}
    assert set(named) <= known


# ------------------------------------------------------------------------------ answers


@each_endpoint
async def test_a_stream_is_a_begin_whole_blocks_and_an_end(endpoint):
    async with running_rig() as rig:
        heard = [event async for event in rig.provider.stream(ask(model=MODELS[endpoint]))]
        whole = await rig.provider.complete(ask(model=MODELS[endpoint]))
        sent = rig.fake.ledger.to(endpoint)[-1]
    assert isinstance(heard[0], Begin)
    assert isinstance(heard[-1], End)
    assert heard[-1].reason == "end"
    assert heard[-1].usage.output > 0
    starts = [event.index for event in heard if isinstance(event, BlockStart)]
    ends = [event.index for event in heard if isinstance(event, BlockEnd)]
    assert starts == ends == list(range(len(starts)))
    assert "hello" in fold(heard).text
    assert fold(heard).text == whole.text
    assert sent.headers["X-Initiator"] == "user"
    assert sent.body["stream"] is True


@each_endpoint
async def test_a_tool_goes_there_and_back_under_the_callers_own_name(endpoint):
    name = "write.the file/" + "long" * 30
    tool = Tool(name, "Writes", {"type": "object", "properties": {"file_path": {"type": "string"}}})
    asked = ask("write it", MODELS[endpoint], tools=(tool,), tool_choice=ToolChoice("tool", name))
    async with running_rig() as rig:
        legal = await rig.provider.complete(asked)
        call = next(block for block in legal.blocks if isinstance(block, ToolUse))
        turns = (*asked.messages, Message("assistant", (call,)),
                 Message("user", (ToolResult(call.id, (Text("written"),)),)))  # fmt: skip
        after = await rig.provider.complete(Request(MODELS[endpoint], turns, tools=(tool,)))
        sent = rig.fake.ledger.to(endpoint)[-1]
    assert call.name == name
    assert legal.reason == "tool_use"
    assert after.text
    assert sent.headers["X-Initiator"] == "agent"


async def test_models_and_quota_are_those_of_the_account():
    async with running_rig() as rig:
        names = [model.id for model in await rig.provider.models()]
        before = len(rig.fake.ledger.to("/models"))
        await rig.provider.models()
        assert len(rig.fake.ledger.to("/models")) == before == 1
        quota = await rig.provider.quota()
    assert set(MODELS.values()) <= set(names)
    assert quota.state == "ready"
    assert any(meter.limit for meter in quota.meters)


def test_the_newest_message_of_a_person_makes_a_call_theirs():
    user = Message("user", (Text("hi"),))
    result = Message("user", (ToolResult("1", (Text("x"),)),))
    both = Message("user", (ToolResult("1", (Text("x"),)), Text("and now?")))
    said = Message("assistant", (Text("yes"),))
    system = Message("system", (Text("be brief"),))
    for messages, wanted in (
        ((user,), "user"), ((user, said), "agent"), ((user, said, result), "agent"),
        ((user, said, both), "user"), ((user, system), "user"), ((), "agent"),
        ((result, system), "agent"),
    ):  # fmt: skip
        assert Request("m", messages).initiator == wanted, messages


# ------------------------------------------------------------------------------ trouble


async def collect(stream: AsyncIterator[Event], heard: list[Event]) -> None:
    async for event in stream:
        heard.append(event)  # noqa: PERF401  (what came before trouble counts)


@each_endpoint
@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (lambda path: Cut(path, after_frames=12), CutShort),
        (lambda path: Cut(path, after_frames=12, clean=True), CutShort),
        (lambda path: Garbage(path, after_frames=12), UpstreamFault),
        (lambda path: Stall(path, after_frames=12), UpstreamTimeout),
    ],
    ids=["cut", "ends", "garbage", "silence"],
)
async def test_trouble_in_the_middle_comes_after_the_events_before_it(endpoint, trouble, kind):
    async with running_rig(idle_timeout=1.5) as rig:
        fault: Fault = trouble(endpoint)
        rig.fake.add_fault(fault)
        heard: list[Event] = []
        with pytest.raises(Problem) as caught:
            await collect(rig.provider.stream(ask("tell me more", MODELS[endpoint])), heard)
    assert isinstance(caught.value, kind)
    assert any(isinstance(event, BlockDelta) and event.text for event in heard)
    assert not any(isinstance(event, End) for event in heard)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("429-weekly", RateLimited), ("402-quota-exceeded", QuotaExhausted),
     ("400-model-not-supported", UnknownModel), ("422-rai", InvalidRequest)],
)  # fmt: skip
async def test_a_refusal_comes_before_the_first_event(name, kind):
    async with running_rig() as rig:
        rig.fake.add_fault(Status.example(name, "/chat/completions", times=-1))
        with pytest.raises(kind):
            await anext(rig.provider.stream(ask()))


async def test_a_name_that_is_none_and_wishes_that_cannot_be_met_ask_nobody():
    async with running_rig() as rig:
        with pytest.raises(UnknownModel, match="Closest"):
            await rig.provider.complete(ask(model="gpt-4.1x"))
        with pytest.raises((NotExpressible, InvalidRequest)):
            await rig.provider.complete(Request("gpt-4.1", ()))
        assert not rig.fake.ledger.to("/chat/completions")


async def test_whoever_is_signed_out_gets_a_problem_that_says_what_to_do():
    async with running_rig(signed_in=False) as rig:
        with pytest.raises(NotSignedIn) as caught:
            await rig.provider.complete(ask())
    assert caught.value.requires_reauth


async def test_a_program_that_was_given_no_token_is_told_which_variable_it_lacks():
    async with open_provider(EnvironmentStore({})) as copilot:
        with pytest.raises(NotSignedIn, match="COPILOT_GITHUB_TOKEN is not set"):
            await copilot.complete(ask())


async def test_a_model_that_has_left_an_endpoint_is_found_at_the_other_one():
    async with running_rig() as rig:
        moved = Status.example("400-unsupported-api-for-model", "/v1/messages", times=-1)
        rig.fake.add_fault(moved)
        for _ in range(2):
            assert (await rig.provider.complete(ask(model="claude-haiku-4.5"))).text
        assert len(rig.fake.ledger.to("/v1/messages")) == 1
        rig.fake.add_fault(
            Status.example("400-unsupported-api-for-model", "/chat/completions", times=-1)
        )
        with pytest.raises(InvalidRequest, match="not accessible"):
            await rig.provider.complete(ask(model="claude-haiku-4.5"))


async def test_strict_translation_refuses_what_the_quirks_would_change(monkeypatch):
    fixed = Fixed(notes=("mapped=prefill>user",), marked=("mapped=prefill>user",))
    quirks = SimpleNamespace(fix_request=lambda *_: fixed)
    async with running_rig() as rig:
        copilot, own = rig.provider, rig.provider._own()
        monkeypatch.setattr(copilot, "quirks", lambda *_: quirks)
        way = copilot.route((await copilot.models())[0], None)
        assert copilot.plan(ask(), way, "user", own).notes == fixed.notes
        with pytest.raises(NotExpressible, match="strict translation"):
            copilot.plan(ask(), way, "user", own, strict=True)


async def test_leaving_early_stops_copilot():
    stream = events(
        {
            "id": "1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "gpt-4.1",
            "choices": [{"index": 0, "delta": {"role": "assistant", "content": "a"}}],
        }
    )
    async with scripted_rig(pieces(stream, hang=True)) as (rig, script):
        async with aclosing(rig.provider.stream(ask())) as heard:
            async for event in heard:
                if isinstance(event, BlockDelta):
                    break
        await until(lambda: not script.open, "upstream is let go")


async def test_a_provider_of_its_own_opens_and_closes(tmp_path):
    async with running_rig() as rig:
        here = Origins.of(github=rig.fake.url, api=rig.fake.url)
        store = MemoryStore()
        await store.save(StoredAccount(here.host, "octo-demo", 1, rig.fake.github_token))
        for _ in range(2):
            cache = tmp_path / "models.json"
            async with open_provider(store, origins=here, cache=cache) as copilot:
                assert (await copilot.complete(ask())).text
            assert cache.exists()
            assert rig.fake.github_token not in cache.read_text()


async def test_a_kept_list_of_models_is_used_again_by_its_own_account_only(tmp_path):
    async with running_rig() as rig:
        here = Origins.of(github=rig.fake.url, api=rig.fake.url)
        asked = []
        for number in (1, 1, 2, 0, 0):  # 0: of a bare token nobody knows the owner
            store = MemoryStore()
            await store.save(StoredAccount(here.host, "", number, rig.fake.github_token))
            cache = tmp_path / "models.json"
            async with open_provider(store, origins=here, cache=cache) as copilot:
                assert await copilot.models()
            asked.append(len(rig.fake.ledger.to("/models")))
    assert asked == [1, 1, 2, 3, 4]


async def test_the_models_are_those_of_whoever_is_signed_in_by_now():
    quick = Scenario(interval=1, enforce_interval=False, approve_after=0, people=PEOPLE[:2])
    async with running_rig(quick, signed_in=False) as rig:
        session, copilot = rig.provider.session, rig.provider
        for times, person in enumerate(PEOPLE[:2], start=1):
            await session.start()
            assert (await session.poll()).login == person.login
            assert await copilot.models()
            assert len(rig.fake.ledger.to("/models")) == times
        await session.sign_out()
        with pytest.raises(NotSignedIn):
            await copilot.models()
