"""Calls to Copilot over real sockets: what is sent, what is repeated, and how calls fail."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping

import aiohttp
import pytest

from copilot_desktop.errors import (
    Blocked,
    CutShort,
    InputTooLarge,
    InvalidRequest,
    Overloaded,
    QuotaExhausted,
    RateLimited,
    ShuttingDown,
    SignInExpired,
    UnknownModel,
    Unreachable,
    UpstreamFault,
    UpstreamTimeout,
)
from copilot_desktop.model import CHAT, MESSAGES
from copilot_desktop.upstream.client import Call, CopilotClient
from copilot_desktop.upstream.http import open_http
from copilot_desktop.upstream.identity import Identity
from tests.upstream.rig import Connection, Step, Tokens, answer, reset, serving, silence, stream

EXPIRED = answer(
    401, b"IDE token expired: unauthorized: token expired\n", content_type="text/plain"
)
HELLO = stream(b"data: hel", b"lo\n\n")


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    session = open_http(github_timeout=5)
    yield session
    await session.close()


class Clock:
    """Counts what would have been slept."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(http: aiohttp.ClientSession, clock: Clock) -> CopilotClient:
    return CopilotClient(http, Identity(), sleep=clock.sleep, headers_timeout=5, idle_timeout=5)


def call(endpoint: str = CHAT, **fields: object) -> Call:
    return Call(**{  # type: ignore[arg-type]
        "endpoint": endpoint, "body": b'{"model":"m"}', "model": "m", "stream": True,
        "initiator": "user", **fields,
    })  # fmt: skip


async def text(
    client: CopilotClient,
    tokens: Tokens,
    asked: Call | None = None,
    into: list[bytes] | None = None,
) -> bytes:
    """The whole answer; `into` keeps what came before a failure."""
    got = [] if into is None else into
    async with client.converse(asked or call(), tokens) as reply:
        async for chunk in reply.chunks():
            got.append(chunk)
    return b"".join(got)


async def test_bytes_out_and_chunks_in(client: CopilotClient) -> None:
    async with serving(HELLO) as rig:
        body = '{"model":"m","text":"ünïcode"}'.encode()
        assert await text(client, Tokens(rig.url), call(body=body)) == b"data: hello\n\n"
        (seen,) = rig.seen
        assert (seen.method, seen.path, seen.body) == ("POST", CHAT, body)


async def test_headers(client: CopilotClient) -> None:
    async with serving(HELLO) as rig:
        asked = call(vision=True, initiator="agent", extra_headers={"X-Route": "a", "Host": "evil"})
        await text(client, Tokens(rig.url), asked)
        sent = rig.seen[0].headers
        assert sent["authorization"] == "Bearer tid=0;token"
        assert sent["x-initiator"] == "agent"
        assert sent["openai-intent"] == "conversation-agent"
        assert sent["copilot-vision-request"] == "true"
        assert sent["accept-encoding"] == "identity"
        assert sent["accept"] == "text/event-stream"
        assert sent["content-type"] == "application/json"
        assert sent["copilot-integration-id"]
        assert sent["editor-version"]
        assert sent["x-route"] == "a"
        assert sent["host"] != "evil"
        assert "anthropic-version" not in sent


async def test_messages_carry_version_and_betas(client: CopilotClient) -> None:
    async with serving(HELLO) as rig:
        await text(client, Tokens(rig.url), call(MESSAGES, betas=("a-1", "b-2"), stream=False))
        sent = rig.seen[0].headers
        assert sent["anthropic-version"] == "2023-06-01"
        assert sent["anthropic-beta"] == "a-1,b-2"
        assert sent["accept"] == "application/json"


async def test_a_github_token_goes_without_editor_headers(client: CopilotClient) -> None:
    async with serving(HELLO) as rig:
        await text(client, Tokens([rig.url], direct=True))
        assert "editor-version" not in rig.seen[0].headers
        assert "copilot-integration-id" not in rig.seen[0].headers


