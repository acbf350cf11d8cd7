"""What is meant for this computer must not go through a proxy elsewhere.

Agents take a proxy from the environment for 127.0.0.1 as well (seen with Claude Code, Codex,
opencode, pi, Qwen Code, Continue, Droid, llm, Cline and aider): a company's proxy would get the key
and the prompts, and refuse them.
"""

from __future__ import annotations

from collections.abc import Mapping

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_HERE = ("127.0.0.1", "localhost", "::1")
_BOTH = ("NO_PROXY", "no_proxy")


def kept_here(env: Mapping[str, str]) -> dict[str, str]:
    """What has to be set beside `env`; empty where nothing has to change.

    Both spellings, where both are set: some tools read the one first, some the other.
    """
    if not any(env.get(name) or env.get(name.lower()) for name in _PROXIES):
        return {}
    found = {}
    for name in [name for name in _BOTH if env.get(name)] or ["NO_PROXY"]:
        there = _spared(env, name)
        if "*" not in there and not {*_HERE} <= {*there}:
            found[name] = ",".join(dict.fromkeys([*there, *_HERE]))
    return found


def leads_away(env: Mapping[str, str]) -> str:
    """The variable by which http://127.0.0.1 is asked for elsewhere; empty where there is none."""
    spared = [_spared(env, name) for name in _BOTH if env.get(name)]
    if spared and all(any(each == "*" or each.startswith("127.") for each in s) for s in spared):
        return ""
    names = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
    return next((name for name in names if env.get(name)), "")


def _spared(env: Mapping[str, str], name: str) -> list[str]:
    return [each.strip() for each in env.get(name, "").split(",") if each.strip()]
