"""The conversation, free of any wire format: what every dialect is read into and written from.

Two halves: a `Request` (messages made of blocks) and a reply told as five `Event`s, or as one
`Reply`. `fold` and `unfold` turn one into the other and are inverse to each other. A field stands
here only if at least two dialects can say it; what one dialect alone can say becomes a `Loss`.

Grammar of a reply:   Begin (BlockStart BlockDelta* BlockEnd)* End
Blocks never interleave and their index counts from 0. A reply that fails has no End: the reader
raises a `Problem` instead.

Tool arguments are JSON *text* as the model wrote it: no re-ordering, no float damage.
Reasoning signatures are sealed texts (see `sealing`), so that they find their way back.
Usage counts input *without* cache reads and writes, as Anthropic does (`translation.md` §9.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal, assert_never


class StopReason(StrEnum):
    END = "end"
    STOP_SEQUENCE = "stop_sequence"
    TOOL_USE = "tool_use"
    LENGTH = "length"
    REFUSAL = "refusal"
    PAUSE = "pause"


class Effort(StrEnum):
    """The shared ladder of reasoning effort, lowest first (`translation.md` §3.5)."""

    NONE = "none"
    MINIMAL = "minimal"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    XHIGH = "xhigh"
    MAX = "max"


# ------------------------------------------------------------------------------------- blocks


@dataclass(frozen=True, slots=True)
class Text:
    """`refusal` marks text with which the model declines (OpenAI keeps it apart).

    `cached`, here and on other values: the client wants the prompt cached up to this place.
    """

    text: str
    refusal: bool = False
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Thinking:
    """Reasoning. `signature` is sealed (see `sealing`) or empty; `redacted` is opaque text."""

    text: str
    signature: str = ""
    redacted: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """A picture as base64 `data`. Remote addresses are refused when parsing."""

    media_type: str
    data: str
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A PDF as base64 `data`."""

    media_type: str
    data: str
    title: str = ""
    cached: bool = False


@dataclass(frozen=True, slots=True)
class ToolUse:
    """`arguments` is the JSON text of an object; may be broken when the model broke it."""

    id: str
    name: str
    arguments: str
    cached: bool = False


@dataclass(frozen=True, slots=True)
class ToolResult:
    """Stands in user messages only; `content` holds Text, Image and Document blocks."""

    tool_use_id: str
    content: tuple[Text | Image | Document, ...]
    is_error: bool = False
    cached: bool = False


Block = Text | Thinking | Image | Document | ToolUse | ToolResult
ReplyBlock = Text | Thinking | ToolUse
_PICTURES = frozenset({Image, Document})


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. `system` is an instruction in mid-conversation; the first ones are in `Request`."""

    role: Literal["system", "user", "assistant"]
    blocks: tuple[Block, ...]


# ------------------------------------------------------------------------------------- request


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the client runs.

    `name` is legal everywhere (`[A-Za-z0-9_-]{1,64}`). `original` is the client's own spelling and
    `namespace` the group it stood in (Responses): writers use them to give the name back as sent.
    `custom` tools take free text, carried as `{"input": text}` where only functions exist;
    `grammar` is the syntax of such text and its definition, if it must have a form.
    """

    name: str
    description: str = ""
    schema: dict[str, Any] = field(default_factory=dict)
    strict: bool | None = None
    custom: bool = False
    original: str = ""
    namespace: str = ""
    cached: bool = False
    grammar: tuple[str, str] | None = None


def free_text_schema(tool: Tool) -> dict[str, Any]:
    """The schema of a function that stands for a `custom` tool; a grammar is told in words."""
    text: dict[str, Any] = {"type": "string"}
    if tool.grammar is not None:
        syntax, definition = tool.grammar
        text["description"] = f"Text of this {syntax} grammar:\n{definition}"
    return {"type": "object", "properties": {"input": text}, "required": ["input"]}


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """`auto`, `none`, `required` (any tool) or `tool` with its `name`."""

    mode: Literal["auto", "none", "required", "tool"] = "auto"
    name: str = ""


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """`schema is None` asks for any JSON object."""

    schema: dict[str, Any] | None = None
    name: str = "response"
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class Loss:
    """Something the client said that the target cannot say, or says in another way.

    `to` names what stands for it there; empty means that it is left out. `semantic` losses change
    what the caller gets and are refused with a sentence; the others are only noted on the exchange,
    except that strict translation refuses those that are `marked` (▲ in `translation.md`).
    """

    what: str
    semantic: bool = False
    marked: bool = False
    to: str = ""

    @property
    def note(self) -> str:
        """In the words of the notes header (`translation.md` §1.4)."""
        return f"mapped={self.what}>{self.to}" if self.to else f"dropped={self.what}"


