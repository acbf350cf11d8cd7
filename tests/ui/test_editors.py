"""Editors: every state in its words, and connecting, undoing and copying as a person does it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from copilot_desktop import strings
from tests.ui import editor_snapshots, snapshots
from tests.ui.stage import ControlPlane
from tests.ui.test_against_demo import demo
from tests.ui.test_every_screen import NARROW, overflow
from tests.ui.test_keyboard import tab_to

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Json = dict[str, Any]
LIMIT = 20_000  # milliseconds for anything to appear


def with_rows(*rows: Json, **changes: Any) -> Json:
    return snapshots.snapshot(editors=editor_snapshots.editors(list(rows)), **changes)


def with_all(**changes: Any) -> Json:
    return with_rows(*editor_snapshots.every_state(), **changes)


def row_of(page: Any, name: str) -> Any:
    return page.page.locator(f'tr:has([data-editor="{name}"])')


async def press_row(page: Any, name: str) -> None:
    await row_of(page, name).locator(".button").click()
    await page.page.locator("#sheet[open] #sheet-title").wait_for()


async def in_sheet(page: Any, name: str) -> None:
    await page.page.locator("#sheet").get_by_role("button", name=name, exact=True).click()


async def step(page: Any, name: str) -> None:
    await page.page.locator(f"#sheet [aria-current=step]:has-text('{name}')").wait_for()


# --- the list ----------------------------------------------------------------------------------

ROWS = [
    ("zed", "Old port 4140", "Update"),
    ("aider", "Old key", "Update"),
    ("opencode", "Changed since", "Show"),
    ("pi", "Overridden", "Show why"),
    ("continue", "Cannot read file", "Show why"),
    ("factory-droid", "Cannot write", "Show why"),
    ("claude-code", "Connected", "Undo"),
    ("codex", "Not connected", "Connect…"),
    ("jetbrains", "By hand", "Show steps"),
    ("cursor", "Not possible", "Why?"),
]


async def test_each_state_has_its_word_and_its_button(window: Any) -> None:
    page = await window(with_all())
    await page.go("editors")
    for name, state, action in ROWS:
        words = " ".join((await row_of(page, name).inner_text()).split())
        assert state in words, name
        assert action in words, name
    assert await page.page.locator("[data-editor]").count() == len(ROWS)
    assert "3 more, not found on this computer" in await page.text()
    await page.press("Show all")
    assert await page.page.locator("[data-editor]").count() == len(ROWS) + 3
    assert "Connect anyway…" in await row_of(page, "qwen-code").inner_text()
    await row_of(page, "open-webui").get_by_text("Show steps").click()
    await page.see("Do this yourself:", "#sheet")
    assert page.complaints == []


WHY = {
    "zed": "Still points at port 4140. The proxy is on 4141.",
    "aider": "Still has the old key. The proxy wants the new one.",
    "opencode": "You or opencode changed these lines after we wrote them.",
    "pi": "The variable OPENAI_BASE_URL is set and wins over these lines.",
    "continue": "~/.continue/config.yaml, line 12: a bracket is open. Nothing was changed.",
    "factory-droid": "~/.factory/settings.json is write-protected.",
    "claude-code": "claude-code-settings.json.20260801-101500",
    "jetbrains": "Paste this address as the URL.",
    "cursor": "Cursor sends requests from its own servers",
}


@pytest.mark.parametrize("name", WHY)
async def test_the_name_of_an_editor_says_why(window: Any, name: str) -> None:
    page = await window(with_all())
    await page.go("editors")
    await page.page.locator(f'[data-editor="{name}"]').click()
    await page.see(WHY[name], "#sheet")
    assert await overflow(page) == []
    await page.page.keyboard.press("Escape")
    await page.page.locator("#sheet").wait_for(state="hidden")
    assert await page.page.evaluate("document.activeElement.dataset.editor") == name


async def test_the_sidebar_counts_what_needs_an_action(window: Any) -> None:
    page = await window(with_all())
    nav = page.page.get_by_role("button", name="Editors, 6 need a look")
    assert "6" in await nav.inner_text()
    page.plane.push(snapshots.snapshot())
    await page.page.get_by_role("button", name="Editors", exact=True).wait_for()


async def test_the_list_is_searched_and_looked_for_again(window: Any) -> None:
    page = await window(with_all())
    await page.go("editors")
    await page.page.keyboard.press("Control+f")
    await page.page.locator("#search:focus").wait_for()
    await page.page.keyboard.type("qwen")
    await row_of(page, "qwen-code").wait_for()  # although it was not found on this computer
    assert await page.page.locator("[data-editor]").count() == 1
    await page.page.keyboard.type("x")
    await page.see("Nothing matches")
    await page.page.keyboard.press("Escape")
    await row_of(page, "zed").wait_for()
    await page.page.keyboard.press("F5")
    await page.called("look_for_editors")


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"rows": [], "checked": None, "problems": 0}, "Looking for editors…"),
        ({"rows": [], "problems": 0}, "No supported editor found on this computer."),
        (
            {"rows": [], "problems": 0, "error": {"kind": "invalid_request", "message": "Slow."}},
            "Looking for editors failed.",
        ),
    ],
)
async def test_without_editors_both_screens_say_why(window: Any, part: Json, words: str) -> None:
    state = snapshots.snapshot()
    page = await window(state | {"editors": editor_snapshots.editors([]) | part})
    assert words in (await page.page.locator("#main").text_content())
    await page.go("editors")
    assert words in (await page.page.locator("#main").text_content())


# --- connecting --------------------------------------------------------------------------------


async def test_an_editor_is_connected_in_three_steps_and_tested(window: Any) -> None:
    page = await window(with_rows(editor_snapshots.claude_code()))
    await page.go("editors")
    await press_row(page, "claude-code")
    await step(page, "Choose")
    await page.page.locator("#role-small").select_option("gpt-4.1")
    await in_sheet(page, "Check the change")
    await step(page, "Check")
    chosen = {"main": "claude-sonnet-4.5", "small": "gpt-4.1"}
    assert await page.called("preview_editor") == {"id": "claude-code", "chosen": chosen}
    shown = await page.text("#sheet")
    for words in (
        "~/.claude/settings.json",
        "Backup: settings.json.20261121-180000",
        '− "env": { "ANTHROPIC_BASE_URL": "https://example.org" }',
        '+ "ANTHROPIC_AUTH_TOKEN": "••••7f2c"',
    ):
        assert words in shown
    assert await page.focused() == "Write 4 lines"
    await in_sheet(page, "Write 4 lines")
    await step(page, "Done")
    assert await page.called("connect_editor") == {
        "id": "claude-code",
        "chosen": chosen,
        "digest": "d1",
    }
    await page.see("Restart Claude Code to use it.", "#sheet")
    await in_sheet(page, "Test")
    await page.see("Answered in 640 ms with claude-sonnet-4.5. This used one request.", "#sheet")
    assert await page.called("test_editor") == {"id": "claude-code"}
    assert await overflow(page) == []
    assert page.complaints == []


async def test_a_test_without_an_answer_says_why(window: Any) -> None:
    def no_answer(plane: ControlPlane) -> None:
        plane.answers["test_editor"] = {"ok": False, "code": "x", "message": "Weekly limit."}

    page = await window(with_all(), prepare=no_answer)
    await page.go("editors")
    await page.page.locator('[data-editor="claude-code"]').click()
    await in_sheet(page, "Test")
    await page.see("No answer: Weekly limit.", "#sheet")


async def test_a_file_that_changed_meanwhile_is_shown_again_before_it_is_written(
    window: Any,
) -> None:
    page = await window(with_rows(editor_snapshots.claude_code()))
    await page.go("editors")
    await press_row(page, "claude-code")
    await in_sheet(page, "Check the change")
    await step(page, "Check")
    page.plane.answers["connect_editor"] = {
        "ok": False,
        "code": "invalid_request",
        "message": "The file has changed.",
    }
    page.plane.answers["preview_editor"] = editor_snapshots.preview(count=7, digest="d2")
    await in_sheet(page, "Write 4 lines")
    await page.see("The file has changed.", "#sheet")
    page.plane.answers["connect_editor"] = editor_snapshots.ANSWERS["connect_editor"]
    await in_sheet(page, "Write 7 lines")
    await step(page, "Done")
    assert (await page.called("connect_editor"))["digest"] == "d2"


async def test_a_refused_preview_leaves_the_choice_open(window: Any) -> None:
    def refuse(plane: ControlPlane) -> None:
        plane.answers["preview_editor"] = {"ok": False, "code": "x", "message": "It is a pipe."}

    page = await window(with_rows(editor_snapshots.claude_code()), prepare=refuse)
    await page.go("editors")
    await press_row(page, "claude-code")
    await in_sheet(page, "Check the change")
    await page.see("It is a pipe.", "#sheet")
    await step(page, "Choose")


async def test_a_second_write_changes_nothing_and_says_so(window: Any) -> None:
    def nothing(plane: ControlPlane) -> None:
        plane.answers["preview_editor"] = editor_snapshots.preview(files=[], count=0)

    page = await window(with_rows(editor_snapshots.claude_code()), prepare=nothing)
    await page.go("editors")
    await press_row(page, "claude-code")
    await in_sheet(page, "Check the change")
    await page.see("Nothing has to change: all of it is there already.", "#sheet")
    assert not await page.page.get_by_role("button", name="Write").count()


async def test_an_old_port_goes_straight_to_the_lines(window: Any) -> None:
    page = await window(with_all())
    await page.go("editors")
    await press_row(page, "zed")
    await step(page, "Check")
    assert await page.called("preview_editor") == {
        "id": "zed",
        "chosen": {"main": "claude-sonnet-4.5"},
    }


async def test_all_old_ones_are_updated_at_once(window: Any) -> None:
    page = await window(with_all())
    await page.go("editors")
    await page.see("2 connected editors have an old address or key")
    await page.press("Update all")
    await page.called("update_editors")
    await page.see("2 editors are updated", "#toast")


async def test_every_screen_offers_the_update_after_a_change_of_port(window: Any) -> None:
    banner = {
        "id": "editors_old",
        "level": "warn",
        "fields": {"n": 2, "port": 4141},
        "actions": ["update_editors", "show_editors"],
    }
    page = await window(with_all(banner=banner))
    await page.see("2 connected editors have an old address or key", "#banner")
    await page.press("Update all")
    await page.called("update_editors")
    await page.see("2 editors are updated", "#toast")
    await page.press("Show editors")
    await page.page.locator("h1", has_text="Editors").wait_for()
    assert not await page.page.locator("#banner").count(), "the list says it itself"
    await page.go("overview")
    await page.press("Dismiss")
    await page.page.locator("#banner").wait_for(state="detached")


# --- going back --------------------------------------------------------------------------------


async def test_undo_says_what_returns_and_what_stays(window: Any) -> None:
    page = await window(with_all())
    await page.go("editors")
    await press_row(page, "claude-code")
    await page.see("These 2 values become what they were before.", "#sheet")
    await page.see("1 value that was changed later stays.", "#sheet")
    await page.see("env.ANTHROPIC_MODEL", "#sheet")
    assert await page.focused() == "Cancel"
    await in_sheet(page, "Undo")
    assert await page.called("undo_editor") == {"id": "claude-code", "digest": "u1"}
    await page.see("Claude Code is as it was", "#toast")
    await page.page.locator("#sheet").wait_for(state="hidden")


async def test_what_was_changed_by_hand_is_written_again_or_left(window: Any) -> None:
    page = await window(with_all())
    await page.go("editors")
    await press_row(page, "opencode")
    await page.see("provider.copilot-desktop.options", "#sheet")
    await in_sheet(page, "Write again")
    await step(page, "Check")
    await page.page.keyboard.press("Escape")
    await press_row(page, "opencode")
    await in_sheet(page, "Leave it")
    assert await page.called("leave_editor") == {"id": "opencode"}
    assert ("connect_editor", {}) not in page.plane.calls


@pytest.mark.parametrize("ours", [True, False])
async def test_a_file_that_cannot_be_read_any_more_is_left(window: Any, ours: bool) -> None:
    """Its undo is refused, so without this it would stay a problem for ever."""
    row = editor_snapshots.editor(
        "Zed", "unreadable", written=ours, detail={"path": "~/.config/zed", "code": "outside"}
    )
    page = await window(with_rows(row))
    await page.go("editors")
    await press_row(page, "zed")
    assert await page.page.get_by_role("button", name="Leave it").count() == ours
    if ours:
        await in_sheet(page, "Leave it")
        assert await page.called("leave_editor") == {"id": "zed"}


async def test_all_changes_are_undone_from_the_settings(window: Any) -> None:
    def done(plane: ControlPlane) -> None:
        plane.answers["undo_editors"] = {"ok": True, "undone": 5, "left": []}

    page = await window(with_all(), prepare=done)
    await page.go("settings")
    await page.see("5 editors are connected.")
    await page.see("5 connected editors are offered an update.")
    await page.press("Undo all editor changes…")
    await page.see("Undo all editor changes?", "#sheet")
    assert await page.focused() == "Cancel"
    await in_sheet(page, "Undo all")
    await page.called("undo_editors")
    await page.see("5 editors are as they were", "#toast")


@pytest.mark.parametrize("too", [True, False])
async def test_signing_out_undoes_only_when_asked(window: Any, *, too: bool) -> None:
    def done(plane: ControlPlane) -> None:
        plane.answers["undo_editors"] = {"ok": True, "undone": 1, "left": []}

    page = await window(snapshots.snapshot(), prepare=done)
    await page.go("settings")
    await page.press("Sign out")
    if too:
        await page.page.get_by_label("Also undo the changes in 1 connected editor").check()
    await in_sheet(page, "Sign out")
    await page.called("sign_out")
    verbs = [verb for verb, _ in page.plane.calls]
    assert verbs == (["undo_editors", "sign_out"] if too else ["sign_out"])


async def test_nobody_is_signed_out_while_an_editor_could_not_be_undone(window: Any) -> None:
    def left(plane: ControlPlane) -> None:
        plane.answers["undo_editors"] = {"ok": True, "undone": 0, "left": ["claude-code"]}

    page = await window(snapshots.snapshot(), prepare=left)
    await page.go("settings")
    await page.press("Sign out")
    await page.page.locator("#undo-too").check()
    await in_sheet(page, "Sign out")
    await page.see("1 editor could not be undone", "#toast")
    assert ("sign_out", {}) not in page.plane.calls


async def test_quitting_and_a_new_key_say_what_it_means_for_editors(window: Any) -> None:
    page = await window(snapshots.snapshot(ask={"id": "quit", "fields": {"n": 1}}))
    await page.see("1 connected editor gets no answer until the app runs again.", "#sheet")
    page.plane.push(snapshots.snapshot())
    await page.page.locator("#sheet").wait_for(state="hidden")
    await page.page.evaluate(
        "import('/ui/store.js').then((m) => m.setLocal({ sheet: { id: 'new_key' } }))"
    )
    await page.see("1 connected editor will be offered an update.", "#sheet")


async def test_a_stopped_proxy_says_what_it_means_for_editors(window: Any) -> None:
    page = await window(with_all(proxy={"phase": "stopped"}))
    await page.go("editors")
    await page.see("The proxy is stopped; connected editors get no answer.")
    await page.press("Undo all editor changes")
    await page.see("Undo all editor changes?", "#sheet")
    await page.page.keyboard.press("Escape")
    await page.press("Start proxy")
    await page.called("start_proxy")


# --- copying -----------------------------------------------------------------------------------


async def clipboard(page: Any) -> str:
    found: str = await page.page.evaluate("navigator.clipboard.readText()")
    return found.replace("\r", "")


async def test_steps_by_hand_copy_what_they_need(window: Any) -> None:
    page = await window(with_all())
    await page.empty_clipboard()
    page.plane.answers["copy_editor"] = {"ok": True, "text": "cd-secret"}
    await page.go("editors")
    await press_row(page, "jetbrains")
    await page.page.get_by_role("button", name="Copy: OpenAI address").last.click()
    assert await clipboard(page) == "http://127.0.0.1:4141/v1"
    await page.page.get_by_role("button", name="Copy: API key").click()
    await page.see("Copied", "#sheet")
    assert await page.called("copy_editor") == {"id": "jetbrains", "what": "key"}
    await page.until("navigator.clipboard.readText().then((t) => t === 'cd-secret')")
    assert "cd-secret" not in await page.page.content()


async def test_lines_are_copied_where_a_file_cannot_be_written(window: Any) -> None:
    page = await window(with_all())
    await page.empty_clipboard()
    await page.go("editors")
    await press_row(page, "continue")
    await page.page.get_by_role("button", name="Copy lines").click()
    assert await page.called("copy_editor") == {"id": "continue", "what": "lines"}
    await page.until("navigator.clipboard.readText().then((t) => t.includes('with cd-secret'))")


async def test_lines_for_a_terminal_show_no_key_and_copy_it(window: Any) -> None:
    page = await window(with_all())
    await page.empty_clipboard()
    await page.go("editors")
    await page.see("export OPENAI_API_KEY=••••cret")
    await page.page.get_by_role("radio", name="fish").click()
    await page.page.get_by_role("button", name="Copy: Lines for fish").click()
    await page.until("navigator.clipboard.readText().then((t) => t.includes('cd-secret'))")
    assert "cd-secret" not in await page.page.content()
    async with asyncio.timeout(LIMIT / 1000):
        while ("copy_shell", {"shell": "fish"}) not in page.plane.looks:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_demo_says_that_the_files_are_its_own(window: Any) -> None:
    page = await window(with_all(app={"demo": "pro"}))
    await page.go("editors")
    await page.see("Your files stay as they are.")


async def test_lines_for_a_terminal_stay_while_newer_ones_are_asked_for(window: Any) -> None:
    page = await window(with_all())
    await page.go("editors")
    await page.see("export OPENAI_API_KEY=••••cret")
    page.plane.answers["copy_shell"] = {"ok": False, "kind": "refused", "message": "No."}
    page.plane.looks.clear()
    page.plane.push(with_all(proxy={"key_hint": "newer"}))
    async with asyncio.timeout(LIMIT / 1000):
        while ("copy_shell", {"shell": "bash"}) not in page.plane.looks:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert "export OPENAI_API_KEY=••••cret" in await page.text()


async def test_the_backups_can_be_seen(window: Any) -> None:
    page = await window(with_all())
    await page.go("editors")
    await page.see("zed-settings.json.20260801-101500")
    await page.press("Open folder")
    await page.called("open_editor_backups")


# --- everywhere --------------------------------------------------------------------------------


async def test_overview_shows_problems_first_and_leads_to_the_list(window: Any) -> None:
    page = await window(with_all())
    lines = [
        " ".join(text.split())
        for text in await page.page.locator(".editor-lines li").all_inner_texts()
    ]
    assert lines == ["Zed Old port", "aider Old key", "opencode Changed since", "Pi Overridden"]
    await page.press("Connect another")
    await page.page.locator("h1", has_text="Editors").wait_for()


async def test_the_checklist_leads_to_a_connected_editor(window: Any) -> None:
    found = editor_snapshots.editor("Codex")
    page = await window(with_rows(found))
    await page.see("Connect an editor")
    await page.press("Choose an editor")
    await page.page.locator("h1", has_text="Editors").wait_for()
    page.plane.push(with_rows(editor_snapshots.claude_code("connected")))
    await page.go("overview")
    await page.page.locator("#card-checklist").wait_for(state="detached")


@pytest.mark.parametrize("name", ["claude-code", "codex", "jetbrains", "opencode", "continue"])
async def test_sheets_fit_into_a_small_window_with_large_text(window: Any, name: str) -> None:
    page = await window(with_all(settings={"text_size": 140}), **NARROW)
    await page.go("editors")
    assert await overflow(page) == []
    await press_row(page, name)
    if name == "codex":
        await in_sheet(page, "Check the change")
        await step(page, "Check")
    assert await overflow(page) == []


async def test_an_editor_is_connected_and_undone_without_a_mouse(window: Any) -> None:
    page = await window(with_rows(editor_snapshots.claude_code()))
    await page.page.keyboard.press("Control+4")
    await page.page.locator("h1", has_text="Editors").wait_for()
    await tab_to(page, "Claude Code: Connect…")
    await page.page.keyboard.press("Enter")
    await step(page, "Choose")
    await page.page.keyboard.press("Enter")
    await step(page, "Check")
    await page.until("document.activeElement.textContent.trim() === 'Write 4 lines'")
    await page.page.keyboard.press("Enter")
    await step(page, "Done")
    page.plane.push(with_rows(editor_snapshots.claude_code("connected")))
    await page.until("document.activeElement.textContent.trim() === 'Close'")
    await page.page.keyboard.press("Enter")
    await page.until("document.activeElement.getAttribute('aria-label') === 'Claude Code: Undo'")
    await page.page.keyboard.press("Enter")
    await page.see("These 2 values become what they were before.", "#sheet")
    await page.page.keyboard.press("Tab")
    await page.page.keyboard.press("Enter")
    await page.called("undo_editor")


# --- the real core -----------------------------------------------------------------------------


async def test_against_the_demo_a_real_file_is_written_and_restored(browser, tmp_path) -> None:
    async with demo(tmp_path, notice_accepted=True) as (core, control):
        page = await browser.new_page(viewport={"width": 960, "height": 680}, locale="en-GB")
        page.set_default_timeout(LIMIT)
        await page.goto(control.url())
        await core.verbs.do("sign_in")
        await page.get_by_text("octo-user").first.wait_for()
        await page.keyboard.press("Control+4")
        row = page.locator('tr:has([data-editor="claude-code"])')
        await row.get_by_text("Not connected").wait_for()
        file = core.editors.machine.home / ".claude" / "settings.json"
        assert file.is_relative_to(tmp_path), "a demo never touches the user's own files"
        before = file.read_bytes()

        await row.get_by_role("button", name="Claude Code: Connect…").click()
        await page.get_by_role("button", name="Check the change").click()
        await page.get_by_text("~/.claude/settings.json").last.wait_for()
        assert file.read_bytes() == before
        await page.get_by_role("button", name="Write").click()
        await page.locator("#sheet").get_by_text("Claude Code is connected.").wait_for()
        port = core.store.state.proxy.port
        env = json.loads(file.read_text())["env"]
        assert env["ANTHROPIC_BASE_URL"] == f"http://127.0.0.1:{port}"
        assert env["EDITOR"] == "vi"
        await page.get_by_role("button", name="Test", exact=True).click()
        await page.locator("#sheet").get_by_text("This used one request.").wait_for()
        await page.get_by_role("button", name="Close").click()

        await row.get_by_text("Connected", exact=True).wait_for()
        await row.get_by_role("button", name="Claude Code: Undo").click()
        await page.get_by_text("become what they were before").wait_for()
        await page.get_by_role("dialog").get_by_role("button", name="Undo").click()
        await row.get_by_text("Not connected").wait_for()
        assert file.read_bytes() == before
        await page.close()


async def test_what_is_wrong_with_a_file_is_said_in_the_language_of_the_page(window: Any) -> None:
    def german(plane: ControlPlane) -> None:
        plane.strings = dict(strings.words("de").tree)
        why = {"reason": "cannot_keep", "path": "~/x.yaml", "line": "3", "why": "anchors"}
        plane.answers["preview_editor"] = {
            "ok": False, "code": "invalid_request", "message": "In English.", "fields": why,
        }  # fmt: skip

    rows = editor_snapshots.every_state()
    broken = next(row for row in rows if row["name"] == "Continue")
    broken["detail"] |= {"reason": "a key stands there twice", "code": "doubled_key"}
    page = await window(with_rows(*rows, app={"lang": "de"}), prepare=german)
    await page.page.keyboard.press("Control+4")
    await press_row(page, "continue")
    await page.see("ein Schlüssel steht dort zweimal", "#sheet")
    await page.page.keyboard.press("Escape")
    await press_row(page, "codex")
    await page.page.locator("#sheet .button.primary").click()
    await page.see("~/x.yaml, Zeile 3: dort stehen Anker und Verweise.", "#sheet")
