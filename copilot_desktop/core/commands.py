"""What the app can be told to do: one method for each verb.

Every adapter (page, tray, terminal, second launch) calls exactly these, most through `verbs`, where
names and arguments are checked. A method returns what the caller needs to know beside the state, or
raises a Problem. Methods run on the core's loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from copilot_desktop import strings
from copilot_desktop.core import keys as local_keys
from copilot_desktop.core import logs, reset
from copilot_desktop.core.certificates import Certificates
from copilot_desktop.core.diagnostics import Diagnosis
from copilot_desktop.core.history import By
from copilot_desktop.core.playground import Question
from copilot_desktop.core.settings import CHANGEABLE, bad
from copilot_desktop.core.state import Ask
from copilot_desktop.errors import InvalidRequest, Problem
from copilot_desktop.proxy.brakes import Choice
from copilot_desktop.proxy.keys import KeyLimits
from copilot_desktop.upstream import policy
from copilot_desktop.upstream.credentials import StoreKind
from copilot_desktop.upstream.releases import DOWNLOADS

if TYPE_CHECKING:
    from copilot_desktop.core.core import Core

Json = dict[str, Any]

LINKS: Mapping[str, str] = {
    "copilot_plans": "https://github.com/features/copilot/plans",
    "copilot_settings": "https://github.com/settings/copilot",
    "github_status": "https://www.githubstatus.com/",
    "downloads": DOWNLOADS,
}
_LINK_HOSTS = ("github.com", "docs.github.com")


class Shell(Protocol):
    """What has a window. Called on the core's loop, so every method must return at once."""

    def show_window(self) -> None: ...

    def hide_window(self) -> None: ...

    def ask_for_file(self, answer: Callable[[Path | None], None]) -> bool:
        """Let a person choose a file; `answer` is called on the loop. False without a window."""

    def quit(self) -> None: ...


