"""Make the pages in this folder from the integrations: `.venv/bin/python docs/editors/make.py`.

A test compares them with what this would write, so a page never tells of another file than the one
that is written. Paths are those of a home folder without any variable that moves a tool's folder.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from copilot_desktop import strings
from copilot_desktop.canonical import Effort
from copilot_desktop.integrations.edits import Block, Edit, Item, Place
from copilot_desktop.integrations.tool import Link, Machine, Os, Tool
from copilot_desktop.integrations.tools.registry import ALL
from copilot_desktop.model import Model

HERE = Path(__file__).resolve().parent
SYSTEMS: dict[Os, str] = {"linux": "Linux", "macos": "macOS", "windows": "Windows"}
HOME = Path("/~")
MODEL = Model("gpt-9", "GPT-9", efforts=(Effort.LOW, Effort.HIGH), vision=True)
WAYS = {
    "automatic": "Connected by the app",
    "by_hand": "By hand",
    "impossible": "Not possible",
}
COPIED = {
    "openai": "`http://127.0.0.1:4141/v1`",
    "anthropic": "`http://127.0.0.1:4141`",
    "key": "the key; any word if the proxy asks for none",
    "model": "the ID of a model, such as `gpt-4.1`",
}


def pages() -> dict[str, str]:
    """Every page by the name of its file."""
    return {"README.md": index(), **{f"{tool.id}.md": page(tool) for tool in ALL}}


def index() -> str:
    lines = [
        "# Editors and agents",
        "",
        *_paragraphs(
            "What each of them is told, where that is written, and how it is taken back. These "
            "pages are made from the app's own descriptions."
        ),
        *(line for way in WAYS for line in _group(way)),
        *_paragraphs(
            "For all of them:",
            "- A change is shown before it is written. Every file is copied first; the copies are "
            "in the folder `editors/backups` of the app's data, the newest five of each file.",
            "- Only the values on a tool's page are touched, comments and all else stay. A file "
            "that cannot be read, or not be kept as it is, is not touched at all.",
            "- Undo brings back what stood there before, value by value. What was changed since "
            "stays as it is.",
            "- The key is the proxy's own. No sign-in of GitHub's is ever written anywhere.",
        ),
    ]
    return _joined(lines)


def _group(way: str) -> Iterator[str]:
    yield from (f"## {WAYS[way]}", "")
    yield from (f"- [{tool.name}]({tool.id}.md)" for tool in ALL if tool.way == way)
    yield ""


def page(tool: Tool) -> str:
    note = f"editors.note.{tool.id}"
    lines = [f"# {tool.name}", ""]
    if tool.way == "impossible":
        lines += _paragraphs(strings.text("editors.why.impossible", name=tool.name))
    if strings.words().has(note):
        lines += _paragraphs(strings.text(note))
    if tool.way == "automatic":
        lines += [*_connecting(tool), *_written(tool), *_afterwards(tool)]
    elif tool.steps:
        lines += ["## Steps", "", *_steps(tool), ""]
    if tool.launch is not None:
        lines += ["## Without a file", "", f"    copilot-desktop run {tool.id}", ""]
        lines += _paragraphs("starts it with the right settings for this once.")
    lines += _paragraphs(f"The facts on this page come from: {tool.source}.")
    return _joined(lines)


def _connecting(tool: Tool) -> Iterator[str]:
    yield from _paragraphs("In the app: Editors, Connect. In a terminal:")
    yield from (f"    copilot-desktop connect {tool.id}", "")
    if tool.roles:
        yield from _paragraphs("It asks for:")
        yield from (f"- {strings.text(f'editors.role.{role.name}')} (`{role.name}`)"
                    for role in tool.roles)  # fmt: skip
        yield ""


def _written(tool: Tool) -> Iterator[str]:
    yield from ("## What is written", "")
    found = {system: _by_file(tool, system) for system in SYSTEMS}
    for number, file in enumerate(found["linux"]):
        others = {system: [*found[system]][number] for system in SYSTEMS}
        yield from _places_of_file(others)
        yield from (f"- {told}" for told in found["linux"][file])
        yield ""
    for file in [*found["windows"]][len(found["linux"]) :]:
        yield from _paragraphs(f"On Windows the same in `{file}`.")


def _places_of_file(of: dict[Os, str]) -> list[str]:
    if len(set(of.values())) == 1:
        return _paragraphs(f"In `{of['linux']}`:")
    listed = []
    for file in dict.fromkeys(of.values()):
        systems = ", ".join(SYSTEMS[system] for system in of if of[system] == file)
        listed.append(f"`{file}` ({systems})")
    return _paragraphs(f"In {' or '.join(listed)}:")


def _by_file(tool: Tool, system: Os) -> dict[str, list[str]]:
    """What is told about each file, by its path."""
    chosen = {role.name: MODEL.id for role in tool.roles}
    link = Link("http://127.0.0.1:4141", "the-key", (MODEL,), chosen)
    found: dict[str, list[str]] = {}
    for edit in tool.edits(Machine(system, HOME, has=lambda _: False), link):
        told = _told(edit)
        lines = found.setdefault(_path(edit.file), [])
        if told not in lines:
            lines.append(told)
    return found


def _told(edit: Edit) -> str:
    if isinstance(edit, Block):
        names = ", ".join(f"`{line.split('=')[0].split(' ')[-1]}`" for line in _named(edit))
        return f"lines between two comments that say `copilot-desktop: {edit.name}`" + (
            f": {names}" if names else ""
        )
    place = f"`{_spoken(edit.place)}`"
    if edit.gently:
        return f"{place}, if there is none"
    if isinstance(edit.place[-1], Item):
        return f"the entry {place}" + _inside(edit.value)
    return place + (_inside(edit.value) if isinstance(edit.value, dict) else "")


def _named(block: Block) -> Iterable[str]:
    """The lines that set a variable."""
    for line in block.lines:
        if "$env:" in line:
            yield line.split(" ")[0].removeprefix("$env:")
        elif line.startswith("export "):
            yield line
        elif line.startswith("set -gx "):
            yield line.split(" ")[2]


def _inside(value: object) -> str:
    assert isinstance(value, dict)
    return " with " + ", ".join(f"`{key}`" for key in value)


def _spoken(place: Place) -> str:
    words = ""
    for step in place:
        if isinstance(step, Item):
            words += f"[{step.key} = {step.value.replace(MODEL.name, '…').replace(MODEL.id, '…')}]"
        else:
            quoted = f'"{step}"' if "." in step or " " in step else step
            words += f".{quoted}" if words else quoted
    return words.replace(MODEL.id, "…")


def _path(file: Path) -> str:
    return "~/" + file.relative_to(HOME).as_posix()


def _afterwards(tool: Tool) -> Iterator[str]:
    key = "restart" if tool.after == "restart" else "new_session"
    yield from ("## Afterwards", "")
    yield from _paragraphs(strings.text(f"editors.connect.{key}", name=tool.name))
    if tool.steps:
        yield from (*_steps(tool), "")
    if tool.overrides:
        names = ", ".join(f"`{name}`" for name in tool.overrides)
        yield from _paragraphs(f"These variables win over the file: {names}.")
    yield from ("Undo: in the app, or", "", f"    copilot-desktop disconnect {tool.id}", "")


def _steps(tool: Tool) -> Iterator[str]:
    for number, step in enumerate(tool.steps, 1):
        said = strings.text(f"editors.steps.{tool.id}.{step.text}")
        yield f"{number}. {said}" + (f" ({COPIED[step.copy]})" if step.copy else "")


def _paragraphs(*texts: str) -> list[str]:
    """Each text and an empty line after the last; points of a list stay together."""
    lines: list[str] = []
    for text in texts:
        if lines and not text.startswith("- "):
            lines.append("")
        if lines and text.startswith("- ") and not lines[-1].startswith("- "):
            lines.append("")
        lines.append(text)
    return [*lines, ""]


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(lines).rstrip("\n") + "\n"


def main() -> None:
    wanted = pages()
    for old in HERE.glob("*.md"):
        if old.name not in wanted:
            old.unlink()
    for name, text in wanted.items():
        (HERE / name).write_text(text, encoding="utf-8")
    sys.stdout.write(f"{len(wanted)} pages are in {HERE}\n")


if __name__ == "__main__":
    main()
