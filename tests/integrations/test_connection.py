"""Connecting a tool and taking it back: what a person finds in the file at every turn."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from copilot_desktop.errors import InvalidRequest
from copilot_desktop.integrations.edits import ABSENT, Edit, Put, Value
from copilot_desktop.integrations.formats import text as formats
from copilot_desktop.integrations.tool import Link, Machine, Role, Tool
from copilot_desktop.integrations.tools import aider, claude_code
from tests.integrations.workbench import (
    KEY,
    OTHER_KEY,
    Bench,
    link,
    pair,
    pen,
    quill,
    reason_of,
)

MINE = """\
{
  // how I like it
  "theme": "dark",
  "env": {
    "EDITOR": "vi",   // never change this
  },
  "numbers": [1.0, 2e3, 0x],
}
""".replace("0x", "-0")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def at(file: Path, *place: str) -> object:
    return formats.find("json", file.read_text("utf-8-sig"), place)


def test_connect_writes_what_was_shown_and_undo_brings_the_very_bytes_back(bench: Bench) -> None:
    file = bench.write(".pen/settings.json", MINE)
    before = bench.everything()
    shown = bench.connection.preview(pen(), link())
    assert bench.everything() == before, "a preview writes nothing"
    assert not bench.folder.exists()

    bench.connection.write(pen(), link(), shown.digest)
    assert at(file, "env", "ADDRESS") == "http://127.0.0.1:4141"
    assert at(file, "env", "TOKEN") == KEY
    assert at(file, "env", "EDITOR") == "vi"
    assert "// never change this" in file.read_text()
    assert bench.state(pen()) == "connected"
    assert [each.backup for each in shown.files] == bench.backups()

    back = bench.connection.undo(pen(), bench.connection.preview_undo(pen()).digest)
    assert bench.everything() == before
    assert len(back.back) == 3
    assert back.stay == ()
    assert bench.state(pen()) == "not_connected"


def test_a_file_that_we_made_is_gone_after_undo_with_its_folders(bench: Bench) -> None:
    assert bench.state(pair()) == "not_found"
    bench.connect(pair())
    assert (bench.home / "deep/down/b.toml").is_file()
    assert bench.state(pair()) == "connected"
    bench.connection.undo(pair())
    assert bench.everything() == {}


def test_a_second_connect_changes_nothing(bench: Bench) -> None:
    file = bench.write(".pen/settings.json", MINE)
    bench.connect(pen())
    before = (file.read_bytes(), file.stat().st_mtime_ns, file.stat().st_ino, bench.backups())
    shown = bench.connection.preview(pen(), link())
    assert shown.files == ()
    assert shown.count == 0
    bench.connect(pen())
    assert (
        file.read_bytes(),
        file.stat().st_mtime_ns,
        file.stat().st_ino,
        bench.backups(),
    ) == before
    bench.connection.undo(pen())
    assert file.read_text() == MINE


def test_the_lines_are_exact_and_secrets_are_masked(bench: Bench) -> None:
    theirs = "theirs-" + "s" * 20
    bench.write(".pen/settings.json", json.dumps({"env": {"TOKEN": theirs}, "apiKey": "sk-me"}))
    shown = bench.connection.preview(pen(), link())
    text = repr(shown)
    assert KEY not in text
    assert theirs not in text
    assert "sk-me" not in text
    assert "••••1234" in text
    lines = [line for file in shown.files for line in file.lines]
    assert shown.count == sum(sign == "+" for sign, _ in lines)
    assert any("http://127.0.0.1:4141" in line for sign, line in lines if sign == "+")


def test_a_value_that_the_user_changed_stays_and_is_named(bench: Bench) -> None:
    file = bench.write(".pen/settings.json", MINE)
    bench.connect(pen())
    file.write_text(file.read_text().replace("gpt-5-mini", "my-own-model"))
    found = bench.connection.check(pen(), link())
    assert found.state == "changed"
    assert found.detail["changed"] == ["model"]

    shown = bench.connection.preview_undo(pen())
    assert [place for _, place in shown.stay] == ["model"]
    assert sorted(place for _, place in shown.back) == ["env.ADDRESS", "env.TOKEN"]
    bench.connection.undo(pen(), shown.digest)
    assert at(file, "model") == "my-own-model"
    assert at(file, "env") == {"EDITOR": "vi"}
    assert bench.connection.connected() == ()


@pytest.mark.parametrize("former", [{}, {"ADDRESS": "https://mine.example"}])
def test_what_was_taken_back_in_part_by_hand_is_not_connected(
    bench: Bench, former: dict[str, str]
) -> None:
    """The key is left, and the address leads elsewhere."""
    file = bench.write(".pen/settings.json", json.dumps({"env": former}))
    bench.connect(pen())
    left = json.loads(file.read_text())
    del left["env"]["ADDRESS"]
    file.write_text(json.dumps({**left, "env": {**left["env"], **former}}))
    found = bench.connection.check(pen(), link())
    assert (found.state, found.detail["changed"]) == ("changed", ["env.ADDRESS"])
    bench.connection.undo(pen())
    assert json.loads(file.read_text()) == {"env": former}


def test_undo_after_other_lines_were_added_keeps_them(bench: Bench) -> None:
    file = bench.write(".pen/settings.json", MINE)
    bench.connect(pen())
    file.write_text(file.read_text().replace('"theme": "dark"', '"theme": "light"'))
    assert bench.state(pen()) == "connected"
    bench.connection.undo(pen())
    assert file.read_text() == MINE.replace("dark", "light")


def test_former_values_come_back_also_null(bench: Bench) -> None:
    mine = '{"env": {"ADDRESS": null, "TOKEN": "mine"}, "theme": 1}\n'
    file = bench.write(".pen/settings.json", mine)
    bench.connect(pen())
    file.write_text(file.read_text().replace('"theme": 1', '"theme": 2'))
    bench.connection.undo(pen())
    assert json.loads(file.read_text()) == {
        "env": {"ADDRESS": None, "TOKEN": "mine"},
        "theme": 2,
    }


@pytest.mark.parametrize("former", ["mine", None, 5])
def test_a_former_value_in_the_place_of_a_mapping_comes_back(bench: Bench, former: object) -> None:
    file = bench.write(".pen/settings.json", json.dumps({"providers": {"ours": former}}))
    bench.connect(quill())
    bench.connect(quill(), link(5000))
    rewritten = {**json.loads(file.read_text()), "added": 1}  # by the tool, in its own layout
    bench.write(".pen/settings.json", json.dumps(rewritten, indent=4))
    assert not bench.connection.undo(quill()).stay
    assert json.loads(file.read_text()) == {"providers": {"ours": former}, "added": 1}


def test_a_former_value_that_points_at_us_counts_as_nothing(bench: Bench) -> None:
    """Otherwise undo would bring back an address where nobody answers."""
    mine = {"env": {"ADDRESS": "http://localhost:4141/", "TOKEN": OTHER_KEY, "X": "1"}}
    file = bench.write(".pen/settings.json", json.dumps(mine))
    bench.connect(pen())
    bench.connection.undo(pen())
    assert json.loads(file.read_text()) == {"env": {"X": "1"}}


def test_another_local_server_is_a_former_value_like_any_other(bench: Bench) -> None:
    mine = '{"env": {"ADDRESS": "http://localhost:11434"}}'
    file = bench.write(".pen/settings.json", mine)
    bench.connect(pen())
    bench.connection.undo(pen())
    assert file.read_text() == mine


def test_two_tools_share_a_file_and_each_takes_back_only_its_own(bench: Bench) -> None:
    file = bench.write(".pen/settings.json", MINE)
    bench.connect(pen())
    bench.connect(quill())
    assert bench.state(pen()) == bench.state(quill()) == "connected"
    bench.connection.undo(pen())
    assert bench.state(quill()) == "connected"
    assert at(file, "model") is ABSENT
    bench.connection.undo(quill())
    assert file.read_text() == MINE


@pytest.mark.parametrize("first", [0, 1])
def test_a_new_file_of_two_tools_goes_with_the_last(bench: Bench, first: int) -> None:
    tools = [pen(), quill()]
    bench.connect(pen())
    bench.connect(quill())
    bench.connection.undo(tools.pop(first))
    assert bench.state(tools[0]) == "connected"
    bench.connection.undo(tools[0])
    assert bench.everything() == {}


def test_after_a_port_change_it_is_old_and_an_update_keeps_the_way_back(bench: Bench) -> None:
    file = bench.write(".pen/settings.json", MINE)
    bench.connect(pen())
    found = bench.connection.check(pen(), link(5000))
    assert found.state == "old_port"
    assert found.detail["port"] == 4141
    bench.connection.update(pen(), link(5000))
    assert at(file, "env", "ADDRESS") == "http://127.0.0.1:5000"
    assert bench.state(pen(), link(5000)) == "connected"
    bench.connection.undo(pen())
    assert file.read_text() == MINE


def test_after_a_new_key_it_is_old(bench: Bench) -> None:
    bench.connect(pen())
    assert bench.state(pen(), link(key=OTHER_KEY)) == "old_key"
    bench.connection.update(pen(), link(key=OTHER_KEY))
    assert bench.state(pen(), link(key=OTHER_KEY)) == "connected"
    bench.connection.undo(pen())
    assert bench.everything() == {}


def test_an_update_leaves_what_the_user_has_changed(bench: Bench) -> None:
    file = bench.write(".pen/settings.json", MINE)
    bench.connect(pen())
    file.write_text(file.read_text().replace("gpt-5-mini", "my-own-model"))
    assert bench.state(pen(), link(5000)) == "old_port"
    bench.connection.update(pen(), link(5000))
    assert at(file, "model") == "my-own-model"
    assert at(file, "env", "ADDRESS") == "http://127.0.0.1:5000"
    assert bench.state(pen(), link(5000)) == "changed"
    bench.connect(pen(), link(5000))  # "Write again"
    assert at(file, "model") == "gpt-5-mini"
    bench.connection.undo(pen())
    assert at(file, "model") == "my-own-model"


def test_what_is_wanted_no_more_is_taken_back(bench: Bench) -> None:
    """The list of models changes: entries that were ours go, those of the user stay."""
    file = bench.write(".pen/settings.json", '{\n  "providers": {"mine": {"url": "x"}}\n}\n')
    before = file.read_text()
    bench.connect(quill())
    fewer = replace(link(), models=link().models[:1])
    assert bench.connection.check(quill(), fewer).detail["stale"] is True
    bench.connect(quill(), fewer)
    assert at(file, "providers", "ours", "models") == ["claude-sonnet-4.5"]
    bench.connect(pen(), link())
    bench.connect(pen(), replace(link(), chosen={}))
    assert at(file, "model") is ABSENT
    bench.connection.undo(pen())
    bench.connection.undo(quill())
    assert file.read_text() == before


def test_what_the_user_adds_beside_ours_is_theirs(bench: Bench) -> None:
    file = bench.write(".pen/settings.json", "{}\n")
    bench.connect(quill())
    file.write_text(file.read_text().replace('"key":', '"timeout": 5, "key":'))
    assert bench.state(quill()) == "connected"
    bench.connection.update(quill(), link(5000))
    assert at(file, "providers", "ours", "timeout") == 5
    bench.connection.undo(quill())
    assert json.loads(file.read_text())["providers"] == {"ours": {"timeout": 5}}


def test_a_file_deleted_after_connect_is_not_connected(bench: Bench) -> None:
    file = bench.write(".pen/settings.json", MINE)
    bench.connect(pen())
    file.unlink()
    assert bench.state(pen()) == "not_found"
    bench.connection.undo(pen())
    assert not file.exists()


def test_a_file_that_was_replaced_as_a_whole_is_not_connected(bench: Bench) -> None:
    file = bench.write(".pen/settings.json", MINE)
    bench.connect(pen())
    file.write_text('{"other": true}')
    assert bench.state(pen()) == "not_connected"
    bench.connect(pen())
    assert bench.state(pen()) == "connected"
    bench.connection.undo(pen())
    assert file.read_text() == '{"other": true}'


def test_what_changed_between_preview_and_write_is_not_written_over(bench: Bench) -> None:
    file = bench.write(".pen/settings.json", MINE)
    shown = bench.connection.preview(pen(), link())
    file.write_text(MINE.replace("dark", "light"))
    with pytest.raises(InvalidRequest) as refused:
        bench.connection.write(pen(), link(), shown.digest)
    assert reason_of(refused.value) == "changed_since"
    assert file.read_text() == MINE.replace("dark", "light")
    with pytest.raises(InvalidRequest):  # another port is another change
        bench.connection.write(pen(), link(5000), bench.connection.preview(pen(), link()).digest)
    assert bench.connection.connected() == ()


def test_a_variable_that_wins_is_named(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"PEN_ADDRESS": "https://api.example"})
    bench.connect(pen())
    found = bench.connection.check(pen(), link())
    assert (found.state, found.detail["variable"]) == ("overridden", "PEN_ADDRESS")
    ours = Bench(tmp_path, {"PEN_ADDRESS": "http://127.0.0.1:4141"})
    assert ours.state(pen()) == "connected"


@pytest.mark.parametrize(
    ("model", "state"), [("openai/gpt-5-mini", "connected"), ("sonnet", "overridden")]
)
def test_a_variable_that_says_the_same_wins_over_nothing(
    tmp_path: Path, model: str, state: str
) -> None:
    bench = Bench(tmp_path, {"AIDER_MODEL": model})
    bench.connect(aider.TOOL)
    assert bench.state(aider.TOOL) == state


@pytest.mark.parametrize(
    ("there", "file", "state"),
    [("1", "", "overridden"), ("", "true", "overridden"), ("0", "false", "connected")],
)
def test_a_variable_that_leads_to_another_cloud_wins(
    tmp_path: Path, there: str, file: str, state: str
) -> None:
    """Seen with Claude Code 2.1.329: it then asks Amazon, whatever address it has been given."""
    bench = Bench(tmp_path, {"CLAUDE_CODE_USE_BEDROCK": there})
    bench.write(".claude/settings.json", f'{{"env": {{"CLAUDE_CODE_USE_BEDROCK": "{file}"}}}}')
    bench.connect(claude_code.TOOL)
    assert bench.state(claude_code.TOOL) == state


def test_leaving_forgets_and_touches_no_file(bench: Bench) -> None:
    bench.write(".pen/settings.json", MINE)
    bench.connect(pen())
    before = bench.everything()
    bench.connection.leave(pen())
    assert bench.everything() == before
    assert bench.connection.connected() == ()
    with pytest.raises(InvalidRequest) as refused:
        bench.connection.undo(pen())
    assert reason_of(refused.value) == "not_written"


def test_choices_are_remembered_also_after_undo(bench: Bench) -> None:
    bench.connect(pen(), link(main="claude-sonnet-4.5"))
    bench.connection.undo(pen())
    assert bench.connection.chosen(pen()) == {"main": "claude-sonnet-4.5"}


@pytest.mark.parametrize("way", ["by_hand", "impossible"])
def test_a_tool_without_a_file_is_never_written(bench: Bench, way: str) -> None:
    tool = pen(way=way, roles=(Role("main"),))
    assert bench.state(tool) == "not_found"
    bench.write(".pen/settings.json", "{}")
    assert bench.state(tool) == way
    with pytest.raises(InvalidRequest) as refused:
        bench.connection.preview(tool, link())
    assert reason_of(refused.value) == way


def test_set_up_by_hand_as_we_would_is_connected(bench: Bench) -> None:
    bench.connect(pen())
    bench.connection.leave(pen())
    assert bench.state(pen()) == "connected"


def test_nothing_is_connected_by_what_would_be_left_as_it_is(bench: Bench) -> None:
    def edits(machine: Machine, to: Link) -> tuple[Edit, ...]:
        file = machine.home / "a.json"
        models = [Put(file, "json", ("models", each.id), to.address) for each in to.models]
        return (Put(file, "json", ("name",), "Ours", gently=True), *models)

    tool = Tool(id="list", name="List", source="made up", edits=edits, traces=lambda m: (m.home,))
    bench.write("a.json", '{"name": "Mine"}\n')
    assert bench.state(tool, replace(link(), models=())) == "not_connected"


def test_an_update_with_fewer_models_keeps_a_changed_one_and_brings_the_rest_along(
    bench: Bench,
) -> None:
    def edits(machine: Machine, to: Link) -> tuple[Edit, ...]:
        models: dict[str, Value] = {model.id: {"name": model.id} for model in to.models}
        provider: dict[str, Value] = {"url": to.address, "models": models}
        return (Put(machine.home / "a.json", "json", ("provider", "ours"), provider),)

    tool = Tool(id="map", name="Map", source="made up", edits=edits)
    file = bench.write("a.json", "{}\n")
    bench.connect(tool)
    fewer = replace(link(5000), models=link().models[1:])
    bench.connection.update(tool, fewer)
    assert bench.connection.check(tool, fewer) == replace(
        bench.connection.check(tool, fewer), state="connected"
    )
    assert at(file, "provider", "ours", "models") == {"gpt-5-mini": {"name": "gpt-5-mini"}}

    file.write_text(file.read_text().replace('"name": "gpt-5-mini"', '"name": "Mine"'))
    bench.connection.update(tool, link(6000))
    assert at(file, "provider", "ours", "url") == "http://127.0.0.1:6000"
    assert at(file, "provider", "ours", "models", "gpt-5-mini", "name") == "Mine"
    assert bench.state(tool, link(6000)) == "changed"
    stay = [place for _, place in bench.connection.undo(tool).stay]
    assert stay == ["provider.ours.models.gpt-5-mini.name"]
    assert json.loads(file.read_text()) == {
        "provider": {"ours": {"models": {"gpt-5-mini": {"name": "Mine"}}}}
    }


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_folders_of_ours_go_with_the_last_file_in_them(
    bench: Bench, order: tuple[int, int]
) -> None:
    tools = (pen(".config/pen/x.json"), replace(pen(".config/other/y.json"), id="other"))
    for tool in tools:
        bench.connect(tool)
    for number in order:
        bench.connection.undo(tools[number])
    assert bench.everything() == {}


@pytest.mark.timeout(180)
def test_a_dense_file_of_a_mebibyte_is_connected_and_taken_back(bench: Bench) -> None:
    """Where each change read every value anew this took minutes, and the preview even longer."""
    entry = {"a": [1, 2, 3], "b": "text", "c": {"d": None, "e": True}}
    dense = json.dumps({f"k{n}": entry for n in range(9_000)}, indent=1)
    file = bench.write(".pen/settings.json", dense.replace('"k4000"', '// mine\n "k4000"'))
    before = file.read_bytes()
    shown = bench.connection.preview(pen(), link()).files[0].lines
    assert [line for sign, line in shown if sign == "-"] == [" }"]
    bench.connect(pen())
    bench.connect(quill())
    bench.connection.undo(pen())
    bench.connection.undo(quill())
    assert file.read_bytes() == before
