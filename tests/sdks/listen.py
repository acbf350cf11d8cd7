"""A program that uses the official SDKs, of whatever generation Python finds, and says what it saw.

    listen.py  <  {"url": ..., "jobs": [{"id", "dialect", "mode", "model", "prompt", "ask"}]}

For each job one line of JSON: `id`, `told` (the fields of `tests.golden.streams.told.Told`) and, if
the SDK raised, `raised`, `status`, `says`. Modes: `raw` reads the events, `helper` uses the SDK's
accumulator, `whole` does not stream. The last line tells the versions. Knows only the SDKs.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import anthropic
import openai

SECONDS = 40  # for one job; all run side by side
AT_ONCE = 6
Told = dict[str, Any]


def blank() -> Told:
    return {"thinking": "", "text": "", "refusal": "", "calls": [], "ends": None, "seals": 0}


def parsed(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text or "{}")
    except ValueError:
        return None


# ------------------------------------------------------------------------------------ Messages


async def messages(sdk: Any, job: dict[str, Any], told: Told) -> None:
    ask = job["ask"]
    options: dict[str, Any] = {
        "model": job["model"],
        "max_tokens": 2000,
        "messages": [{"role": "user", "content": job["prompt"]}],
    }
    if ask.get("stop"):
        options["stop_sequences"] = ask["stop"]
    if ask.get("tools"):
        schema = {"type": "object", "properties": {}}
        options["tools"] = [{"name": name, "input_schema": schema} for name in ask["tools"]]
    if job["mode"] == "raw":
        await _messages_raw(await sdk.messages.create(stream=True, **options), told)
        return
    if job["mode"] == "helper":
        async with sdk.messages.stream(**options) as stream:
            async for event in stream:
                if event.type == "text":
                    told["text"] += event.text
            done = await stream.get_final_message()
        told["text"] = ""
    else:
        done = await sdk.messages.create(**options)
    for block in done.content:
        if block.type == "text":
            told["text"] += block.text
        elif block.type == "thinking":
            told["thinking"] += block.thinking
            told["seals"] += bool(block.signature)
        elif block.type == "tool_use":
            told["calls"].append([block.id, block.name, block.input])
    told["ends"], told["stopped_at"] = done.stop_reason, done.stop_sequence
    _anthropic_counts(told, done.usage)


async def _messages_raw(stream: Any, told: Told) -> None:
    counts: dict[str, int] = {}
    wire: list[str] = []
    async for event in stream:
        if event.type == "message_start":
            counts |= _numbers(event.message.usage)
        elif event.type == "content_block_start" and event.content_block.type == "tool_use":
            block = event.content_block
            told["calls"].append([block.id, block.name, block.input or None])
            wire.append("")
        elif event.type == "content_block_delta":
            _messages_delta(event.delta, told, wire)
        elif event.type == "message_delta":
            counts |= _numbers(event.usage)
            told["ends"] = event.delta.stop_reason or told["ends"]
            told["stopped_at"] = event.delta.stop_sequence
    for call, text in zip(told["calls"], wire, strict=True):
        call[2] = call[2] or parsed(text)
    told["counts"] = _four(counts)


def _messages_delta(delta: Any, told: Told, wire: list[str]) -> None:
    if delta.type == "text_delta":
        told["text"] += delta.text
    elif delta.type == "thinking_delta":
        told["thinking"] += delta.thinking
    elif delta.type == "signature_delta":
        told["seals"] += 1
    elif delta.type == "input_json_delta" and wire:
        wire[-1] += delta.partial_json


def _anthropic_counts(told: Told, usage: Any) -> None:
    told["counts"] = _four(_numbers(usage))


def _numbers(usage: Any) -> dict[str, int]:
    return {key: value for key, value in usage.model_dump().items() if isinstance(value, int)}


def _four(counts: dict[str, int]) -> list[int]:
    keys = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    return [*(counts.get(key, 0) for key in keys), counts.get("output_tokens", 0)]


# ----------------------------------------------------------------------------------------- chat


async def chat(sdk: Any, job: dict[str, Any], told: Told) -> None:
    ask = job["ask"]
    options: dict[str, Any] = {
        "model": job["model"],
        "messages": [{"role": "user", "content": job["prompt"]}],
    }
    if ask.get("stop"):
        options["stop"] = ask["stop"]
    if ask.get("tools"):
        schema = {"type": "object", "properties": {}, "additionalProperties": False}
        options["tools"] = [
            {"type": "function", "function": {"name": name, "strict": True, "parameters": schema}}
            for name in ask["tools"]
        ]
    if job["mode"] == "raw":
        options |= {"stream": True, "stream_options": {"include_usage": True}}
        await _chat_raw(await sdk.chat.completions.create(**options), told)
        return
    if job["mode"] == "helper":
        options["stream_options"] = {"include_usage": True}
        async with sdk.chat.completions.stream(**options) as stream:
            async for event in stream:
                if event.type == "content.delta":
                    told["text"] += event.delta
            done = await stream.get_final_completion()
        told["text"] = ""
    else:
        done = await sdk.chat.completions.create(**options)
    message = done.choices[0].message
    extra = message.model_extra or {}
    told["text"], told["refusal"] = message.content or "", message.refusal or ""
    told["thinking"] = extra.get("reasoning_content") or extra.get("reasoning_text") or ""
    told["seals"] = bool(extra.get("reasoning_opaque"))
    told["calls"] = [
        [call.id, call.function.name, parsed(call.function.arguments)]
        for call in message.tool_calls or ()
    ]
    told["ends"] = done.choices[0].finish_reason
    _openai_counts(told, done.usage)


async def _chat_raw(stream: Any, told: Told) -> None:
    calls: list[list[str]] = []
    async for chunk in stream:
        if chunk.usage is not None:
            _openai_counts(told, chunk.usage)
        for choice in chunk.choices:
            extra = choice.delta.model_extra or {}
            told["text"] += choice.delta.content or ""
            told["refusal"] += choice.delta.refusal or ""
            told["thinking"] += extra.get("reasoning_content") or extra.get("reasoning_text") or ""
            told["seals"] += bool(extra.get("reasoning_opaque"))
            told["ends"] = choice.finish_reason or told["ends"]
            for piece in choice.delta.tool_calls or ():
                if piece.index == len(calls):
                    calls.append(["", "", ""])
                call = calls[piece.index]
                call[0] += piece.id or ""
                if piece.function is not None:
                    call[1] += piece.function.name or ""
                    call[2] += piece.function.arguments or ""
    told["calls"] = [[one, name, parsed(text)] for one, name, text in calls]


def _openai_counts(told: Told, usage: Any) -> None:
    if usage is not None:
        details = usage.prompt_tokens_details
        cached = (details.cached_tokens or 0) if details is not None else 0
        told["counts"] = [usage.prompt_tokens, cached, usage.completion_tokens]


# ------------------------------------------------------------------------------------ Responses


async def responses(sdk: Any, job: dict[str, Any], told: Told) -> None:
    options: dict[str, Any] = {
        "model": job["model"],
        "input": job["prompt"],
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }
    if job["ask"].get("tools"):
        schema = {"type": "object", "properties": {}}
        options["tools"] = [
            {"type": "function", "name": name, "parameters": schema, "strict": False}
            for name in job["ask"]["tools"]
        ]
    done = None
    if job["mode"] == "raw":
        async for event in await sdk.responses.create(stream=True, **options):
            _heard(event, told)
            if event.type in {"response.completed", "response.incomplete"}:
                done = event.response
    elif job["mode"] == "helper":
        async with sdk.responses.stream(**options) as stream:
            async for event in stream:
                _heard(event, told)
                if event.type in {"response.completed", "response.incomplete"}:
                    done = event.response
            if done is not None and done.status == "completed":
                done = await stream.get_final_response()
    else:
        done = await sdk.responses.create(**options)
    if done is not None:
        _response(done, told)


def _heard(event: Any, told: Told) -> None:
    if event.type == "response.failed":  # programs have to look; the SDK does not raise
        raise RuntimeError(event.response.error.message)
    if event.type == "response.output_text.delta":
        told["text"] += event.delta
    elif event.type == "response.refusal.delta":
        told["refusal"] += event.delta


def _response(done: Any, told: Told) -> None:
    told["text"] = told["refusal"] = ""
    for item in done.output:
        if item.type == "message":
            for part in item.content:
                told["text"] += getattr(part, "text", None) or ""
                told["refusal"] += getattr(part, "refusal", None) or ""
        elif item.type == "reasoning":
            told["thinking"] += "\n\n".join(part.text for part in item.summary)
            told["seals"] += bool(item.encrypted_content)
        elif item.type == "function_call":
            told["calls"].append([item.call_id, item.name, parsed(item.arguments)])
    why = done.incomplete_details.reason if done.incomplete_details else None
    told["ends"] = f"incomplete:{why or ''}" if done.status == "incomplete" else done.status
    if done.usage is not None:
        cached = done.usage.input_tokens_details.cached_tokens
        told["counts"] = [done.usage.input_tokens, cached, done.usage.output_tokens]


# ------------------------------------------------------------------------------------- all jobs

DIALECTS = {"messages": messages, "chat": chat, "responses": responses}


async def heard(sdks: dict[str, Any], job: dict[str, Any]) -> dict[str, Any]:
    """One job."""
    told = blank()
    out: dict[str, Any] = {"id": job["id"], "told": told}
    name = job["dialect"]
    sdk = sdks[name].with_options(max_retries=job.get("retries", 0))
    try:
        async with asyncio.timeout(SECONDS):
            await DIALECTS[name](sdk, job, told)
    except Exception as error:
        body = getattr(error, "body", None)
        status = getattr(error, "status_code", None)
        out |= {"raised": type(error).__name__, "status": status, "says": str(error), "body": body}
    return out


async def main() -> None:
    asked = json.loads(sys.stdin.read())
    gate = asyncio.Semaphore(AT_ONCE)
    settings: dict[str, Any] = {"api_key": "any", "timeout": SECONDS}
    of_openai = openai.AsyncOpenAI(base_url=f"{asked['url']}/v1", **settings)
    of_anthropic = anthropic.AsyncAnthropic(base_url=asked["url"], **settings)
    sdks = {"messages": of_anthropic, "chat": of_openai, "responses": of_openai}

    async def one(job: dict[str, Any]) -> None:
        async with gate:
            line = json.dumps(await heard(sdks, job), default=str)
            sys.stdout.write(line + "\n")
            sys.stdout.flush()

    await asyncio.gather(*(one(job) for job in asked["jobs"]))
    await of_openai.close()
    await of_anthropic.close()
    versions = {"anthropic": anthropic.__version__, "openai": openai.__version__}
    sys.stdout.write(json.dumps({"versions": versions}) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
