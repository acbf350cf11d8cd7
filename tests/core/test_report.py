"""A report can be shown to anybody: nothing in it names a person, a company or a secret."""

from __future__ import annotations

import getpass
import logging
import os
import platform
import stat
import urllib.request
from pathlib import Path

import pytest

from copilot_desktop.core import logs, report
from copilot_desktop.core.diagnostics import Diagnosis, Finding
from copilot_desktop.core.report import Mask
from tests.core_rig import running_core

CANARY = "canary5ecret"
LINUX, MAC, WINDOWS = "/home/" + "hana", "/Users/" + "hana", "C:" + "\\Users\\hana\\x"


def content(path: str) -> str:
    return Path(path).read_text("utf-8")


def reports(folder: Path) -> list[Path]:
    return list(folder.rglob("copilot-desktop-report*"))


async def test_no_secret_and_no_name_is_in_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home" / "hana-canary"
    folder = home / "kept"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(getpass, "getuser", lambda: "hana-canary")
    monkeypatch.setattr(platform, "node", lambda: "laptop-canary.acme.example")
    monkeypatch.setenv("HTTPS_PROXY", f"http://hana:{CANARY}@filter.acme.example:3128")
    folder.mkdir(parents=True)
    settings = {
        "api_key": f"key-{CANARY}",
        "outgoing_proxy": f"http://hana:{CANARY}@proxy.acme.example:3128",
        "extra_ca": home / "acme-ca.pem",
        "aliases": {"acme-fast": "gpt-4.1"},
        "approved_clients": ["Hana's Agent"],
    }
    try:
        logs.start(folder, "info")
        async with running_core(folder, signed_in=True, **settings) as rig:
            state = await rig.until(lambda state: state.account.login and state.models.items)
            log = logging.getLogger("copilot_desktop.test")
            token = rig.fake.github_token
            log.warning("gho_%s %s from hana@acme.example", CANARY * 3, token)
            log.warning("%s at laptop-canary, 203.0.113.7, acme.ghe.com", state.account.login)
            log.warning("%s/x.txt and %s, https://wiki.acme.example/y", home, WINDOWS)
            made = await rig.do("report")
            assert made["ok"]
            saved = await rig.do("save_report", id=made["id"])
            assert content(saved["path"]) == made["text"]
            text = made["text"].lower()
            for secret in (
                CANARY, token, rig.core.key, state.account.login or "nobody", "canary", "acme",
                "hana", "203.0.113.7", str(tmp_path), str(Path.home()),
            ):  # fmt: skip
                assert secret.lower() not in text, secret
            assert "GitHub: 127.0.0.1 answered in" in made["text"]
            assert "api_key = [set]" in made["text"]
            assert "~/x.txt" in made["text"]
            assert "[account] at [computer], [address], [host]" in made["text"]
    finally:
        logs.stop()


async def test_only_what_was_shown_last_can_be_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(urllib.request, "getproxies", dict)
    async with running_core(tmp_path) as rig:
        assert (await rig.do("save_report", id="0" * 16))["code"] == "invalid_request"
        first = await rig.do("report")
        assert not reports(tmp_path)
        await rig.do("update_settings", patch={"theme": "dark"})
        second = await rig.do("report")
        assert "theme = dark (file)" in second["text"]
        assert "Directly. The system names no proxy." in second["text"]
        assert (await rig.do("save_report", id=first["id"]))["code"] == "invalid_request"
        path = Path((await rig.do("save_report", id=second["id"]))["path"])
        assert stat.S_IMODE(os.lstat(path).st_mode) == 0o600
        again = Path((await rig.do("save_report", id=second["id"]))["path"])
        assert again != path


async def test_names_of_the_time_of_the_findings_are_masked_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    async def run(_self: Diagnosis) -> tuple[Finding, ...]:
        nonlocal looks
        looks += 1
        name = "dns" if looks == 1 else "again"
        return (Finding("github", "bad", name, {"host": "proxy.acme.example"}),)

    monkeypatch.setattr(Diagnosis, "run", run)
    monkeypatch.setattr(Finding, "said", lambda self, _: f"{self.case} {self.fields['host']} said")
    proxy = "http://proxy.acme.example:3128"
    async with running_core(tmp_path, outgoing_proxy=proxy) as rig:
        await rig.do("report")
        await rig.do("update_settings", patch={"outgoing_proxy": "none"})
        text = (await rig.do("report"))["text"]
        assert "dns [host] said" in text
        assert "acme" not in text
        monkeypatch.setattr(report, "FRESH", -1.0)
        assert "again" in (await rig.do("report"))["text"], "old findings are not shown as new"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://127.0.0.1:4141/v1", "http://127.0.0.1:4141/v1"),
        ("https://api.github.com/x", "https://api.github.com/x"),
        ("https://api.business.githubcopilot.com", "https://api.business.githubcopilot.com"),
        ("https://acme.example:8443/x", "https://[host]:8443/x"),
        ("https://evilgithub.com/x", "https://[host]/x"),
        ("http://me:pw@acme.example/x", "http://[secret]@[host]/x"),
        ("of octo-hana, octo-hanas", "of [account], octo-hanas"),
        (f"{LINUX}/x {MAC}/y {WINDOWS}", "~/x ~/y ~\\x"),
        ("gpt-4.1 took 1.2.3.4", "gpt-4.1 took [address]"),
    ],
)
def test_what_is_masked_and_what_is_left(text: str, shown: str) -> None:
    mask = Mask.of([("octo-hana", "[account]"), ("ab", "[short]")])
    assert mask(text) == shown
