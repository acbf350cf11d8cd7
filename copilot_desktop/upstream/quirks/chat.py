"""Copilot's accent on `/chat/completions`, for clients that speak Chat Completions themselves.

The request side of `translation.md` §10.2 and `upstream.md` §6.1: fields that Copilot refuses are
taken out, limits are kept, histories made legal; what would be ignored in silence is refused. The
answers are mended by `chat_answers`. Knows wire JSON and `Model`, never a dialect; never seals or
opens reasoning (a seal of ours that strays onto this path is taken out, Copilot cannot read it).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copilot_desktop.errors import InvalidRequest, NotExpressible
from copilot_desktop.model import LADDER, Model
from copilot_desktop.schemas import google_schema, legal_schema
from copilot_desktop.sealing import is_sealed
from copilot_desktop.spelling import legal_name
from copilot_desktop.upstream.quirks import Fixed
from copilot_desktop.upstream.quirks.chat_answers import ChatStream, mended_reply
from copilot_desktop.upstream.quirks.chat_history import (
    is_plain,
    pictures_apart,
    repaired,
    with_parts,
)
from copilot_desktop.upstream.quirks.chat_marks import FIELDS, settled_marks
from copilot_desktop.upstream.quirks.chat_reasoning import Overheard, put_back
from copilot_desktop.upstream.quirks.memory import Thoughts
from copilot_desktop.upstream.quirks.pictures import Sight, true_url
from copilot_desktop.upstream.quirks.tool_names import TWICE, ToolNames, told_once

Json = dict[str, Any]

MAX_TOOLS = 128
_REFUSED = ("store", "metadata", "service_tier")
_SAMPLING = {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}
_LIMITS = ("max_completion_tokens", "max_tokens")
_OF_TOOLS = ("tools", "tool_choice", "parallel_tool_calls")
# Without any of these there is nothing to mend but the conversation.
_MENDED = frozenset({
    *_REFUSED, *_SAMPLING, *_LIMITS, *_OF_TOOLS, "reasoning_effort", "response_format",
})  # fmt: skip
_IN_WORDS = "mapped=response_format>instruction"
_ONLY_JSON = "Reply with one JSON object and nothing else."


class ChatQuirks:
    """One per exchange: the answer's side remembers what the request's side changed.

    `thoughts` is the account's memory of reasoning.
    """

    def __init__(self, thoughts: Thoughts | None = None) -> None:
        self._thoughts = Thoughts() if thoughts is None else thoughts
        self._model = ""
        self._names = ToolNames()
        self._keep_choices = False

    def fix_request(
        self, body: Mapping[str, Any], model: Model, betas: tuple[str, ...], version: str = ""
    ) -> Fixed:
        del betas, version  # they belong to the Messages endpoint
        self._model = model.id
        if body.get("stream") is not True:  # a stream is told by the request itself
            self._names = ToolNames.of(body)
            self._keep_choices = _choices(body) > 1
        change = _Change(dict(body), model)
        change.model_name()
        if bare := _MENDED.isdisjoint(body):
            change.tools_of_history()
        else:
            _refuse(body, model)
            change.fields()
            change.limit()
            change.reasoning()
            change.sampling()
            change.tools()
        change.messages(self._thoughts)
        if not bare:
            change.response_format()
        change.usage()
        marked = [note for note in change.notes if note == _IN_WORDS or note.endswith(TWICE)]
        fixed = change.body if change.changed else None
        return Fixed(fixed, (), tuple(change.notes), tuple(marked))

    def stream(self, body: Mapping[str, Any], shown_model: str) -> ChatStream:
        options = body.get("stream_options")
        return ChatStream(
            shown_model,
            wants_usage=isinstance(options, dict) and options.get("include_usage") is True,
            names=ToolNames.of(body),
            keep_choices=_choices(body) > 1,
            overheard=self._overheard(),
        )

    def fix_reply(self, reply: Json, shown_model: str) -> Json:
        fixed = mended_reply(reply, shown_model, names=self._names, keep_choices=self._keep_choices)
        for choice in fixed["choices"]:
            if "tool_calls" in choice["message"]:
                overheard = self._overheard()
                overheard.hear(choice["message"])
                overheard.keep()
        return fixed

    def _overheard(self) -> Overheard:
        return Overheard(self._thoughts, self._model)


def _choices(body: Mapping[str, Any]) -> int:
    n = body.get("n")
    return n if isinstance(n, int) else 1


def _refuse(body: Mapping[str, Any], model: Model) -> None:
    """What Copilot answers with an error that helps nobody, or ignores without a word."""
    tools = body.get("tools")
    if isinstance(tools, list) and len(tools) > MAX_TOOLS:
        raise InvalidRequest(f"At most {MAX_TOOLS} tools can be used, not {len(tools)}.")
    wanted = body.get("response_format")
    if model.is_claude and isinstance(wanted, dict) and wanted.get("type") == "json_schema":
        what = "A JSON schema for the answer"
        raise NotExpressible(fields={"what": what, "model": model.id})


class _Change:
    """A shallow copy of the request while it is mended; `changed` tells whether it differs."""

    __slots__ = ("body", "changed", "model", "notes")

    def __init__(self, body: Json, model: Model) -> None:
        self.body = body
        self.model = model
        self.notes: list[str] = []
        self.changed = False

    def _put(self, key: str, value: Any, note: str = "") -> None:
        self.body[key] = value
        self.changed = True
        if note:
            self.notes.append(note)

    def _drop(self, key: str) -> None:
        del self.body[key]
        self.changed = True
        self.notes.append(f"dropped={key}")

    def model_name(self) -> None:
        if self.body.get("model") != self.model.id:
            self._put("model", self.model.id)

    def fields(self) -> None:
        for key in _REFUSED:
            if key in self.body:
                self._drop(key)

    def limit(self) -> None:
        """One key, the one this model knows, and not above what it can do."""
        wanted_key = self.model.max_tokens_key
        keys = [key for key in _LIMITS if self.body.get(key) is not None]
        if not keys:
            return
        value = self.body[keys[0]]
        if isinstance(value, int) and value < 1:
            raise InvalidRequest(f"{keys[0]} must be a whole number above 0.")
        if keys != [wanted_key]:
            for key in keys:
                del self.body[key]
            self._put(wanted_key, value, f"mapped={keys[0]}>{wanted_key}")
        if isinstance(value, int) and value > self.model.max_output:
            self._put(wanted_key, self.model.max_output, f"clamped={wanted_key}")

    def reasoning(self) -> None:
        if (word := self.body.get("reasoning_effort")) is None:
            return
        wish = next((effort for effort in LADDER if effort == word), None)
        if wish is None:
            return
        nearest = self.model.effort(wish)
        if nearest is None:
            self._drop("reasoning_effort")
        elif nearest is not wish:
            note = f"mapped=reasoning_effort.{word}>{nearest.value}"
            self._put("reasoning_effort", nearest.value, note)

    def sampling(self) -> None:
        """P13: reasoning does not go with a free hand in sampling."""
        thinks = bool(self.body.get("thinking_budget"))
        effort = self.body.get("reasoning_effort")
        if self.model.is_openai and self.model.efforts:
            thinks = effort != "none"
        for key, plain in _SAMPLING.items() if thinks else ():
            if self.body.get(key) not in (None, plain):
                self._drop(key)
        temperature = self.body.get("temperature")
        if self.model.is_claude and temperature is not None:
            if self.body.get("top_p") is not None:
                self._drop("top_p")
            if isinstance(temperature, int | float) and temperature > 1:
                self._put(
                    "temperature", 1, "mapped=temperature>1"
                )  # OpenAI's range is twice as wide

    def tools(self) -> None:
        tools = self.body.get("tools")
        if isinstance(tools, list) and tools:
            single, notes = told_once(tools)
            mended = [_tool(tool) for tool in single]
            if self.model.is_google:
                mended = self._plain(mended)
            if notes or any(new is not old for new, old in zip(mended, tools, strict=True)):
                self._put("tools", mended)
                self.notes += notes
            self._choice()
            return
        if not self.tools_of_history():
            for key in _OF_TOOLS:
                if key in self.body and "functions" not in self.body:
                    self._drop(key)

    def _plain(self, tools: list[Any]) -> list[Any]:
        """With schemas that Gemini takes; the tools themselves where they are so."""
        plain = [_plain_tool(tool) for tool in tools]
        if any(new is not old for new, old in zip(plain, tools, strict=True)):
            self.notes.append("mapped=tools.schema")
        return plain

    def tools_of_history(self) -> bool:
        """Declare the tools that only calls of the past name; whether that was necessary."""
        names = _names_in_history(self.body) if self.model.is_claude else []
        if names:
            schema: Json = {"type": "object", "properties": {}}
            functions = [{"name": legal_name(name), "parameters": schema} for name in names]
            self._put("tools", [{"type": "function", "function": item} for item in functions])
            self._put("tool_choice", "none")
        return bool(names)

    def _choice(self) -> None:
        match self.body.get("tool_choice"):
            case {"function": {"name": str(name)}} if legal_name(name) != name:
                function = {"name": legal_name(name)}
                self._put("tool_choice", {"type": "function", "function": function})

    def messages(self, thoughts: Thoughts) -> None:
        """The conversation, and the marks for the prompt cache in it and on tools."""
        messages, model = self.body.get("messages"), self.model
        plain = False
        if isinstance(messages, list):
            is_openai, is_claude = model.is_openai, model.is_claude
            plain = is_plain(messages, is_openai=is_openai, is_claude=is_claude)
            if not plain:
                self._repair(messages)
            if thoughts:
                self._put_back(thoughts)
        if not plain or "tools" in self.body:
            among = ("tools",) if plain else FIELDS
            marks = settled_marks(self.body, is_claude=model.is_claude, among=among)
            for key, value in marks.items():
                self._put(key, value)

    def _repair(self, messages: list[Any]) -> None:
        model = self.model
        mended = repaired(messages, is_openai=model.is_openai, is_claude=model.is_claude)
        if mended is not None:
            self._put("messages", mended)
        pictures = _Pictures(model, self.body["messages"])
        if (seen := with_parts(self.body["messages"], pictures.mend)) is not None:
            self._put("messages", seen, "mapped=images" if pictures.omitted else "")
        if (apart := pictures_apart(self.body["messages"])) is not None:
            self._put("messages", apart, "mapped=images of tools>user")
        if any(_is_strayed(message) for message in self.body["messages"]):
            unsealed = [
                {key: value for key, value in message.items() if key != "reasoning_opaque"}
                if _is_strayed(message)
                else message
                for message in self.body["messages"]
            ]
            self._put("messages", unsealed, "dropped=reasoning_opaque")

    def _put_back(self, thoughts: Thoughts) -> None:
        """What Gemini wants back and the client has dropped (`translation.md` §2.6 g)."""
        whole = put_back(self.body["messages"], thoughts, self.model.id)
        if whole is not None:
            self._put("messages", whole, "restored=reasoning_opaque")

    def response_format(self) -> None:
        """Claude ignores `json_object` on this endpoint, but does as it is told in words."""
        match self.body.get("response_format"):
            case {"type": "json_object"} if self.model.is_claude:
                del self.body["response_format"]
                messages = self.body.get("messages")
                asked = {"role": "system", "content": _ONLY_JSON}
                known = messages if isinstance(messages, list) else []
                self._put("messages", [asked, *known], _IN_WORDS)

    def usage(self) -> None:
        """Ask for the count, for our own books; `ChatStream` hides it from who did not ask."""
        if self.body.get("stream") is not True:
            return
        options = self.body.get("stream_options")
        options = options if isinstance(options, dict) else {}
        if options.get("include_usage") is not True:
            self._put("stream_options", {**options, "include_usage": True})


class _Pictures:
    """P11: pictures only as data, only for models that see, and not more than they take."""

    def __init__(self, model: Model, messages: list[Any]) -> None:
        self._model = model
        total = 0
        for message in messages:
            content = message.get("content") if isinstance(message, dict) else None
            for part in content if isinstance(content, list) else ():
                total += isinstance(part, dict) and part.get("type") == "image_url"
        self._sight = Sight(model, total)

    @property
    def omitted(self) -> bool:
        return self._sight.omitted

    def mend(self, part: Any, is_newest: bool) -> Any:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind in ("file", "input_audio"):
            what = "Audio" if kind == "input_audio" else "A file or PDF"
            raise NotExpressible(fields={"what": what, "model": self._model.id})
        if kind != "image_url":
            return part
        holder = part.get("image_url")
        url = holder.get("url") if isinstance(holder, dict) else holder
        if not isinstance(url, str) or not url.startswith("data:"):
            what = "An image given by its address (send it as a data URL)"
            raise NotExpressible(fields={"what": what, "model": self._model.id})
        if (words := self._sight.instead(newest=is_newest)) is not None:
            return {"type": "text", "text": words}
        if (true := true_url(url)) == url and holder is not url:
            return part
        details = holder if isinstance(holder, dict) else {}
        return {**part, "image_url": {**details, "url": true}}


def _plain_tool(tool: Any) -> Any:
    match tool:
        case {"function": {"parameters": dict(schema)} as function}:
            plain = google_schema(schema)
            if plain is not schema:
                return {**tool, "function": {**function, "parameters": plain}}
    return tool


def _tool(tool: Any) -> Any:
    """The tool itself, or a copy with a legal name and a schema that OpenAI takes."""
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict):
        return tool
    changes: Json = {}
    name, schema = function.get("name"), function.get("parameters")
    if isinstance(name, str) and legal_name(name) != name:
        changes["name"] = legal_name(name)
    if schema is None or isinstance(schema, dict):
        legal = legal_schema(schema)
        if legal is not schema and legal != schema:
            changes["parameters"] = legal
    return {**tool, "function": {**function, **changes}} if changes else tool


def _names_in_history(body: Mapping[str, Any]) -> list[str]:
    """Claude refuses tool calls in the history when no tools are declared."""
    messages = body.get("messages")
    names: dict[str, None] = {}
    for message in messages if isinstance(messages, list) else ():
        calls = message.get("tool_calls") if isinstance(message, dict) else None
        for call in calls if isinstance(calls, list) else ():
            match call:
                case {"function": {"name": str(name)}}:
                    names[name] = None
    return list(names)


def _is_strayed(message: Any) -> bool:
    opaque = message.get("reasoning_opaque") if isinstance(message, dict) else None
    return isinstance(opaque, str) and is_sealed(opaque)
