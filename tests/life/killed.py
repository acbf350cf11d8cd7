"""A program that kills the writer of each of our files at every step.

Run by `test_killed.py` as `python -m tests.life.killed FOLDER [SCENE]`. It prints the number of
steps of each scene, or what was wrong. A step is anything that reaches the disk, as in
`integrations/killing.py`, which does the same for editors' files. Every part of a scene is a
process of its own, as after a kill.
"""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copilot_desktop import atomic
from copilot_desktop.control import instance
from copilot_desktop.core import keys, reset, settings_file
from copilot_desktop.core.memory import Memory
from copilot_desktop.core.tasks import Tasks
from copilot_desktop.upstream.credentials import slot_store
from copilot_desktop.upstream.lessons import Lesson, Lessons
from copilot_desktop.upstream.roster import Roster
from copilot_desktop.upstream.stores import StoredAccount
from copilot_desktop.upstream.stores.file import FileStore
from tests.integrations.killing import arm

MOST = 60
A = StoredAccount("github.com", "octo-user", 1, "ghu_" + "A" * 36)
B = StoredAccount("github.com", "octo-hana", 2, "ghu_" + "B" * 36)
NOISE = "{half of a fi"


@dataclass(frozen=True)
class Scene:
    """`look` says what a next start finds; both must be values of JSON."""

    prepare: Callable[[Path], Any]
    work: Callable[[Path], Any]
    look: Callable[[Path], Any]


# ----------------------------------------------------------------------------------- the files


def use_port(port: int) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        preferences = settings_file.load({}, {}, folder / settings_file.FILE_NAME)
        settings_file.save(preferences.changed({"port": port, "idle_timeout": 77.0 + port}))

    return change


def settings_found(folder: Path) -> Any:
    return settings_file.load({}, {}, folder / settings_file.FILE_NAME).stored


def break_settings(folder: Path) -> None:
    (folder / settings_file.FILE_NAME).write_text(NOISE)


def broken_settings_kept(folder: Path) -> Any:
    """The defaults hold, and what somebody wrote is not lost."""
    settings_found(folder)
    return (folder / "settings.json.broken").read_text()


def store(folder: Path) -> FileStore:
    return FileStore(folder / "tokens" / "token.json")


def sign_in(account: StoredAccount) -> Callable[[Path], None]:
    return lambda folder: asyncio.run(store(folder).save(account))


def sign_out(folder: Path) -> None:
    asyncio.run(store(folder).delete())


def signed_in(folder: Path) -> Any:
    found = asyncio.run(store(folder).load())
    return None if found is None else [found.login, found.token]


def roster(folder: Path) -> Roster:
    def slot(kind: str, host: str, number: int) -> Any:
        return slot_store(kind, host, number, data_dir=folder)

    return Roster(folder / "accounts.json", slot)


def park(account: StoredAccount) -> Callable[[Path], None]:
    return lambda folder: asyncio.run(roster(folder).park(account, plan="pro", kind="file"))


def parked(folder: Path) -> Any:
    """Only those whose sign-in is there can be switched to."""

    async def look() -> list[str]:
        found, logins = roster(folder), []
        await found.load()
        for each in found.parked:
            if (kept := await found._slot(each).load()) is not None:
                assert kept.login == each.login
                logins.append(each.login)
        return sorted(logins)

    return asyncio.run(look())


def local_key(folder: Path) -> Any:
    """Whichever: a key that could be ours, and the same at the next look."""
    key = keys.load_or_make(folder)
    assert keys.load_or_make(folder) == key
    return key[:3]


def named_key(name: str) -> Callable[[Path], None]:
    return lambda folder: void(keys.KeyRing(folder).key_for(name))


def named_keys(folder: Path) -> Any:
    return [key.name for key in keys.KeyRing(folder).keys]


def revoke(folder: Path) -> None:
    ring = keys.KeyRing(folder)
    if len(ring.keys) > 1:
        ring.revoke("b")


def remember(value: int) -> Callable[[Path], None]:
    async def write(folder: Path) -> None:
        memory = Memory(folder / "last.json", Tasks())
        await memory.load()
        memory.keep({"value": value, "padding": "x" * 20_000})
        await memory.settle()

    return lambda folder: asyncio.run(write(folder))


def remembered(folder: Path) -> Any:
    return asyncio.run(Memory(folder / "last.json", Tasks()).load()).get("value")


