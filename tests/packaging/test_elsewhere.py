"""What is made on Windows and macOS, as far as it can be looked at here."""

from __future__ import annotations

import importlib.util
import plistlib
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.architecture.source import ROOT

PACKAGING, ASSETS = ROOT / "packaging", ROOT / "assets"
INNO = PACKAGING / "windows" / "copilot-desktop.iss"
FLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"^\s*(?:- )?uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
# What the programs beside our own are called, in recipes for other systems.
SECTIONS = {
    "Setup", "Tasks", "InstallDelete", "Files", "Icons", "Registry", "Run", "UninstallRun", "Code",
}  # fmt: skip


def flow(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    return found


def jobs() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    for path in FLOWS:
        for name, job in flow(path)["jobs"].items():
            yield f"{path.stem}.{name}", flow(path), job


# ------------------------------------------------------------------------------------ pictures


def test_the_icon_for_windows_has_every_size_that_is_shown() -> None:
    content = (ASSETS / "icon.ico").read_bytes()
    kind, count = struct.unpack_from("<HH", content, 2)
    sizes = {content[6 + 16 * index] or 256 for index in range(count)}
    assert kind == 1
    assert {16, 20, 24, 32, 48, 256} <= sizes


def test_the_icon_for_macos_has_every_size_that_is_shown() -> None:
    pillow = pytest.importorskip("PIL.Image")
    with pillow.open(ASSETS / "icon.icns") as picture:
        pixels = {width * scale for width, _, scale in picture.info["sizes"]}
    assert {32, 64, 128, 256, 512, 1024} <= pixels  # 16 is drawn from 32


# ------------------------------------------------------------------------------------ the program


class Recipe:
    """What the recipe asks of PyInstaller, carried out with stand-ins as if on another system."""

    def __init__(
        self, on: str, part: Callable[[str], ModuleType], patch: pytest.MonkeyPatch, work: Path
    ) -> None:
        self.programs: dict[str, dict[str, Any]] = {}
        self.bundles: list[dict[str, Any]] = []
        self.asked: dict[str, Any] = {}
        contents = part("contents")
        hooks = ModuleType("PyInstaller.utils.hooks")
        setattr(hooks, "collect_data_files", lambda *_, **__: [])  # noqa: B010
        setattr(hooks, "collect_submodules", lambda *_: [])  # noqa: B010
        patch.setattr(contents, "check_environment", lambda on: None)
        patch.setattr(contents, "gtk_bindings", lambda work: iter(()))
        patch.setattr(contents, "used_by_bindings", list)
        for name in ("PyInstaller", "PyInstaller.utils"):
            patch.setitem(sys.modules, name, ModuleType(name))
        patch.setitem(sys.modules, hooks.__name__, hooks)
        patch.setitem(sys.modules, "contents", contents)
        patch.setattr(sys, "path", list(sys.path))
        given = [work / name for name in ("build.json", "LICENCES.txt")]
        for file in given:
            file.touch()
        patch.setattr(sys, "argv", ["pyinstaller", *map(str, given)])
        file = PACKAGING / "pyinstaller" / "copilot-desktop.spec"
        code = compile(file.read_text(encoding="utf-8"), file.name, "exec")
        names = {
            "SPECPATH": str(file.parent), "workpath": str(work), "Analysis": self._analysis,
            "PYZ": lambda *_: "code", "EXE": self._exe, "COLLECT": lambda *_, **__: "folder",
            "BUNDLE": lambda _, **words: self.bundles.append(words),
        }  # fmt: skip
        with patch.context() as there:
            there.setattr(sys, "platform", {"windows": "win32", "macos": "darwin"}.get(on, on))
            exec(code, names)

    def _analysis(self, scripts: list[str], **words: Any) -> SimpleNamespace:
        self.asked = {**words, "scripts": scripts}
        datas = [(Path(source).name, source, "DATA") for source, _ in words["datas"]]
        return SimpleNamespace(datas=datas, binaries=[], pure=[], scripts=scripts)

    def _exe(self, *_: Any, name: str, **words: Any) -> str:
        self.programs[name] = words
        return name


@pytest.mark.parametrize("system", ["linux", "macos", "windows"])
def test_the_recipe_asks_for_what_is_there(
    system: str, part: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MACOS_SIGN_IDENTITY", "Somebody")
    recipe = Recipe(system, part, monkeypatch, tmp_path)
    sources = [source for source, _ in recipe.asked["datas"]]
    named = [*sources, *recipe.asked["scripts"], *recipe.asked["hookspath"]]
    for words in recipe.programs.values():
        named += [words[key] for key in ("icon", "entitlements_file") if words[key]]
    for bundle in recipe.bundles:
        named.append(bundle["icon"])
    assert [name for name in named if not Path(name).exists()] == []
    assert {"ui", "assets", "LICENSE", "build.json", "LICENCES.txt"} <= {
        Path(source).name for source in sources
    }
    assert not set(recipe.asked["hiddenimports"]) & set(recipe.asked["excludes"])

    consoles = {name: words["console"] for name, words in recipe.programs.items()}
    assert (
        consoles
        == {
            "linux": {"copilot-desktop": True},
            "macos": {"copilot-desktop": False},
            "windows": {"copilot-desktop": True, "copilot-desktopw": False},
        }[system]
    )
    icons = {Path(words["icon"]).suffix for words in recipe.programs.values() if words["icon"]}
    assert icons == {"linux": set(), "macos": {".icns"}, "windows": {".ico"}}[system]
    assert len(recipe.bundles) == (system == "macos")
    for bundle in recipe.bundles:
        assert bundle["info_plist"]["LSUIElement"] is True
        assert recipe.programs["copilot-desktop"]["codesign_identity"] == "Somebody"


@pytest.mark.parametrize("system", ["linux", "macos", "windows"])
def test_what_is_imported_by_name_is_in_the_libraries(
    system: str, part: Callable[[str], ModuleType]
) -> None:
    contents = part("contents")
    for name in (*contents.HIDDEN, *contents.ONLY[system]):
        package, _, rest = name.partition(".")
        if package in {"clr_loader", "pythonnet"}:
            continue  # not for this system
        found = importlib.util.find_spec(package)  # the package alone: nothing is imported
        assert found is not None
        assert found.submodule_search_locations
        place = Path(found.submodule_search_locations[0], *rest.split("."))
        assert place.with_suffix(".py").is_file() or (place / "__init__.py").is_file(), name


def test_the_bundle_lives_in_the_menu_bar(part: Callable[[str], ModuleType]) -> None:
    told = part("contents").bundle_facts("1.2.3")
    assert plistlib.loads(plistlib.dumps(told)) == told
    assert told["LSUIElement"] is True
    assert told["CFBundleShortVersionString"] == "1.2.3"
    assert "LSBackgroundOnly" not in told


def test_a_hardened_program_may_do_one_thing_more() -> None:
    may = plistlib.loads((PACKAGING / "macos" / "entitlements.plist").read_bytes())
    assert may == {"com.apple.security.cs.allow-unsigned-executable-memory": True}


@pytest.mark.skipif(not shutil.which("sh"), reason="no shell")
def test_the_script_for_the_disk_image_can_be_read() -> None:
    script = PACKAGING / "macos" / "disk_image.sh"
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0
    text = script.read_text(encoding="utf-8")
    assert "--password" not in text, "arguments are no place for a secret"


# ------------------------------------------------------------------------------------ the installer


def test_the_installer_names_files_that_are_there() -> None:
    text = INNO.read_text(encoding="utf-8")
    for name in re.findall(r"^(?:LicenseFile|SetupIconFile)=(.+)$", text, re.MULTILINE):
        assert (INNO.parent / name.replace("\\", "/")).is_file(), name
    programs = set(re.findall(r"\{app\}\\([\w-]+\.exe)", text))
    assert programs == {"copilot-desktop.exe", "copilot-desktopw.exe"}
    recipe = (PACKAGING / "pyinstaller" / "copilot-desktop.spec").read_text(encoding="utf-8")
    assert all(f'"{name.removesuffix(".exe")}"' in recipe for name in programs)


def test_the_installer_asks_for_nothing_and_fetches_nothing() -> None:
    text = INNO.read_text(encoding="utf-8")
    assert set(re.findall(r"^\[(\w+)\]$", text, re.MULTILINE)) == SECTIONS
    assert "PrivilegesRequired=lowest" in text
    assert not re.search(r"https?://(?!github\.com/copilot-desktop)|[Dd]ownloadTemp|HKLM;", text)


def test_the_script_that_signs_is_found_from_any_folder() -> None:
    """Inno Setup's compiler starts a sign tool in the folder of the compiler."""
    text = INNO.read_text(encoding="utf-8")
    assert "\nSignTool=sign $q{#AddBackslash(SourcePath)}sign.ps1$q $f\n" in text
    assert (INNO.parent / "sign.ps1").is_file()
    for told in (text, (ROOT / ".github" / "workflows" / "build.yml").read_text(encoding="utf-8")):
        assert "powershell -ExecutionPolicy Bypass -File $p" in told


def test_each_line_of_the_installer_has_its_fields() -> None:
    """No compiler is here, so at least: `Name: value; …` with closed quotes, `[Code]` balanced."""
    text = INNO.read_text(encoding="utf-8")
    lines, _, code = text.partition("[Code]")
    for line in lines[lines.index("[Tasks]") :].splitlines():
        if line and line[0] not in ";[#":
            assert re.fullmatch(r'(?:\w+: (?:"(?:[^"]|"")*"|[^";]+)(?:; |$))+', line), line
    words = re.findall(r"\b(?:begin|end|try|case)\b", re.sub(r"'[^']*'|\{[^}]*\}", "", code))
    assert words.count("begin") == words.count("end")
    assert code.count("(") == code.count(")")


# ------------------------------------------------------------------------------------ the workflows


def test_actions_are_pinned_by_commit() -> None:
    for path in FLOWS:
        for line in path.read_text(encoding="utf-8").splitlines():
            assert "uses:" not in line or PINNED.match(line), line


def test_jobs_may_read_only_and_end() -> None:
    for name, whole, job in jobs():
        assert whole["permissions"] == {"contents": "read"}
        assert job["timeout-minutes"] <= 60, name
        assert "permissions" not in job or name == "build.release"
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, name
            # An expression in a script is text of others that becomes code.
            assert "${{" not in step.get("run", ""), name


def test_the_workflows_run_files_that_are_there() -> None:
    for name, _, job in jobs():
        for step in job["steps"]:
            words = step.get("run", "").replace("\\", "/")
            for file in re.findall(r"(?:packaging|tests)(?:/[\w.-]+)+", words):
                assert (ROOT / file).exists(), f"{name}: {file}"


def test_what_is_made_on_three_systems_is_started_there() -> None:
    built = flow(ROOT / ".github" / "workflows" / "build.yml")["jobs"]
    for name in ("wheel", "linux", "windows", "macos"):
        steps = "\n".join(step.get("run", "") for step in built[name]["steps"])
        assert "packaging/smoke.py" in steps, name
        assert any("upload-artifact" in step.get("uses", "") for step in built[name]["steps"])
    assert set(built["release"]["needs"]) == set(built) - {"release"}