async def test_attempts_have_their_own_request_id(client: CopilotClient) -> None:
    async with serving(EXPIRED, HELLO) as rig:
        await text(client, Tokens(rig.url))
        assert len({seen.headers["x-request-id"] for seen in rig.seen}) == 2
        assert {seen.headers["x-initiator"] for seen in rig.seen} == {"user"}


@pytest.mark.parametrize(
    "refusal",
    [EXPIRED, answer(403, b"forbidden\n"), answer(403, {"error": {"code": "expired_token"}})],
)
async def test_one_renewal_and_one_replay(client: CopilotClient, refusal: Step) -> None:
    async with serving(refusal, HELLO) as rig:
        tokens = Tokens(rig.url)
        assert await text(client, tokens) == b"data: hello\n\n"
        assert tokens.stale == [None, "tid=0;token"]
        assert [seen.headers["authorization"] for seen in rig.seen] == [
            "Bearer tid=0;token",
            "Bearer tid=1;token",
        ]


@pytest.mark.parametrize(("refusal", "kind"), [(EXPIRED, SignInExpired),
                                               (answer(403, b"forbidden"), Blocked)])  # fmt: skip
async def test_a_refusal_that_stays_is_told(
    client: CopilotClient, refusal: Step, kind: type[Exception]
) -> None:
    async with serving(refusal) as rig:
        with pytest.raises(kind):
            await text(client, Tokens(rig.url))
        assert len(rig.seen) == 2


async def test_no_replay_with_the_same_token(client: CopilotClient) -> None:
    async with serving(EXPIRED) as rig:
        with pytest.raises(SignInExpired):
            await text(client, Tokens([rig.url]))
        assert len(rig.seen) == 1


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (answer(401, b"input item ID does not belong to this connection"), InvalidRequest),
        (answer(401, {"error": {"message": "Invalid auto-mode selector"}}), InvalidRequest),
        (answer(400, {"error": {"code": "model_not_supported", "message": "x"}}), UnknownModel),
        (answer(400, {"message": "prompt token count of 9 exceeds the limit of 8"}), InputTooLarge),
        (answer(402, {"error": {"code": "quota_exceeded", "message": "x"}}), QuotaExhausted),
        (answer(403, {"error": {"code": "unauthorized", "message": "policy"}}), Blocked),
        (answer(429, {"error": {"code": "rate_limited"}}, retry_after="1"), RateLimited),
        (answer(500, b"<html>unicorn</html>"), UpstreamFault),
        (answer(302, b"", location="http://127.0.0.1:1/"), UpstreamFault),
        (answer(200, b"<html>hello</html>", content_type="text/html"), UpstreamFault),
        (answer(204), UpstreamFault),
    ],
)
async def test_these_are_never_repeated(
    client: CopilotClient, step: Step, kind: type[Exception]
) -> None:
    async with serving(step) as rig:
        with pytest.raises(kind):
            await text(client, Tokens(rig.url))
        assert len(rig.seen) == 1


async def test_wrong_host_gets_a_fresh_grant(client: CopilotClient) -> None:
    async with serving(answer(421, b"Misdirected Request\n")) as old, serving(HELLO) as new:
        tokens = Tokens([old.url, new.url])
        assert await text(client, tokens) == b"data: hello\n\n"
        assert tokens.stale == [None, "tid=0;token"]
        assert (len(old.seen), len(new.seen)) == (1, 1)


async def test_wrong_host_twice_is_a_fault(client: CopilotClient) -> None:
    async with serving(answer(421, b"Misdirected Request\n")) as rig:
        with pytest.raises(UpstreamFault):
            await text(client, Tokens(rig.url))
        assert len(rig.seen) == 2


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_an_outage_is_repeated_once_after_a_pause(
    client: CopilotClient, clock: Clock, status: int
) -> None:
    async with serving(answer(status, b"no"), HELLO) as rig:
        assert await text(client, Tokens(rig.url)) == b"data: hello\n\n"
        assert len(clock.slept) == 1
    async with serving(answer(status, b"no")) as rig:
        with pytest.raises((UpstreamFault, UpstreamTimeout)):
            await text(client, Tokens(rig.url))
        assert len(rig.seen) == 2


