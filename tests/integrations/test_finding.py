"""A tool is found where installers put it, and no other program is taken for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from copilot_desktop.integrations import finding
from copilot_desktop.integrations.tool import Machine, Tool

PEN = Tool(id="pen", name="Pen", source="made up", programs=("pen",))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "path").mkdir()
    return Machine("linux", tmp_path, {"PATH": f"{tmp_path / 'path'}:relative::"})


def install(path: Path, content: str = "#!/bin/sh\n", mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    "place",
    [
        "path",
        ".local/bin",
        ".bun/bin",
        ".cargo/bin",
        ".npm-global/bin",
        ".nvm/versions/node/v24/bin",
    ],
)
def test_it_is_found_where_installers_put_it(machine: Machine, place: str) -> None:
    assert not finding.installed(PEN, machine)
    path = install(machine.home / place / "pen")
    assert finding.program(PEN, machine) == path


@pytest.mark.parametrize("ending", [".exe", ".cmd", ".ps1"])
def test_on_windows_by_its_endings(tmp_path: Path, ending: str) -> None:
    machine = Machine("windows", tmp_path)
    install(tmp_path / "AppData/Roaming/npm/pen", mode=0o644)
    assert not finding.installed(PEN, machine)
    install(tmp_path / f"AppData/Roaming/npm/pen{ending}", mode=0o644)
    assert finding.installed(PEN, machine)


def test_what_cannot_be_started_is_no_program(machine: Machine) -> None:
    install(machine.home / "path/pen", mode=0o644)
    (machine.home / ".local/bin/pen").mkdir(parents=True)
    (machine.home / "bin").mkdir()
    (machine.home / "bin/pen").symlink_to("nowhere")
    assert not finding.installed(PEN, machine)


def test_a_name_alone_is_no_proof(machine: Machine) -> None:
    proven = replace(PEN, proof=("pen-makers",))
    install(machine.home / "path/pen", "#!/bin/sh\n# another program\n")
    assert finding.installed(PEN, machine)
    assert not finding.installed(proven, machine)
    real = install(machine.home / "lib/node_modules/pen-makers/cli.js")
    (machine.home / ".local/bin").mkdir(parents=True)
    (machine.home / ".local/bin/pen").symlink_to(real)
    assert finding.installed(proven, machine)


def test_the_first_bytes_are_a_proof_and_later_ones_are_none(machine: Machine) -> None:
    proven = replace(PEN, proof=("pen-makers",))
    path = install(machine.home / "path/pen", "#" * finding.HEAD + "pen-makers")
    assert not finding.installed(proven, machine)
    path.write_text("#!/usr/bin/env node\n// pen-makers\n")
    assert finding.installed(proven, machine)


@pytest.mark.parametrize("switcher", [".volta/bin/volta-shim", ".local/bin/mise"])
def test_a_link_to_a_version_switcher_is_believed(machine: Machine, switcher: str) -> None:
    shim = machine.home / ".local/share/mise/shims/pen"
    shim.parent.mkdir(parents=True)
    shim.symlink_to(install(machine.home / switcher, "ELF"))
    assert finding.program(replace(PEN, proof=("@pen/desk",)), machine) == shim


@pytest.mark.parametrize(
    "last", ['exec /opt/asdf/bin/asdf exec "pen" "$@"', 'exec "/opt/pyenv" exec "$program" "$@"']
)
def test_a_script_of_a_version_switcher_is_believed(machine: Machine, last: str) -> None:
    shim = install(machine.home / ".asdf/shims/pen", f"#!/usr/bin/env bash\n{last}\n")
    assert finding.program(replace(PEN, proof=("@pen/desk",)), machine) == shim


def test_its_own_files_are_enough(machine: Machine) -> None:
    traced = replace(PEN, traces=lambda here: (here.home / ".pen",))
    assert not finding.installed(traced, machine)
    (machine.home / ".pen").mkdir()
    assert finding.installed(traced, machine)


def test_what_leaves_nothing_to_look_for_counts_as_found(machine: Machine) -> None:
    assert finding.installed(replace(PEN, programs=()), machine)


def test_a_made_up_machine_is_searched_below_its_home_only(tmp_path: Path) -> None:
    folders = finding.folders(Machine("linux", tmp_path))
    assert all(folder.is_relative_to(tmp_path) for folder in folders)
    assert Path("/usr/bin") in finding.folders(Machine("linux", tmp_path, {"PATH": "/x"}))
