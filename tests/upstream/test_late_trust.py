"""A context that reads its certificates late trusts whom it would have trusted early."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from copilot_desktop.upstream import late_trust

pytest.importorskip("cryptography")

from tests.company import company

LOOK = """
import ssl
from copilot_desktop.upstream import late_trust
usual = ssl.create_default_context
late_trust.import_aiohttp()
assert ssl.create_default_context is usual
from aiohttp import connector
made = connector._SSL_CONTEXT_VERIFIED
assert isinstance(made, late_trust.Unread) and made.check_hostname
print(made.verify_mode == ssl.CERT_REQUIRED, made.cert_store_stats()["x509"])
"""


async def ask(proxy: str) -> int:
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as http,
        http.get("https://github.com/", proxy=proxy, ssl=late_trust.unread()) as answer,
    ):
        return answer.status


async def test_it_trusts_whom_the_system_trusts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with company(tmp_path) as here:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await ask(here.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(here.ca))
        assert await ask(here.url) == 200


def test_aiohttp_comes_without_certificates_and_everything_else_as_usual() -> None:
    done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["True", "0"], done.stderr
