"""When the older SDKs are fetched: in CI, and when these tests are asked for by name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.sdks import generations

HERE = Path(__file__).parent


def wanted(config: pytest.Config) -> bool:
    """Whether packages may be installed for this run."""
    if os.environ.get("CI", "").lower() not in {"", "0", "false"}:
        return True
    words = [word for word in config.invocation_params.args if not word.startswith("-")]
    start = config.invocation_params.dir
    return any((start / word.split("::")[0]).resolve().is_relative_to(HERE) for word in words)


@pytest.fixture(scope="session", params=generations.GENERATIONS)
def generation(request: pytest.FixtureRequest) -> tuple[str, str | None]:
    """Its name, and what has to stand in PYTHONPATH for it."""
    name = request.param
    if name != "newest" and not wanted(request.config):
        pytest.skip("the older SDKs are installed in CI, or when tests/sdks is named")
    try:
        return name, generations.search_path(name)
    except generations.CannotInstallError as trouble:
        pytest.skip(f"the older SDKs cannot be had: {trouble}")
