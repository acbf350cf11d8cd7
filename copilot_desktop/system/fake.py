"""A system for tests and embedding: remembers what it was asked, touches nothing."""

from __future__ import annotations

from pathlib import Path

from copilot_desktop.system import PortHolder
from copilot_desktop.system.login_items import LoginItemState


class FakeSystem:
    """See `System`. `opened` lists addresses and folders in order."""

    name = "Fake"

    def __init__(
        self,
        folder: Path,
        *,
        shared: bool = False,
        browser: bool = True,
        holder: PortHolder | None = None,
    ) -> None:
        self._folder = folder
        self._shared = shared
        self._browser = browser
        self._holder = holder
        self.opened: list[str] = []
        self.protected: list[Path] = []
        self.tongues: tuple[str, ...] = ()
        self.item = FakeLoginItem()

    def data_dir(self) -> Path:
        return self._folder

    def home_dir(self) -> Path:
        return self._folder / "home"

    def downloads_dir(self) -> Path:
        return self._folder / "Downloads"

    def open_url(self, url: str) -> bool:
        self.opened.append(url)
        return self._browser

    def open_folder(self, path: Path) -> bool:
        self.opened.append(str(path))
        return self._browser

    def port_holder(self, port: int) -> PortHolder | None:
        return self._holder

    def harden(self) -> None: ...

    def protect(self, path: Path) -> None:
        self.protected.append(path)

    def shared_machine(self) -> bool:
        return self._shared

    def dark_mode(self) -> bool | None:
        return None

    def languages(self) -> tuple[str, ...]:
        return self.tongues

    def dark_panel(self) -> bool | None:
        return None

    def login_item(self, data_dir: Path | None = None) -> FakeLoginItem:
        self.item.data_dir = data_dir
        return self.item


class FakeLoginItem:
    """`blocked`: somebody switched it off in the system's settings. `broken`: nothing is taken."""

    def __init__(self, settings_page: str = "") -> None:
        self.settings_page = settings_page
        self.data_dir: Path | None = None
        self.there = self.blocked = self.broken = False
        self.opened = 0

    def state(self) -> LoginItemState:
        if not self.there:
            return "off"
        return "blocked" if self.blocked else "on"

    def switch(self, on: bool) -> None:
        if self.broken:
            raise OSError("nothing is taken here")
        self.there = on

    def open_settings(self) -> bool:
        self.opened += 1
        return bool(self.settings_page)
