"""Fuzz with coverage: `python3 run.py fuzz [SECONDS] [TARGET …]`, a minute for each by default.

What is found is written as a file beside the corpus, in `build/fuzz/TARGET/`, which a second run
goes on from. Put a short form of it into `FOUND` of `test_corpus.py`.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "build" / "fuzz"
LONGEST = 16_384  # bytes of one input
PATIENCE = 5  # seconds for one input: what takes longer is a finding


def one(name: str, seconds: str) -> None:
    """Never returns: the fuzzer ends the process."""
    import atheris  # only here: it is not installed for ordinary tests

    with atheris.instrument_imports(include=["copilot_desktop"]):
        from tests.fuzz.targets import TARGETS
    from tests.fuzz.test_corpus import FOUND, seeds

    folder = CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate([*seeds(name), *FOUND.get(name, ())]):
        if len(seed) <= LONGEST:
            (folder / f"seed-{number}").write_bytes(seed)
    logging.getLogger("copilot_desktop").setLevel(logging.CRITICAL)  # a line each would be slow
    options = [
        f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-timeout={PATIENCE}",
        "-rss_limit_mb=1024", "-print_final_stats=1", f"-artifact_prefix={folder}/found-",
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, str(folder)], TARGETS[name])
    atheris.Fuzz()


def main(words: list[str]) -> int:
    from tests.fuzz.targets import TARGETS

    seconds = words.pop(0) if words and words[0].isdecimal() else "60"
    if unknown := [word for word in words if word not in TARGETS]:
        print(f"There is no {unknown[0]}. Targets: {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    failed = [
        name
        for name in words or TARGETS
        if subprocess.run(
            [sys.executable, __file__, "--one", name, seconds], check=False
        ).returncode
    ]
    print(f"Broken: {', '.join(failed)}. See {CORPUS}" if failed else "Nothing broke.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    if sys.argv[1:2] == ["--one"]:
        one(*sys.argv[2:4])
    sys.exit(main(sys.argv[1:]))
