"""Who may talk to the proxy: each rule tried with bytes that no friendly client would send."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from proxy.raw import Answer, request, send
from rig import running_rig

from copilot_desktop.proxy.config import ProxyConfig

KEY = "cd-" + "k" * 43
ALLOWED = "app://my-editor"
JSON = ("Content-Type", "application/json")
CHAT = json.dumps({"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}]}).encode()
PATHS = ["/v1/chat/completions", "/v1/responses", "/v1/messages", "/chat/completions"]


@asynccontextmanager
async def knocking(**options):
    """A proxy, and a check that nothing that was refused had gone on to GitHub or Copilot."""
    async with running_rig(config=ProxyConfig(**options)) as rig:
        before = len(rig.fake.ledger)
        yield rig
        assert len(rig.fake.ledger) == before, "a refused request caused an upstream call"


def assert_plain(answer: Answer) -> None:
    """What holds for every answer, whatever its status."""
    assert answer.one("x-content-type-options") == "nosniff"
    assert answer.one("cache-control") == "no-store"
    assert answer.one("server").startswith("copilot-desktop/")
    assert not [name for name, _ in answer.headers if name.startswith("access-control-")]


def assert_refused(answer: Answer, *statuses: int, case: object = "") -> None:
    assert answer.status in statuses, (case, answer.status, answer.body)
    assert_plain(answer)
    assert answer.one("content-type").startswith("application/json")
    assert answer.json()["error"]["message"]


# ------------------------------------------------------------------------------------ Host


async def test_this_machine_goes_by_these_names():
    async with running_rig() as rig:
        for host in ("localhost", "LocalHost", "127.0.0.1", "[::1]"):
            for name in (host, f"{host}:{rig.port}"):
                answer = await send(rig.port, request(target="/health", host=name))
                assert answer.status == 200, name
                assert_plain(answer)


FOREIGN_HOSTS = [
    None, "", "0.0.0.0", "0.0.0.0:{port}", "evil.example", "rebound.example:{port}",
    "127.0.0.1.evil.example", "localhost.evil.example:{port}", "localhost:1", "127.0.0.1:80",
    "[::1]:9", "[::]", "127.0.0.2", "192.168.0.7:{port}", "localhost:{port}:{port}",
    "user@localhost", "localhost/", "localhost:{port}x", "2130706433", "[::ffff:127.0.0.1]",
    "localhost.", " ", "localhost,evil.example", "ⓛocalhost",
]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "target"), [("GET", "/v1/models"), ("GET", "/nowhere"), ("DELETE", "/")]
)
async def test_a_host_that_is_not_ours_is_refused(method, target):
    async with knocking() as rig:
        for host in FOREIGN_HOSTS:
            name = None if host is None else host.format(port=rig.port)
            answer = await send(rig.port, request(method, target, host=name))
            assert_refused(answer, 400, 403, case=host)


async def test_two_hosts_are_refused_even_if_both_are_ours():
    async with knocking() as rig:
        for second in ("localhost", "evil.example"):
            answer = await send(rig.port, request("GET", "/v1/models", ("Host", second)))
            assert_refused(answer, 400, 403)


async def test_in_an_open_network_it_goes_by_addresses_and_by_no_name():
    """A name can be made to lead here by whoever owns it."""
    async with knocking() as rig:
        rig.relay.config = replace(rig.relay.config, host="0.0.0.0")
        for host in ("192.168.0.7", "10.0.0.7:{port}", "[fe80::7]:{port}", "localhost"):
            answer = await send(rig.port, request(host=host.format(port=rig.port), target="/"))
            assert answer.status == 200, host
        for host in ("rebound.example", "rebound.example:{port}", "0.0.0.0", "[::]", "192.168.0"):
            data = request("GET", "/v1/models", host=host.format(port=rig.port))
            assert_refused(await send(rig.port, data), 403, case=host)


async def test_a_post_from_a_rebound_name_is_refused_before_its_body_is_read():
    async with knocking() as rig:
        data = request("POST", PATHS[0], JSON, ("Content-Length", "999"), host="evil.example")
        assert_refused(await send(rig.port, data), 403)


# ------------------------------------------------------------------------------------ Origin


FOREIGN_ORIGINS = [
    "https://evil.example", "null", "http://localhost:3000", "http://127.0.0.1:{port}",
    "http://localhost:{port}", "chrome-extension://abcdef", "file://", "", "app://my-editor.x",
    "app://my-editor/", "app://my-edito",
]  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_a_page_is_refused(method):
    async with knocking(allowed_origins=frozenset({ALLOWED})) as rig:
        for origin in FOREIGN_ORIGINS:
            header = ("Origin", origin.format(port=rig.port))
            data = request(method, PATHS[0], header, JSON, body=CHAT if method == "POST" else None)
            assert_refused(await send(rig.port, data), 403, case=origin)


async def test_the_origin_that_the_user_allowed_is_let_in_and_no_other_beside_it():
    async with running_rig(config=ProxyConfig(allowed_origins=frozenset({ALLOWED}))) as rig:
        own = ("Origin", ALLOWED)
        site = ("Sec-Fetch-Site", "cross-site")
        asked = request("POST", PATHS[0], own, site, JSON, body=CHAT)
        answer = await send(rig.port, asked)
        both = request("POST", PATHS[0], own, ("Origin", "https://a.example"), JSON, body=CHAT)
        assert_refused(await send(rig.port, both), 403)
    assert answer.status == 200
    assert_plain(answer)


async def test_a_browser_that_says_it_comes_from_elsewhere_is_refused():
    async with knocking() as rig:
        for site in ("cross-site", "same-site", "elsewhere"):
            data = request("GET", "/v1/models", ("Sec-Fetch-Site", site))
            assert_refused(await send(rig.port, data), 403, case=site)
            doubled = request("GET", "/", ("Sec-Fetch-Site", "none"), ("Sec-Fetch-Site", site))
            assert_refused(await send(rig.port, doubled), 400, 403, case=site)


async def test_an_address_typed_into_a_browser_is_answered():
    async with running_rig() as rig:
        for site in ("none", "same-origin"):
            answer = await send(rig.port, request("GET", "/", ("Sec-Fetch-Site", site)))
            assert answer.status == 200


async def test_a_preflight_gets_no_permission():
    async with knocking() as rig:
        asks = ("Access-Control-Request-Method", "POST")
        private = ("Access-Control-Request-Private-Network", "true")
        for path in (*PATHS, "/", "/health", "/nowhere"):
            assert_refused(await send(rig.port, request("OPTIONS", path, asks, private)), 403, 405)


# ------------------------------------------------------------------------------- target, method


PROXY_LINES = [
    ("GET", "http://evil.example/v1/models"), ("GET", "http://localhost/v1/models"),
    ("GET", "//evil.example/v1/models"), ("GET", "//v1/models"), ("OPTIONS", "*"),
    ("CONNECT", "evil.example:443"), ("CONNECT", "localhost:443"), ("CONNECT", "/"),
    ("POST", "https://api.github.com/user"), ("GET", "v1/models"), ("TRACE", "/"),
    ("BREW", "/v1/models"),
]  # fmt: skip


async def test_a_request_line_that_makes_us_a_forward_proxy_is_refused():
    async with knocking() as rig:
        for line in PROXY_LINES:
            assert_refused(await send(rig.port, request(*line)), 400, 403, 405, case=line)


@pytest.mark.parametrize("target", ["//v1/models", "//models", "//evil.example/v1/models"])
async def test_a_base_url_with_a_slash_at_its_end_is_named(target):
    async with knocking() as rig:
        answer = await send(rig.port, request("GET", target))
        assert_refused(answer, 403)
        assert b"two slashes; take one off the end of the base URL" in answer.body


OTHER_REFUSALS = [
    ("GET", "/v1/nowhere", 404), ("DELETE", "/v1/models", 405), ("GET", PATHS[0], 405),
    ("PUT", PATHS[2], 405), ("PATCH", "/v1/messages/count_tokens", 405),
    ("GET", "/v1/models/no-such-model", 404), ("POST", "/v1/files", 501),
    ("GET", "/v1/batches/7", 501),
]  # fmt: skip


async def test_every_other_refusal_is_json_with_the_fixed_headers():
    async with running_rig() as rig:
        for method, target, status in OTHER_REFUSALS:
            body = b"{}" if method == "POST" else None
            answer = await send(rig.port, request(method, target, JSON, body=body))
            assert_refused(answer, status, case=target)


async def test_a_refusal_has_the_shape_of_its_dialect():
    async with knocking() as rig:
        for path in PATHS:
            data = request("POST", path, JSON, host="evil.example", body=CHAT)
            told = (await send(rig.port, data)).json()
            assert told["error"]["type"] == "permission_error"
            assert (told.get("type") == "error") is path.endswith("/messages")
            assert ("param" in told["error"]) is not path.endswith("/messages")


async def test_a_path_that_does_not_exist_speaks_the_dialect_of_its_client():
    async with knocking() as rig:
        header = ("anthropic-version", "2023-06-01")
        answer = await send(rig.port, request("GET", "/v1/organizations", header))
    assert answer.json()["type"] == "error"


# ------------------------------------------------------------------------------------ bodies


NOT_PLAIN_JSON = [
    (), (("Content-Type", "text/plain"),), (("Content-Type", "text/json"),),
    (("Content-Type", "application/x-www-form-urlencoded"),),
    (("Content-Type", "multipart/form-data; boundary=x"),),
    (("Content-Type", "application/jsonx"),), (("Content-Type", ""),),
    (("Content-Type", "text/plain; application/json"),),
    (("Content-Type", "text/plain"), JSON), (JSON, JSON),
    (JSON, ("Content-Encoding", "gzip")), (JSON, ("Content-Encoding", "deflate")),
    (JSON, ("Content-Encoding", "identity"), ("Content-Encoding", "br")),
]  # fmt: skip


@pytest.mark.parametrize("path", [PATHS[0], "/v1/messages/count_tokens", "/v1/embeddings"])
async def test_only_plain_json_is_taken(path):
    async with knocking() as rig:
        for headers in NOT_PLAIN_JSON:
            answer = await send(rig.port, request("POST", path, *headers, body=CHAT))
            assert_refused(answer, 400, 415, case=headers)


async def test_json_may_have_parameters():
    async with running_rig() as rig:
        identity = ("Content-Encoding", "identity")
        for kind in ("application/json; charset=utf-8", "Application/JSON;a=b"):
            data = request("POST", PATHS[0], ("Content-Type", kind), identity, body=CHAT)
            assert (await send(rig.port, data)).status == 200


MALFORMED = {
    "two-lengths": request("POST", PATHS[0], JSON, ("Content-Length", "3"), body=CHAT),
    "two-equal-lengths": request(
        "POST", PATHS[0], JSON, ("Content-Length", str(len(CHAT))), body=CHAT
    ),
    "length-and-chunks": request(
        "POST", PATHS[0], JSON, ("Transfer-Encoding", "chunked"), body=CHAT
    ),
    "signed-length": request("POST", PATHS[0], JSON, ("Content-Length", "+5")) + b"{}   ",
    "negative-length": request("POST", PATHS[0], JSON, ("Content-Length", "-5")),
    "list-of-lengths": request("POST", PATHS[0], JSON, ("Content-Length", "2, 2")) + b"{}",
    "worded-length": request("POST", PATHS[0], JSON, ("Content-Length", "two")) + b"{}",
    "unknown-coding": request("POST", PATHS[0], JSON, ("Transfer-Encoding", "xchunked")),
    "doubled-coding": request("POST", PATHS[0], JSON, ("Transfer-Encoding", "chunked, identity")),
    "folded-header": request("GET", "/v1/models", ("X-Long", "a\r\n b")),
    "space-before-colon": request("GET", "/v1/models", ("X-Odd ", "a")),
    "no-colon": b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nsecret-of-mine\r\n\r\n",
    "nul": request("GET", "/v1/models", ("X-Odd", "a\x00b")),
    "bare-return": request("GET", "/v1/models", ("X-Odd", "a\rb")),
    "long-header": request("GET", "/v1/models", ("X-Long", "a" * 70_000)),
    "no-http": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "bad-version": b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
}


async def test_http_that_two_readers_could_understand_differently_is_refused_and_closed(caplog):
    async with knocking() as rig:
        for name, data in MALFORMED.items():
            answer = await send(rig.port, data, closed=True)
            assert_refused(answer, 400, case=name)
            assert b"secret-of-mine" not in answer.body
    assert "secret-of-mine" not in caplog.text
    assert "Traceback" not in caplog.text


async def test_a_chunk_that_is_none_ends_the_request():
    async with knocking() as rig:
        data = request("POST", PATHS[0], JSON, ("Transfer-Encoding", "chunked")) + b"zz\r\n{}\r\n"
        assert_refused(await send(rig.port, data), 400)


async def test_no_body_is_invited_before_the_request_is_checked():
    async with knocking() as rig:
        for expect in ("100-continue", "something-else"):
            headers = (JSON, ("Expect", expect), ("Content-Length", "9"))
            data = request("POST", PATHS[0], *headers, host="evil.example")
            assert_refused(await send(rig.port, data), 403, case=expect)


# ------------------------------------------------------------------------------------ upgrades


async def test_a_web_socket_is_declined_in_words_where_there_is_none():
    async with knocking() as rig:
        offer = (
            ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        )  # fmt: skip
        foreign = (*offer, ("Origin", "https://evil.example"))
        for path in ("/v1/responses/x", "/v1/chat/completions", "/", "/v1//responses"):
            answer = await send(rig.port, request("GET", path, *offer))
            assert_refused(answer, 426, case=path)
            answer = await send(rig.port, request("POST", "/v1/responses", *offer, JSON))
            assert_refused(answer, 426, case=path)
            assert "WebSocket" in answer.json()["error"]["message"]
            assert_refused(await send(rig.port, request("GET", path, *foreign)), 403, case=path)


async def test_an_offer_of_http_2_is_passed_over():
    """Java's client makes it with every request to a plain address."""
    async with running_rig() as rig:
        offer = (("Upgrade", "h2c"), ("Connection", "Upgrade, HTTP2-Settings"),
                 ("HTTP2-Settings", "AAMAAABkAAQAAP__"))  # fmt: skip
        answer = await send(rig.port, request("POST", PATHS[0], *offer, JSON, body=CHAT))
    assert answer.status == 200, answer.body


