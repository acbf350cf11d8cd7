"""A token may go to GitHub, to Copilot, to the tenant that was typed in, and nowhere else."""

from __future__ import annotations

import pytest

from copilot_desktop.errors import BadSetting, UpstreamFault
from copilot_desktop.upstream.origins import Origins

RIG = "http://127.0.0.1:9000"


def test_the_public_hosts() -> None:
    origins = Origins.of()
    assert origins.github == "https://github.com"
    assert origins.api == "https://api.github.com"
    assert origins.copilot_default == "https://api.githubcopilot.com"
    assert origins.device_page == "https://github.com/login/device"
    assert origins.host == "github.com"
    assert not origins.direct_first


@pytest.mark.parametrize(
    "typed", ["acme.ghe.com", " https://ACME.ghe.com/login ", "https://acme.ghe.com"]
)
def test_a_tenant_as_people_type_it(typed: str) -> None:
    origins = Origins.of(host=typed)
    assert origins.github == "https://acme.ghe.com"
    assert origins.api == "https://api.acme.ghe.com"
    assert origins.copilot_default == "https://copilot-api.acme.ghe.com"
    assert origins.device_page == "https://acme.ghe.com/login/device"
    assert origins.direct_first


@pytest.mark.parametrize(
    "typed",
    [
        "", "gitlab.com", "github.com.evil.example", "evilghe.com", "a.b.ghe.com", ".ghe.com",
        "http://github.com", "user@github.com", "github.com:8443", "acme.ghe.com:1", "ghe.com",
        "https://[::1", "acme.ghe.com.evil.example",
    ],
)  # fmt: skip
def test_other_hosts_are_refused(typed: str) -> None:
    with pytest.raises(BadSetting, match="GitHub host"):
        Origins.of(host=typed)


def test_overrides_of_a_rig_on_this_machine() -> None:
    origins = Origins.of(github=f"{RIG}/", api="http://localhost:9000", copilot="http://[::1]:7/x/")
    assert origins.github == RIG
    assert origins.api == RIG
    assert origins.copilot == "http://[::1]:7/x"
    assert origins.host == "127.0.0.1"
    assert origins.copilot_default == "http://[::1]:7/x"


def test_a_rig_for_github_alone_keeps_its_tokens_on_this_machine() -> None:
    origins = Origins.of(github=RIG)
    assert origins.api == RIG
    assert origins.copilot_default == RIG


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("github", "http://github.com"),
        ("github", "https://github.com.evil.example"),
        ("github", "https://evil@github.com"),
        ("github", "ftp://127.0.0.1"),
        ("github", "127.0.0.1:9000"),
        ("github", "http://127.0.0.1.evil.example"),
        ("github", "http://0.0.0.0:9000"),
        ("api", "https://github.com"),
        ("api", "https://api.evil.example"),
        ("api", "https://api.github.com/v3?x=1"),
        ("copilot", "https://githubcopilot.com.evil.example"),
        ("copilot", "https://evilgithubcopilot.com"),
        ("copilot", "http://10.0.0.1:80"),
        ("copilot", "https://api.githubcopilot.com:8443"),
    ],
)
def test_an_override_that_is_not_on_the_list_stops_the_start(name: str, value: str) -> None:
    setting = {"github": "GITHUB_URL", "api": "GITHUB_API_URL", "copilot": "COPILOT_URL"}[name]
    with pytest.raises(BadSetting, match=setting):
        Origins.of(**{name: value})


@pytest.mark.parametrize(
    "url",
    [
        "https://api.individual.githubcopilot.com",
        "https://api.business.githubcopilot.com/",
        "https://api.githubcopilot.com:443",
    ],
)
def test_a_copilot_address_is_used(url: str) -> None:
    pinned = Origins.of().pinned(url)
    assert pinned.endswith("githubcopilot.com")
    assert Origins.of(host="acme.ghe.com").pinned(url) == pinned


@pytest.mark.parametrize(
    "url",
    [
        "http://api.githubcopilot.com",
        "https://api.githubcopilot.com@evil.example",
        "https://evil.example/githubcopilot.com",
        "https://api.githubcopilot.com.evil.example",
        "https://api.githubcopilot.com/path",
        "https://api.githubcopilot.com#x",
        "http://127.0.0.1:9000",
        "https://copilot-api.other.ghe.com",
        "https://copilot-api.acme.ghe.com",
        "",
        "javascript:alert(1)",
        "https://[::1",
        "https://api.githubcopilot.com:99999",
    ],
)
def test_the_token_goes_to_no_other_address(url: str) -> None:
    with pytest.raises(UpstreamFault):
        Origins.of().pinned(url)


def test_a_tenant_and_a_rig_have_their_own_copilot() -> None:
    tenant = Origins.of(host="acme.ghe.com")
    assert tenant.pinned("https://copilot-api.acme.ghe.com/") == "https://copilot-api.acme.ghe.com"
    with pytest.raises(UpstreamFault):
        tenant.pinned("https://copilot-api.other.ghe.com")
    assert Origins.of(github=RIG).pinned("http://127.0.0.1:5/base/") == "http://127.0.0.1:5/base"


def test_only_the_known_page_is_shown_for_a_sign_in() -> None:
    assert Origins.of().device_page_of("https://github.com/login/device/").endswith("/device")
    for other in ("https://github.com.evil.example/login/device", "http://127.0.0.1/login/device"):
        with pytest.raises(UpstreamFault):
            Origins.of().device_page_of(other)
    tenant = Origins.of(host="acme.ghe.com")
    assert tenant.device_page_of("https://acme.ghe.com/login/device") == tenant.device_page
    with pytest.raises(UpstreamFault):
        tenant.device_page_of("https://github.com/login/device")


def test_a_rig_may_name_its_own_page_or_the_real_one() -> None:
    rig = Origins.of(github=RIG)
    for page in (f"{RIG}/login/device", "https://github.com/login/device"):
        assert rig.device_page_of(page) == page
    with pytest.raises(UpstreamFault):
        rig.device_page_of("https://evil.example/login/device")