@dataclass
class Request:
    """`model` is the client's own spelling; the id sent upstream comes from the resolved `Model`.

    It has many fields, so it is a plain dataclass: those are made and copied in a fraction of the
    time. Who wants another request changes a copy; `messages` and what is in them never change.

    `thinking_budget` is in tokens; `effort` is the word for the same wish. `cache_key` keeps the
    requests of one conversation together, for `cache_retention` (`24h`). `echo_usage` and
    `echo_reasoning` remember what the client asked the *writer* for (chat's `include_usage`,
    Responses' `reasoning.encrypted_content`); with `echo_functions` a chat client knows calls only
    as the older `function_call`. `hide_reasoning`: the client wants no text of the reasoning.
    `tokens` is the input as estimated for the model, once that is known.
    """

    model: str
    messages: tuple[Message, ...]
    system: tuple[Text, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tools: bool | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    effort: Effort | None = None
    thinking_budget: int | None = None
    response_format: ResponseFormat | None = None
    user: str = ""
    verbosity: str = ""
    cache_key: str = ""
    cache_retention: str = ""
    stream: bool = False
    echo_usage: bool = False
    echo_reasoning: bool = False
    echo_functions: bool = False
    hide_reasoning: bool = False
    losses: tuple[Loss, ...] = ()
    tokens: int | None = None

    def tool(self, name: str) -> Tool | None:
        """The declared tool of this (legal) name; case is forgiven, since models get it wrong."""
        for tool in self.tools:
            if tool.name == name:
                return tool
        folded = name.casefold()
        return next((tool for tool in self.tools if tool.name.casefold() == folded), None)

    def called_tools(self) -> tuple[str, ...]:
        """The names of the tools called in the history, each once, first calls first."""
        return tuple(
            dict.fromkeys(
                block.name
                for message in self.messages
                for block in message.blocks
                if isinstance(block, ToolUse)
            )
        )

    @property
    def initiator(self) -> Literal["user", "agent"]:
        """`user` if a human turn is the newest, else `agent` (`translation.md` §1.5)."""
        last = next((m for m in reversed(self.messages) if m.role != "system"), None)
        if last is None or last.role != "user":
            return "agent"
        only_results = all(isinstance(block, ToolResult) for block in last.blocks)
        return "agent" if last.blocks and only_results else "user"

    @property
    def is_prefill(self) -> bool:
        """Whether the client has begun the answer itself, which Copilot does not take."""
        last = self.messages[-1] if self.messages else None
        if last is None or last.role != "assistant":
            return False
        return not any(isinstance(block, ToolUse) for block in last.blocks)

    def kinds(self) -> set[type[Block]]:
        """The kinds of block that stand anywhere, results of tools included."""
        blocks = [block for message in self.messages for block in message.blocks]
        kinds = set(map(type, blocks))
        if ToolResult in kinds:
            for block in blocks:
                if isinstance(block, ToolResult):
                    kinds.update(map(type, block.content))
        return kinds

    def has_pictures(self) -> bool:
        """Whether a picture or document stands anywhere: Copilot wants a header for it."""
        return not self.kinds().isdisjoint(_PICTURES)

    def reasoning_losses(
        self, effort: Effort | None = None, budget: int | None = None
    ) -> tuple[Loss, ...]:
        """What became of the wish for reasoning, where `effort` or `budget` (tokens) was sent."""
        wish, tokens = self.effort, self.thinking_budget
        if wish is None and tokens is None:
            return ()
        asked = "thinking.budget" if tokens is not None else f"effort.{wish}"
        if budget is not None:
            same = budget == tokens
            return () if same else (Loss(asked, to=f"thinking.budget:{budget}"),)
        if effort is not None:
            if wish is None:
                return (Loss(asked, to=f"effort:{effort}"),)
            return () if effort == wish else (Loss(f"effort.{wish}", to=effort.value),)
        idle = wish is Effort.NONE and not tokens
        return () if idle else (Loss("thinking.budget" if tokens else "effort"),)

    def estimated_tokens(self) -> int:
        """Input size, where a number must stand: `tokens`, as it was weighed for the model, else
        by rule of thumb (4 characters a token)."""
        if self.tokens is not None:
            return self.tokens
        size = sum([len(text.text) for text in self.system])
        for tool in self.tools:
            size += len(tool.name) + len(tool.description) + len(repr(tool.schema))
        for message in self.messages:
            size += sum(map(_size, message.blocks))
        return max(1, size // 4)


def _size(block: Block) -> int:
    match block:
        case Text() | Thinking():
            return len(block.text)
        case ToolUse():
            return len(block.name) + len(block.arguments)
        case ToolResult():
            return sum(map(_size, block.content))
        case Image():
            return 4 * 1000
        case Document():
            return len(block.data) * 3 // 10  # base64; a token for ten bytes of PDF


# ------------------------------------------------------------------------------------- reply


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens. `input` excludes cache reads and writes; `output` includes `reasoning`."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0

    @property
    def total_input(self) -> int:
        return self.input + self.cache_read + self.cache_write


@dataclass(frozen=True, slots=True)
class Begin:
    """`id` is upstream's id of the reply, or empty; `usage` the input count if already known."""

    id: str = ""
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class BlockStart:
    """`block` is empty but for its type and, for tools, `id` and `name`."""

    index: int
    block: ReplyBlock


@dataclass(frozen=True, slots=True)
class BlockDelta:
    """`text` continues the open block (for tools: argument text); `signature` seals thinking."""

    index: int
    text: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True)
class BlockEnd:
    index: int


@dataclass(frozen=True, slots=True)
class End:
    """`usage` is None when upstream never said. `explanation` is upstream's word on a refusal."""

    reason: StopReason
    usage: Usage | None = None
    stop_sequence: str | None = None
    explanation: str = ""


Event = Begin | BlockStart | BlockDelta | BlockEnd | End


@dataclass(frozen=True, slots=True)
class Reply:
    id: str
    blocks: tuple[ReplyBlock, ...]
    reason: StopReason
    usage: Usage | None = None
    stop_sequence: str | None = None
    explanation: str = ""

    @property
    def text(self) -> str:
        """The visible text alone."""
        return "".join(block.text for block in self.blocks if isinstance(block, Text))


def grown(block: ReplyBlock, delta: BlockDelta) -> ReplyBlock:
    """`block` with `delta` added."""
    match block:
        case Text():
            return replace(block, text=block.text + delta.text)
        case Thinking():
            return replace(
                block, text=block.text + delta.text, signature=block.signature + delta.signature
            )
        case ToolUse():
            return replace(block, arguments=block.arguments + delta.text)


def with_original_name(event: Event, request: Request) -> Event:
    """`event` with the caller's own name of a tool instead of the legal one."""
    if not (isinstance(event, BlockStart) and isinstance(event.block, ToolUse)):
        return event
    tool = request.tool(event.block.name)
    if tool is None:
        return event
    return replace(event, block=replace(event.block, name=tool.original or tool.name))


def fold(events: Iterable[Event]) -> Reply:
    """All events of one reply as one value. Raises ValueError if `End` never came."""
    begin = Begin()
    parts: list[tuple[ReplyBlock, list[BlockDelta]]] = []
    for event in events:
        match event:
            case Begin():
                begin = event
            case BlockStart():
                parts.append((event.block, []))
            case BlockDelta():
                parts[event.index][1].append(event)
            case BlockEnd():
                pass
            case End():
                return Reply(
                    id=begin.id,
                    blocks=tuple(_joined(block, deltas) for block, deltas in parts),
                    reason=event.reason,
                    usage=event.usage if event.usage is not None else begin.usage,
                    stop_sequence=event.stop_sequence,
                    explanation=event.explanation,
                )
    raise ValueError("the reply has no end")


def _joined(block: ReplyBlock, deltas: list[BlockDelta]) -> ReplyBlock:
    """One join instead of a growing copy per delta."""
    text = "".join(delta.text for delta in deltas)
    signature = "".join(delta.signature for delta in deltas)
    return grown(block, BlockDelta(0, text, signature))


def unfold(reply: Reply) -> Iterator[Event]:
    """The events that tell `reply`; `fold(unfold(reply)) == reply`."""
    yield Begin(reply.id)
    for index, block in enumerate(reply.blocks):
        yield from _told(index, block)
    yield End(reply.reason, reply.usage, reply.stop_sequence, reply.explanation)


def _told(index: int, block: ReplyBlock) -> Iterator[Event]:
    start: ReplyBlock
    match block:
        case Text():
            start, delta = Text("", block.refusal), BlockDelta(index, block.text)
        case Thinking():
            start = Thinking("", redacted=block.redacted)
            delta = BlockDelta(index, block.text, block.signature)
        case ToolUse():
            start, delta = ToolUse(block.id, block.name, ""), BlockDelta(index, block.arguments)
        case _:
            assert_never(block)
    yield BlockStart(index, start)
    if delta.text or delta.signature:
        yield delta
    yield BlockEnd(index)
