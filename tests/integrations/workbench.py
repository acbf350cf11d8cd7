"""A home folder, two small tools that exist nowhere, and what is needed to connect them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from copilot_desktop.errors import InvalidRequest
from copilot_desktop.integrations.connection import Connection
from copilot_desktop.integrations.edits import Edit, Item, Put
from copilot_desktop.integrations.refusals import Reason
from copilot_desktop.integrations.tool import Link, Machine, Tool
from copilot_desktop.model import Model

KEY = "cd-" + "k" * 39 + "1234"
OTHER_KEY = "cd-" + "z" * 39 + "9876"
MODELS = (Model("claude-sonnet-4.5"), Model("gpt-5-mini"))


def link(port: int = 4141, key: str = KEY, **chosen: str) -> Link:
    return Link(f"http://127.0.0.1:{port}", key, MODELS, chosen or {"main": "gpt-5-mini"})


def pen(file: str = ".pen/settings.json", **more: object) -> Tool:
    """Two values in one file, in a mapping of their own."""

    def edits(machine: Machine, to: Link) -> tuple[Edit, ...]:
        path = machine.home / file
        model = to.model("main")
        return (
            Put(path, "json", ("env", "ADDRESS"), to.address),
            Put(path, "json", ("env", "TOKEN"), to.key, secret=True),
            *((Put(path, "json", ("model",), model.id),) if model else ()),
        )

    return Tool(
        id="pen",
        name="Pen",
        source="made up",
        traces=lambda machine: (machine.home / file,),
        edits=edits,
        overrides=("PEN_ADDRESS",),
        **more,  # type: ignore[arg-type]
    )


def quill(file: str = ".pen/settings.json") -> Tool:
    """A provider with a list of models, as a mapping and an entry of a list."""

    def edits(machine: Machine, to: Link) -> tuple[Edit, ...]:
        path = machine.home / file
        provider = {"url": to.openai, "key": to.key, "models": [m.id for m in to.models]}
        entry = {"name": "ours", "url": to.openai}
        return (
            Put(path, "json", ("providers", "ours"), provider, hidden=("key",)),
            Put(path, "json", ("list", Item("name", "ours")), entry),
        )

    traces = lambda machine: (machine.home / file,)  # noqa: E731
    return Tool(id="quill", name="Quill", source="made up", traces=traces, edits=edits)


def pair() -> Tool:
    """One value in each of two files, of which the second is in another folder."""

    def edits(machine: Machine, to: Link) -> tuple[Edit, ...]:
        first, second = machine.home / "a.json", machine.home / "deep" / "down" / "b.toml"
        return (
            Put(first, "json", ("url",), to.address),
            Put(second, "toml", ("top", "url"), to.address),
        )

    traces = lambda machine: (machine.home / "a.json",)  # noqa: E731
    return Tool(id="pair", name="Pair", source="made up", traces=traces, edits=edits)


class Bench:
    """A machine with an empty home, and the engine on it."""

    def __init__(self, folder: Path, env: Mapping[str, str] | None = None) -> None:
        self.home = folder / "home"
        self.home.mkdir(exist_ok=True)
        self.folder = folder / "ours" / "editors"
        self.machine = Machine("linux", self.home, env or {})
        self.connection = Connection(self.machine, self.folder, clock=lambda: 1_000.0)

    def write(self, path: str, content: str | bytes) -> Path:
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def connect(self, tool: Tool, to: Link | None = None) -> None:
        to = to or link()
        self.connection.write(tool, to, self.connection.preview(tool, to).digest)

    def state(self, tool: Tool, to: Link | None = None) -> str:
        return self.connection.check(tool, to or link()).state

    def backups(self) -> list[str]:
        return sorted(each.name for each in self.connection.backups.glob("*"))

    def everything(self) -> dict[str, bytes | str]:
        """All that is in the home folder; links by where they lead."""
        return dict(_content(self.home))


def _content(home: Path) -> Iterator[tuple[str, bytes | str]]:
    for each in sorted(home.rglob("*")):
        name = each.relative_to(home).as_posix()
        if each.is_symlink():
            yield name, f"-> {each.readlink()}"
        elif each.is_file():
            yield name, each.read_bytes()
        else:
            yield name, "special or folder"


def reason_of(error: InvalidRequest) -> Reason:
    return error.fields["reason"]  # type: ignore[return-value]
