"""Who gets in: every request is checked, and a page gets in once with its key."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import make_mocked_request

from copilot_desktop.control.app import ControlPlane, open_control
from copilot_desktop.control.door import KEY_LIFETIME, Door, Turned
from copilot_desktop.control.instance import claim
from tests.core_rig import CoreRig, running_core

SECRET_PATHS = ("/", "/state", "/events", "/strings.json", "/ui/index.html", "/nothing")


@asynccontextmanager
async def control(folder: Path, **settings: Any) -> AsyncIterator[tuple[ControlPlane, CoreRig]]:
    async with running_core(folder, start_proxy=False, **settings) as rig:
        instance = claim(folder)
        assert instance is not None
        try:
            async with open_control(rig.core, instance, ping=0.05) as plane:
                yield plane, rig
        finally:
            instance.release()


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[ControlPlane]:
    async with control(tmp_path) as (plane, _):
        yield plane


def token(folder: Path) -> str:
    return json.loads((folder / "instance.json").read_text())["token"]


def bearer(folder: Path) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(folder)}"}


async def raw(plane: ControlPlane, lines: str) -> str:
    """The answer to a request written by hand."""
    reader, writer = await asyncio.open_connection("127.0.0.1", plane.port)
    writer.write(lines.replace("\n", "\r\n").encode() + b"\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(65_536), 5)
    writer.close()
    await writer.wait_closed()
    return answer.decode("latin-1")


async def get(
    plane: ControlPlane, path: str, headers: Mapping[str, str] | None = None
) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{plane.port}{path}", headers=headers) as answer,
    ):
        return answer.status, await answer.text()


@pytest.mark.parametrize("path", SECRET_PATHS)
async def test_without_cookie_or_token_nothing_is_told(plane: ControlPlane, path: str) -> None:
    status, text = await get(plane, path)
    assert status == 401
    assert "Copilot Desktop" in text
    assert len(text) < 200


async def test_the_key_of_the_page_works_once(plane: ControlPlane) -> None:
    url = plane.url()
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as http:
        async with http.get(url, allow_redirects=False) as answer:
            assert answer.status == 303
            assert answer.headers["Location"] == "/"
            cookie = answer.headers["Set-Cookie"]
            assert {"HttpOnly", "SameSite=Strict"} <= {p.strip() for p in cookie.split(";")}
            assert "k=" not in answer.headers["Location"]
        async with http.get(f"http://127.0.0.1:{plane.port}/state") as answer:
            assert answer.status == 200
    async with (
        aiohttp.ClientSession() as other,
        other.get(url, allow_redirects=False) as answer,
    ):
        assert answer.status == 401
        assert "Set-Cookie" not in answer.headers


async def test_each_window_gets_its_own_key(plane: ControlPlane) -> None:
    first, second = plane.url(), plane.url()
    for url in (second, first):
        async with aiohttp.ClientSession() as http, http.get(url, allow_redirects=False) as answer:
            assert answer.status == 303


@pytest.mark.parametrize("key", ["", "wrong", "\u00e9", "x" * 5000])
async def test_a_made_up_key_is_worth_nothing(plane: ControlPlane, key: str) -> None:
    plane.url()
    assert (await get(plane, f"/?k={key}"))[0] == 401


def test_an_unused_key_dies_of_age() -> None:
    now = [0.0]
    door = Door("token", clock=lambda: now[0])
    keys = [door.new_key() for _ in range(2)]
    assert door.exchange(make_mocked_request("GET", f"/?k={keys[0]}")).status == 303
    now[0] = KEY_LIFETIME + 1
    with pytest.raises(Turned, match="used before"):
        door.exchange(make_mocked_request("GET", f"/?k={keys[1]}"))


def test_keys_that_nobody_uses_do_not_pile_up() -> None:
    door = Door("token")
    first = door.new_key()
    for _ in range(50):
        door.new_key()
    with pytest.raises(Turned):
        door.exchange(make_mocked_request("GET", f"/?k={first}"))
    assert len(door._keys) < 10


async def test_the_token_of_the_instance_file_opens_the_verbs(
    plane: ControlPlane, tmp_path: Path
) -> None:
    assert (await get(plane, "/state", bearer(tmp_path)))[0] == 200
    assert (await get(plane, "/state", {"Authorization": "Bearer x"}))[0] == 401
    assert (await get(plane, "/state", {"Authorization": f"Basic {token(tmp_path)}"}))[0] == 401


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1",
        "127.0.0.1:1",
        "0.0.0.0:{port}",
        "localhost.evil.example:{port}",
        "[::1]:{port}",
        "",
    ],
)
async def test_a_foreign_host_is_turned_away(
    plane: ControlPlane, tmp_path: Path, host: str
) -> None:
    name = host.format(port=plane.port)
    status, _ = await get(plane, "/state", {**bearer(tmp_path), "Host": name})
    assert status in {400, 403}


async def test_doubled_and_missing_hosts_are_turned_away(
    plane: ControlPlane, tmp_path: Path
) -> None:
    own = f"Host: 127.0.0.1:{plane.port}\n"
    authorized = f"Authorization: Bearer {token(tmp_path)}\nConnection: close"
    for hosts in ("", own + own, own + "Host: evil.example\n"):
        answer = await raw(plane, f"GET /state HTTP/1.1\n{hosts}{authorized}")
        assert answer.split()[1] in {"400", "403"}
    answer = await raw(plane, f"GET //evil.example/ HTTP/1.1\n{own}{authorized}")
    assert answer.split()[1] in {"400", "403"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://localhost"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_other_pages_are_turned_away(
    plane: ControlPlane, tmp_path: Path, headers: dict[str, str]
) -> None:
    async with aiohttp.ClientSession(headers={**bearer(tmp_path), **headers}) as http:
        async with http.get(f"http://127.0.0.1:{plane.port}/state") as answer:
            assert answer.status == 403
            assert not [name for name in answer.headers if name.startswith("Access-Control")]
        async with http.post(f"http://127.0.0.1:{plane.port}/do/quit", json={}) as answer:
            assert answer.status == 403


async def test_our_own_page_gets_in(plane: ControlPlane, tmp_path: Path) -> None:
    own = {"Origin": f"http://127.0.0.1:{plane.port}", "Sec-Fetch-Site": "same-origin"}
    assert (await get(plane, "/state", {**bearer(tmp_path), **own}))[0] == 200


@pytest.mark.parametrize("method", ["OPTIONS", "HEAD", "PUT", "DELETE", "PATCH", "TRACE"])
async def test_only_get_and_post_are_known(
    plane: ControlPlane, tmp_path: Path, method: str
) -> None:
    async with (
        aiohttp.ClientSession(headers=bearer(tmp_path)) as http,
        http.request(method, f"http://127.0.0.1:{plane.port}/state") as answer,
    ):
        assert answer.status == 405
        assert not [name for name in answer.headers if name.startswith("Access-Control")]


async def test_the_method_is_that_of_the_request_line(tmp_path: Path) -> None:
    """A page may send a GET of this site without much ado: it must not become a verb."""
    names = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")
    async with control(tmp_path) as (plane, rig):
        for name in names:
            headers = {**bearer(tmp_path), name: "POST"}
            assert (await get(plane, "/do/quit", headers))[0] == 405
        assert (await get(plane, "/do/quit?_method=POST", bearer(tmp_path)))[0] == 405
        assert not rig.core.quit_wanted.is_set()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, 415),
        ({"Content-Type": "application/json; charset=utf-8"}, 200),
    ],
)
async def test_verbs_take_plain_json_only(
    plane: ControlPlane, tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    async with (
        aiohttp.ClientSession(headers=bearer(tmp_path)) as http,
        http.post(
            f"http://127.0.0.1:{plane.port}/do/accept_notice",
            data=b"{}",
            headers=headers,
        ) as answer,
    ):
        assert answer.status == status
