"""Measure the proxy beside direct access, nginx (if installed) and a minimal aiohttp relay.

All targets run in one go against the same fake Copilot; the table shows ratios and the raw medians.
Nothing here passes or fails: machines differ, and so do their neighbours.

    python3 run.py bench [--rounds 3] [--quick]
    python3 run.py bench --page     the page in Chromium instead (`page.py`)
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import load  # noqa: E402

CHAT = {"model": "gpt-bench", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
MESSAGES = {**CHAT, "max_tokens": 64}
TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass
class Target:
    """Something that answers at `port`; `pid` is None for direct access."""

    name: str
    port: int
    pid: int | None
    prefix: str = ""
    figures: dict[str, float] = field(default_factory=dict)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(port: int, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        return bytes(answer.read())


def plan(port: int, chunks: int, gap_ms: float = 0) -> None:
    body = json.dumps({"chunks": chunks, "gap_ms": gap_ms}).encode()
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/__plan", data=body)
    with urllib.request.urlopen(asked, timeout=5) as answer:
        answer.read()


def until(ready: Callable[[], object], limit: float = 30.0) -> float:
    """Seconds until `ready` does not raise any more."""
    start = time.perf_counter()
    while True:
        try:
            ready()
        except OSError:
            if time.perf_counter() - start > limit:
                raise
            time.sleep(0.005)
        else:
            return time.perf_counter() - start


def cpu_seconds(pid: int | None) -> float:
    if pid is None or not Path(f"/proc/{pid}/stat").exists():
        return 0.0
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / TICK


def memory_mib(pid: int) -> float:
    smaps = Path(f"/proc/{pid}/smaps_rollup")
    if not smaps.exists():
        return 0.0
    pss = next(line for line in smaps.read_text().splitlines() if line.startswith("Pss:"))
    return int(pss.split()[1]) / 1024


@contextlib.contextmanager
def process(*command: str, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env
    )
    try:
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(10)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def product_environment(upstream: int, folder: str) -> dict[str, str]:
    url = f"http://127.0.0.1:{upstream}"
    settings = {
        "GITHUB_URL": url, "GITHUB_API_URL": url, "COPILOT_URL": url,
        "DATA_DIR": folder, "TOKEN_STORE": "memory",
        "MAX_CONCURRENT": "32",  # the most there can be; by default further streams wait
    }  # fmt: skip
    ours = {f"COPILOT_DESKTOP_{name}": value for name, value in settings.items()}
    kept = {k: v for k, v in os.environ.items() if not k.startswith("COPILOT_DESKTOP_")}
    return {**kept, **ours, "COPILOT_GITHUB_TOKEN": "gho_" + "b" * 36}


@contextlib.contextmanager
def targets(upstream: int, folder: str) -> Iterator[list[Target]]:
    with contextlib.ExitStack() as stack:
        found = [Target("direct", upstream, None)]
        if (nginx := shutil.which("nginx")) is not None:
            port = free_port()
            config = Path(folder) / "nginx.conf"
            config.write_text(NGINX.format(folder=folder, port=port, upstream=upstream))
            served = stack.enter_context(
                process(nginx, "-e", f"{folder}/nginx.err", "-p", folder, "-c", str(config))
            )
            found.append(Target("nginx", port, served.pid))
        port = free_port()
        url = f"http://127.0.0.1:{upstream}"
        relay = stack.enter_context(
            process(sys.executable, str(HERE / "baseline.py"), str(port), url)
        )
        found.append(Target("aiohttp", port, relay.pid, "/v1"))
        port = free_port()
        product = stack.enter_context(
            process(
                sys.executable, "-m", "copilot_desktop", "serve", "--port", str(port),
                env=product_environment(upstream, folder),
            )
        )  # fmt: skip
        found.append(Target("copilot-desktop", port, product.pid, "/v1"))
        for target in found[1:]:
            until(lambda target=target: get(target.port, f"{target.prefix}/models"))  # type: ignore[misc]
        yield found


NGINX = """
daemon off; worker_processes 1; master_process off; pid {folder}/nginx.pid;
events {{ worker_connections 2048; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream up {{ server 127.0.0.1:{upstream}; keepalive 64; }}
  server {{ listen 127.0.0.1:{port} backlog=1024; client_max_body_size 64m; location / {{
    proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_buffering off; }} }}
}}
"""


def median(values: list[float]) -> float:
    return statistics.median(values)


def first_token(target: Target, count: int, repeats: int) -> float:
    """Median time to the first content event, in milliseconds."""
    path = f"{target.prefix}/chat/completions"
    times: list[float] = []
    for _ in range(repeats):
        heard = asyncio.run(load.streams(count, target.port, path, CHAT, b'"content"'))
        times += [each.first * 1000 for each in heard]
    return median(times)


def full_speed(
    target: Target, path: str, body: dict[str, object], mark: bytes, chunks: int
) -> tuple[float, float]:
    """(microseconds of the target's CPU per chunk, thousand chunks per second) for one stream."""
    before = cpu_seconds(target.pid)
    heard = asyncio.run(load.stream(target.port, path, body, mark))
    used = cpu_seconds(target.pid) - before
    return used / chunks * 1e6, chunks / heard.took / 1000


def paced(target: Target, count: int) -> float:
    """Microseconds of the target's CPU per chunk with `count` slow streams."""
    path = f"{target.prefix}/chat/completions"
    before = cpu_seconds(target.pid)
    heard = asyncio.run(load.streams(count, target.port, path, CHAT, b'"content"'))
    return (cpu_seconds(target.pid) - before) / sum(each.events for each in heard) * 1e6


def measure(upstream: int, found: list[Target], *, quick: bool) -> None:
    size = 20_000 if quick else 100_000
    for target in found:
        figures = target.figures
        if target.pid:
            figures["idle memory, MiB"] = memory_mib(target.pid)
        plan(upstream, 10)
        first_token(target, 1, 5)
        figures["first token, 1 stream, ms"] = first_token(target, 1, 20 if quick else 100)
        figures["first token, 16 streams, ms"] = first_token(target, 16, 3 if quick else 12)
        if not target.pid:
            continue
        plan(upstream, 100 if quick else 200, 20)
        figures["CPU per chunk, 32 paced streams, µs"] = paced(target, 32)
        plan(upstream, size)
        path = f"{target.prefix}/chat/completions"
        cost, speed = full_speed(target, path, CHAT, b'"content"', size)
        figures["CPU per chunk, full speed, passed on, µs"] = cost
        figures["full speed, passed on, 1000 chunks/s"] = speed
        if target.name == "copilot-desktop":
            cost, speed = full_speed(target, "/v1/messages", MESSAGES, b"text_delta", size)
            figures["CPU per chunk, full speed, Anthropic from chat, µs"] = cost
            figures["full speed, Anthropic from chat, 1000 chunks/s"] = speed
        plan(upstream, 10)
        figures["memory after the load, MiB"] = memory_mib(target.pid)
        if target.name == "copilot-desktop":
            listed = [_timed(lambda: get(target.port, "/v1/models")) for _ in range(50)]  # noqa: B023
            figures["cached model list, ms"] = median(listed)
            checked = [_timed(lambda: get(target.port, "/health")) for _ in range(50)]  # noqa: B023
            figures["sign-in check from cache, ms"] = median(checked)


def _timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1000


def cold_starts(upstream: int, folder: str, rounds: int) -> dict[str, float]:
    """Seconds from launch to the first answered model list."""
    url = f"http://127.0.0.1:{upstream}"
    commands: dict[str, Callable[[int], list[str]]] = {
        "aiohttp": lambda port: [sys.executable, str(HERE / "baseline.py"), str(port), url],
        "copilot-desktop": lambda port: [
            sys.executable, "-m", "copilot_desktop", "serve", "--port", str(port),
        ],
    }  # fmt: skip
    taken: dict[str, float] = {}
    for name, command in commands.items():
        times = []
        for _ in range(rounds):
            port = free_port()
            with process(*command(port), env=product_environment(upstream, folder)):
                times.append(until(lambda: get(port, "/v1/models")))  # noqa: B023
        taken[name] = median(times)
    return taken


def show(found: list[Target], starts: dict[str, float]) -> None:
    direct = found[0].figures
    print(f"\n{platform.system()} {platform.machine()}, Python {platform.python_version()}, "
          f"{os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}; medians\n")  # fmt: skip
    names = [target.name for target in found]
    print("| figure | " + " | ".join(names) + " | ours / nginx | ours / aiohttp |")
    print("|---|" + "---:|" * (len(names) + 2))
    by_name = {target.name: target.figures for target in found}
    for name, seconds in starts.items():
        by_name[name]["cold start to first answer, s"] = seconds
    rows = list(dict.fromkeys(row for target in reversed(found) for row in target.figures))
    for row in rows:
        values = {name: by_name[name].get(row) for name in names}
        shown = [f"{value:.3g}" if value is not None else "–" for value in values.values()]
        base = direct.get(row, 0.0) if row.startswith("first token") else 0.0
        ratios = []
        for yardstick in ("nginx", "aiohttp"):
            mine, theirs = values.get("copilot-desktop"), values.get(yardstick)
            known = mine is not None and theirs is not None and theirs - base > 0
            ratios.append(f"{(mine - base) / (theirs - base):.2f}" if known else "–")  # type: ignore[operator]
        print(f"| {row} | " + " | ".join(shown + ratios) + " |")
    print("\nFor first tokens the ratio is of the time added to direct access.")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=3, help="cold starts to take the median of")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    parser.add_argument("--page", action="store_true", help="measure the page in Chromium")
    options = parser.parse_args()
    if options.page:
        import page  # noqa: PLC0415  (needs playwright and the page's tests)

        page.run()
        return 0
    with (
        tempfile.TemporaryDirectory() as folder,
        process(sys.executable, str(HERE / "upstream.py")) as fake,
    ):
        assert fake.stdout is not None
        upstream = int(json.loads(fake.stdout.readline())["port"])
        with targets(upstream, folder) as found:
            measure(upstream, found, quick=options.quick)
        show(found, cold_starts(upstream, folder, options.rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