# ------------------------------------------------------------------------------------ local key


@pytest.mark.parametrize(
    "header",
    [
        ("Authorization", f"Bearer {KEY}"), ("authorization", f"bearer   {KEY}"),
        ("Authorization", f"token {KEY}"), ("x-api-key", KEY), ("X-Api-Key", f" {KEY} "),
    ],
)  # fmt: skip
async def test_the_local_key_opens_from_both_places_and_stays_here(header):
    async with running_rig(config=ProxyConfig(key=KEY, key_required=True)) as rig:
        answer = await send(rig.port, request("POST", PATHS[0], header, JSON, body=CHAT))
        upstream = rig.fake.ledger.to("/chat/completions")[-1]
        everything = [(dict(each.headers), each.raw) for each in rig.fake.ledger]
    assert answer.status == 200, answer.body
    assert upstream.headers["Authorization"].startswith("Bearer tid=")
    assert KEY not in str(everything)


WRONG_KEYS = [
    (), (("Authorization", "Bearer "),), (("Authorization", "Bearer wrong"),),
    (("x-api-key", KEY[:-1]),), (("x-api-key", KEY + "k"),), (("x-api-key", ""),),
    (("Authorization", f"Basic {KEY}"),), (("Authorization", KEY),),
    (("x-api-key", "schlüssel"),), (("Cookie", f"key={KEY}"),),
]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", PATHS[0]), ("POST", PATHS[2]), ("GET", "/v1/models"), ("GET", "/nowhere")],
)
async def test_without_the_key_nothing_is_answered(method, path):
    async with knocking(key=KEY, key_required=True) as rig:
        for headers in WRONG_KEYS:
            body = CHAT if method == "POST" else None
            answer = await send(rig.port, request(method, path, *headers, JSON, body=body))
            assert_refused(answer, 401, case=headers)
            assert KEY not in str(answer)


async def test_an_empty_key_opens_nothing():
    async with knocking(key="", key_required=True) as rig:
        for header in (("x-api-key", ""), ("Authorization", "Bearer ")):
            assert_refused(await send(rig.port, request("GET", "/v1/models", header)), 401)


async def test_any_key_is_fine_where_none_is_required():
    async with running_rig(config=ProxyConfig(key=KEY)) as rig:
        header = ("Authorization", "Bearer whatever")
        assert (await send(rig.port, request("GET", "/v1/models", header))).status == 200
        assert "whatever" not in str([dict(each.headers) for each in rig.fake.ledger])


async def test_no_header_of_the_client_reaches_copilot():
    async with running_rig() as rig:
        own = [("X-Own-Secret", "canary-1"), ("Cookie", "canary-2"), ("User-Agent", "canary-3"),
               ("X-Forwarded-For", "canary-4"), ("Copilot-Session-Token", "canary-5")]  # fmt: skip
        answer = await send(rig.port, request("POST", PATHS[0], *own, JSON, body=CHAT))
        seen = str([list(each.headers.items()) for each in rig.fake.ledger])
    assert answer.status == 200
    assert "canary" not in seen
