"""The real pi-ai and `shape="pi"` tell the same story of the same upstream bytes."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from copilot_desktop.demo import Cut, ErrorInStream, FakeUpstream
from copilot_desktop.pi import Context
from copilot_desktop.provider import Provider, open_provider
from copilot_desktop.upstream.credentials import MemoryStore, StoredAccount
from copilot_desktop.upstream.origins import Origins
from tests.clients import shelf
from tests.clients.pi.fetched import Pi, fetched
from tests.clients.pi.tape import ENDPOINTS, Tape, recording

pytestmark = pytest.mark.clients

# A model for each endpoint, and one like it that pi knows.
MODELS = {
    "gpt-4.1": "gpt-4.1",
    "gpt-5.3-codex": "gpt-5.3-codex",
    "claude-sonnet-5": "claude-sonnet-4.5",
}
SCRIPT = Path(__file__).with_name("tell.mjs")
DEADLINE = 60.0  # seconds for one question through Node; seen is one
TOOL = {
    "name": "look",
    "description": "Look out of the window.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "array", "items": {}}},
        "required": ["city"],
    },
}
CALL = 'demo: call look {"city": "Köln \\"Süd\\" \U0001f327", "days": [1, 2.5, null, {"x": "y"}]}'
Story = dict[str, Any]


@pytest.fixture(scope="session")
def real() -> Pi:
    if sys.platform == "win32":
        pytest.skip("Node is looked for the POSIX way")
    try:
        return fetched()
    except shelf.CannotInstallError as trouble:
        pytest.skip(f"pi-ai cannot be installed here: {trouble}")


@dataclass(repr=False)
class Stage:
    real: Pi
    fake: FakeUpstream
    tape: Tape
    provider: Provider

    async def both(self, model: str, context: Context, **options: Any) -> tuple[Any, Any]:
        """pi's events and ours, of one answer."""
        self.tape.answer = None
        theirs = await self._pi(model, context, options)
        assert self.tape.answer is not None
        assert self.tape.answer.status == 200, self.tape.answer.chunks
        ours = self.provider.stream(context, shape="pi", model=model, options=options)
        return theirs, [json.loads(json.dumps(dict(event))) async for event in ours]

    async def _pi(self, model: str, context: Context, options: Any) -> list[dict[str, Any]]:
        token = self.fake.tokens.exchange(self.fake.github_token, "pro").text
        question = {"pi": str(self.real.package), "url": self.tape.url, "token": token,
                    "model": model, "like": MODELS[model], "context": context,
                    "options": options}  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            str(self.real.node), str(SCRIPT), env={},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(DEADLINE):
                out, err = await process.communicate(json.dumps(question).encode())
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
        assert process.returncode == 0, err.decode()
        return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
async def stage(real: Pi) -> AsyncIterator[Stage]:
    async with FakeUpstream() as fake, recording(fake.url) as tape:
        origins = Origins.of(github=fake.url, api=fake.url, copilot=tape.url)
        store = MemoryStore()
        await store.save(StoredAccount(origins.host, "octo-demo", 1, fake.github_token))
        async with open_provider(store, origins=origins) as provider:
            yield Stage(real, fake, tape, provider)


def story(events: list[dict[str, Any]]) -> Story:
    """What a user of pi would notice of a stream; not how it was cut into pieces."""
    last = events[-1]
    message = last["message" if last["type"] == "done" else "error"]
    said: dict[int, str] = {}
    for event in events:
        if event["type"].endswith("_delta"):
            place = event["contentIndex"]
            said[place] = said.get(place, "") + event["delta"]
    return {
        "last": last["type"],
        "reason": last["reason"],
        "content": [part for block in message["content"] if (part := _part(block))],
        # pi ends each paragraph of a thought with an empty line and later takes the last one back.
        "said": [words for place in sorted(said) if (words := said[place].rstrip("\n"))],
        "usage": message["usage"],
        "stopReason": message["stopReason"],
        # Where it fails, pi leaves open on some endpoints what it ends with the stream on others.
        "ended": [e["type"] for e in events if e["type"].endswith("_end") and _said(e)]
        if last["type"] == "done"
        else [],
    }


