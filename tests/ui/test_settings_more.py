"""The way out, hidden names, and the way back: settings that are more than a switch."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.ui import snapshots
from tests.ui.stage import ControlPlane

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

MASKED = "http://•••@proxy.example:3128"


async def opened(window: Any, **changes: Any) -> Any:
    page = await window(snapshots.snapshot(**changes))
    await page.go("settings")
    return page


def patches(page: Any) -> list[Any]:
    return [given["patch"] for verb, given in page.plane.calls if verb == "update_settings"]


async def patched(page: Any, patch: dict[str, Any]) -> None:
    """Wait until the page has asked for exactly this."""
    async with asyncio.timeout(20):
        while True:
            if patch in patches(page):
                return
            await asyncio.sleep(0.01)


async def test_a_proxy_is_typed_and_used(window: Any) -> None:
    page = await opened(window)
    await page.page.get_by_role("radio", name="Address").click()
    assert patches(page) == []
    await page.page.locator("#s-outgoing_address").fill("hana:pa55@proxy.example:3128")
    await page.page.keyboard.press("Enter")
    assert await page.called("update_settings") == {
        "patch": {"outgoing_proxy": "hana:pa55@proxy.example:3128"}
    }
    page.plane.push(snapshots.snapshot(settings={"outgoing_proxy": MASKED}))
    await page.until(f"document.getElementById('s-outgoing_address')?.value === '{MASKED}'")
    await page.page.get_by_role("radio", name="None").click()
    await patched(page, {"outgoing_proxy": "none"})


async def test_a_hidden_password_is_never_sent_back(window: Any) -> None:
    page = await opened(window, settings={"outgoing_proxy": MASKED})
    field = page.page.locator("#s-outgoing_address")
    assert await field.input_value() == MASKED
    await field.fill(MASKED.replace("3128", "8080"))
    await page.page.keyboard.press("Enter")
    await page.see("Type the whole address again, with its password.")
    assert patches(page) == []


async def test_a_bad_address_is_refused_and_stays_to_be_mended(window: Any) -> None:
    page = await opened(window, settings={"outgoing_proxy": MASKED})
    page.plane.answers["update_settings"] = {
        "ok": False,
        "code": "bad_setting",
        "message": "outgoing_proxy cannot be used.",
        "fields": {},
    }
    await page.page.locator("#s-outgoing_address").fill("ftp://x")
    await page.page.keyboard.press("Enter")
    await page.see("outgoing_proxy cannot be used.")
    assert await page.page.locator("#s-outgoing_address").input_value() == "ftp://x"


@pytest.mark.parametrize(
    ("level", "words"),
    [("ok", "api.github.com answered in 123 ms."), ("failed", "api.github.com is not trusted.")],
)
async def test_the_way_can_be_tried(window: Any, level: str, words: str) -> None:
    page = await opened(window)
    page.plane.answers["test_connection"] = {"ok": True, "check": {"level": level, "words": words}}
    await page.press("Test")
    await page.see(words, "#outgoing-answer, main")
    name = await page.page.locator("#outgoing-answer").get_attribute("class")
    assert (name == "field-error") is (level == "failed")


async def test_a_certificate_file_is_used_and_removed(window: Any) -> None:
    page = await opened(window)
    page.plane.answers["choose_certificates"] = {"ok": False, "message": "there is no such file"}
    await page.press("Choose a file…")
    assert await page.called("choose_certificates") == {}
    await page.see("there is no such file", ".setting .field-error")
    page.plane.answers["choose_certificates"] = {"ok": True, "file": "/etc/company.pem"}
    await page.press("Choose a file…")
    page.plane.push(snapshots.snapshot(settings={"extra_ca": "/etc/company.pem"}))
    await page.see("/etc/company.pem", "main")
    await page.press("Remove")
    assert await page.called("remove_certificates") == {}


async def test_what_the_start_decided_is_shown_with_where(window: Any) -> None:
    page = await opened(
        window,
        settings={"outgoing_proxy": MASKED},
        settings_source={"outgoing_proxy": "environment", "extra_ca": "flag"},
    )
    await page.see("Set by COPILOT_DESKTOP_OUTGOING_PROXY in the environment.")
    assert await page.page.locator("#s-outgoing_address").count() == 0
    assert await page.page.locator("#extra-ca-choose").count() == 0
    assert MASKED in await page.text()


OTHERS = [{"host": "acme.ghe.com", "id": 9, "login": "octo-work", "plan": "", "source": "keyring"}]


async def test_names_can_be_hidden_everywhere(window: Any) -> None:
    def hide(plane: ControlPlane) -> None:
        plane.state = snapshots.merged(plane.state, {"settings": {"hide_name": True}})

    state = snapshots.snapshot(
        auth={"others": OTHERS},
        banner={
            "id": "no_access",
            "level": "error",
            "fields": {"login": "octo-hana"},
            "actions": [],
        },
    )
    page = await window(state, prepare=hide)
    for screen in ("overview", "settings", "help"):
        await page.go(screen)
        whole = await page.page.evaluate("document.documentElement.outerHTML")
        assert "octo-hana" not in whole
        assert "octo-work" not in whole
    await page.see("Your account", "#sidebar")
    line = {"n": 1, "at": 0, "level": "info", "name": "core", "text": "octo-hana, not octo-work"}
    page.plane.told["log"] = [{"lines": [line]}]
    await page.go("activity")
    await page.page.get_by_role("radio", name="Log").click()
    await page.see("Your account, not Account 2", "main")
    refusal = {"ok": False, "code": "x", "message": "octo-hana is not let in.", "fields": {}}
    page.plane.answers["refresh_quota"] = refusal
    await page.go("usage")
    await page.press("Refresh")
    await page.see("Your account is not let in.", "#toast")
    page.plane.push(snapshots.merged(page.plane.state, {"settings": {"hide_name": False}}))
    await page.see("octo-hana", "#sidebar")


async def test_a_hidden_name_that_is_part_of_other_words_breaks_nothing(window: Any) -> None:
    """Such names exist; what the page looks up by a word is not for people."""
    banner = {
        "id": "no_access",
        "level": "error",
        "fields": {"login": "no"},
        "actions": ["use_another_account", "check_account"],
    }
    page = await window(
        snapshots.snapshot(
            auth={"login": "no"},
            banner=banner,
            headline={"key": "no_access", "glyph": "signin", "fields": {}},
            settings={"hide_name": True},
        )
    )
    await page.see("Your account has no Copilot", ".banner")
    await page.see("Use another account", ".banner")
    assert await page.page.locator(".brand").get_attribute("title") == "No Copilot access"


async def test_a_reset_wants_the_word(window: Any) -> None:
    page = await opened(window)
    await page.press("Reset everything…")
    assert await page.focused() == "reset-word"
    await page.page.keyboard.type("reset")
    await page.page.keyboard.press("Enter")
    button = page.page.get_by_role("button", name="Reset", exact=True)
    assert await button.get_attribute("aria-disabled") == "true"
    assert "reset_everything" not in [verb for verb, _ in page.plane.calls]
    await page.page.locator("#reset-word").fill("RESET")
    await page.press("Reset")
    assert await page.called("reset_everything") == {"word": "RESET"}
    await page.see("Everything is reset")


async def test_the_data_folder_opens(window: Any) -> None:
    page = await opened(window)
    await page.press("Open the data folder")
    await page.called("open_folder")
