"""Back to the first day: nothing that the app has kept stays, in its files or in the system.

Each part is taken back even if another one cannot be; the first trouble is told at the end. What is
fixed by the environment or by flags stays in force, since it is not ours. A pause after GitHub's
warning stays as well: forgetting it would not make GitHub forget.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import shutil
from collections.abc import Awaitable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from copilot_desktop.atomic import remove_file, sweep
from copilot_desktop.core import keys as local_keys
from copilot_desktop.core import logs, own_files
from copilot_desktop.core.settings import NAMES
from copilot_desktop.errors import InvalidRequest, Problem

if TYPE_CHECKING:
    from copilot_desktop.core.core import Core

log = logging.getLogger(__name__)


async def everything(core: Core) -> None:
    """Take back what editors got, sign out everybody and delete history, lessons, log, settings,
    key and start at login.

    Raises the first Problem after all the rest is done.
    """
    troubles = [
        trouble
        for trouble in (
            await _tried(core.editors.forget()),  # first, while what was written is still known
            await _tried(core.desk.cancel()),
            *[await _tried(core.desk.remove(p.host, p.id)) for p in core.roster.parked],
            await _tried(_sign_out(core)),
            await _tried(core.life.autostart.switch(False)),
            await _tried(core.books.clear()),
            await _tried(core.activity.recorder.stop()),
            await _tried(_forget(core)),
            await _tried(_settings(core)),
            await _tried(_delete_unlisted(core)),
            await _tried(asyncio.to_thread(_empty_log, core.data_dir / logs.FOLDER)),
        )
        if trouble is not None
    ]
    if troubles:
        raise troubles[0]


async def _tried(work: Awaitable[object]) -> Problem | None:
    try:
        await work
    except Problem as problem:
        return problem
    except OSError as error:
        return InvalidRequest(f"Not everything could be deleted: {error.strerror}.")
    return None


async def _sign_out(core: Core) -> None:
    try:
        await core.desk.sign_out()  # elsewhere there may be one although the environment has one
    except InvalidRequest:
        if core.session.account.source != "environment":  # which is not ours
            raise


async def _forget(core: Core) -> None:
    core.traffic.clear()
    core.activity.lines.clear()
    core.activity.playground.clear()
    core.life.last.note_screen("")
    await core.life.alerting.forget()
    await core.life.updates.forget()
    core.lessons.forget()
    await core.lessons.keep()


async def _settings(core: Core) -> None:
    preferences = core.store.state.preferences
    kept = [name for name in NAMES if name not in preferences.fixed_by]
    if "api_key" not in preferences.fixed_by:
        core.key = await asyncio.to_thread(local_keys.make, core.data_dir)
    await asyncio.to_thread(core.keys.clear)
    if bool(preferences.stored) or await asyncio.to_thread(_is_there, preferences.path):
        await core.change(dict.fromkeys(kept))  # also what was written into it since the start
    core.key_changed()


def _is_there(path: Path | None) -> bool:
    return path is not None and path.exists()


def delete_folder(folder: Path, *, whole: bool) -> list[Path]:
    """Delete the data folder after everything was taken back and the core is gone; what is left.

    `whole`: it is the app's own folder. Otherwise somebody has chosen it, or where a link in its
    place leads to, perhaps a folder with other things in it, and only what bears a name of ours
    goes. Blocks.
    """
    if whole and not folder.is_symlink():
        shutil.rmtree(folder, ignore_errors=True)
        return [folder] if folder.exists() else []
    demo = folder / own_files.DEMO
    if own_files.has_run(demo):  # else it is somebody's own
        shutil.rmtree(demo / own_files.DEMO / "home", ignore_errors=True)  # of the editors in it
        for place in (demo / own_files.DEMO, demo):
            own_files.delete(place)
            with suppress(OSError):
                place.rmdir()
    own_files.delete(folder)
    with suppress(OSError):
        folder.rmdir()
    return sorted(folder.glob("*"))


def delete_unfinished(folder: Path) -> None:
    """Delete from the data folder what a run was writing when it was killed: it may be a secret
    that has been changed or deleted since. Blocks; never raises."""
    sweep(folder)
    for below in (folder / name for name in (*own_files.FOLDERS, own_files.DEMO)):
        for place, _, _ in os.walk(below) if not below.is_symlink() else ():  # through no link
            sweep(Path(place))


async def _delete_unlisted(core: Core) -> None:
    """A demo keeps nothing of the kind: what there is, is not its own."""
    if core.store.state.app.demo is None:
        await asyncio.to_thread(_delete_aside, core.data_dir)


def _delete_aside(folder: Path) -> None:
    """What was kept aside since it could not be understood, with keys and names in it, and tokens
    that no list names, such as one that was damaged. Raises OSError."""
    left = own_files.delete(folder, own_files.TOP, names=own_files.ASIDE)
    if left := left + own_files.delete(folder, own_files.TOKENS):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(left[0]))


def _empty_log(folder: Path) -> None:
    """The file stays open for what is logged from now on."""
    for file in folder.glob(f"{logs.FILE_NAME}*"):
        if file.name == logs.FILE_NAME and file.is_file() and not file.is_symlink():
            with file.open("r+b") as current:
                current.truncate(0)
        else:
            remove_file(file)
