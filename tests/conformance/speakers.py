"""The official SDKs behind one small face, so that one test can speak all three dialects.

Each speaker asks through its SDK's own types and accumulators: they are the referees of what the
proxy sends.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

import anthropic
import openai

PIXEL = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
        "0000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
    )
).decode()

SCHEMA = {
    "type": "object",
    "properties": {"file_path": {"type": "string"}, "content": {"type": "string"}},
    "required": ["file_path", "content"],
}
TOOL = "Write"


@dataclass
class Heard:
    """What a program that uses the SDK sees."""

    text: str = ""
    calls: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    stop: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    deltas: int = 0
    model: str = ""
    turn: Any = None  # what has to be sent back to go on


class ChatSpeaker:
    name = "chat"
    endpoint = "/chat/completions"

    def __init__(self, url: str) -> None:
        self.sdk = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0)

    async def close(self) -> None:
        await self.sdk.close()

    def user(self, text: str, *, image: bool = False) -> dict[str, Any]:
        content: list[dict[str, Any]] = [{"type": "text", "text": text}]
        if image:
            url = f"data:image/png;base64,{PIXEL}"
            content.append({"type": "image_url", "image_url": {"url": url}})
        return {"role": "user", "content": content}

    def answered(self, heard: Heard, result: str) -> list[dict[str, Any]]:
        results = [
            {"role": "tool", "tool_call_id": identifier, "content": result}
            for identifier, _, _ in heard.calls
        ]
        return [heard.turn, *results]

    async def ask(
        self, model: str, turns: list[Any], *, stream: bool, tools: bool = False, system: str = ""
    ) -> Heard:
        messages = ([{"role": "system", "content": system}] if system else []) + turns
        options: dict[str, Any] = {"model": model, "messages": messages}
        if tools:
            function = {
                "name": TOOL,
                "description": "Write a file",
                "parameters": {**SCHEMA, "additionalProperties": False},
                "strict": True,  # the stream helper of older SDKs takes no others
            }
            options["tools"] = [{"type": "function", "function": function}]
        heard = Heard()
        if stream:
            options["stream_options"] = {"include_usage": True}
            async with self.sdk.chat.completions.stream(**options) as events:
                async for event in events:
                    heard.deltas += event.type == "content.delta"
                done = await events.get_final_completion()
        else:
            done = await self.sdk.chat.completions.create(**options)
        message = done.choices[0].message
        heard.text, heard.model = message.content or "", done.model
        heard.stop = done.choices[0].finish_reason or ""
        heard.calls = [
            (call.id, call.function.name, json.loads(call.function.arguments))
            for call in message.tool_calls or []
        ]
        assert done.usage is not None
        heard.input_tokens = done.usage.prompt_tokens
        heard.output_tokens = done.usage.completion_tokens
        heard.turn = message.model_dump(exclude_none=True, exclude={"parsed"})
        for call in heard.turn.get("tool_calls", []):
            call["function"].pop("parsed_arguments", None)
        return heard


class ResponsesSpeaker:
    name = "responses"
    endpoint = "/responses"

    def __init__(self, url: str) -> None:
        self.sdk = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0)

    async def close(self) -> None:
        await self.sdk.close()

    def user(self, text: str, *, image: bool = False) -> dict[str, Any]:
        content: list[dict[str, Any]] = [{"type": "input_text", "text": text}]
        if image:
            url = f"data:image/png;base64,{PIXEL}"
            content.append({"type": "input_image", "image_url": url, "detail": "auto"})
        return {"role": "user", "content": content}

    def answered(self, heard: Heard, result: str) -> list[dict[str, Any]]:
        results = [
            {"type": "function_call_output", "call_id": identifier, "output": result}
            for identifier, _, _ in heard.calls
        ]
        return [*heard.turn, *results]

    async def ask(
        self, model: str, turns: list[Any], *, stream: bool, tools: bool = False, system: str = ""
    ) -> Heard:
        options: dict[str, Any] = {"model": model, "input": turns, "store": False}
        options["include"] = ["reasoning.encrypted_content"]
        if system:
            options["instructions"] = system
        if tools:
            options["tools"] = [
                {"type": "function", "name": TOOL, "description": "Write a file",
                 "parameters": SCHEMA, "strict": False}
            ]  # fmt: skip
        heard = Heard()
        if stream:
            async with self.sdk.responses.stream(**options) as events:
                async for event in events:
                    heard.deltas += event.type == "response.output_text.delta"
                done = await events.get_final_response()
        else:
            done = await self.sdk.responses.create(**options)
        heard.text, heard.model, heard.stop = done.output_text, done.model, done.status or ""
        heard.calls = [
            (item.call_id, item.name, json.loads(item.arguments))
            for item in done.output
            if item.type == "function_call"
        ]
        assert done.usage is not None
        heard.input_tokens, heard.output_tokens = done.usage.input_tokens, done.usage.output_tokens
        heard.turn = [
            item.model_dump(exclude_none=True, exclude={"parsed_arguments", "status"})
            for item in done.output
        ]
        return heard


class MessagesSpeaker:
    name = "messages"
    endpoint = "/v1/messages"

    def __init__(self, url: str) -> None:
        self.sdk = anthropic.AsyncAnthropic(base_url=url, api_key="any", max_retries=0)

    async def close(self) -> None:
        await self.sdk.close()

    def user(self, text: str, *, image: bool = False) -> dict[str, Any]:
        content: list[dict[str, Any]] = [{"type": "text", "text": text}]
        if image:
            source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
            content.append({"type": "image", "source": source})
        return {"role": "user", "content": content}

    def answered(self, heard: Heard, result: str) -> list[dict[str, Any]]:
        results = [
            {"type": "tool_result", "tool_use_id": identifier, "content": result}
            for identifier, _, _ in heard.calls
        ]
        return [heard.turn, {"role": "user", "content": results}]

    async def ask(
        self, model: str, turns: list[Any], *, stream: bool, tools: bool = False, system: str = ""
    ) -> Heard:
        options: dict[str, Any] = {"model": model, "messages": turns, "max_tokens": 2000}
        if system:
            options["system"] = system
        if tools:
            options["tools"] = [
                {"name": TOOL, "description": "Write a file", "input_schema": SCHEMA}
            ]
        heard = Heard()
        if stream:
            async with self.sdk.messages.stream(**options) as events:
                async for event in events:
                    heard.deltas += event.type == "text"
                done = await events.get_final_message()
        else:
            done = await self.sdk.messages.create(**options)
        heard.text = "".join(block.text for block in done.content if block.type == "text")
        heard.calls = [
            (block.id, block.name, dict(block.input))
            for block in done.content
            if block.type == "tool_use"
        ]
        heard.stop, heard.model = done.stop_reason or "", done.model
        usage = done.usage
        heard.input_tokens = (
            usage.input_tokens
            + (usage.cache_read_input_tokens or 0)
            + (usage.cache_creation_input_tokens or 0)
        )
        heard.output_tokens = usage.output_tokens
        content = [block.model_dump(exclude_none=True) for block in done.content]
        heard.turn = {"role": "assistant", "content": content}
        return heard


SPEAKERS = (ChatSpeaker, ResponsesSpeaker, MessagesSpeaker)

# One model for each of Copilot's endpoints; it offers no other one.
MODELS = {
    "/chat/completions": "gpt-4.1",
    "/responses": "gpt-5.3-codex",
    "/v1/messages": "claude-sonnet-5",
}
