"""What is measured, each started as its own process in front of the same fake Copilot.

`plain` and `tls` say how the fake is spoken to; between the client and a target there is never TLS,
as between an editor and the proxy. Direct access is without TLS in both, because a client in Python
would spend more on it than most targets add. With TLS all others check a certificate that was made
for this run, and our app goes to the real addresses only, as copilot-api always does; `rerouted.py`
and `reroute.cjs` lead their connections to the fake. So copilot-api takes part with TLS only, where
it is installed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import machine

HERE = Path(__file__).resolve().parent
# Where our app is; another folder, to hold an older state of it beside.
TREE = Path(os.environ.get("BENCH_TREE", HERE.parent)).resolve()
OURS = "copilot-desktop"
NAMES = ("direct", "nginx", "raw bytes", "aiohttp", "copilot-api", OURS)
START = 30.0  # seconds
HOSTS = ("localhost", "api.github.com", "api.githubcopilot.com", "github.com")
_straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Fake:
    """The fake's two ports, for us and for the targets, and its certificate. `port` is the way of
    this mode."""

    control: int
    port: int
    certificate: Path | None
    pid: int

    @property
    def url(self) -> str:
        # A name, as a certificate needs it; and an address where none is needed.
        where = "https://localhost" if self.certificate else "http://127.0.0.1"
        return f"{where}:{self.port}"

    @property
    def trust(self) -> list[str]:
        return [str(self.certificate)] if self.certificate else []


@dataclass(frozen=True)
class Target:
    """Something that answers at `port`. Direct access has no process."""

    name: str
    port: int
    pid: int | None = None
    started: float | None = None  # seconds to its first answer

    @property
    def translates(self) -> bool:
        """Whether it answers Anthropic's format from a chat model."""
        return self.name in (OURS, "copilot-api")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(port: int, path: str) -> bytes:
    with _straight.open(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        return bytes(answer.read())


def certificate(folder: Path) -> Path | None:
    """A PEM file with a key and a certificate of a day; None where there is no `openssl`."""
    if (tool := shutil.which("openssl")) is None:
        return None
    key, found, both = folder / "key.pem", folder / "certificate.pem", folder / "both.pem"
    names = ",".join([*(f"DNS:{host}" for host in HOSTS), "IP:127.0.0.1"])
    made = subprocess.run(
        [tool, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "2", "-subj", "/CN=bench", "-addext", f"subjectAltName={names}",
         "-addext", "keyUsage=digitalSignature,keyCertSign",
         "-keyout", str(key), "-out", str(found)],
        capture_output=True, timeout=30, check=False,
    )  # fmt: skip
    if made.returncode:
        return None
    both.write_text(key.read_text() + found.read_text())
    return found


@contextlib.contextmanager
def process(
    *command: str,
    env: dict[str, str] | None = None,
    to: set[int] | None = None,
    heard: bool = False,
    says: Path | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block, kept on the cores `to`. `heard`: its output is read.
    Its complaints go into the file `says`."""
    with (says or Path(os.devnull)).open("wb") as complaints:
        started = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if heard else subprocess.DEVNULL,
            stderr=complaints,
            env=env,
            cwd=TREE,
        )
    machine.bind(started.pid, to or set())
    try:
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(10)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()
        for pipe in (started.stdin, started.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def environment(**more: str) -> dict[str, str]:
    """Ours without what would change what is measured: proxies, the developer's own settings."""
    names = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
    kept = {
        name: value
        for name, value in os.environ.items()
        # Installed programs have their bytecode beside them.
        if not name.startswith("COPILOT_DESKTOP_")
        and name.lower() not in names
        and name != "PYTHONDONTWRITEBYTECODE"
    }
    return {**kept, **more}


# ------------------------------------------------------------------------------- each of them


def nginx(fake: Fake, folder: Path, port: int) -> tuple[list[str], dict[str, str]] | None:
    if (program := shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")) is None:
        return None
    way, extra = "http", ""
    if fake.certificate:
        way = "https"
        extra = (
            "proxy_ssl_name localhost; proxy_ssl_server_name on; proxy_ssl_verify on; "
            f"proxy_ssl_trusted_certificate {fake.certificate};"
        )
    config = folder / f"nginx-{port}.conf"
    config.write_text(
        NGINX.format(folder=folder, port=port, upstream=fake.port, way=way, extra=extra)
    )
    command = [program, "-e", f"{folder}/nginx.err", "-p", str(folder), "-c", str(config)]
    return command, environment()


NGINX = """
daemon off; worker_processes 1; master_process off; pid {folder}/nginx-{port}.pid;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  keepalive_requests 10000000; keepalive_timeout 300s;
  upstream up {{
    server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 10000000; keepalive_timeout 300s;
  }}
  server {{ listen 127.0.0.1:{port} backlog=1024; client_max_body_size 64m; location / {{
    proxy_pass {way}://up; proxy_http_version 1.1; proxy_set_header Connection ""; {extra}
    proxy_buffering off; proxy_request_buffering off; }} }}
}}
"""


def raw_bytes(fake: Fake, _folder: Path, port: int) -> tuple[list[str], dict[str, str]]:
    host = "localhost" if fake.certificate else "127.0.0.1"
    where = [str(port), f"{host}:{fake.port}", *fake.trust]
    return [sys.executable, str(HERE / "rawpass.py"), *where], environment()


def minimal_aiohttp(fake: Fake, _folder: Path, port: int) -> tuple[list[str], dict[str, str]]:
    command = [sys.executable, str(HERE / "baseline.py"), str(port), fake.url, *fake.trust]
    return command, environment()


def copilot_api(fake: Fake, folder: Path, port: int) -> tuple[list[str], dict[str, str]] | None:
    program = os.environ.get("BENCH_COPILOT_API") or shutil.which("copilot-api")
    if not program or not fake.certificate:
        return None
    home = folder / "copilot-api"
    home.mkdir(exist_ok=True)
    env = environment(
        HOME=str(home), XDG_DATA_HOME=str(home), BENCH_TLS_PORT=str(fake.port),
        NODE_EXTRA_CA_CERTS=str(fake.certificate),
        NODE_OPTIONS=f"--require {HERE / 'reroute.cjs'}",
    )  # fmt: skip
    command = [program, "start", "--port", str(port), "--github-token", "gho_" + "b" * 36]
    return command, env


def ours(fake: Fake, folder: Path, port: int) -> tuple[list[str], dict[str, str]]:
    """As it is installed, with everything on; only the limit on what is sent at once is raised."""
    settings = {
        "DATA_DIR": str(folder / f"ours-{fake.port}"), "TOKEN_STORE": "memory",
        "MAX_CONCURRENT": "1000", "OUTGOING_PROXY": "none",
    }  # fmt: skip
    program = ["-m", "copilot_desktop"]
    if fake.certificate:  # with TLS it goes to the real addresses only
        settings["EXTRA_CA"] = str(fake.certificate)
        program = [str(HERE / "rerouted.py")]
    else:
        settings |= dict.fromkeys(("GITHUB_URL", "GITHUB_API_URL", "COPILOT_URL"), fake.url)
    named = {f"COPILOT_DESKTOP_{name}": value for name, value in settings.items()}
    env = environment(
        **named, COPILOT_GITHUB_TOKEN="gho_" + "b" * 36, BENCH_TLS_PORT=str(fake.port),
        PYTHONPATH=str(TREE),
    )  # fmt: skip
    return [sys.executable, *program, "serve", "--port", str(port)], env


Command = Callable[[Fake, Path, int], tuple[list[str], dict[str, str]] | None]
COMMANDS: dict[str, Command] = {
    "nginx": nginx,
    "raw bytes": raw_bytes,
    "aiohttp": minimal_aiohttp,
    "copilot-api": copilot_api,
    OURS: ours,
}


@contextlib.contextmanager
def running(fake: Fake, folder: Path, only: tuple[str, ...] = NAMES) -> Iterator[list[Target]]:
    """All targets that can be had here, each answering already. The order is that of `only`."""
    _, core = machine.cores()
    with contextlib.ExitStack() as stack:
        found = []
        for name in only:
            if name == "direct":
                found.append(Target(name, fake.control))
                continue
            port = free_port()
            if (start := COMMANDS[name](fake, folder, port)) is None:
                continue
            command, env = start
            begun, says = time.perf_counter(), folder / "complaints.txt"
            served = stack.enter_context(process(*command, env=env, to=core, says=says))
            try:
                until_answering(name, served, port)
            except RuntimeError as trouble:
                raise RuntimeError(f"{trouble}\n{says.read_text()[-2000:]}") from None
            found.append(Target(name, port, served.pid, started=time.perf_counter() - begun))
        yield found


def until_answering(name: str, served: subprocess.Popen[bytes], port: int) -> None:
    """Return with its first good answer. Raises RuntimeError."""
    deadline = time.monotonic() + START
    while True:
        try:
            get(port, "/v1/models")
        except OSError as trouble:
            if served.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{name} does not start: {trouble}") from None
            time.sleep(0.002)
        else:
            return