async def test_an_outage_that_names_a_long_wait_is_the_clients_business(
    client: CopilotClient,
) -> None:
    async with serving(answer(503, b"no", retry_after="60")) as rig:
        with pytest.raises(Overloaded) as caught:
            await text(client, Tokens(rig.url))
        assert len(rig.seen) == 1
        assert caught.value.retry_after == 60


async def test_an_outage_that_names_a_short_wait_is_left_alone_for_so_long(
    client: CopilotClient, clock: Clock
) -> None:
    async with serving(answer(503, b"no", retry_after="4"), HELLO) as rig:
        assert await text(client, Tokens(rig.url)) == b"data: hello\n\n"
        assert clock.slept == [4.0]


async def test_never_more_than_three_calls(client: CopilotClient) -> None:
    steps = [answer(503, b"no"), EXPIRED, answer(421, b"no"), answer(503, b"no")]
    async with serving(*steps) as rig:
        with pytest.raises(UpstreamFault):
            await text(client, Tokens(rig.url))
        assert len(rig.seen) == 3


async def test_a_pooled_connection_that_died_is_replaced(client: CopilotClient) -> None:
    """The server takes the second request and drops the connection: the request is sent again."""
    async with serving(HELLO, reset, HELLO) as rig:
        tokens = Tokens(rig.url)
        await text(client, tokens)
        assert await text(client, tokens) == b"data: hello\n\n"
        assert [seen.connection for seen in rig.seen] == [0, 0, 1]
        assert rig.seen[1].body == rig.seen[2].body


async def test_a_fresh_connection_that_breaks_is_not_repeated(client: CopilotClient) -> None:
    """Somebody may have read that request."""
    async with serving(reset) as rig:
        with pytest.raises(Unreachable):
            await text(client, Tokens(rig.url))
        assert len(rig.seen) == 1


async def test_nobody_listening(client: CopilotClient, clock: Clock) -> None:
    async with serving(HELLO) as rig:
        url = rig.url
    with pytest.raises(Unreachable) as caught:
        await text(client, Tokens(url))
    assert url.removeprefix("http://") in str(caught.value)
    assert "refused" in str(caught.value)
    assert len(clock.slept) == 1


