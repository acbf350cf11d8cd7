"""The Dockerfile's steps, one by one, in a clean Debian: no engine runs where these tests do.

What an engine adds is left out (layers, a network of its own); Python is the root's own instead of
the image's. What is told is the same: the steps work, a user without rights serves, a client needs
a key, and the health check knows.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import shown, tracked
from tests.gui.desk import until
from tests.packaging.roots import CHROOT, CannotMakeError, Root, base
from tests.packaging.test_headless import last, steps
from tests.ports import free_port

# What fetching needs to know of this machine.
OUTSIDE = ("/etc/pip.conf", "/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt")
DATA = "/data"


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Root]:
    try:
        root = Root(base(("python3", "python3-venv")), tmp_path / "root", ())
    except (CannotMakeError, subprocess.CalledProcessError) as trouble:
        pytest.skip(f"no clean root here: {trouble}")
    yield root
    root.close()


def environment() -> dict[str, str]:
    """The image's, and how this machine reaches its packages."""
    words = " ".join(each for name, each in steps() if name == "ENV")
    told = dict(pair.split("=", 1) for pair in shlex.split(words))
    kept = {k: v for k, v in os.environ.items() if k.lower().startswith(("pip_", "http", "no_p"))}
    return {**kept, **told, "PATH": "/app/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


def prepare(root: Root) -> None:
    """What the base image has, and what the context is."""
    for name in OUTSIDE:
        if Path(name).exists():
            target = root.top / name.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            shutil.copyfile(name, target)
    if not (root.top / "usr" / "bin" / "python3").exists():
        pytest.skip("the clean root has no Python")
    try:
        root.run("python3", "-c", "import ensurepip")
    except AssertionError:
        root.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "python3-venv")
    (root.top / "usr" / "local" / "bin" / "python").symlink_to("/usr/bin/python3")


def carry_out(root: Root) -> None:
    """Each COPY and RUN, in the order of the file."""
    where = root.top
    for name, words in steps():
        if name == "WORKDIR":
            where = root.top / words.lstrip("/")
            where.mkdir()
        elif name == "FROM":
            where = root.top
        elif name == "COPY" and not words.startswith("--from"):
            *sources, target = shlex.split(words)
            for path in tracked():
                for source in sources:
                    if shown(path) == source or shown(path).startswith(f"{source}/"):
                        inside = shown(path) if path.is_dir() else shown(path)[len(source) :]
                        place = where / (target if len(sources) == 1 else source)
                        place = Path(f"{place}{inside}")
                        place.parent.mkdir(parents=True, exist_ok=True)
                        shutil.copyfile(path, place)
        elif name == "RUN":
            inside = "/" + where.relative_to(root.top).as_posix()
            root.run("sh", "-ec", f"cd {inside}; {words}", environ=environment())


def test_each_step_works_and_what_comes_of_it_serves(root: Root, tmp_path: Path) -> None:
    prepare(root)
    carry_out(root)
    user, port = int(last("USER")), free_port()
    environ = {**environment(), "COPILOT_DESKTOP_PORT": str(port), "HOME": DATA}
    inside = [CHROOT, f"--userspec={user}:{user}", str(root.top)]
    serve = [*json.loads(last("ENTRYPOINT")), *json.loads(last("CMD")), "--demo"]
    health = json.loads(last("HEALTHCHECK").split("CMD", 1)[1])
    health[-1] = health[-1].replace("status", "status --demo")

    def well() -> bool:
        done = subprocess.run([*inside, *health], env=environ, check=False, timeout=30)
        return done.returncode == 0

    assert not well(), "nothing runs yet"
    said = tmp_path / "said"
    with (
        said.open("wb") as out,
        subprocess.Popen([*inside, *serve], env=environ, stdout=out, stderr=out) as running,
    ):
        try:
            until(well, "the health check", within=40, otherwise=said.read_text)
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=20)
            with refused.value as answer:
                assert answer.code == 401, "a client without a key"
        finally:
            running.terminate()
            assert running.wait(20) == 0
    owners = {path.stat().st_uid for path in (root.top / DATA.lstrip("/")).rglob("*")}
    assert owners == {user}
