"""`serve`: from the first moment to the last, as a program that other programs start."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest

from copilot_desktop.cli import headless
from copilot_desktop.core.core import Core
from copilot_desktop.demo import FakeUpstream, Scenario, Status
from copilot_desktop.errors import SignInCodeExpired
from copilot_desktop.upstream.stores import StoredAccount, to_text
from tests.cli.terminal import Terminal, listening, settings, until
from tests.ports import free_port

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

QUICK = Scenario(interval=1, enforce_interval=False, approve_after=0.0)
HELLO = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hello"}]}
PATIENCE = 5.0  # seconds
CODE_PAGE = "/login/device/code"


async def ask(http: aiohttp.ClientSession, port: int, **headers: str) -> tuple[int, Any]:
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    async with http.post(url, json=HELLO, headers=headers) as answer:
        return answer.status, await answer.json()


def keep(terminal: Terminal, token: str, login: str = "octo-kept") -> None:
    """As if an earlier run had signed in."""
    terminal.token_file.parent.mkdir(parents=True)
    terminal.token_file.write_text(to_text(StoredAccount("127.0.0.1", login, 7, token)))
    terminal.token_file.chmod(0o600)


async def test_codes_that_nobody_enters_end(capsys: pytest.CaptureFixture[str]) -> None:
    """GitHub is asked every few seconds while one holds: not for days, with nobody there."""
    given: list[int] = []

    async def sign_in() -> dict[str, str]:
        given.append(1)
        assert len(given) < 100, "codes without end"
        return {"user_code": f"CODE-{len(given)}", "uri": "https://github.com/login/device"}

    async def poll() -> None:
        raise SignInCodeExpired

    core = SimpleNamespace(
        commands=SimpleNamespace(sign_in=sign_in), session=SimpleNamespace(poll=poll)
    )
    await headless._sign_in(cast("Core", core))
    told = capsys.readouterr()
    assert len(given) == headless.CODES == told.out.count("CODE-")
    assert told.err.count("Here is a new one.") == headless.CODES - 1
    assert told.err.rstrip().endswith("Run `copilot-desktop login` for a new one.")


async def test_the_demo_needs_nothing_and_ends_with_a_stream_open(
    terminal: Terminal, http: aiohttp.ClientSession
) -> None:
    async with terminal.start("serve", "--demo=slow", "--port=0") as serve:
        port = await serve.port()
        code = await serve.code()
        assert f"http://127.0.0.1:{port}/v1" in serve.out
        await serve.until(r"Signed in as \S+\.")
        assert re.search(r"Open   http://127\.0\.0\.1:\d+/login/device\n", serve.out)
        assert len(code) == 9
        url = f"http://127.0.0.1:{port}/v1/chat/completions"
        async with http.post(url, json=HELLO | {"stream": True}) as stream:
            first = await stream.content.readuntil(b"\n\n")
            assert first.startswith(b"data: {")
            ended = await serve.end(signal.SIGTERM)
            rest = await stream.content.read()
        assert b"[DONE]" not in rest
        assert b'"error"' in rest, "the editor must see that the answer is not complete"
    assert (ended.code, ended.err) == (0, "")
    assert not listening(port)
    assert not (terminal.folder / "demo" / "instance.json").exists()
    assert not terminal.token_file.exists()


async def test_a_sign_in_lasts_beyond_the_end(
    terminal: Terminal, http: aiohttp.ClientSession
) -> None:
    async with FakeUpstream(QUICK) as fake:
        terminal.at(fake)
        async with terminal.start("serve") as first:
            port = await first.port()
            await first.code()
            await first.until("Signed in as octo-user")
            assert (await ask(http, port))[0] == 200
            assert terminal.token_file.stat().st_mode & 0o777 == 0o600
            ended = await first.end(signal.SIGINT)
        assert (ended.code, ended.err) == (0, "")
        codes = len(fake.ledger.to(CODE_PAGE))
        async with terminal.start("serve") as second:
            port = await second.port()
            await second.until("Signed in as octo-user")
            status, answer = await ask(http, port)
            assert status == 200
            assert answer["choices"][0]["message"]["content"]
            third = await terminal.run("serve")
            assert third.code == 1
            assert third.err == "Copilot Desktop is already running with this data folder.\n"
            assert (await second.end(signal.SIGTERM)).code == 0
        assert "Enter" not in second.out
        assert len(fake.ledger.to(CODE_PAGE)) == codes


async def test_a_token_from_the_environment_wins_and_is_written_nowhere(
    terminal: Terminal, http: aiohttp.ClientSession
) -> None:
    async with FakeUpstream(QUICK) as fake:
        terminal.at(fake)
        stored = "ghu_" + "S" * 36
        keep(terminal, stored)
        terminal.environ["COPILOT_GITHUB_TOKEN"] = fake.github_token
        async with terminal.start("serve", "--log-level", "debug") as serve:
            port = await serve.port()
            await serve.until("Signed in as octo-user")
            assert (await ask(http, port))[0] == 200
            refused = await terminal.run("logout")
            assert refused.code == 1
            assert "COPILOT_GITHUB_TOKEN. Remove the variable to sign out." in refused.err
            assert (await ask(http, port))[0] == 200
            assert (await serve.end(signal.SIGTERM)).code == 0
        assert "Enter" not in serve.out
        sent = {each.headers["Authorization"] for each in fake.ledger.to("/copilot_internal/user")}
        assert sent == {f"token {fake.github_token}"}
        files = [path for path in terminal.home.parent.rglob("*") if path.is_file()]
        assert any(path.suffix == ".log" for path in files)
        for path in files:
            assert fake.github_token.encode() not in path.read_bytes(), path
        assert not terminal.token_file.exists(), "signing out empties what an earlier run has kept"


@pytest.mark.parametrize(("host", "here"), [("0.0.0.0", "127.0.0.1"), ("::", "[::1]")])
async def test_on_every_interface_it_names_an_address_that_answers_here(
    terminal: Terminal, http: aiohttp.ClientSession, host: str, here: str
) -> None:
    """The address that it listens on is refused in requests, since a name can be rebound to it."""
    if host == "::" and not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    terminal.environ |= settings(host=host, api_key="opensesame", port=free_port())
    async with terminal.start("serve", "--demo") as serve:
        found = await serve.until(r"Anthropic  (http://\S+)\n")
        assert found[1].startswith(f"http://{here}:")
        assert f"OpenAI     {found[1]}/v1\n" in serve.out
        await serve.until(r"Signed in as \S+\.")
        headers = {"Authorization": "Bearer opensesame"}
        async with http.get(f"{found[1]}/v1/models", headers=headers) as answer:
            assert answer.status == 200
        assert f"running, {found[1]}\n" in (await terminal.run("status", "--demo")).out
        assert (await serve.end(signal.SIGTERM)).code == 0


async def test_a_taken_port_is_explained(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        ended = await terminal.run("serve", "--demo", "--port", str(port))
    assert ended.code == 1
    found = re.fullmatch(
        r"Port (\d+) is already in use by (.+)\. Port (\d+) is free\.\n", ended.err
    )
    assert found, ended.err
    assert int(found[1]) == port
    assert found[3] != found[1]
    if sys.platform == "linux":
        assert f"(process {os.getpid()})" in found[2]
    assert not (terminal.folder / "demo" / "instance.json").exists()


async def test_clients_may_bring_their_own_token(
    terminal: Terminal, http: aiohttp.ClientSession
) -> None:
    async with FakeUpstream(QUICK) as fake:
        terminal.at(fake)
        terminal.environ |= settings(auth_mode="passthrough")
        async with terminal.start("serve") as serve:
            port = await serve.port()
            await serve.until("Each client brings its own")
            assert (await ask(http, port))[0] == 401
            status, _ = await ask(http, port, Authorization=f"Bearer {fake.github_token}")
            assert status == 200
            assert (await serve.end(signal.SIGTERM)).code == 0
        assert "Enter" not in serve.out
        assert not fake.ledger.to(CODE_PAGE)
        assert not terminal.token_file.exists()


async def test_it_serves_with_closed_streams(
    terminal: Terminal, http: aiohttp.ClientSession
) -> None:
    """As some launchers start a program: without input, output and error."""
    async with FakeUpstream(QUICK) as fake:
        terminal.at(fake)
        terminal.environ["COPILOT_GITHUB_TOKEN"] = fake.github_token
        port = free_port()
        shell = ("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh")
        async with terminal.start("serve", "--port", str(port), through=shell) as serve:
            await until(lambda: listening(port))
            assert (await ask(http, port))[0] == 200
            assert await serve.end(signal.SIGTERM) == (0, "", "")


async def test_it_serves_where_nothing_can_be_written(
    terminal: Terminal, http: aiohttp.ClientSession
) -> None:
    """The sign-in works until the end, and it is said that it will be gone then."""
    nowhere = "/proc/copilot-desktop" if sys.platform == "linux" else read_only(terminal.home)
    async with FakeUpstream(QUICK) as fake:
        terminal.at(fake)
        terminal.environ |= settings(data_dir=nowhere)
        async with terminal.start("serve") as serve:
            port = await serve.port()
            await serve.until("Signed in as octo-user")
            await serve.until(r"The place of the sign-in cannot be used: \S+token\.json\. ", "err")
            assert (await ask(http, port))[0] == 200
            assert (await serve.end(signal.SIGTERM)).code == 0
        assert "Traceback" not in serve.err


def read_only(home: Path) -> str:
    folder = home / "read-only"
    folder.mkdir(mode=0o500)
    return str(folder)


async def test_a_sign_in_that_github_took_back_is_renewed_by_itself(terminal: Terminal) -> None:
    async with FakeUpstream(QUICK) as fake:
        terminal.at(fake)
        keep(terminal, "ghu_" + "R" * 36)
        async with terminal.start("serve") as serve:
            await serve.until("GitHub no longer accepts the saved sign-in", "err")
            await serve.code()
            await serve.until("Signed in as octo-user")
            await until(lambda: json.loads(terminal.token_file.read_text())["login"] == "octo-user")
            assert (await serve.end(signal.SIGTERM)).code == 0


async def test_it_can_be_ended_before_it_has_started(terminal: Terminal) -> None:
    """A keyring that waits for a password holds up the start; nobody has to wait for it."""
    backend = terminal.home / "waiting_keyring.py"
    backend.write_text(
        "import pathlib, threading\n"
        "from keyring.backend import KeyringBackend\n"
        "class Waiting(KeyringBackend):\n"
        "    priority = 5\n"
        "    def get_password(self, service, username):\n"
        "        pathlib.Path(__file__).with_name('asked').touch()\n"
        "        threading.Event().wait(60)\n"
        "    set_password = delete_password = get_password\n"
    )
    terminal.environ["PYTHONPATH"] += os.pathsep + str(terminal.home)
    terminal.environ["PYTHON_KEYRING_BACKEND"] = "waiting_keyring.Waiting"
    terminal.environ |= settings(token_store="keyring")
    async with terminal.start("serve") as serve:
        await until((terminal.home / "asked").exists)
        ended = await serve.end(signal.SIGTERM)
    assert ended == (0, "", "")
    assert not (terminal.folder / "instance.json").exists()


UNREAD = """
import os, sys
reading, writing = os.pipe()
os.set_inheritable(reading, True)  # nobody reads, and nobody hangs up
os.set_blocking(writing, False)
try:
    while True:
        os.write(writing, b"x" * 4096)