async def test_the_connection_is_used_again_after_a_complete_answer(
    client: CopilotClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader may stop at its last frame; the end mark comes right after it."""
    monkeypatch.setattr("copilot_desktop.upstream.reply._LAST_BYTES_SECONDS", 5.0)
    stopped = asyncio.Event()

    async def ends_later(connection: Connection) -> None:
        await stream(b"data: [DONE]\n\n", then="nothing")(connection)
        await stopped.wait()
        connection.writer.write(b"0\r\n\r\n")

    async with serving(ends_later) as rig:
        tokens = Tokens(rig.url)
        async with client.converse(call(), tokens) as reply:
            async for _ in reply.chunks():
                stopped.set()
                break
        await text(client, tokens)
        assert [seen.connection for seen in rig.seen] == [0, 0]


@pytest.mark.parametrize("how", ["cut", "reset"])
async def test_a_cut_stream_is_told_after_what_arrived(client: CopilotClient, how: str) -> None:
    async with serving(stream(b"data: half", then=how)) as rig:
        got: list[bytes] = []
        with pytest.raises(CutShort):
            await text(client, Tokens(rig.url), into=got)
        assert b"".join(got) == b"data: half"
        assert len(rig.seen) == 1


async def test_a_body_shorter_than_promised_is_cut_short(client: CopilotClient) -> None:
    async def step(connection: Connection) -> None:
        await connection.head(200, {"content-length": "100", "content-type": "application/json"})
        connection.writer.write(b'{"a":')
        connection.cut()

    async with serving(step) as rig:
        with pytest.raises(CutShort):
            async with client.converse(call(), Tokens(rig.url)) as reply:
                await reply.read()


async def test_silence_in_a_stream(http: aiohttp.ClientSession) -> None:
    client = CopilotClient(http, Identity(), idle_timeout=0.2)
    async with serving(stream(b"data: 1\n\n", then="wait")) as rig:
        got: list[bytes] = []
        with pytest.raises(UpstreamTimeout) as caught:
            await text(client, Tokens(rig.url), into=got)
        assert got == [b"data: 1\n\n"]
        assert "0.2 seconds" in str(caught.value)
        await asyncio.wait_for(rig.ended.wait(), 5)


async def test_a_slow_client_is_no_silence(http: aiohttp.ClientSession) -> None:
    client = CopilotClient(http, Identity(), idle_timeout=0.1)
    async with serving(HELLO) as rig:
        got = []
        async with client.converse(call(), Tokens(rig.url)) as reply:
            async for chunk in reply.chunks():
                got.append(chunk)
                await asyncio.sleep(0.3)
        assert b"".join(got) == b"data: hello\n\n"


async def test_a_program_that_stood_still_does_not_blame_upstream(
    http: aiohttp.ClientSession,
) -> None:
    """Both the data and the deadline are there when the loop runs again."""
    client = CopilotClient(http, Identity(), idle_timeout=0.1)
    go = asyncio.Event()

    async def later(connection: Connection) -> None:
        await stream(b"data: 1\n\n", then="nothing")(connection)
        await go.wait()
        await connection.chunk(b"data: 2\n\n")
        connection.writer.write(b"0\r\n\r\n")
        time.sleep(0.3)  # noqa: ASYNC251  (the whole program stands still)

    async with serving(later) as rig:
        got: list[bytes] = []
        async with client.converse(call(), Tokens(rig.url)) as reply:
            async for chunk in reply.chunks():
                got.append(chunk)
                asyncio.get_running_loop().call_soon(go.set)
        assert b"".join(got) == b"data: 1\n\ndata: 2\n\n"


async def test_silence_after_a_slow_client(http: aiohttp.ClientSession) -> None:
    client = CopilotClient(http, Identity(), idle_timeout=0.1)
    async with (
        serving(stream(b"data: 1\n\n", then="wait")) as rig,
        client.converse(call(), Tokens(rig.url)) as reply,
    ):
        chunks = reply.chunks()
        assert await anext(chunks) == b"data: 1\n\n"
        await asyncio.sleep(0.3)
        with pytest.raises(UpstreamTimeout):
            await asyncio.wait_for(anext(chunks), 5)


async def test_no_head_in_time(http: aiohttp.ClientSession) -> None:
    client = CopilotClient(http, Identity(), headers_timeout=2)
    async with serving(silence) as rig:
        with pytest.raises(UpstreamTimeout):
            await text(client, Tokens(rig.url))
        assert len(rig.seen) == 1
        await asyncio.wait_for(rig.ended.wait(), 5)


async def test_a_head_may_take_longer_than_the_idle_limit(http: aiohttp.ClientSession) -> None:
    client = CopilotClient(http, Identity(), headers_timeout=5, idle_timeout=0.05)

    async def thinks(connection: Connection) -> None:
        await asyncio.sleep(0.3)
        await HELLO(connection)

    async with serving(thinks) as rig:
        assert await text(client, Tokens(rig.url)) == b"data: hello\n\n"


@pytest.mark.parametrize("step", [silence, stream(b"data: 1\n\n", then="wait")])
async def test_a_client_that_leaves_ends_the_call(client: CopilotClient, step: Step) -> None:
    async with serving(step) as rig:
        task = asyncio.create_task(text(client, Tokens(rig.url)))
        await rig.until(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(rig.ended.wait(), 5)


async def test_an_error_in_the_reader_ends_the_call(client: CopilotClient) -> None:
    async with serving(stream(b"data: 1\n\n", then="wait")) as rig:
        with pytest.raises(KeyError):
            async with client.converse(call(), Tokens(rig.url)):
                raise KeyError
        await asyncio.wait_for(rig.ended.wait(), 5)


async def test_every_answer_shows_its_headers(http: aiohttp.ClientSession) -> None:
    seen: list[Mapping[str, str]] = []
    client = CopilotClient(http, Identity(), on_headers=seen.append)
    spent = answer(402, b"", x_quota_snapshot_chat="ent=1&rem=0.0")
    async with serving(EXPIRED, spent, HELLO) as rig:
        tokens = Tokens(rig.url)
        with pytest.raises(QuotaExhausted):
            await text(client, tokens)
        assert "x-quota-snapshot-chat" in seen[1]
        await text(client, tokens)
        await asyncio.sleep(0)
        assert len(seen) == 3


@pytest.mark.parametrize(
    "empty", [answer(402, b""), answer(429, {"error": {"code": "quota_exceeded", "message": "x"}})]
)
async def test_an_empty_allowance_is_asked_for_anew_but_not_at_once(
    client: CopilotClient, empty: Step
) -> None:
    async with serving(empty, empty, HELLO) as rig:
        tokens = Tokens(rig.url)
        for _ in range(2):
            with pytest.raises(QuotaExhausted):
                await text(client, tokens)
        assert await text(client, tokens)
        sent = [seen.headers["authorization"] for seen in rig.seen]
        assert sent == ["Bearer tid=0;token", "Bearer tid=1;token", "Bearer tid=1;token"]


async def test_a_whole_answer_has_a_limit(client: CopilotClient) -> None:
    async with (
        serving(answer(200, b"x" * 5000)) as rig,
        client.converse(call(stream=False), Tokens(rig.url)) as reply,
    ):
        assert reply.content_type == "application/json"
        assert reply.request_id == "A:1"
        with pytest.raises(UpstreamFault):
            await reply.read(limit=1000)


async def test_a_request_id_reaches_the_problem(client: CopilotClient) -> None:
    async with serving(answer(500, b"no")) as rig:
        with pytest.raises(UpstreamFault) as caught:
            await text(client, Tokens(rig.url))
        assert caught.value.request_id == "A:1"


async def test_a_refusal_that_never_ends_is_still_told(client: CopilotClient) -> None:
    endless = answer(429, b"x" * 300_000, retry_after="9")
    async with serving(endless) as rig:
        with pytest.raises(RateLimited) as caught:
            await text(client, Tokens(rig.url))
        assert caught.value.retry_after == 9


async def test_hundred_streams_at_once(client: CopilotClient) -> None:
    gate = asyncio.Event()

    async def waits(connection: Connection) -> None:
        await gate.wait()
        await HELLO(connection)

    async with serving(waits) as rig:
        tasks = [asyncio.create_task(text(client, Tokens(rig.url))) for _ in range(120)]
        await rig.until(120)
        gate.set()
        assert set(await asyncio.gather(*tasks)) == {b"data: hello\n\n"}


async def test_a_closed_session_is_a_shutdown(
    client: CopilotClient, http: aiohttp.ClientSession
) -> None:
    await http.close()
    with pytest.raises(ShuttingDown):
        await text(client, Tokens("http://127.0.0.1:1"))


async def test_json_calls(client: CopilotClient) -> None:
    async with serving(
        EXPIRED, answer(200, {"data": [1]}), answer(204), answer(200, b"oops")
    ) as rig:
        tokens = Tokens(rig.url)
        found = await client.request_json("GET", "/models", tokens, intent="model-access")
        assert found == {"data": [1]}
        sent = rig.seen[1]
        assert (sent.headers["openai-intent"], sent.headers["x-initiator"]) == (
            "model-access",
            "agent",
        )
        assert "content-type" not in sent.headers
        done = await client.request_json(
            "POST", "/models/m/policy", tokens, json={"state": "enabled"}, intent="chat-policy"
        )
        assert done is None
        assert json.loads(rig.seen[2].body) == {"state": "enabled"}
        with pytest.raises(UpstreamFault):
            await client.request_json("GET", "/models", tokens, intent="model-access")


async def test_json_calls_have_a_deadline(client: CopilotClient) -> None:
    async def half(connection: Connection) -> None:
        await connection.head(200, {"content-length": "100", "content-type": "application/json"})
        await connection.closed_by_client()

    async with serving(half) as rig:
        with pytest.raises(UpstreamTimeout):
            await client.request_json("GET", "/models", Tokens(rig.url), intent="x", timeout=0.2)
