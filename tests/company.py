"""A company's proxy on loopback: CONNECT, a password if wanted, and TLS opened with its own CA."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOSTS = ("github.com", "api.github.com", "api.githubcopilot.com", "*.githubcopilot.com")
LIMIT = 10.0  # seconds for one connection


@dataclass
class Company:
    """`ca` is the file that its people are given. `seen` lists what was asked to be connected."""

    ca: Path
    port: int = 0
    password: str = ""
    refuses: int = 0  # a status instead of a connection
    ahead: float = 0.0  # seconds that the other end's clock is ahead of ours
    status: int = 200
    behind: str = ""  # a server that gets what was asked, instead of one answer for everything
    old: bool = False  # its certificates say little about keys, as those of many companies do
    seen: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url_with_password(self) -> str:
        return f"http://hana:{self.password}@127.0.0.1:{self.port}"


@asynccontextmanager
async def company(folder: Path, **options: object) -> AsyncIterator[Company]:
    """Runs until the block ends. Options are fields of `Company`."""
    here = Company(folder / "ca.pem", **options)  # type: ignore[arg-type]
    context = certificates(folder, old=here.old)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(LIMIT):
                await _connection(here, context, reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    here.port = server.sockets[0].getsockname()[1]
    try:
        yield here
    finally:
        server.close()


async def _connection(
    here: Company,
    context: ssl.SSLContext,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    here.seen.append(head.split()[1])
    word = base64.b64encode(f"hana:{here.password}".encode()).decode()
    allowed = not here.password or f"basic {word}" in head.replace("Basic", "basic")
    if here.refuses or not allowed:
        status = here.refuses or 407
        writer.write(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        return
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    await writer.drain()
    await writer.start_tls(context)
    while True:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        here.paths.append(head.split()[1])
        if here.behind:
            writer.write(await _from_behind(here, head, reader))
            await writer.drain()
            continue
        date = formatdate(time.time() + here.ahead, usegmt=True)
        body = b'{"via": "company"}'
        writer.write(
            f"HTTP/1.1 {here.status} X\r\nContent-Type: application/json\r\nDate: {date}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        await writer.drain()


async def _from_behind(here: Company, head: str, reader: asyncio.StreamReader) -> bytes:
    """What the server behind says, in one piece."""
    line, *rest = head.strip().split("\r\n")
    fields = {name.lower(): value for name, value in (each.split(": ", 1) for each in rest)}
    body = await reader.readexactly(int(fields.pop("content-length", "0")))
    method, path, _ = line.split()
    fields.pop("host")
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, here.behind + path, headers=fields, data=body) as answer,
    ):
        said = await answer.read()
        kind = answer.headers.get("content-type", "")
        return (
            f"HTTP/1.1 {answer.status} X\r\nContent-Type: {kind}\r\n"
            f"X-Github-Request-Id: C0:FFEE\r\nContent-Length: {len(said)}\r\n\r\n"
        ).encode() + said


def certificates(folder: Path, *, old: bool = False) -> ssl.SSLContext:
    """A CA of one day in `folder`, and a server that it vouches for."""
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = _name("Company CA")
    ca = _certificate(ca_name, ca_name, ca_key, ca_key, authority=True, old=old)
    server = _certificate(_name("github.com"), ca_name, key, ca_key, authority=False, old=old)
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(ca.public_bytes(pem))
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    chain = folder / "server.pem"
    chain.write_bytes(server.public_bytes(pem) + key.private_bytes(pem, form, plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context


def _name(words: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, words)])


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    authority: bool,
    old: bool,
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    day = dt.timedelta(days=1)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS]), critical=False
        )
    )
    if not old:
        theirs = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        ours = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        for each in (theirs, ours, _usage(authority=authority)):
            built = built.add_extension(each, critical=False)
    return built.sign(signer, hashes.SHA256())


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
