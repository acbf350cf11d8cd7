"""The files of the page and the sentences it shows.

Only files that were there when the app started are served, by exact name: no path of a request ever
reaches the file system. The first paint must have the right colours, so the look that Python found
out is written into the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from copilot_desktop import resources, strings
from copilot_desktop.core.state import State

TYPES: Mapping[str, str] = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
}
INDEX = "index.html"
# By the shell and in reports, never by the page.
_SAID_ELSEWHERE = frozenset(
    {"accounts", "autostart", "finding", "format", "notification", "report", "tray"}
)
# Read together with the one screen that says it, so that the first screen need not wait for it.
SAID_LATER = frozenset(
    {"diagnostics", "editors", "help", "learned", "local_keys", "log", "playground", "sides"}
)
_UNKNOWN_LOOK = 'data-theme="system"'
_UNKNOWN_LANGUAGE = 'lang="en"'


class Pages:
    """`folder` is `ui/`."""

    def __init__(self, folder: Path | None = None) -> None:
        root = (folder or resources.ui()).resolve()
        self._files = {
            path.relative_to(root).as_posix(): path
            for path in sorted(root.rglob("*"))
            if path.suffix in TYPES and path.is_file() and path.resolve().is_relative_to(root)
        }

    def file(self, name: str) -> web.Response:
        """The file `name` below `ui/`. Raises HTTPNotFound."""
        path = self._files.get(name)
        if path is None:
            raise web.HTTPNotFound
        return web.Response(body=path.read_bytes(), content_type=TYPES[path.suffix])

    def index(self, state: State) -> web.Response:
        """The page itself, already in the right colours and language."""
        path = self._files.get(INDEX)
        if path is None:
            raise web.HTTPNotFound
        text = path.read_text(encoding="utf-8")
        text = text.replace(_UNKNOWN_LOOK, f'data-theme="{look(state)}"', 1)
        text = text.replace(_UNKNOWN_LANGUAGE, f'lang="{state.language}"', 1)
        return web.Response(text=text, content_type="text/html")


def look(state: State) -> str:
    """`light`, `dark`, or `system` where only the web engine may know."""
    theme = state.settings.theme
    if theme != "system" or state.app.dark is None:
        return theme
    return "dark" if state.app.dark else "light"


def sentences(state: State) -> Mapping[str, Any]:
    """What the page says at once, in the chosen language, English where it has none."""
    tree = strings.words(state.language).tree
    left_out = _SAID_ELSEWHERE | SAID_LATER
    return {name: part for name, part in tree.items() if name not in left_out}


def later(state: State, part: str) -> Mapping[str, Any]:
    """The sentences of one screen, as `{part: …}`. Raises HTTPNotFound."""
    if part not in SAID_LATER:
        raise web.HTTPNotFound
    return {part: strings.words(state.language).tree[part]}
