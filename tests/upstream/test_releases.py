"""The newest version: read from the releases page, compared as numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from copilot_desktop.demo import FakeUpstream, Scenario
from copilot_desktop.demo.faults import HtmlIn200, Slow, Status
from copilot_desktop.errors import Impostor, NotUnderstood, Problem, UpstreamFault, UpstreamTimeout
from copilot_desktop.upstream.http import open_http
from copilot_desktop.upstream.origins import Origins
from copilot_desktop.upstream.releases import DOWNLOADS, PATH, is_newer, newest


async def ask(fake: FakeUpstream, timeout: float = 10) -> str:
    async with open_http(github_timeout=timeout) as http:
        return await newest(http, fake.url, timeout=timeout)


@pytest.mark.parametrize(("tag", "version"), [("v1.4.2", "1.4.2"), ("2.0", "2.0")])
async def test_the_number_is_read(tag: str, version: str) -> None:
    async with FakeUpstream(Scenario(release=tag)) as fake:
        assert await ask(fake) == version


@pytest.mark.parametrize("tag", ["", "nightly", "v1.4.2-rc1", "v1", "9" * 79, "1.2 <b>", "v1.0\n"])
async def test_what_is_no_version_is_an_error(tag: str) -> None:
    async with FakeUpstream(Scenario(release=tag)) as fake:
        with pytest.raises(UpstreamFault):
            await ask(fake)


async def test_every_kind_of_trouble_is_a_problem() -> None:
    strange = Status(PATH, times=-1, status=200, body={"name": "of another year"})
    for fault, kind in (
        (HtmlIn200(PATH, times=-1), Impostor),
        (strange, NotUnderstood),
        (replace(strange, body={"tag_name": "9" * 81}), NotUnderstood),
        (Slow(PATH, times=-1, seconds=60), UpstreamTimeout),
    ):
        async with FakeUpstream(Scenario(faults=(fault,))) as fake:
            with pytest.raises(Problem) as caught:
                await ask(fake, timeout=2)
            assert isinstance(caught.value, kind), fault


@pytest.mark.parametrize(
    ("version", "than", "newer"),
    [
        ("1.10.0", "1.9.3", True),
        ("1.0", "1.0.0", False),
        ("1.0.1", "1.0", True),
        ("0.9", "1.0", False),
        ("1.5.0", "1.5.0rc1", True),
        ("1.5.0", "1.5.0+local", False),
        ("1.5.0", "1.5.1.dev3", False),
        ("", "1.0", False),
        ("1.0", "from a checkout", True),
    ],
)
def test_versions_are_compared_as_numbers(version: str, than: str, newer: bool) -> None:
    assert is_newer(version, than) is newer


def test_the_page_is_the_projects_own_whatever_github_a_person_has() -> None:
    assert DOWNLOADS.startswith("https://github.com/")
    assert Origins.of(host="acme.ghe.com").releases_api == "https://api.github.com"
    assert Origins.of().releases_api == "https://api.github.com"