def _part(block: dict[str, Any]) -> tuple[Any, ...]:
    match block["type"]:
        case "toolCall":
            # pi glues the item's id to the call's.
            return "call", block["id"].split("|")[0], block["name"], block["arguments"]
        case "thinking":
            return ("thought", block["thinking"]) if block["thinking"] else ()
    return ("text", block["text"]) if block["text"] else ()


def _said(event: dict[str, Any]) -> bool:
    return bool(event.get("content") or event.get("toolCall"))


def asking(*lines: str) -> Context:
    words = "Do this.\n" + "\n".join(lines)
    return {
        "systemPrompt": "Be brief.",
        "messages": [{"role": "user", "content": words, "timestamp": 1}],
        "tools": [TOOL],
    }


@pytest.mark.parametrize("model", MODELS)
async def test_words_thoughts_and_a_call(stage: Stage, model: str) -> None:
    context = asking("demo: think First, \nhm.", "demo: say Gleich … \U0001f914", CALL)

    theirs, ours = await stage.both(model, context, reasoning="medium")

    assert story(ours) == story(theirs)
    assert story(ours)["reason"] == "toolUse"
    assert any(part[0] == "call" for part in story(ours)["content"])


@pytest.mark.parametrize("model", MODELS)
async def test_a_history_that_pi_kept_goes_on_with_us(stage: Stage, model: str) -> None:
    """Also what the model thought goes back, in the words in which Copilot gave it out."""
    context = asking("demo: think A thought.", CALL)
    theirs, _ = await stage.both(model, context, reasoning="high")
    reply = theirs[-1]["message"]
    call = next(block for block in reply["content"] if block["type"] == "toolCall")
    result = {"role": "toolResult", "toolCallId": call["id"], "toolName": "look", "timestamp": 2,
              "isError": False, "content": [{"type": "text", "text": "It rains."}]}  # fmt: skip
    context["messages"] += [reply, result]

    stage.tape.answer = None
    ours = stage.provider.stream(context, shape="pi", model=model, options={"reasoning": "high"})
    last = [event async for event in ours][-1]

    assert last["type"] == "done", last["error"]
    assert any("It rains." in block.get("text", "") for block in last["message"]["content"])
    thoughts = [block for block in reply["content"] if block["type"] == "thinking"]
    for thought in thoughts if model != "gpt-4.1" else ():
        seal = thought["thinkingSignature"]
        opaque = json.loads(seal)["encrypted_content"] if seal.startswith("{") else seal
        assert opaque in json.dumps(stage.tape.asked[-1])
    assert bool(thoughts) == (model != "gpt-4.1")


@pytest.mark.parametrize("frames", [3, 6, 9, 12])
@pytest.mark.parametrize("model", MODELS)
async def test_an_error_in_mid_stream(stage: Stage, model: str, frames: int) -> None:
    for path in ENDPOINTS:
        stage.fake.add_fault(ErrorInStream(path, frames, message="the lights went out"))

    theirs, ours = await stage.both(model, asking("demo: say Now", CALL))

    assert story(ours)["last"] == "error"
    assert story(ours) == story(theirs)
    assert "the lights went out" in ours[-1]["error"]["errorMessage"]


@pytest.mark.parametrize("model", MODELS)
async def test_a_connection_that_dies(stage: Stage, model: str) -> None:
    for path in ENDPOINTS:
        stage.fake.add_fault(Cut(path, 7))

    theirs, ours = await stage.both(model, asking("demo: say One two three four", CALL))

    assert story(ours)["last"] == "error"
    assert story(ours) == story(theirs)


# pi overlooks how `/responses` tells this, and says `stop`.
@pytest.mark.parametrize("model", ["gpt-4.1", "claude-sonnet-5"])
async def test_an_answer_that_is_too_long(stage: Stage, model: str) -> None:
    theirs, ours = await stage.both(model, asking("demo: count 500"), maxTokens=50)

    assert story(ours) == story(theirs)
    assert story(ours)["reason"] == "length"


@pytest.mark.parametrize("model", ["gpt-4.1", "claude-sonnet-5"])
async def test_an_answer_that_was_filtered(stage: Stage, model: str) -> None:
    theirs, ours = await stage.both(model, asking("demo: filter"))

    assert story(ours) == story(theirs)
    assert story(ours)["last"] == "error"
