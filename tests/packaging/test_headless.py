"""Container and service files: no secret inside, nobody but this machine let in, valid."""

from __future__ import annotations

import os
import plistlib
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from copilot_desktop.core.settings import NAMES, Settings, variable
from copilot_desktop.upstream.credentials import VARIABLE
from tests.architecture.source import ROOT
from tests.architecture.test_docs_settings import default_of

DOCKER, SERVICE = ROOT / "packaging" / "docker", ROOT / "packaging" / "service"
STEP = re.compile(r"^([A-Z]+)\s+((?:.*\\\n)*.*)$", re.MULTILINE)
SECRET = re.compile(r"token|(?<!require_)key|password|secret", re.IGNORECASE)


def steps() -> list[tuple[str, str]]:
    """Instruction and words of each step, lines joined."""
    text = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    plain = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    return [(name, words.replace("\\\n", " ")) for name, words in STEP.findall(plain)]


def last(instruction: str) -> str:
    return [words for name, words in steps() if name == instruction][-1]


def test_the_image_runs_as_nobody_in_particular_and_serves() -> None:
    assert last("USER").isdigit()
    assert last("USER") != "0"
    assert [name for name, _ in steps()][-2:] == ["ENTRYPOINT", "CMD"]
    assert (last("ENTRYPOINT"), last("CMD")) == ('["copilot-desktop"]', '["serve"]')
    assert "copilot-desktop status --json" in last("HEALTHCHECK")


def test_no_layer_holds_a_secret() -> None:
    for name, words in steps():
        assert name != "ADD"
        assert name not in {"ARG", "ENV"} or not SECRET.search(words), words
    taken = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in taken, "what is not named stays out"
    named = {line.removeprefix("!") for line in taken if line.startswith("!")}
    copied = [shlex.split(w) for name, w in steps() if name == "COPY" and "--from" not in w]
    assert named == {source for words in copied for source in words[:-1]}
    assert all((ROOT / name).exists() for name in named)


def test_every_base_image_names_its_version() -> None:
    for name, words in steps():
        if name == "FROM":
            assert re.match(r"python:3\.\d+-slim-\w+( AS \w+)?$", words)


def test_compose_lets_only_this_machine_in() -> None:
    compose: Any = YAML(typ="safe").load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
    service = compose["services"]["copilot"]
    (port,) = service["ports"]
    default = Settings().port
    # A client names the port that it asks; the proxy refuses one that is not its own.
    assert port == f"127.0.0.1:{default}:{default}"
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert "environment" not in service, "settings and secrets are in .env, which git does not see"
    assert ".env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    folder = (DOCKER / service["build"]["context"]).resolve()
    assert (folder / service["build"]["dockerfile"]).is_file()


def test_the_example_holds_every_setting_that_serve_knows_with_its_default() -> None:
    text = (DOCKER / ".env.example").read_text(encoding="utf-8")
    found = dict(re.findall(r"^#([A-Z_]+)=(.*)$", text, re.MULTILINE))
    assert found.pop(VARIABLE) == ""
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    window = re.search(r"^## Window and tray$(.*?)^## ", page, re.MULTILINE | re.DOTALL)
    assert window
    wanted = {
        variable(name): "" if default_of(name) == "–" else default_of(name).replace("`", "")
        for name in NAMES
        if f"`{variable(name)}`" not in window.group(1)
    }
    assert found == wanted
    assert not re.search(r"^[A-Z]", text, re.MULTILINE), "nothing is set by copying it"


def test_the_launch_agent_is_a_property_list() -> None:
    path = SERVICE / "io.github.copilot_desktop.serve.plist"
    agent = plistlib.loads(path.read_bytes())
    assert agent["Label"] == path.stem
    assert agent["ProgramArguments"] == ["HOME/.local/bin/copilot-desktop", "serve"]
    assert agent["KeepAlive"] == {"SuccessfulExit": False}
    assert agent["Umask"] == 0o077


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not here")
def test_the_unit_is_one_that_systemd_understands(tmp_path: Path) -> None:
    text = (SERVICE / "copilot-desktop.service").read_text(encoding="utf-8")
    program = "%h/.local/bin/copilot-desktop serve"
    assert f"ExecStart={program}\n" in text
    unit = tmp_path / "copilot-desktop.service"
    unit.write_text(text.replace(program, f"{sys.executable} -m copilot_desktop serve"))
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", str(unit)],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    own = [line for line in done.stderr.splitlines() if "copilot-desktop" in line]
    assert own == []