except BlockingIOError:
    os.set_blocking(writing, True)
os.dup2(writing, int(sys.argv[1]))
os.execv(sys.argv[2], sys.argv[2:])
"""


async def test_it_goes_on_although_nobody_reads_what_it_complains_of(
    terminal: Terminal, http: aiohttp.ClientSession
) -> None:
    """As in a terminal that is held, or below a program that does not look."""
    unread = (sys.executable, "-c", UNREAD, "2")
    async with FakeUpstream(QUICK) as fake:
        terminal.at(fake)
        terminal.environ["COPILOT_GITHUB_TOKEN"] = fake.github_token
        async with terminal.start("serve", through=unread) as serve:
            port = await serve.port()
            await serve.until("Signed in as")
            fake.add_fault(Status("/chat/completions", 500, times=-1))
            for _ in range(2):
                assert (await ask(http, port))[0] == 502
            assert (await serve.end(signal.SIGTERM)).code == 0


async def test_nobody_waits_for_a_name_that_is_still_looked_up(terminal: Terminal) -> None:
    """The system goes on for half a minute where no name server answers."""
    (terminal.home / "sitecustomize.py").write_text(
        "import pathlib, socket, threading\n"
        "real = socket.getaddrinfo\n"
        "def resolve(host, *arguments, **named):\n"
        "    if str(host).endswith('github.com'):\n"
        "        pathlib.Path(__file__).with_name('asked').touch()\n"
        "        threading.Event().wait(60)\n"
        "    return real(host, *arguments, **named)\n"
        "socket.getaddrinfo = resolve\n"
    )
    terminal.environ["PYTHONPATH"] += os.pathsep + str(terminal.home)
    terminal.environ["COPILOT_GITHUB_TOKEN"] = "gho_" + "s" * 36
    terminal.environ |= settings(outgoing_proxy="none")
    async with terminal.start("serve") as serve:
        await serve.port()
        await until((terminal.home / "asked").exists)
        assert (await serve.end(signal.SIGTERM)).code == 0


async def test_ctrl_break_ends_it_in_order_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """What supervisors send there (CTRL_BREAK_EVENT), since SIGTERM ends a program at once; and its
    loop has no signal handlers."""
    number, told = signal.SIGUSR1, asyncio.Event()
    monkeypatch.setattr(signal, "SIGBREAK", number, raising=False)

    def nothing(*_: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(asyncio.get_running_loop(), "add_signal_handler", nothing)
    names = (number, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {each: signal.getsignal(each) for each in names}
    signal.signal(number, signal.SIG_IGN)
    try:
        headless._on_signals(told.set)
        signal.raise_signal(number)
        async with asyncio.timeout(PATIENCE):
            await told.wait()
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
