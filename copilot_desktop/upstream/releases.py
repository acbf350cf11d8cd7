"""Which version of this app is the newest one, as the releases page of its project says.

One call, without any token, name or cookie: the page learns nothing but that somebody asks. Only
the number is taken from the answer. The address that a person is sent to is fixed here, so that no
answer can choose it, and nothing is ever downloaded or replaced (security rule 19).
"""

from __future__ import annotations

import re

import aiohttp

from copilot_desktop.errors import UpstreamFault
from copilot_desktop.upstream.http import fetch_json
from copilot_desktop.upstream.payloads import Release, read

PROJECT = "copilot-desktop/copilot-desktop"  # as in pyproject.toml; a fork names its own
DOWNLOADS = f"https://github.com/{PROJECT}/releases/latest"
PATH = f"/repos/{PROJECT}/releases/latest"  # never a draft or a preview (GitHub's REST interface)
_HEADERS = {"user-agent": "copilot-desktop", "x-github-api-version": "2022-11-28"}
_NUMBER = re.compile(r"v?(\d{1,6}(?:\.\d{1,6}){1,3})")


async def newest(http: aiohttp.ClientSession, api: str, *, timeout: float) -> str:
    """`"1.4.2"`. `api` is the base address of GitHub's API, `timeout` in seconds.

    Raises Unreachable, Impostor, UpstreamTimeout, UpstreamFault, NotUnderstood.
    """
    answer = await fetch_json(http, "GET", api + PATH, headers=_HEADERS, timeout=timeout)
    if answer.status != 200:
        raise UpstreamFault(
            f"The releases page answered with {answer.status}.", upstream_status=answer.status
        )
    found = _NUMBER.fullmatch(read(Release, answer.body, what="The newest release").tag_name)
    if found is None:
        raise UpstreamFault("The newest release has no number.")
    return found[1]


def is_newer(version: str, than: str) -> bool:
    """Whether `version` comes after `than`; a preview (`1.5.0rc1`) comes before its release.

    What has no number is never newer, and everything is newer than it.
    """
    asked, present = _parts(version), _parts(than)
    return asked is not None and (present is None or asked > present)


def _parts(version: str) -> tuple[tuple[int, ...], bool] | None:
    """The numbers without zeros at the end, and whether it is a release."""
    found = _NUMBER.match(version)
    if found is None:
        return None
    numbers = [int(part) for part in found[1].split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers), found.end() == len(version) or version[found.end()] == "+"
