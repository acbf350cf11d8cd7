"""What every integration owes: plain values, nothing but the user's own files, no surprise.

Run over all tools and all systems. What a single tool writes is in tests/integrations/tools.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from copilot_desktop import strings
from copilot_desktop.integrations import tools
from copilot_desktop.integrations.edits import Block, Edit, Item, Put, Value
from copilot_desktop.integrations.tool import Os, Tool
from copilot_desktop.integrations.tools.registry import ALL, tool
from copilot_desktop.model import Model
from tests.integrations.tools.paper import HOME, KEY, MINI, SONNET, for_roles, link, machine

SYSTEMS: tuple[Os, ...] = ("linux", "macos", "windows")
LANGUAGES = strings.languages()
SCHEMA = "https://opencode.ai/config.json"  # names a schema; nothing is sent there
ADDRESS = re.compile(r"https?://[^\s\"',]+")

every_tool = pytest.mark.parametrize("one", ALL, ids=lambda one: one.id)
every_system = pytest.mark.parametrize("system", SYSTEMS)


def edits_of(one: Tool, system: Os, model: Model = SONNET) -> tuple[Edit, ...]:
    return one.edits(machine(system), link(**for_roles(one, model)))


def texts_in(value: Value) -> list[str]:
    found = json.loads(json.dumps(value))
    return _texts(found)


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _texts(inner)]
    return [text for inner in value for text in _texts(inner)] if isinstance(value, list) else []


def values_of(edit: Edit) -> list[str]:
    return list(edit.lines) if isinstance(edit, Block) else texts_in(edit.value)


# ---------------------------------------------------------------------------------- the list


def test_every_module_is_in_the_list() -> None:
    modules = {each.name for each in pkgutil.iter_modules(tools.__path__)} - {"registry"}
    found = {importlib.import_module(f"{tools.__name__}.{name}").TOOL.id: name for name in modules}
    assert set(found) == {one.id for one in ALL}
    assert len(found) == len(modules) == len(ALL)


def test_ids_and_names_are_unlike_each_other() -> None:
    assert len({one.id for one in ALL}) == len({one.name for one in ALL}) == len(ALL)
    assert all(tool(one.id) is one for one in ALL)
    assert tool("nothing") is None


@every_tool
def test_an_id_can_name_a_file(one: Tool) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", one.id)
    # Not "nul", "con" and the like, which name devices on Windows.
    assert not re.fullmatch("con|prn|aux|nul|(com|lpt)[0-9]", one.id)


@every_tool
def test_it_says_where_its_facts_come_from(one: Tool) -> None:
    assert len(one.source) > 8
    module = next(
        each
        for each in (
            importlib.import_module(f"{tools.__name__}.{found.name}")
            for found in pkgutil.iter_modules(tools.__path__)
            if found.name != "registry"
        )
        if each.TOOL is one
    )
    assert module.__doc__


@every_tool
@pytest.mark.parametrize("language", LANGUAGES)
def test_people_can_read_it(one: Tool, language: str) -> None:
    words = strings.words(language)
    for role in one.roles:
        assert words.has(f"editors.role.{role.name}"), role.name
    for step in one.steps:
        assert words.has(f"editors.steps.{one.id}.{step.text}"), step.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_is_left_over(language: str) -> None:
    said = strings.words(language).tree["editors"]
    steps = {one.id: {step.text for step in one.steps} for one in ALL if one.steps}
    assert {name: set(texts) for name, texts in said["steps"].items()} == steps
    assert set(said["note"]) <= {one.id for one in ALL}
    assert set(said["role"]) == {role.name for one in ALL for role in one.roles}


# ----------------------------------------------------------------------------- what is written


@every_tool
def test_the_way_agrees_with_the_rest(one: Tool) -> None:
    writes = any(edits_of(one, system) for system in SYSTEMS)
    assert writes == (one.way == "automatic")
    if one.way == "by_hand":
        assert one.steps
    if one.way == "impossible":
        assert not one.steps
        assert one.launch is None


@every_tool
@every_system
def test_the_same_comes_out_twice(one: Tool, system: Os) -> None:
    assert edits_of(one, system) == edits_of(one, system)
    found = one.traces(machine(system))
    assert found == one.traces(machine(system))


@every_tool
@every_system
def test_only_files_below_the_home_folder(one: Tool, system: Os) -> None:
    for edit in edits_of(one, system):
        assert edit.file.is_relative_to(HOME), edit.file
        assert edit.file != HOME
        assert ".." not in edit.file.parts
    for trace in one.traces(machine(system)):
        assert trace.is_relative_to(HOME)
        assert trace != HOME


@every_tool
@every_system
def test_a_place_is_written_once(one: Tool, system: Os) -> None:
    """Two edits of which one holds the other would undo each other."""
    places = [(e.file, e.place) for e in edits_of(one, system) if isinstance(e, Put)]
    for file, place in places:
        inside = [p for f, p in places if f == file and p[: len(place)] == place]
        assert inside == [place]


@every_tool
@every_system
def test_one_file_has_one_format(one: Tool, system: Os) -> None:
    formats: dict[Path, set[str]] = {}
    for edit in edits_of(one, system):
        of = edit.format if isinstance(edit, Put) else "block"
        formats.setdefault(edit.file, set()).add(of)
    assert all(len(found) == 1 for found in formats.values())


@every_tool
@every_system
def test_an_entry_of_a_list_holds_its_own_name(one: Tool, system: Os) -> None:
    for edit in edits_of(one, system):
        if isinstance(edit, Put) and isinstance(edit.place[-1], Item):
            assert isinstance(edit.value, dict)
            assert edit.value[edit.place[-1].key] == edit.place[-1].value


@every_tool
@every_system
def test_whatever_holds_the_key_is_said_to_be_secret(one: Tool, system: Os) -> None:
    for edit in edits_of(one, system):
        holding = {text for text in values_of(edit) if KEY in text}
        if isinstance(edit, Block):
            assert not holding or edit.secrets == (KEY,)
        elif holding:
            assert edit.secrets(edit.value) == {KEY}
            assert KEY not in repr(edit.place)
        else:
            assert not edit.secrets(edit.value)


@every_tool
@every_system
def test_a_tool_that_is_written_to_gets_the_key_or_is_told_it(one: Tool, system: Os) -> None:
    given = any(KEY in text for edit in edits_of(one, system) for text in values_of(edit))
    told = any(step.copy == "key" for step in one.steps)
    assert given or told or one.way == "impossible"


@every_tool
@every_system
def test_no_address_but_the_one_given(one: Tool, system: Os) -> None:
    started = one.launch(machine(system), link(**for_roles(one))) if one.launch else None
    said = [text for edit in edits_of(one, system) for text in values_of(edit)]
    said += [*started.arguments, *started.env.values()] if started else []
    found = [urlsplit(each) for text in said for each in ADDRESS.findall(text)]
    others = [each for each in found if (each.hostname, each.port) != ("127.0.0.1", 4141)]
    assert all(each.geturl() == SCHEMA for each in others)
    assert found or one.way != "automatic"


@every_tool
@every_system
def test_every_role_that_is_asked_for_is_used(one: Tool, system: Os) -> None:
    for role in one.roles:
        if one.way == "automatic":
            with_it = one.edits(machine(system), link(**for_roles(one)))
            other = one.edits(machine(system), link(**{**for_roles(one), role.name: MINI.id}))
            assert with_it != other, role.name
        else:
            assert any(step.copy == "model" for step in one.steps)


@every_tool
@every_system
def test_a_model_that_is_gone_is_left_out(one: Tool, system: Os) -> None:
    gone = dict.fromkeys(for_roles(one), "gone-model")
    edits = one.edits(machine(system), link(**gone))
    assert not any("gone-model" in text for edit in edits for text in values_of(edit))
    one.edits(machine(system), link(**gone))
    if one.launch:
        started = one.launch(machine(system), link(**gone))
        assert "gone-model" not in repr(started.arguments) + repr(started.env)


@every_tool
@every_system
def test_a_long_catalogue_stays_a_short_list(one: Tool, system: Os) -> None:
    many = tuple(Model(f"model-{number:02}", f"Model {number}") for number in range(40))
    chosen = dict.fromkeys(for_roles(one), "model-39")
    edits = one.edits(machine(system), link(*many, **chosen))
    said = {text for edit in edits for text in values_of(edit)}
    listed = {model.id for model in many if any(model.id in text for text in said)}
    assert len(listed) <= 12


@every_tool
@every_system
def test_another_ranking_changes_no_file(one: Tool, system: Os) -> None:
    there = one.edits(machine(system), link(SONNET, MINI, **for_roles(one)))
    back = one.edits(machine(system), link(MINI, SONNET, **for_roles(one)))
    assert there == back


# --------------------------------------------------------------------------- how it is started


@every_tool
@every_system
def test_the_key_is_in_no_argument(one: Tool, system: Os) -> None:
    if one.launch is None:
        return
    started = one.launch(machine(system), link(**for_roles(one)))
    assert not any(KEY in word for word in started.arguments)
    assert any(KEY in value for value in started.env.values())
    assert KEY not in repr(started)


def test_the_tools_that_can_start_without_a_file() -> None:
    able = {one.id for one in ALL if one.launch}
    assert able == {"claude-code", "codex", "opencode", "aider", "qwen-code", "copilot-cli"}


@every_tool
def test_a_folder_that_was_moved_is_followed(one: Tool) -> None:
    """The variables that move a tool's folder, and where they lead."""
    elsewhere = HOME / "elsewhere"
    moved = {
        "claude-code": "CLAUDE_CONFIG_DIR", "codex": "CODEX_HOME", "opencode": "XDG_CONFIG_HOME",
        "zed": "XDG_CONFIG_HOME", "continue": "CONTINUE_GLOBAL_DIR", "pi": "PI_CODING_AGENT_DIR",
        "droid": "FACTORY_HOME_OVERRIDE", "qwen-code": "QWEN_HOME", "cline": "CLINE_DIR",
        "llm": "LLM_USER_PATH", "litellm": "XDG_CONFIG_HOME", "zsh": "ZDOTDIR",
        "fish": "XDG_CONFIG_HOME", "powershell": "XDG_CONFIG_HOME", "vscode": "XDG_CONFIG_HOME",
    }  # fmt: skip
    if one.id not in moved:
        return
    edits = one.edits(machine("linux", **{moved[one.id]: str(elsewhere)}), link(**for_roles(one)))
    assert edits
    assert all(edit.file.is_relative_to(elsewhere) for edit in edits)
