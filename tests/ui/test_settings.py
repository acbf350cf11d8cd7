"""Settings: each change is asked for at once, confirmed, or refused in words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ui import snapshots

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def opened(window: Any, **changes: Any) -> Any:
    page = await window(snapshots.snapshot(**changes))
    await page.go("settings")
    return page


async def test_a_switch_saves_and_says_so(window: Any) -> None:
    page = await opened(window)
    await page.page.get_by_role("switch", name="Start hidden").click()
    assert await page.called("update_settings") == {"patch": {"start_hidden": False}}
    await page.see("Saved", "main")


async def test_a_refusal_is_shown_at_the_setting(window: Any) -> None:
    page = await opened(window)
    page.plane.answers["update_settings"] = {
        "ok": False,
        "code": "bad_setting",
        "message": "on_close cannot be used: no.",
        "fields": {},
    }
    await page.page.locator("#s-on_close").select_option("quit")
    await page.see("on_close cannot be used: no.", ".setting:has(#s-on_close)")


async def test_theme_and_text_size_take_effect(window: Any) -> None:
    page = await opened(window)
    await page.page.get_by_role("radio", name="Dark").click()
    assert await page.called("update_settings") == {"patch": {"theme": "dark"}}
    page.plane.push(snapshots.snapshot(settings={"theme": "dark", "text_size": 140}))
    await page.until("document.documentElement.dataset.theme === 'dark'")
    size = await page.page.evaluate("getComputedStyle(document.documentElement).fontSize")
    assert size == "19.6px"
    ground = await page.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(19, 22, 25)"


@pytest.mark.parametrize(("dark", "theme"), [(True, "dark"), (False, "light"), (None, "dark")])
async def test_the_systems_theme_comes_from_the_app_or_the_engine(
    window: Any, dark: Any, theme: str
) -> None:
    state = snapshots.snapshot(settings={"theme": "system"}, app={"dark": dark})
    page = await window(state, color_scheme="dark")
    assert await page.page.evaluate("document.documentElement.dataset.theme") == theme


async def test_a_free_port_is_tried_and_then_used(window: Any) -> None:
    page = await opened(window)
    page.plane.answers["try_port"] = {"ok": True, "free": True, "holder": None, "next": None}
    await page.page.locator("#s-port").fill("4200")
    await page.press("Try")
    await page.see("Port 4200 is free.")
    await page.press("Use this port")
    assert await page.called("use_port") == {"port": 4200}


async def test_a_taken_port_names_its_holder(window: Any) -> None:
    page = await opened(window)
    page.plane.answers["try_port"] = {
        "ok": True,
        "free": False,
        "holder": "node (8120)",
        "next": 4202,
    }
    await page.page.locator("#s-port").fill("4201")
    await page.page.keyboard.press("Enter")
    await page.see("In use by node (8120). Port 4202 is free.")
    assert await page.page.get_by_role("button", name="Use this port").count() == 0


@pytest.mark.parametrize("typed", ["80", "70000", "http", ""])
async def test_a_number_out_of_range_is_not_even_tried(window: Any, typed: str) -> None:
    page = await opened(window)
    await page.page.locator("#s-port").fill(typed)
    await page.press("Try")
    await page.see("Use a number from 1024 to 65535.")
    assert page.plane.calls == []


async def test_other_devices_are_let_in_only_after_a_question(window: Any) -> None:
    page = await opened(window)
    await page.page.get_by_role("switch", name="Allow other devices").click()
    await page.see("Let other devices in?")
    assert await page.focused() == "Cancel"
    assert page.plane.calls == []
    await page.press("Let them in")
    assert await page.called("update_settings") == {
        "patch": {"host": "0.0.0.0", "require_key": True}
    }


async def test_the_key_is_forced_while_other_devices_are_allowed(window: Any) -> None:
    page = await opened(
        window, settings={"host": "0.0.0.0"}, proxy={"lan": True, "key_required": True}
    )
    switch = page.page.get_by_role("switch", name="Require a key")
    assert await switch.get_attribute("aria-checked") == "true"
    assert await switch.get_attribute("aria-disabled") == "true"
    assert "Always on while other devices are allowed." in await page.text()


async def test_a_new_key_is_made_only_after_a_question(window: Any) -> None:
    page = await opened(window)
    page.plane.answers["new_key"] = {"ok": True, "key": "another-key"}
    await page.press("New key")
    assert await page.focused() == "Cancel"
    await page.press("Make a new key")
    await page.called("new_key")


async def test_a_setting_fixed_from_outside_says_by_what(window: Any) -> None:
    page = await opened(window, settings_source={"port": "environment", "theme": "flag"})
    words = await page.text()
    assert "Set by COPILOT_DESKTOP_PORT in the environment." in words
    assert "Set by an option when the app was started." in words
    assert await page.page.locator("#s-port").count() == 0


async def test_signing_out_names_what_is_deleted(window: Any) -> None:
    page = await opened(window)
    await page.press("Sign out")
    await page.see("The saved sign-in is deleted from GNOME Keyring.")
    assert await page.focused() == "Cancel"
    await page.page.keyboard.press("Escape")
    assert page.plane.calls == []
    await page.press("Sign out")
    await page.page.locator("#sheet").get_by_role("button", name="Sign out").click()
    await page.called("sign_out")


async def test_a_sign_in_from_the_environment_cannot_be_signed_out(window: Any) -> None:
    page = await opened(
        window, auth={"source": "environment", "source_where": "COPILOT_GITHUB_TOKEN"}
    )
    assert "Remove the variable to sign out." in await page.text()
    assert (
        await page.page.get_by_role("button", name="Sign out").get_attribute("aria-disabled")
        == "true"
    )


async def test_where_things_are_kept_can_be_read(window: Any) -> None:
    page = await opened(window)
    words = await page.text()
    assert "/home/hana/.local/share/copilot-desktop" in words
    assert "GNOME Keyring" in words
    await page.press("Open log folder")
    await page.called("open_logs")


async def test_only_settings_that_the_app_has_are_shown(window: Any) -> None:
    page = await opened(window, app={"login_item": None})
    assert "Start at login" not in await page.text()


async def test_a_value_that_was_fixed_at_the_start_is_said_in_words(window: Any) -> None:
    fixed = {"theme": "environment", "language": "flag"}
    chosen = {"theme": "dark", "language": "de"}
    page = await window(snapshots.snapshot(settings=chosen, settings_source=fixed))
    await page.go("settings")
    words = await page.text()
    assert "Set by COPILOT_DESKTOP_THEME in the environment. Dark" in words
    assert "Set by an option when the app was started. Deutsch" in words
