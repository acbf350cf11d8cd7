"""Whether 127.0.0.1 is asked for directly, by the variables of a terminal."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from copilot_desktop.cli.proxies import kept_here, leads_away


@pytest.mark.parametrize(
    ("env", "name"),
    [
        ({}, ""),
        ({"HTTPS_PROXY": "p"}, ""),
        ({"HTTP_PROXY": "p"}, "HTTP_PROXY"),
        ({"http_proxy": "p", "NO_PROXY": "corp.example"}, "http_proxy"),
        ({"ALL_PROXY": "p", "NO_PROXY": "localhost, 127.0.0.1"}, ""),
        ({"HTTP_PROXY": "p", "no_proxy": "127.0.0.0/8"}, ""),
        ({"HTTP_PROXY": "p", "no_proxy": "*"}, ""),
        ({"HTTP_PROXY": "p", "NO_PROXY": "corp.example", "no_proxy": "127.0.0.1"}, "HTTP_PROXY"),
    ],
)
def test_what_leads_away(env: Mapping[str, str], name: str) -> None:
    assert leads_away(env) == name
    assert leads_away({**env, **kept_here(env)}) == ""


def test_whoever_spares_everything_is_left_alone() -> None:
    assert kept_here({"HTTP_PROXY": "p", "NO_PROXY": "*"}) == {}
    assert kept_here({"NO_PROXY": "a"}) == {}