class Commands:
    def __init__(self, core: Core) -> None:
        self._core = core
        self._certificates = Certificates(core)
        self._making = asyncio.Lock()  # held while the key on the disk is replaced

    # ------------------------------------------------------------------------ account

    async def sign_in(self, host: str | None = None) -> Json:
        """Returns `user_code` and `uri`; the rest happens in the background and in the state.

        At the GitHub of the account in use unless `host` names another one. Nothing changes before
        GitHub has approved; then the account that was in use is listed among the others.
        """
        return dict(await self._core.desk.sign_in(host))

    async def cancel_sign_in(self) -> None:
        await self._core.desk.cancel()

    async def sign_out(self) -> None:
        """The account in use; the others stay listed, and none comes into use by itself."""
        await self._core.desk.sign_out()

    async def use_account(self, host: str, id: int) -> None:  # noqa: A002
        """Use one of the other accounts from now on."""
        await self._core.desk.use(host, id)

    async def remove_account(self, host: str, id: int) -> None:  # noqa: A002
        """Delete the sign-in of one of the other accounts."""
        await self._core.desk.remove(host, id)

    async def check_account(self) -> Json:
        try:
            await self._core.desk.look()
        except Problem:
            self._core.life.reach.tell()  # whoever asks gets the answer now
            raise
        return {"state": self._core.session.account.state}

    async def choose_store(self, kind: StoreKind) -> None:
        core, new = self._core, {"token_store": kind}
        if kind != core.settings.token_store:
            core.store.state.preferences.changed(new)  # raises where it is fixed
        await core.desk.move_to(kind)
        if kind != core.settings.token_store:  # only now: another choice may have come before
            await core.change(new)

    # ------------------------------------------------------------------------ proxy

    async def start_proxy(self) -> Json:
        self._core.life.last.note_proxy(True)
        state = await self._core.start_proxy()
        if state.problem is not None:
            raise state.problem
        return {"host": state.host, "port": state.port}

    async def stop_proxy(self) -> None:
        self._core.life.last.note_proxy(False)
        await self._core.listening.stop()

    async def use_port(self, port: int) -> Json:
        await self._core.use_port(port)
        return await self.start_proxy()

    async def try_port(self, port: int) -> Json:
        trial = await self._core.listening.look(port)
        return {"free": trial.free, "holder": trial.holder, "next": trial.next}

    async def resume_sending(self) -> None:
        """Send to GitHub again after a warning. Kept on the disk when this returns."""
        self._core.brakes.resume()
        await self._core.brake_memory.settle()

    async def decide(self, id: int, choice: Choice) -> None:  # noqa: A002
        """The user's word about a client that waits."""
        approvals = self._core.brakes.approvals
        client = approvals.client_of(id)
        if client is None:
            raise InvalidRequest("This request is not waiting any more.")
        approved = self._core.settings.approved_clients
        if choice == "always" and client not in approved:
            await self._core.change({"approved_clients": [*approved, client]})
        approvals.decide(id, choice)

    # ------------------------------------------------------------------------ activity

    async def start_recording(self) -> Json:
        """Keep what requests and answers say, for one hour."""
        return {"until": await self._core.activity.recorder.start()}

    async def stop_recording(self) -> None:
        """And delete what was recorded."""
        await self._core.activity.recorder.stop()

    async def contents(self, id: int) -> Json:  # noqa: A002
        """What was recorded of one request: `asked`, `sent`, `heard` and `told`."""
        return await self._core.activity.contents(id)

    async def clear_requests(self) -> None:
        """Empty the list; requests that are under way stay. The history of use is kept."""
        self._core.traffic.clear()

    async def export_requests(self) -> Json:
        return {"path": str(await self._core.activity.export())}

    async def play(self, **question: Any) -> Json:
        """Ask a model from the playground; how it goes on is in the playground's stream."""
        return {"n": self._core.activity.play(Question(**question))}

    async def stop_playing(self) -> None:
        self._core.activity.playground.stop()

    # ------------------------------------------------------------------------ lists

    async def refresh_models(self) -> Json:
        await self._core.desk.refresh_models()
        return {"count": len(self._core.catalogue.models)}

    async def enable_model(self, id: str, terms_shown: str) -> Json:  # noqa: A002
        """Accept the terms of a model; `terms_shown` is the digest of those the user has read.

        `state` is the policy as GitHub lists it afterwards.
        """
        core = self._core
        model = await policy.enable(
            core.client, core.catalogue, core.session.seat(), id, terms_shown
        )
        return {"id": model.id, "state": model.policy}

    async def forget_lessons(self, model: str | None = None) -> Json:
        """Forget what refusals have taught of one model, or of all."""
        count = self._core.lessons.forget(model)
        await self._core.lessons.keep()
        return {"forgotten": count}

    async def refresh_quota(self) -> None:
        await self._core.desk.refresh_quota()

    async def usage_history(self, days: int = 30, by: By = "client") -> Json:
        """What this app has used, see `core.history`."""
        return dict(await self._core.books.history(days, by))

    async def clear_history(self) -> None:
        """Forget what was used. The budget begins anew with it."""
        await self._core.books.clear()

    # ------------------------------------------------------------------------ settings and key

    async def update_settings(self, patch: Mapping[str, Any]) -> Json:
        """`saved` is false where the disk took nothing; the change holds until the app ends."""
        if unknown := sorted(patch.keys() - CHANGEABLE):
            raise bad(unknown[0], "it cannot be changed here")
        return {"saved": await self._core.change(patch)}

    async def choose_certificates(self) -> Json:
        """See `core.certificates`: the file is named in a dialog of the system, never here."""
        return await self._certificates.choose()

    async def remove_certificates(self) -> Json:
        return await self._certificates.remove()

    async def allow_origin(self, origin: str) -> Json:
        """Let in a web page or editor that was refused; it counts from the next request on."""
        self._refused(origin)
        origins = self._core.settings.allowed_origins
        saved = await self._core.change({"allowed_origins": [*origins, origin]})
        self._core.traffic.refused_origins.settle(origin, ignore=False)
        return {"saved": saved}

    async def ignore_origin(self, origin: str) -> None:
        """Keep it out, and say no more about it until the app is started again."""
        self._refused(origin)
        self._core.traffic.refused_origins.settle(origin, ignore=True)

    async def accept_notice(self) -> None:
        await self._core.change({"notice_accepted": True})

    async def reveal_key(self) -> Json:
        return {"key": self._core.key}

    async def new_key(self) -> Json:
        """The old key stops at once."""
        core = self._core
        if core.store.state.key.fixed:
            raise InvalidRequest("This key was given at the start, so it cannot be replaced here.")
        async with self._making:  # or another one than the last would be in force
            core.key = await asyncio.to_thread(local_keys.make, core.data_dir)
        if core.settings.api_key is not None:
            await core.change({"api_key": None, "require_key": True})
        core.key_changed()
        return {"key": core.key}

    async def make_key(self, name: str, limits: Mapping[str, Any] | None = None) -> Json:
        """A key with a name. It is told here and never again; `saved` is false where the disk took
        nothing."""
        meant = _limits(limits or {})
        key, saved = await asyncio.to_thread(self._core.keys.make, name, meant)
        return {"name": key.name, "key": key.secret, "saved": self._rekeyed(saved)}

    async def rename_key(self, name: str, to: str) -> Json:
        """What it used until now stays under its old name, and its budget begins anew."""
        return {"saved": self._rekeyed(await asyncio.to_thread(self._core.keys.rename, name, to))}

    async def limit_key(self, name: str, limits: Mapping[str, Any]) -> Json:
        """These limits instead of all it had."""
        meant = _limits(limits)
        return {"saved": self._rekeyed(await asyncio.to_thread(self._core.keys.limit, name, meant))}

    async def revoke_key(self, name: str) -> Json:
        """It stops at once."""
        return {"saved": self._rekeyed(await asyncio.to_thread(self._core.keys.revoke, name))}

    async def reset_everything(self, word: str) -> None:
        """See `core.reset`."""
        await reset.everything(self._core)

    # ------------------------------------------------------------------------ editors

    async def look_for_editors(self) -> None:
        """How they stand is in the state."""
        await self._core.editors.look()

    async def preview_editor(self, id: str, chosen: Mapping[str, str]) -> Json:  # noqa: A002
        return await self._core.editors.preview(id, chosen)

    async def connect_editor(
        self,
        id: str,  # noqa: A002
        chosen: Mapping[str, str],
        digest: str,
    ) -> Json:
        return await self._core.editors.connect(id, chosen, digest)

    async def preview_undo(self, id: str) -> Json:  # noqa: A002
        return await self._core.editors.preview_undo(id)

    async def undo_editor(self, id: str, digest: str | None = None) -> Json:  # noqa: A002
        return await self._core.editors.undo(id, digest)

    async def leave_editor(self, id: str) -> None:  # noqa: A002
        await self._core.editors.leave(id)

    async def update_editors(self) -> Json:
        return await self._core.editors.update()

    async def undo_editors(self) -> Json:
        return await self._core.editors.undo_all()

    async def test_editor(self, id: str) -> Json:  # noqa: A002
        return await self._core.editors.test(id)

    async def launch_editor(self, id: str, chosen: Mapping[str, str]) -> Json:  # noqa: A002
        return await self._core.editors.launch(id, chosen)

    async def copy_editor(self, id: str, what: str) -> Json:  # noqa: A002
        return await self._core.editors.copy(id, what)

    async def copy_shell(self, shell: str) -> Json:
        return self._core.editors.copy_shell(shell)

    async def open_editor_backups(self) -> Json:
        return await self._core.editors.open_backups()

    # ------------------------------------------------------------------------ diagnostics

    async def look_for_updates(self) -> Json:
        """`version` is the newer one, or empty; see `core.updates`."""
        return asdict(await self._core.life.updates.look())

    async def diagnose(self) -> Json:
        """`checks`: see `core.diagnostics.Finding`."""
        found = await self._core.reports.look()
        return {"checks": [each.to_json(self._words()) for each in found]}

    async def test_connection(self) -> Json:
        """Whether GitHub can be reached, as one finding."""
        found = await Diagnosis(self._core).reach()
        return {"check": found.to_json(self._words())}

    async def report(self) -> Json:
        """Everything that `save_report` would write, and its id."""
        number, text = await self._core.reports.make()
        return {"id": number, "text": text}

    async def save_report(self, id: str) -> Json:  # noqa: A002
        return {"path": str(await self._core.reports.save(id))}

    # ------------------------------------------------------------------------ desktop

    async def open_link(self, id: str) -> Json:  # noqa: A002  (the page's own word)
        url = self._link(id)
        if not await asyncio.to_thread(self._core.system.open_url, url):
            raise InvalidRequest(f"The browser did not open. Copy the link: {url}")
        return {"url": url}

    async def forget_fault(self) -> None:
        """The user has seen that something went wrong in the app."""
        self._core.store.set(fault="")

    async def open_logs(self) -> Json:
        folder = self._core.data_dir / logs.FOLDER
        if not await asyncio.to_thread(self._core.system.open_folder, folder):
            raise InvalidRequest(f"The folder did not open. It is {folder}")
        return {"folder": str(folder)}

    async def open_folder(self) -> Json:
        folder = self._core.data_dir
        if not await asyncio.to_thread(self._core.system.open_folder, folder):
            raise InvalidRequest(f"The folder did not open. It is {folder}")
        return {"folder": str(folder)}

    async def start_at_login(self, on: bool) -> Json:
        """`state` is what the system says afterwards."""
        return {"state": await self._core.life.autostart.switch(on)}

    async def look_at_login(self) -> Json:
        return {"state": await self._core.life.autostart.look()}

    async def open_login_settings(self) -> None:
        await self._core.life.autostart.open_settings()

    async def looking(
        self, front: bool, screen: str | None = None, obeyed: int | None = None
    ) -> None:
        """A page tells what it shows, and whether the user has it before him."""
        core = self._core
        core.surroundings(window_front=front)
        if obeyed == core.store.state.app.screen_asked:
            core.surroundings(screen="")  # or a page that is opened anew would follow it again
        if screen:
            core.surroundings(last_screen=screen)
            core.life.last.note_screen(screen)

    async def show_window(self, screen: str | None = None) -> None:
        """Raises InvalidRequest where that will never happen."""
        core = self._core
        if core.quit_wanted.is_set():
            raise InvalidRequest("Copilot Desktop is about to end.")
        core.ask_for_screen(screen)
        core.life.look_at_login()
        if core.shell is not None:
            core.shell.show_window()
        elif core.store.state.app.engine == "none" and core.store.state.app.engine_reason:
            raise InvalidRequest("Copilot Desktop runs without a window, as `serve`.")
        else:
            core.life.show_wanted = True

    async def hide_window(self) -> None:
        if self._core.shell is not None:
            self._core.shell.hide_window()

    async def close_choice(self, choice: str, *, remember: bool = False) -> None:
        asked = self._core.store.state.ask
        self._core.store.set(ask=None)
        if remember and choice != "cancel":
            await self._core.change({"on_close": choice})
        if choice == "hide":
            await self.hide_window()
        elif choice == "quit":
            await self.quit(ask=asked is None or asked.id != "quit")

    async def quit(self, *, ask: bool = False) -> Json | None:
        """`asked`: requests are in progress, so the window asks first."""
        asked, n = self._core.store.state.ask, self._core.store.state.requests.in_flight
        if ask and n and self._core.shell is not None and not (asked and asked.id == "quit"):
            self._core.ask(Ask("quit", {"n": n}))
            self._core.shell.show_window()
            return {"asked": True}
        self._core.quit_wanted.set()
        if self._core.shell is not None:
            self._core.shell.quit()
        return None

    def _words(self) -> strings.Words:
        return strings.words(self._core.store.state.language)

    def _rekeyed(self, saved: bool) -> bool:
        """The change holds for the next request already."""
        self._core.key_changed()
        return saved

    def _refused(self, origin: str) -> None:
        """Nothing can be let in that has not asked: the page itself names no origins."""
        if origin not in self._core.traffic.refused_origins.waiting:
            raise InvalidRequest("This origin has not asked to be let in.")

    def _link(self, name: str) -> str:
        if name == "device_page":
            return self._core.origins.device_page
        if name == "account_problem":
            problem = self._core.session.account.problem
            url = (problem.url if problem else None) or LINKS["copilot_settings"]
            parts = urlsplit(url)
            # GitHub's answer chose this address; only GitHub's own pages are opened.
            known = (*_LINK_HOSTS, self._core.origins.host)
            if parts.scheme == "https" and parts.netloc in known:
                return url
            return LINKS["copilot_settings"]
        return LINKS[name]


def _limits(given: Mapping[str, Any]) -> KeyLimits:
    from copilot_desktop.core.key_shapes import GivenLimits  # noqa: PLC0415  (not for a start)

    return GivenLimits.model_validate(given).limits()
