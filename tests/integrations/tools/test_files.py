"""What stands in whose file: in an empty home, and in files as people have them.

The files of an empty home are in `tests/golden/editors`, one text for each tool. After a change
that is meant: `GOLDEN=new pytest tests/integrations/tools/test_files.py`, and read the difference.
"""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import pytest

from copilot_desktop.integrations.edits import Block, Put
from copilot_desktop.integrations.tool import Link, Machine, Os, Tool
from copilot_desktop.integrations.tools.registry import ALL, tool
from copilot_desktop.model import Model
from tests.integrations.tools.paper import (
    HOME,
    KEY,
    MINI,
    SONNET,
    for_roles,
    link,
    machine,
    written,
)

GOLDEN = Path(__file__).parents[2] / "golden" / "editors"
WRITING = [one for one in ALL if one.way == "automatic"]


def named(name: str) -> Tool:
    found = tool(name)
    assert found is not None
    return found


def changed(name: str, existing: dict[str, str], *models: Model) -> dict[str, str]:
    one = named(name)
    edits = one.edits(machine(), link(*models, **for_roles(one)))
    return written(edits, existing)


@pytest.mark.parametrize("one", WRITING, ids=lambda one: one.id)
def test_the_files_of_an_empty_home(one: Tool) -> None:
    files = written(one.edits(machine(), link(**for_roles(one))))
    found = "".join(f"==> {name}\n{text}" for name, text in files.items())
    golden = GOLDEN / f"{one.id}.txt"
    if os.environ.get("GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(found, encoding="utf-8")
    assert found == golden.read_text(encoding="utf-8")


def test_no_golden_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {one.id for one in WRITING}


@pytest.mark.parametrize("one", WRITING, ids=lambda one: one.id)
def test_writing_twice_is_writing_once(one: Tool) -> None:
    edits = one.edits(machine(), link(**for_roles(one)))
    once = written(edits)
    assert written(edits, once) == once


@pytest.mark.parametrize("one", WRITING, ids=lambda one: one.id)
def test_what_depends_on_models_waits_for_them(one: Tool) -> None:
    bare = Link(link().address, KEY, ())
    full = link(**for_roles(one))
    assert one.needs_models == (one.edits(machine(), bare) != one.edits(machine(), full))


# ----------------------------------------------------------------------- files as people have them


def test_claude_code_keeps_permissions_and_other_variables() -> None:
    before = """{
  "permissions": { "allow": ["Bash(ls:*)"] },
  "env": {
    "EDITOR": "vim",
    "ANTHROPIC_BASE_URL": "https://gateway.example.com"
  },
  "model": "opus"
}
"""
    text = changed("claude-code", {".claude/settings.json": before})[".claude/settings.json"]
    assert text.startswith('{\n  "permissions": { "allow": ["Bash(ls:*)"] },\n  "env": {\n')
    assert '    "EDITOR": "vim",\n    "ANTHROPIC_BASE_URL": "http://127.0.0.1:4141",\n' in text
    assert text.endswith('  },\n  "model": "opus"\n}\n')
    assert "ANTHROPIC_API_KEY" not in text


def test_claude_code_marks_long_windows_and_no_others() -> None:
    long = Model("claude-opus-9", "Claude Opus 9", max_context=1_000_000)
    short = Model("claude-haiku-9", "Claude Haiku 9", max_context=999_999)
    given = link(long, short, main=long.id, opus=long.id, haiku=short.id)
    edits = named("claude-code").edits(machine(), given)
    values = {edit.place[-1]: edit.value for edit in edits if isinstance(edit, Put)}
    assert values["ANTHROPIC_MODEL"] == "claude-opus-9[1m]"
    assert values["ANTHROPIC_DEFAULT_OPUS_MODEL"] == "claude-opus-9[1m]"
    assert values["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == "claude-haiku-9"
    assert "ANTHROPIC_DEFAULT_SONNET_MODEL" not in values


def test_claude_code_is_started_without_what_leads_to_another_cloud() -> None:
    launch = named("claude-code").launch
    assert launch is not None
    made = launch(machine(), link())
    given = json.loads(made.arguments[made.arguments.index("--settings") + 1])["env"]
    for cloud in ("BEDROCK", "VERTEX", "FOUNDRY"):
        assert f"CLAUDE_CODE_USE_{cloud}" in made.without
        assert given[f"CLAUDE_CODE_USE_{cloud}"] == "0", "it may also stand in the user's settings"


def test_aider_is_told_where_no_env_file_can_tell_it_anew() -> None:
    launch = named("aider").launch
    assert launch is not None
    made = launch(machine(), link(main=SONNET.id, small=MINI.id))
    assert made.arguments == (
        *("--openai-api-base", "http://127.0.0.1:4141/v1"),
        *("--model", "openai/claude-sonnet-5", "--weak-model", "openai/gpt-5-mini"),
    )
    assert made.env == {"AIDER_OPENAI_API_KEY": KEY}


def test_codex_keeps_its_own_settings_and_prints_the_key_on_every_system() -> None:
    mine = {".codex/config.toml": 'model = "o9"\n'}
    assert changed("codex", mine)[".codex/config.toml"] == mine[".codex/config.toml"]
    commands: dict[Os, str] = {"linux": "grep", "macos": "grep", "windows": "findstr"}
    for system, command in commands.items():
        edits = named("codex").edits(machine(system), link(main=SONNET.id))
        files = written(edits)
        profile = tomllib.loads(files[".codex/copilot-desktop.config.toml"])
        auth = profile["model_providers"]["copilot-desktop"]["auth"]
        assert auth["command"] == command
        assert auth["args"][-1] == str(HOME / ".codex" / "copilot-desktop.key")
        kept = files[".codex/copilot-desktop.key"].splitlines()
        assert [line for line in kept if "#" not in line] == [KEY]


def test_opencode_goes_where_it_wins(tmp_path: Path) -> None:
    folder = tmp_path / ".config" / "opencode"
    one = named("opencode")

    def names(of: Machine) -> set[str]:
        return {edit.file.name for edit in one.edits(of, link(**for_roles(one)))}

    assert names(Machine("linux", tmp_path)) == {"opencode.json"}
    folder.mkdir(parents=True)
    (folder / "opencode.jsonc").touch()
    assert names(Machine("linux", tmp_path)) == {"opencode.jsonc"}


def test_opencode_keeps_comments_and_other_providers() -> None:
    before = """{
  // mine
  "$schema": "https://opencode.ai/config.json",
  "provider": {
    "local": { "npm": "x", "models": {} }, // at home
  },
  "theme": "system",
}
"""
    (text,) = changed("opencode", {".config/opencode/opencode.json": before}).values()
    assert text.startswith(before[: before.index('"local"')])
    assert '"local": { "npm": "x", "models": {} }, // at home\n' in text
    assert '"theme": "system",\n' in text
    assert text.count("$schema") == 1


def test_vscode_keeps_other_providers() -> None:
    before = '[\n\t{\n\t\t"name": "Azure",\n\t\t"vendor": "azure"\n\t}\n]\n'
    (text,) = changed("vscode", {".config/Code/User/chatLanguageModels.json": before}).values()
    assert text.startswith('[\n\t{\n\t\t"name": "Azure",\n\t\t"vendor": "azure"\n\t},\n\t{\n')
    assert '\t\t"vendor": "customendpoint",\n' in text


def test_zed_keeps_comments_and_other_settings() -> None:
    before = """// Zed settings
{
  "theme": "One Dark", // dark
  "agent": {
    "default_model": { "provider": "zed.dev", "model": "x" },
    "dock": "right",
  },
}
"""
    (text,) = changed("zed", {".config/zed/settings.json": before}).values()
    assert text.startswith('// Zed settings\n{\n  "theme": "One Dark", // dark\n')
    assert '"default_model": { "provider": "Copilot Desktop", "model": "claude-sonnet-5" }' in text
    assert KEY not in text


def test_continue_joins_the_list_and_leaves_the_head() -> None:
    before = """# my config
name: My Config
version: 0.0.1
schema: v1
models:
  # at home
  - name: Llama
    provider: ollama
    model: llama3.1:8b
context:
  - provider: file
"""
    (text,) = changed("continue", {".continue/config.yaml": before}).values()
    assert text.startswith(before[: before.index("context:")])
    assert text.endswith("context:\n  - provider: file\n")
    assert text.count("provider: openai\n") == 2
    assert "Copilot Desktop\n" not in text.split("models:", maxsplit=1)[0]


def test_aider_keeps_comments() -> None:
    before = "# my settings\nauto-commits: false\nmodel: sonnet  # the good one\ndark-mode: true\n"
    text = changed("aider", {".aider.conf.yml": before})[".aider.conf.yml"]
    assert text.startswith("# my settings\nauto-commits: false\nmodel: openai/claude-sonnet-5")
    assert "\ndark-mode: true\n" in text


def test_pi_keeps_other_providers_and_settings() -> None:
    files = {
        ".pi/agent/models.json": '{"providers": {"ollama": {"apiKey": "x"}}}\n',
        ".pi/agent/settings.json": '{\n  "theme": "dark"\n}\n',
    }
    after = changed("pi", files)
    assert '"ollama": {"apiKey": "x"}' in after[".pi/agent/models.json"]
    assert after[".pi/agent/settings.json"].startswith('{\n  "theme": "dark",\n')


@pytest.mark.parametrize(
    ("name", "file", "before"),
    [
        ("droid", ".factory/settings.json",
         '{\n  // mine\n  "customModels": [\n    {\n      "id": "custom:mine"\n    }\n  ]\n}\n'),
        ("qwen-code", ".qwen/settings.json",
         ('{\n  "modelProviders": {\n    "openai": [\n      {\n        "name": "Mine"\n      }\n'
         "    ]\n  }\n}\n")),
        ("cline", ".cline/data/settings/providers.json",
         ('{\n  "version": 1,\n  "lastUsedProvider": "cline",\n  "providers": {\n'
         '    "cline": {}\n  }\n}\n')),
        ("llm", ".config/io.datasette.llm/keys.json",
         '{\n  "// Note": "This file stores secret API credentials.",\n  "openai": "x"\n}\n'),
        ("llm", ".config/io.datasette.llm/extra-openai-models.yaml",
         "# mine\n- model_id: mine\n  model_name: mine\n"),
        ("bash", ".bashrc", "# ~/.bashrc\nalias ll='ls -l'"),
        ("powershell", ".config/powershell/profile.ps1", "Set-Alias ll Get-ChildItem\n"),
    ],
)  # fmt: skip
def test_what_was_there_stays_line_by_line(name: str, file: str, before: str) -> None:
    replaced = {'  "lastUsedProvider": "cline",'}
    text = changed(name, {file: before})[file]
    assert text != before
    lines = [line.rstrip(",") for line in text.splitlines()]
    assert all(line.rstrip(",") in lines for line in before.splitlines() if line not in replaced)


def test_a_chosen_model_is_listed_beside_one_of_the_same_name() -> None:
    plain, dated = Model("gpt-9", "GPT-9"), Model("gpt-9-2026-11-20", "GPT-9")
    one = named("qwen-code")
    found = written(one.edits(machine(), link(plain, dated, **for_roles(one, dated))))
    told = json.loads(found[".qwen/settings.json"])
    assert told["model"]["name"] == dated.id
    assert {each["id"] for each in told["modelProviders"]["openai"]} == {plain.id, dated.id}


def test_a_shell_profile_that_was_written_before_is_replaced_in_place() -> None:
    one = named("bash")
    old = written(one.edits(machine(), link(address="http://127.0.0.1:9999")), {".bashrc": "a\n"})
    text = written(one.edits(machine(), link()), {".bashrc": old[".bashrc"] + "b\n"})[".bashrc"]
    assert "9999" not in text
    assert text.count("export OPENAI_BASE_URL") == 1
    assert text.startswith("a\n")
    assert text.endswith("b\n")


@pytest.mark.parametrize(
    ("name", "system", "paths"),
    [
        ("claude-code", "windows", {".claude/settings.json"}),
        ("opencode", "windows", {".config/opencode/opencode.json"}),
        ("vscode", "linux", {".config/Code/User/chatLanguageModels.json"}),
        ("vscode", "macos",
         {"Library/Application Support/Code/User/chatLanguageModels.json"}),
        ("vscode", "windows", {"AppData/Roaming/Code/User/chatLanguageModels.json"}),
        ("zed", "macos", {".config/zed/settings.json"}),
        ("zed", "windows", {"AppData/Roaming/Zed/settings.json"}),
        ("llm", "macos",
         {f"Library/Application Support/io.datasette.llm/{name}"
          for name in ("keys.json", "extra-openai-models.yaml")}),
        ("powershell", "windows",
         {"Documents/PowerShell/profile.ps1", "Documents/WindowsPowerShell/profile.ps1"}),
        ("powershell", "macos", {".config/powershell/profile.ps1"}),
    ],
)  # fmt: skip
def test_where_the_files_are(name: str, system: Os, paths: set[str]) -> None:
    one = named(name)
    edits = one.edits(machine(system), link(**for_roles(one)))
    assert {edit.file.relative_to(HOME).as_posix() for edit in edits} == paths


def test_another_catalogue_changes_the_list() -> None:
    for one in WRITING:
        lists = [e for e in one.edits(machine(), link(SONNET)) if not isinstance(e, Block)]
        longer = [e for e in one.edits(machine(), link(SONNET, MINI)) if not isinstance(e, Block)]
        names_models = one.id not in {"claude-code", "codex", "aider", "cline"}
        assert (lists != longer) == (names_models and bool(lists)), one.id
