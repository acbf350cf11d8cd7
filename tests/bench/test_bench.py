"""A tiny run of every scenario, with the real app over TLS: all figures come, whatever they are."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.goals import FIGURES
from bench.targets import OURS

ROOT = Path(__file__).resolve().parents[2]
# Peers that are not measured here, and the second rest, which takes half a minute.
LINUX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="figures come from /proc")


def bench(tmp_path: Path, *arguments: str) -> dict[str, dict[str, list[float | None]]]:
    """The samples of a run."""
    kept = tmp_path / "run.json"
    done = subprocess.run(
        [sys.executable, str(ROOT / "bench" / "run.py"), "--tiny", "--json", str(kept), *arguments],
        capture_output=True, text=True, timeout=110, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (mode,) = json.loads(kept.read_text())["modes"].values()
    assert "| goal | must | aim | measured | rounds | reached |" in done.stdout
    samples: dict[str, dict[str, list[float | None]]] = mode["samples"]
    return samples


@LINUX_ONLY
@pytest.mark.timeout(120)
@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl for a certificate")
def test_every_scenario_has_its_figures_over_tls(tmp_path: Path) -> None:
    samples = bench(tmp_path, "--mode", "tls", "--targets", f"raw bytes,aiohttp,{OURS}")
    assert samples[OURS].keys() == FIGURES.keys() - {"pause_2"}
    for name in ("raw bytes", "aiohttp"):
        theirs = {figure for figure in FIGURES if not figure.endswith("_messages")} - {
            "pause_2",
            "health",
        }
        assert samples[name].keys() == theirs
    assert samples[OURS]["open_running"] == [8]
    assert "never" not in samples[OURS]["leaving"]


@LINUX_ONLY
@pytest.mark.timeout(120)
def test_without_tls_and_with_scenarios_of_ones_choice(tmp_path: Path) -> None:
    samples = bench(tmp_path, "--mode", "plain", "--targets", OURS, "--only", "one,idle")
    assert samples[OURS].keys() == {"ttft1", "start", "idle_memory"}
    assert samples["direct"].keys() == {"ttft1"}


@pytest.mark.parametrize("part", ["desktop", "page"])
def test_what_measures_the_window_finds_its_parts(part: str) -> None:
    """It is loaded after minutes of other measurements, and would lose them."""
    code = f"import bench.{part}"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
