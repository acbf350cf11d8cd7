"""A start goes to GitHub, to a tenant, or to this machine, and nowhere else."""

from __future__ import annotations

import pytest

from copilot_desktop.core import places
from copilot_desktop.core.settings import Preferences, Settings, resolve
from copilot_desktop.errors import BadSetting


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("github_url", "http://example.com"),
        ("github_api_url", "https://evil.example"),
        ("copilot_url", "ftp://127.0.0.1"),
    ],
)
def test_an_address_outside_the_list_stops_the_start(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=f"^{name} cannot be used"):
        places.chosen(Preferences.of(Settings(**{name: value})))
    with pytest.raises(BadSetting, match=f"^COPILOT_DESKTOP_{name.upper()} cannot be used"):
        places.chosen(resolve({}, {f"COPILOT_DESKTOP_{name.upper()}": value}, {}, None))


@pytest.mark.parametrize("written", ["acme.ghe.com", "Acme.GHE.com", " https://ACME.ghe.com/ "])
def test_a_tenant_is_a_place(written: str) -> None:
    kept = resolve({}, {}, {"github_host": written}, None)
    assert kept.dropped == (), "else the sign-in would be asked for at github.com"
    assert places.chosen(kept).host == kept.settings.github_host == "acme.ghe.com"
    given = resolve({}, {"COPILOT_DESKTOP_GITHUB_HOST": written}, {}, None)
    assert places.chosen(given).host == "acme.ghe.com"


@pytest.mark.parametrize("written", ["acme.ghe.com:444", "me@acme.ghe.com", "http://acme.ghe.com"])
def test_what_is_no_name_stops_the_start(written: str) -> None:
    with pytest.raises(BadSetting, match="give a name such as"):
        resolve({}, {"COPILOT_DESKTOP_GITHUB_HOST": written}, {}, None)
