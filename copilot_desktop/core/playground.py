"""One question to a model, sent the way an editor would send it, with everything that passed shown.

It goes over HTTP to the app's own listener with the local key, so that nothing on the way is left
out: guard, brakes, translation and counting are the same as for any client. A tape that exists for
this one exchange takes down what passed on both sides. How the exchange is known for ours: its
`User-Agent` carries a number that is good once. The last run is held in memory, bounded, until the
next one begins.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import aiohttp

from copilot_desktop.core.answer_text import AnswerText, Speech
from copilot_desktop.core.tasks import Tasks
from copilot_desktop.core.wakers import Wakers
from copilot_desktop.errors import InvalidRequest
from copilot_desktop.proxy.config import ProxyConfig
from copilot_desktop.proxy.exchange import Exchange
from copilot_desktop.proxy.tape import Tape
from copilot_desktop.upstream.http import NETWORK_ERRORS

log = logging.getLogger(__name__)

AGENT = "CopilotDesktop-Playground"
LONGEST_TEXT = 256 * 1024  # characters of text, and of reasoning
DEFAULT_LIMIT = 16_000  # tokens; for a model that is not in the list
_CONNECT = 5.0  # seconds
_CLOSED_SOON = 3.0  # seconds until the exchange is closed after its last byte
_SILENCE = 900.0  # seconds; beyond what the proxy itself allows

Phase = Literal["idle", "running", "done", "failed", "stopped"]
Json = dict[str, Any]

PATHS: dict[Speech, str] = {
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
    "ollama": "/api/chat",
}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. `max_tokens` and `effort` None: as the model likes. `longest` is the most that
    it can write, in tokens, for a format that wants a limit."""

    dialect: Speech
    model: str
    text: str = field(repr=False)
    system: str = field(default="", repr=False)
    stream: bool = True
    max_tokens: int | None = None
    effort: str | None = None
    longest: int = DEFAULT_LIMIT


@dataclass(frozen=True, slots=True)
class Run:
    """How far it is. `n` counts the runs; `exchange` is the request's id in the list."""

    n: int = 0
    phase: Phase = "idle"
    exchange: int = 0
    text: str = field(default="", repr=False)
    thinking: str = field(default="", repr=False)
    trouble: str = ""


