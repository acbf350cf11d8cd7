"""The one entrance for page, tray, terminal and second launch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from copilot_desktop.core.commands import Commands
from copilot_desktop.core.state import Ask
from copilot_desktop.core.verb_shapes import NAMES
from copilot_desktop.errors import NoCopilot
from copilot_desktop.upstream.account import Account
from tests.core_rig import running_core


class RecordingShell:
    def __init__(self) -> None:
        self.calls: list[str] = []

    def show_window(self) -> None:
        self.calls.append("show")

    def hide_window(self) -> None:
        self.calls.append("hide")

    def ask_for_file(self, _answer: object) -> bool:
        return False

    def quit(self) -> None:
        self.calls.append("quit")


def test_every_verb_has_its_command() -> None:
    public = {name for name in vars(Commands) if not name.startswith("_")}
    assert public == set(NAMES)


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("use_port", {}),
        ("use_port", {"port": "4141"}),
        ("use_port", {"port": 0}),
        ("use_port", {"port": 70_000}),
        ("use_port", {"port": True}),
        ("choose_store", {"kind": "vault"}),
        ("open_link", {"id": "https://evil.example"}),
        ("open_link", {"id": "device_page", "url": "https://evil.example"}),
        ("close_choice", {"choice": "hide", "remember": "yes"}),
        ("show_window", {"screen": "../../etc"}),
        ("update_settings", {"patch": {}}),
        ("update_settings", {"patch": "theme"}),
        ("sign_out", {"host": "x"}),
        ("quit", {"force": True}),
        ("allow_origin", {}),
        ("allow_origin", {"origin": "https://a", "also": "https://b"}),
        ("ignore_origin", {"origin": ["https://a"]}),
        ("allow_origin", {"origin": "a" * 201}),
        ("enable_model", {"id": "gpt-5.5"}),
        ("enable_model", {"id": "gpt-5.5", "terms_shown": True}),
        ("enable_model", {"id": "gpt-5.5", "terms_shown": "A" * 64}),
        ("enable_model", {"id": "", "terms_shown": "a" * 64}),
    ],
)
async def test_arguments_are_checked_before_anything_happens(
    tmp_path: Path, verb: str, arguments: dict[str, Any]
) -> None:
    async with running_core(tmp_path, start_proxy=False) as rig:
        answer = await rig.do(verb, **arguments)
        assert (answer["ok"], answer["code"]) == (False, "bad_arguments")
        assert not rig.core.quit_wanted.is_set()
        assert rig.system.opened == []


async def test_unknown_verbs_and_inner_names_are_refused(tmp_path: Path) -> None:
    async with running_core(tmp_path, start_proxy=False) as rig:
        for name in ("", "explode", "_link", "__init__", "do"):
            assert (await rig.do(name))["code"] == "unknown_verb"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("github_url", "http://127.0.0.1:1"),
        ("copilot_url", "http://127.0.0.1:1"),
        ("api_key", "another-key"),
        ("data_dir", "/elsewhere"),
        ("token_store", "file"),
        ("github_host", "acme.ghe.com"),
    ],
)
async def test_the_page_cannot_change_where_secrets_go(
    tmp_path: Path, name: str, value: str
) -> None:
    async with running_core(tmp_path, start_proxy=False) as rig:
        before = getattr(rig.core.settings, name)
        answer = await rig.do("update_settings", patch={name: value})
        assert (answer["ok"], answer["code"]) == (False, "bad_setting")
        assert getattr(rig.core.settings, name) == before


async def test_a_bad_change_changes_nothing_and_says_why(tmp_path: Path) -> None:
    async with running_core(tmp_path, start_proxy=False) as rig:
        answer = await rig.do("update_settings", patch={"theme": "dark", "port": "x"})
        assert "port" in answer["message"]
        assert rig.core.settings.theme == "system"
        answer = await rig.do("update_settings", patch={"host": "0.0.0.0"})
        assert "key" in answer["message"]
        assert not (tmp_path / "settings.json").exists()


async def test_an_unexpected_failure_tells_nothing_of_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_core(tmp_path, start_proxy=False) as rig:

        async def fail() -> None:
            raise RuntimeError("ghu_0123456789abcdef at /home/somebody")

        monkeypatch.setattr(rig.core.commands, "refresh_models", fail)
        answer = await rig.do("refresh_models")
        assert answer == {
            "ok": False,
            "code": "internal_error",
            "message": "Something went wrong in Copilot Desktop.",
            "fields": {},
        }


async def test_only_terms_that_were_shown_are_accepted(tmp_path: Path) -> None:
    def waiting(rig: Any) -> dict[str, Any]:
        items = rig.snapshot()["models"]["items"]
        return next(item for item in items if item["id"] == "claude-opus-4.6")

    async with running_core(tmp_path, signed_in=True, start_proxy=False) as rig:
        await rig.do("refresh_models")
        shown = waiting(rig)
        assert (shown["state"], shown["why"]) == ("needs_approval", "needs_approval")
        assert "Claude Opus 4.6" in shown["terms"]
        wrong = await rig.do("enable_model", id=shown["id"], terms_shown="0" * 64)
        assert (wrong["ok"], "Read them again" in wrong["message"]) == (False, True)
        assert waiting(rig)["state"] == "needs_approval"
        done = await rig.do("enable_model", id=shown["id"], terms_shown=shown["terms_digest"])
        assert done == {"ok": True, "id": shown["id"], "state": "enabled"}
        assert (waiting(rig)["state"], waiting(rig)["terms_digest"]) == ("ready", None)


async def test_links_come_from_a_fixed_list(tmp_path: Path) -> None:
    async with running_core(tmp_path, start_proxy=False) as rig:
        for link in ("device_page", "copilot_plans", "copilot_settings", "github_status"):
            assert (await rig.do("open_link", id=link))["ok"]
        assert rig.system.opened[0] == rig.fake.url + "/login/device"
        assert all(url.startswith("https://") for url in rig.system.opened[1:])


@pytest.mark.parametrize(
    ("given", "opened"),
    [
        ("https://github.com/github-copilot/signup", "https://github.com/github-copilot/signup"),
        ("https://evil.example/github.com", "https://github.com/settings/copilot"),
        ("https://github.com@evil.example/", "https://github.com/settings/copilot"),
        ("http://github.com/x", "https://github.com/settings/copilot"),
        ("javascript:alert(1)", "https://github.com/settings/copilot"),
        (None, "https://github.com/settings/copilot"),
    ],
)
async def test_an_address_out_of_an_answer_is_opened_only_if_it_is_githubs(
    tmp_path: Path, given: str | None, opened: str
) -> None:
    async with running_core(tmp_path, start_proxy=False) as rig:
        rig.core.session.account = Account("no_access", problem=NoCopilot(url=given))
        assert (await rig.do("open_link", id="account_problem"))["ok"]
        assert rig.system.opened == [opened]


async def test_a_browser_that_does_not_open_is_said(tmp_path: Path) -> None:
    async with running_core(tmp_path, start_proxy=False) as rig:
        rig.system._browser = False
        answer = await rig.do("open_link", id="copilot_plans")
        assert not answer["ok"]
        assert "https://github.com/features/copilot/plans" in answer["message"]


async def test_window_verbs_reach_the_shell(tmp_path: Path) -> None:
    async with running_core(tmp_path, start_proxy=False) as rig:
        await rig.do("show_window")  # without a shell nothing happens, and nothing fails
        shell = RecordingShell()
        rig.core.shell = shell
        await rig.do("show_window", screen="sign_in")
        assert rig.snapshot()["app"]["screen"] == {"name": "sign_in", "n": 1}
        rig.core.ask(Ask("close"))
        assert rig.snapshot()["ask"] == {"id": "close", "fields": {}}
        await rig.do("close_choice", choice="cancel", remember=True)
        assert rig.core.settings.on_close == "ask"
        await rig.do("close_choice", choice="hide", remember=True)
        assert rig.core.settings.on_close == "hide"
        assert rig.snapshot()["ask"] is None
        assert not rig.core.quit_wanted.is_set()
        await rig.do("quit")
        assert rig.core.quit_wanted.is_set()
        assert shell.calls == ["show", "hide", "quit"]


async def test_a_change_on_a_full_disk_holds_until_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_core(tmp_path, start_proxy=False) as rig:

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("copilot_desktop.system.files.write_private", full)
        answer = await rig.do("update_settings", patch={"theme": "dark"})
        assert answer == {"ok": True, "saved": False}
        assert rig.core.settings.theme == "dark"
