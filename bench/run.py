"""Measure the proxy beside other ways through: directly, nginx as a byte proxy, a raw byte pass in
Python, the shortest aiohttp relay and, where it is installed, npm's copilot-api.

All of them stand before the same fake Copilot, are started anew for each round and take turns
within it, so that a busy minute hits all alike. Read the ratios. Nothing here passes or fails.

    python3 run.py bench                   all of it, at most ten minutes
    python3 run.py bench --quick           one short round of the proxy, at most 90 seconds
    python3 run.py bench --only small,one  these scenarios
    python3 run.py bench --write           and put the tables into docs/performance.md
    python3 run.py bench --desktop         only the window; --page: only the page, in Chromium
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.path = [each for each in sys.path if Path(each or ".").resolve() != HERE]  # `bench.x`, not `x`

from bench import machine, report, targets  # noqa: E402
from bench.load import Failed  # noqa: E402
from bench.scenarios import QUICK, SCENARIOS, TINY, Controls, Size, pauses  # noqa: E402
from bench.targets import NAMES, OURS, Fake, Target  # noqa: E402
from bench.upstream import run as run_fast  # noqa: E402

MODES = ("tls", "plain")
PACED = ("streams16", "streams128", "paced")
UNPACED = ("small", "unpaced")
LONG = 8.0  # seconds for a scenario with a target, from which it is worth a word
SETTLE = 1.0  # seconds after the start, before memory is looked at

Samples = dict[str, dict[str, list[float | None]]]


class Strength:
    """Whether the fake and the client are fast enough to measure our app: their share of a core
    where there is a pace, and where there is none how much more CPU the app needs than they do."""

    def __init__(self, fake: Fake) -> None:
        self._fake = fake.pid
        self.shares = {"fake": 0.0, "client": 0.0}
        self.used: dict[str, float] = {}

    @contextlib.contextmanager
    def watching(self, scenario: str, target: Target) -> Iterator[None]:
        begun, before = time.perf_counter(), self._seconds(target)
        yield
        took = time.perf_counter() - begun
        if target.name != OURS:
            return
        spent = {who: after - before[who] for who, after in self._seconds(target).items()}
        if scenario in PACED:
            for who in self.shares:
                self.shares[who] = max(self.shares[who], spent[who] / took)
        elif scenario in UNPACED:
            for who, seconds in spent.items():
                self.used[who] = self.used.get(who, 0.0) + seconds

    def _seconds(self, target: Target) -> dict[str, float]:
        return {
            "fake": machine.cpu_seconds(self._fake) or 0.0,
            "client": time.process_time(),
            "app": machine.cpu_seconds(target.pid or 0) or 0.0,
        }

    def found(self) -> dict[str, Any]:
        times = {
            f"app to {who}": self.used["app"] / self.used[who] if self.used.get(who) else None
            for who in self.shares
        }
        return {"loop": machine.loop_name(), **self.shares, **times}


def note(samples: Samples, target: str, figures: dict[str, float], number: int) -> None:
    """Keep the figures of round `number`; what a round has not told is None."""
    kept = samples.setdefault(target, {})
    for name, value in figures.items():
        values = kept.setdefault(name, [])
        values += [None] * (number - len(values))
        values.append(value)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


async def one_round(
    controls: Controls, found: list[Target], size: Size, only: tuple[str, ...], strength: Strength
) -> dict[str, dict[str, float]]:
    """Each scenario with each target. One that cannot do it has no figures for it, nor has one
    whose turn comes when the time is long over."""
    late = time.monotonic() + 1.2 * size.budget
    figures: dict[str, dict[str, float]] = {target.name: {} for target in found}
    took = dict.fromkeys(only, 0.0)
    await asyncio.sleep(min(SETTLE, size.paced))
    for name in only:
        if name not in SCENARIOS:
            continue
        if time.monotonic() > late:
            say(f"  {name}: left out, the machine is too busy")
            continue
        for target in found:
            begun = time.perf_counter()
            try:
                with strength.watching(name, target):
                    figures[target.name] |= await SCENARIOS[name](controls, target, size)
            except (Failed, OSError, TimeoutError) as trouble:
                say(f"  {target.name}, {name}: {str(trouble) or type(trouble).__name__}")
            controls.plan(1)  # what is still running ends
            spent = time.perf_counter() - begun
            took[name] += spent
            if spent > LONG:
                say(f"  {target.name}, {name}: took {spent:.0f} s")
    say("  " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in took.items() if seconds))
    return figures


def measure(
    fake: Fake, folder: Path, size: Size, only: tuple[str, ...], names: tuple[str, ...]
) -> dict[str, Any]:
    """One way to speak to the fake: all rounds."""
    samples: Samples = {}
    strength, controls = Strength(fake), Controls(fake)
    begun, done = time.monotonic(), 0
    for number in range(size.rounds):
        started = time.monotonic()
        turned = names[number % len(names) :] + names[: number % len(names)]
        say(f"{'TLS' if fake.certificate else 'plain'}, round {number + 1} of {size.rounds}")
        with targets.running(fake, folder, turned) as found:
            told = run_fast(one_round(controls, found, size, only, strength))
            took = time.monotonic() - started  # without the pauses, which are for once
            if number == 0 and "pauses" in only:
                for name, figures in run_fast(pauses(controls, found, size)).items():
                    told[name] |= figures
        for name, figures in told.items():
            note(samples, name, figures, number)
        done = number + 1
        if time.monotonic() - begun + took > size.budget:
            break
    return {"rounds": done, "samples": samples, "strength": strength.found()}


@contextlib.contextmanager
def fakes(folder: Path) -> Iterator[dict[str, Fake]]:
    """The fake by the way it is spoken to; without `openssl` there is only the plain one."""
    certificate = targets.certificate(folder)
    command = [sys.executable, str(HERE / "upstream.py")]
    if certificate is not None:
        command += ["--certificate", str(folder / "both.pem")]
    others, _ = machine.cores()
    with targets.process(*command, to=others, heard=True) as served:
        assert served.stdout is not None
        ports = json.loads(served.stdout.readline())
        found = {"plain": Fake(ports["plain"], ports["plain"], None, served.pid)}
        if certificate is not None:
            found["tls"] = Fake(ports["plain"], ports["tls"], certificate, served.pid)
        yield found


def proxy(options: argparse.Namespace, size: Size) -> dict[str, Any]:
    """`{mode: results}`"""
    only = tuple(options.only.split(",")) if options.only else (*SCENARIOS, "pauses")
    names = tuple(options.targets.split(",")) if options.targets else NAMES
    names = ("direct", *(name for name in names if name != "direct"))
    for given, allowed in ((only, (*SCENARIOS, "pauses")), (names, NAMES)):
        if unknown := set(given) - set(allowed):
            raise SystemExit(f"{', '.join(sorted(unknown))}: choose from {', '.join(allowed)}")
    machine.allow_many_connections()
    others, _ = machine.cores()
    machine.bind(0, others)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, fakes(Path(folder)) as fake:
        for mode in MODES if options.mode == "both" else (options.mode,):
            if mode not in fake:
                say("No openssl here: TLS is left out.")
                continue
            found[mode] = measure(fake[mode], Path(folder), size, only, names)
    if hasattr(os, "sched_setaffinity"):
        machine.bind(0, set(range(os.cpu_count() or 1)))
    return found


def desktop(*, quick: bool) -> dict[str, float]:
    from bench import desktop as window  # noqa: PLC0415  (needs the tests of the window)

    if (reason := window.lacking()) is not None:
        say(f"The window is left out: {reason}")
        return {}
    try:
        return window.measure(1, 1.0) if quick else window.measure(3, 3.0)
    except (AssertionError, OSError, RuntimeError) as trouble:  # the others' figures shall stay
        say(f"The window: {trouble}")
        return {}


def page(*, quick: bool) -> dict[str, float]:
    try:
        from bench import page as looks  # noqa: PLC0415  (needs playwright and the page's tests)
    except ImportError as missing:
        say(f"The page is left out: {missing}")
        return {}
    try:
        return looks.look(3 if quick else 9)
    except Exception as trouble:  # noqa: BLE001  (a browser's; the others' figures shall stay)
        say(f"The page: {str(trouble) or type(trouble).__name__}")
        return {}


def measured(options: argparse.Namespace) -> dict[str, Any]:
    everything = not (options.desktop or options.page)
    narrowed = bool(options.only or options.targets or options.tiny)
    size = TINY if options.tiny else QUICK if options.quick else Size()
    if options.rounds:
        size = replace(size, rounds=options.rounds)
    results: dict[str, Any] = {"facts": machine.facts()}
    if everything:
        results["modes"] = proxy(options, size)
    if options.desktop or (everything and not narrowed and not options.quick):
        results["desktop"] = desktop(quick=options.quick)
    if options.page or (everything and not narrowed and not options.quick):
        results["page"] = page(quick=options.quick)
    return results


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--tiny", action="store_true", help=argparse.SUPPRESS)  # for its test
    parser.add_argument("--rounds", type=int, help="how often each target has its turn")
    parser.add_argument("--only", help=f"scenarios: {', '.join((*SCENARIOS, 'pauses'))}")
    parser.add_argument("--targets", help=f"targets: {', '.join(NAMES)}")
    parser.add_argument("--mode", choices=(*MODES, "both"), default="both", help="the way upstream")
    parser.add_argument("--desktop", action="store_true", help="measure the window")
    parser.add_argument("--page", action="store_true", help="measure the page in Chromium")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep everything measured")
    parser.add_argument("--from", dest="source", type=Path, metavar="FILE", help="show a kept run")
    parser.add_argument("--write", action="store_true", help="tables into docs/performance.md")
    options = parser.parse_args(arguments)
    # What was started ends with us, however we end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    begun = time.monotonic()
    results = report.load(options.source) if options.source else measured(options)
    if options.json:
        report.dump(results, options.json)
    for name, text in report.parts(results).items():
        print(f"\n## {name}\n\n{text}")
    if options.write:
        say(f"written: {', '.join(report.write(results)) or 'nothing'}")
    if not options.source:
        say(f"{time.monotonic() - begun:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