class Playground:
    """One run at a time. `reach` gives the proxy's configuration while it listens, else None."""

    def __init__(self, reach: Callable[[], ProxyConfig | None], tasks: Tasks) -> None:
        self.run = Run()
        self.tape: Tape | None = None
        self._reach = reach
        self._tasks = tasks
        self._wakers = Wakers()
        self.waking = self._wakers.waking
        self._ticket = ""
        self._task: asyncio.Task[None] | None = None
        self._closed = asyncio.Event()

    def ask(self, question: Question) -> int:
        """Begin a run; what the one before has shown is forgotten. Raises InvalidRequest."""
        config = self._reach()
        if config is None:
            raise InvalidRequest("The proxy is not running. Start it to use the playground.")
        if self._task is not None and not self._task.done():
            raise InvalidRequest("The playground is still busy with the last request.")
        self.tape, self._ticket = Tape(), secrets.token_hex(16)
        self._closed = asyncio.Event()
        self._show(Run(self.run.n + 1, "running"))
        self._task = self._tasks.start(self._carry_out(question, config), "the playground")
        return self.run.n

    def stop(self) -> None:
        """As a client that goes away."""
        if self._task is not None:
            self._task.cancel()

    def clear(self) -> None:
        """Forget what the last run has shown. A run under way ends."""
        self.stop()
        self.tape = None
        self._closed.set()  # nothing more comes for a tape that is gone
        self._show(Run(self.run.n))

    def tape_for(self, agent: str) -> Tape | None:
        """The tape, for the one exchange that is ours."""
        if not self._ticket or agent != f"{AGENT}/{self._ticket}":
            return None
        self._ticket = ""
        return self.tape

    def ended(self, _exchange: Exchange, tape: Tape) -> None:
        if tape is self.tape:
            self._show(replace(self.run, exchange=tape.exchange))
            self._closed.set()

    # ------------------------------------------------------------------------ inner workings

    async def _carry_out(self, question: Question, config: ProxyConfig) -> None:
        try:
            status = await self._exchange(question, config)
        except asyncio.CancelledError:
            await self._until_closed()
            self._show(replace(self.run, phase="stopped"))
        except NETWORK_ERRORS as error:
            log.info("the playground lost its connection: %s", type(error).__name__)
            await self._until_closed()
            self._show(replace(self.run, phase="failed"))
        else:
            await self._until_closed()
            self._show(replace(self.run, phase="done" if status < 400 else "failed"))

    async def _exchange(self, question: Question, config: ProxyConfig) -> int:
        """Send it and read the answer; its status. Raises what the network raises."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT, sock_read=_SILENCE)
        heard = AnswerText(question.dialect, stream=question.stream)
        headers = {
            "User-Agent": f"{AGENT}/{self._ticket}",
            "Authorization": f"Bearer {config.key}",
            "X-Initiator": "user",
        }
        url = config.own_address + PATHS[question.dialect]
        async with (
            # No proxy from the environment: this never leaves the computer.
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as http,
            http.post(url, json=body_of(question), headers=headers) as answer,
        ):
            async for chunk in answer.content.iter_any():
                self._hear(heard.feed(chunk))
            self._hear(heard.close())
            return answer.status

    def _hear(self, pieces: list[tuple[Literal["text", "thinking"], str]]) -> None:
        if not pieces:
            return
        text = "".join(piece for kind, piece in pieces if kind == "text")
        thinking = "".join(piece for kind, piece in pieces if kind == "thinking")
        run = self.run
        self._show(
            replace(
                run,
                text=(run.text + text)[:LONGEST_TEXT],
                thinking=(run.thinking + thinking)[:LONGEST_TEXT],
            )
        )

    async def _until_closed(self) -> None:
        """The record is complete a moment after the last byte."""
        with contextlib.suppress(TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(_CLOSED_SOON):
                await self._closed.wait()

    def _show(self, run: Run) -> None:
        self.run = run
        self._wakers.wake()


def body_of(question: Question) -> Json:
    """The request in its format, as a client would write it."""
    return _BODIES[question.dialect](question)


def _turns(question: Question, role: str = "system") -> list[Json]:
    system = [{"role": role, "content": question.system}] if question.system else []
    return [*system, {"role": "user", "content": question.text}]


def _filled(**fields: Any) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


def _chat(question: Question) -> Json:
    return _filled(
        model=question.model,
        messages=_turns(question),
        stream=question.stream,
        stream_options={"include_usage": True} if question.stream else None,
        max_tokens=question.max_tokens,
        reasoning_effort=question.effort,
    )


def _responses(question: Question) -> Json:
    return _filled(
        model=question.model,
        instructions=question.system or None,
        input=question.text,
        stream=question.stream,
        max_output_tokens=question.max_tokens,
        reasoning={"effort": question.effort, "summary": "auto"} if question.effort else None,
    )


def _messages(question: Question) -> Json:
    return _filled(
        model=question.model,
        system=question.system or None,
        messages=[{"role": "user", "content": question.text}],
        stream=question.stream,
        max_tokens=question.max_tokens or question.longest,
        output_config={"effort": question.effort} if question.effort else None,
    )


def _ollama(question: Question) -> Json:
    return _filled(
        model=question.model,
        messages=_turns(question),
        stream=question.stream,
        think=question.effort,
        options={"num_predict": question.max_tokens} if question.max_tokens else None,
    )


_BODIES: dict[Speech, Callable[[Question], Json]] = {
    "chat": _chat,
    "responses": _responses,
    "messages": _messages,
    "ollama": _ollama,
}
