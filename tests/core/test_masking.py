"""Names of people, computers and companies, in every form in which a log may hold them."""

from __future__ import annotations

import pytest

from copilot_desktop.core.masking import Mask, company_in

# None of these was told to the mask.
CANARIES = [
    "could not reach canary-proxy.canarycorp.com today",
    "proxy.canarycorp.local:8080 refused",
    "canaryhost:3128 refused the connection",
    "asked CANARYDC01.CANARYCORP.INTERNAL.",
    "host=git.canarycorp.example;",
    "(wiki.canarycorp.co.uk)",
    "canarycorp.de, canary.ai and canary.py",
    "käse-canary.de and xn--canary-kva.de and canary.xn--p1ai",
    "canary_service.canarycorp.com",
    "https://user:canary@canary.example/x and wss://canary.example",
    "http://[2001:db8::canary]/".replace("canary", "ca11"),
    r"\\canaryfiles\share\x and \\canary.corp.com\x",
    "mail canary@canarycorp and first.canary@canary.example",
    "canary.ghe.com and api.canary.ghe.com",
    "github.com.canary.example and notgithub-canary.com",
    "/srv/canary.example/x",
    r"E:\Users\Canary Canary\AppData and 'E:\\Users\\canary\\x' and E:/Users/Canary/x",
]
ADDRESSES = [
    "2001:db8:ca11::1",
    "fe80::ca11:1%eth0",
    "::ffff:203.0.113.7",
    "2001:0db8:0000:0000:0000:ff00:ca11:8329",
    "fd00:ca11::",
    "203.0.113.7",
    "ca:11:ca:11:ca:11",
    "CA-11-CA-11-CA-11",
]
HARMLESS = [
    "2026-11-21 12:30:45,123 WARNING copilot_desktop.upstream.client: 502 after 1.2 s",
    "http://127.0.0.1:4141/v1 and http://localhost:4141 and http://[::1]:4141 on :: and ::1",
    "https://api.github.com/x, api.business.githubcopilot.com, github.com:443",
    "gpt-4.1, claude-3.5-sonnet, gemini-2.5-pro, o3-mini",
    "Linux-6.1.0-13-amd64 x86_64, Python 3.12.1, glibc2.36",
    "json.decoder.JSONDecodeError and aiohttp.client_exceptions.ClientConnectorError",
    'File "~/copilot_desktop/core/core.py", line 12',
    "usage.sqlite3, settings.toml, models.json and copilot-desktop.log",
    "10:20:30 took 12:30, e.g. this, i.e. that. And so on...",
    "opencode/1.2.3 (darwin) claude-cli/2.0.1",
]


@pytest.mark.parametrize("text", CANARIES)
def test_no_name_of_any_form_is_left(text: str) -> None:
    shown = Mask()(text)
    assert "canar" not in shown.lower()
    assert "ca11" not in shown


def test_a_path_of_windows_is_known_in_every_spelling() -> None:
    mask = Mask.of([(r"D:\Hana Muster", "~"), (r"D:\Hana Muster\Local\App", "[data folder]")])
    for path in (r"D:\Hana Muster\Local\App\x", r"'D:\\Hana Muster\\Local\\App\\x'"):
        assert "[data folder]" in mask(f"denied: {path}")
    assert mask("d:/hana muster/x") == "~/x"


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("around", ["{}", "at {} now", "[{}]:3128", "ip={},", "({})", "{}."])
def test_no_address_is_left(address: str, around: str) -> None:
    shown = Mask()(around.format(address))
    assert shown == around.format("[address]") or "[address]" in shown
    for part in ("ca11", "ca:11", "CA-11", "203.0", "db8", "fd00", "fe80"):
        assert part not in shown


@pytest.mark.parametrize("text", HARMLESS)
def test_what_names_nobody_stays_readable(text: str) -> None:
    assert Mask()(text) == text


@pytest.mark.parametrize(
    ("host", "company"),
    [
        ("proxy.acme.example", "acme"),
        ("acme.ghe.com", "acme"),
        ("laptop.hana.home.arpa", ""),
        ("proxy.corp.local", ""),
        ("10.20.30.40", ""),
        ("laptop", ""),
        ("a.ibm.com", ""),
    ],
)
def test_the_company_in_a_host(host: str, company: str) -> None:
    assert company_in(host) == company


def test_a_known_name_goes_wherever_it_stands() -> None:
    mask = Mask.of([("acme", "[company]"), ("ab", "[short]")])
    assert mask("ACME's ab, acme-prod, acmes") == "[company]'s ab, [company]-prod, acmes"


@pytest.mark.parametrize("part", ["a-", "a.", "1.", "_", "é."])
def test_a_long_word_is_looked_through_once(part: str) -> None:
    """What upstream sent may stand in the log. This took minutes, in which the app did nothing."""
    assert Mask()(part * 32_000)
