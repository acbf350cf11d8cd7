"""`python -m copilot_desktop.demo`: the fake on its own, until SIGTERM or SIGINT.

Prints one line of JSON with its address and a GitHub token that works at once.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from dataclasses import replace

from copilot_desktop.demo import SCENARIOS, FakeUpstream


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m copilot_desktop.demo")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--scenario", default="pro", choices=sorted(SCENARIOS))
    parser.add_argument("--pace", type=float, help="seconds after each event of a stream")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    scenario = SCENARIOS[arguments.scenario]
    if arguments.pace is not None:
        scenario = replace(scenario, pace=arguments.pace)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows has no such loops
            loop.add_signal_handler(number, ended.set)
    async with FakeUpstream(scenario, host=arguments.host, port=arguments.port) as fake:
        line = {"url": fake.url, "scenario": scenario.name, "github_token": fake.github_token}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
        await ended.wait()


def main() -> int:
    """Run until told to end. 0, also after Ctrl-C."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(_arguments()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
