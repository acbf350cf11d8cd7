"""A TLS connection keeps little memory, and carries as much as ever."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
import sys
from asyncio import sslproto
from pathlib import Path
from typing import Any

import pytest

from copilot_desktop.system import buffers
from tests.company import certificates


async def kept_by_a_connection(context: ssl.SSLContext, authority: Path) -> int:
    """The bytes that one connection keeps for reading, after it has carried a megabyte."""
    sent = os.urandom(1024 * 1024)

    async def tell(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(tell, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    trusting = ssl.create_default_context(cafile=authority)
    async with server, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=trusting, server_hostname="github.com"
        )
        protocol: Any = writer.transport._ssl_protocol  # type: ignore[attr-defined]
        assert await reader.read(-1) == sent
        writer.close()
        return len(protocol.get_buffer(-1))


async def test_a_connection_keeps_a_quarter_of_what_python_would_keep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = certificates(tmp_path)
    authority = tmp_path / "ca.pem"
    usual = await kept_by_a_connection(context, authority)
    monkeypatch.setattr(sslproto.SSLProtocol, "max_size", usual)  # to be put back
    buffers.keep_small()
    assert await kept_by_a_connection(context, authority) == 64 * 1024 == usual / 4


def test_the_command_does_so_and_a_program_that_embeds_us_does_not() -> None:
    code = (
        "import sys\n"
        "from asyncio.sslproto import SSLProtocol\n"
        "import copilot_desktop.provider\n"
        "from copilot_desktop import cli\n"
        "from copilot_desktop.cli import version\n"
        "print(SSLProtocol.max_size)\n"
        "async def told(*_): print(SSLProtocol.max_size); return 0\n"
        "version.run = told\n"
        "sys.argv = ['copilot-desktop', 'version']\n"
        "cli.entry()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, while_it_works = map(int, done.stdout.split())
    assert before > while_it_works == 64 * 1024