def learn(*models: str) -> Callable[[Path], None]:
    async def write(folder: Path) -> None:
        lessons = Lessons(folder / "lessons.json")
        lessons.load()
        for model in models:
            lessons.learn(model, Lesson("thinking", "required"))
        await lessons.keep()

    return lambda folder: asyncio.run(write(folder))


def learned(folder: Path) -> Any:
    lessons = Lessons(folder / "lessons.json")
    lessons.load()
    return sorted(lessons.known())


def be_first(folder: Path) -> None:
    mine = instance.claim(folder)
    assert mine is not None
    mine.publish(4711)


def free(folder: Path) -> Any:
    """Nobody is found, and the next one may be first."""
    assert instance.find(folder) is None
    mine = instance.claim(folder)
    assert mine is not None
    mine.release()
    return True


def nothing(_folder: Path) -> None:
    pass


def void(_result: object) -> None:
    pass


def both(*parts: Callable[[Path], Any]) -> Callable[[Path], None]:
    return lambda folder: [part(folder) for part in parts].clear()


SCENES = {
    "settings": Scene(use_port(5000), use_port(5001), settings_found),
    "settings, first": Scene(nothing, use_port(5001), settings_found),
    "settings, broken": Scene(
        both(use_port(5000), break_settings), lambda folder: void(settings_found(folder)),
        broken_settings_kept,
    ),
    "token": Scene(sign_in(A), sign_in(B), signed_in),
    "token, first": Scene(nothing, sign_in(B), signed_in),
    "token, sign out": Scene(sign_in(A), sign_out, signed_in),
    "accounts": Scene(park(A), park(B), parked),
    "local key": Scene(nothing, lambda folder: void(keys.make(folder)), local_key),
    "named keys": Scene(named_key("a"), named_key("b"), named_keys),
    "named keys, revoke": Scene(both(named_key("a"), named_key("b")), revoke, named_keys),
    "memory": Scene(remember(1), remember(2), remembered),
    "lessons": Scene(learn("gpt-4.1"), learn("gpt-4.1", "gpt-5.4"), learned),
    "instance": Scene(nothing, be_first, free),
}  # fmt: skip


# ------------------------------------------------------------------------------------- killing


def apart(work: Callable[[Path], Any], folder: Path, step: int = 0) -> tuple[bool, Any]:
    """Whether `work` was killed (at `step`), and what it gave. Fails if it failed."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(read)
            if step:
                arm(step)
            os.write(write, pickle.dumps(json.loads(json.dumps(work(folder)))))
            code = 0
        finally:
            sys.stderr.flush()
            os._exit(code)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True, None
    assert os.waitstatus_to_exitcode(status) == 0, f"step {step} failed"
    return False, pickle.loads(said)


def carry_out(folder: Path, name: str) -> int:
    """How many steps the scene has."""
    scene = SCENES[name]
    os.fsync = lambda _file: None  # a killed program loses nothing that it has written
    model = fresh(folder / "model")
    apart(scene.prepare, model)
    _, old = apart(scene.look, model)
    model = fresh(folder / "model")
    apart(scene.prepare, model)
    apart(scene.work, model)
    _, new = apart(scene.look, model)
    for step in range(1, MOST):
        now = fresh(folder / "now")
        apart(scene.prepare, now)
        killed, _ = apart(scene.work, now, step)
        if not killed:
            return step - 1
        _, found = apart(scene.look, now)
        assert found in (old, new), f"step {step}: {found}"
        apart(tidied, now)
        apart(scene.work, now)
        _, again = apart(scene.look, now)
        assert again == new, f"step {step}: {again} after doing it again"
    raise AssertionError("it never came to an end")


def tidied(folder: Path) -> None:
    """A minute after the next start: nothing is left that only the killed one knew of."""
    left = [path for path in folder.rglob("*") if path.name.startswith(".")]
    for path in left:
        long_ago = path.stat().st_mtime - 2 * atomic.ABANDONED
        os.utime(path, (long_ago, long_ago))
    reset.delete_unfinished(folder)
    assert not [path for path in left if path.exists()], left


def fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def main() -> None:
    """All scenes, or those that are named, each with its number of steps or what was wrong."""
    folder, *names = sys.argv[1:]
    found: dict[str, Any] = {}
    for name in names or SCENES:
        try:
            found[name] = carry_out(Path(folder) / "scene", name)
        except AssertionError as wrong:
            found[name] = str(wrong)
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
