"""The window without a mouse."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.ui import editor_snapshots, snapshots

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def heading(page: Any) -> str:
    return await page.page.locator("h1").first.text_content()


async def test_numbers_open_screens_and_the_title_gets_the_focus(window: Any) -> None:
    page = await window(snapshots.snapshot())
    for key, title in [
        ("2", "Models"),
        ("3", "Usage"),
        ("4", "Editors"),
        ("5", "Activity"),
        ("6", "Settings"),
        ("1", "Overview"),
        (",", "Settings"),
    ]:
        await page.page.keyboard.press(f"Control+{key}")
        await page.page.locator("h1", has_text=title).wait_for()
        assert (await page.focused()).startswith(title)
    await page.page.keyboard.press("F1")
    await page.page.locator("h1", has_text="Help").wait_for()


async def test_shortcuts_do_what_the_buttons_do(window: Any) -> None:
    page = await window(snapshots.snapshot())
    await page.empty_clipboard()
    await page.page.keyboard.press("Control+Shift+KeyS")
    await page.called("stop_proxy")
    await page.page.keyboard.press("Control+Shift+KeyC")
    assert await page.page.evaluate("navigator.clipboard.readText()") == "http://127.0.0.1:4141/v1"
    await page.page.keyboard.press("Control+Shift+KeyA")
    assert await page.page.evaluate("navigator.clipboard.readText()") == "http://127.0.0.1:4141"
    await page.page.keyboard.press("Control+Equal")
    assert await page.called("update_settings") == {"patch": {"text_size": 110}}
    await page.page.keyboard.press("Control+w")
    await page.called("hide_window")
    await page.page.keyboard.press("Control+q")
    await page.called("quit")


async def test_search_is_one_key_away_from_everywhere(window: Any) -> None:
    page = await window(snapshots.snapshot())
    await page.page.keyboard.press("/")
    await page.page.locator("#search:focus").wait_for()
    await page.page.keyboard.type("haiku/")
    assert await page.page.locator("#search").input_value() == "haiku/"
    await page.page.keyboard.press("Control+1")
    await page.page.keyboard.press("Control+f")
    await page.page.locator("#search:focus").wait_for()


@pytest.mark.parametrize("key", ["F5", "Control+r"])
async def test_reload_refreshes_the_screen_and_never_the_page(window: Any, key: str) -> None:
    page = await window(snapshots.snapshot())
    await page.go("models")
    await page.page.evaluate("window.stillHere = true")
    await page.page.keyboard.press(key)
    await page.called("refresh_models")
    assert await page.page.evaluate("window.stillHere")


async def test_rows_are_walked_opened_and_copied(window: Any) -> None:
    page = await window(snapshots.snapshot())
    await page.empty_clipboard()
    await page.go("models")
    await page.page.locator("[data-row]").first.focus()
    await page.page.keyboard.press("ArrowDown")
    await page.page.keyboard.press("ArrowDown")
    await page.page.keyboard.press("Control+c")
    assert await page.page.evaluate("navigator.clipboard.readText()") == "claude-haiku-4.5"
    await page.page.keyboard.press("End")
    await page.page.keyboard.press("Enter")
    await page.see("text-embedding-3-small", "#panel")
    assert await page.focused() == "panel-title"
    await page.page.keyboard.press("Escape")
    assert not await page.page.locator("#panel").is_visible()


async def test_f6_goes_round_the_regions(window: Any) -> None:
    page = await window(snapshots.port_conflict())
    await page.page.locator("h1").focus()
    visited = []
    for _ in range(3):
        await page.page.keyboard.press("F6")
        visited.append(
            await page.page.evaluate(
                "(document.activeElement.closest('#sidebar, #banner') || document.activeElement).id"
                " || 'title'"
            )
        )
    assert visited == ["sidebar", "banner", "title"]


async def test_arrows_move_in_segmented_controls(window: Any) -> None:
    page = await window(snapshots.snapshot())
    await page.go("settings")
    await page.page.get_by_role("radio", name="Light").focus()
    await page.page.keyboard.press("ArrowRight")
    assert await page.called("update_settings") == {"patch": {"theme": "dark"}}


async def test_sign_in_keys(window: Any) -> None:
    page = await window(snapshots.signing_in())
    await page.empty_clipboard()
    await page.page.keyboard.press("Control+c")
    assert await page.page.evaluate("navigator.clipboard.readText()") == "WDJB-MJHT"
    await page.page.keyboard.press("Control+n")
    await page.called("sign_in")


async def test_from_first_run_over_an_editor_to_the_end_without_a_mouse(window: Any) -> None:
    page = await window(snapshots.first_run())
    await page.empty_clipboard()
    await tab_to(page, "accept")
    await page.page.keyboard.press("Enter")
    await page.called("sign_in")
    page.plane.push(snapshots.signing_in("requesting"))
    await page.see("Asking GitHub for a code…")
    page.plane.push(snapshots.signing_in())
    await page.see("WDJB-MJHT")
    await page.until("document.activeElement.id === 'open-github'")
    await page.page.keyboard.press("Enter")
    await page.called("open_link")
    found = editor_snapshots.editors([editor_snapshots.claude_code()])
    page.plane.push(snapshots.snapshot(editors=found))
    await page.see("Proxy is running")
    await tab_to(page, "choose-editor")
    await page.page.keyboard.press("Enter")
    await page.page.locator("h1", has_text="Editors").wait_for()
    await tab_to(page, "Claude Code: Connect…")
    for words in ("Check the change", "Write 4 lines", "Close"):
        await page.page.keyboard.press("Enter")
        await page.until(f"document.activeElement.textContent.trim() === '{words}'")
    await page.called("connect_editor")
    page.plane.push(snapshots.snapshot())
    await page.page.keyboard.press("Enter")
    await page.page.keyboard.press("Control+1")
    await page.see("Proxy is running")
    await tab_to(page, "Copy: OpenAI address")
    await page.page.keyboard.press("Space")
    assert await page.page.evaluate("navigator.clipboard.readText()") == "http://127.0.0.1:4141/v1"
    await page.page.keyboard.press("Control+q")
    await page.called("quit")


async def tab_to(page: Any, name: str) -> None:
    for _ in range(30):
        await page.page.keyboard.press("Tab")
        if await page.focused() == name:
            return
    raise AssertionError(f"{name} cannot be reached by Tab")


async def test_the_engines_own_keys_do_nothing(window: Any) -> None:
    page = await window(snapshots.snapshot())
    await page.page.evaluate("window.stillHere = true")
    taken = """() => new Promise((done) => {
        const keys = [];
        document.addEventListener('keydown', (e) => {
            setTimeout(() => {
                if (e.key === 'x') return done(keys);
                const alone = ['Control', 'Alt', 'Shift'].includes(e.key);
                if (!e.defaultPrevented && !alone) keys.push(e.key);
            });
        });
    })"""
    left = asyncio.ensure_future(page.page.evaluate(taken))
    await page.page.evaluate("1")
    for key in ("p", "s", "o", "u", "g", "d", "h", "j", "r", "f", "Shift+r", "="):
        await page.page.keyboard.press(f"Control+{key}")
    for key in ("Alt+ArrowLeft", "Alt+ArrowRight", "F3", "F5", "F7"):
        await page.page.keyboard.press(key)
    await page.page.keyboard.press("Escape")
    await page.page.locator("h1").focus()
    await page.page.keyboard.press("x")
    assert [key for key in await left if key != "Escape"] == []
    assert await page.page.evaluate("window.stillHere")


async def test_the_wheel_does_not_zoom_and_nothing_is_dropped(window: Any) -> None:
    page = await window(snapshots.snapshot())
    prevented = await page.page.evaluate("""() => [
        new WheelEvent('wheel', { ctrlKey: true, bubbles: true, cancelable: true }),
        new DragEvent('drop', { bubbles: true, cancelable: true }),
        new MouseEvent('mouseup', { button: 3, bubbles: true, cancelable: true }),
        new MouseEvent('contextmenu', { bubbles: true, cancelable: true }),
    ].map((event) => !document.body.dispatchEvent(event))""")
    assert prevented == [True, True, True, True]


async def test_the_second_mouse_button_copies_a_text(window: Any) -> None:
    page = await window(snapshots.snapshot())
    await page.empty_clipboard()
    await page.page.locator(".address-text").first.click(button="right")
    await page.page.get_by_role("menuitem", name="Copy").click()
    assert await page.page.evaluate("navigator.clipboard.readText()") == "http://127.0.0.1:4141/v1"
    assert await page.page.locator("#menu").count() == 0
    await page.page.locator(".address-text").last.click(button="right")
    await page.page.get_by_role("menuitem", name="Copy").wait_for()
    await page.page.keyboard.press("Escape")
    await page.page.locator("#menu").wait_for(state="detached")
    await page.page.locator(".proxy-head").click(button="right", position={"x": 3, "y": 3})
    assert await page.page.locator("#menu").count() == 0
    assert page.complaints == []


async def test_a_key_that_is_held_down_is_one_press(window: Any) -> None:
    page = await window(snapshots.snapshot())
    keys = page.page.keyboard
    await keys.down("Control")
    await keys.down("Shift")
    for _ in range(5):  # those after the first one are repeats
        await keys.down("S")
    for key in ("S", "Shift", "Control"):
        await keys.up(key)
    await page.called("stop_proxy")
    await keys.press("Control+r")
    await page.called("refresh_quota")  # everything before it has been asked
    assert [verb for verb, _ in page.plane.calls] == ["stop_proxy", "refresh_quota"]


async def test_a_sheet_longer_than_the_window_is_read_from_its_top(window: Any) -> None:
    page = await window(snapshots.snapshot(), viewport={"width": 720, "height": 360})
    await page.page.keyboard.press("?")
    await page.page.locator("#sheet[open]").wait_for()
    assert await page.page.evaluate("sheet.scrollHeight > sheet.clientHeight")
    assert await page.page.evaluate("sheet.scrollTop") == 0


async def test_text_grows_with_a_plus_that_needs_the_shift_key(window: Any) -> None:
    page = await window(snapshots.snapshot())
    await page.page.keyboard.press("Control+Shift+Equal")
    assert await page.called("update_settings") == {"patch": {"text_size": 110}}
