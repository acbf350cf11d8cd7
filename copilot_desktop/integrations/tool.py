"""What an integration is: a tool described by values and pure functions.

Tools that can be set up by a file have `edits`; tools that can be started with the right variables
have `launch`; tools that can only be set up in their own window have `steps`. The texts that people
read are names of strings (`ui/strings`), so a tool module holds no sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from os.path import exists
from pathlib import Path
from typing import Literal

from copilot_desktop.integrations.edits import Edit, Extra
from copilot_desktop.model import Model

Os = Literal["linux", "macos", "windows"]
_SYSTEMS: Mapping[str, Os] = {"Linux": "linux", "macOS": "macos", "Windows": "windows"}


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a person's files are. A value, so that every system can be tested on every other.

    `has` is for tools that read one of several files: whether it is there.
    """

    os: Os
    home: Path
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    has: Callable[[Path], bool] = field(default=exists, repr=False, compare=False)

    @classmethod
    def of(cls, system: str, home: Path, env: Mapping[str, str]) -> Machine:
        """`system` by its name for people, as `System.name` has it."""
        return cls(_SYSTEMS.get(system, "linux"), home, env)

    def folder(self, variable: str, *otherwise: str) -> Path:
        """The folder that an environment variable names, else one below the home folder."""
        named = self.env.get(variable, "")
        return Path(named) if named else self.home.joinpath(*otherwise)

    @property
    def config(self) -> Path:
        """`~/.config` or what XDG_CONFIG_HOME says, on any system (many tools use it on all)."""
        return self.folder("XDG_CONFIG_HOME", ".config")

    @property
    def app_support(self) -> Path:
        """Where graphical programs keep their settings on this system."""
        match self.os:
            case "windows":
                return self.folder("APPDATA", "AppData", "Roaming")
            case "macos":
                return self.home / "Library" / "Application Support"
            case "linux":
                return self.config


@dataclass(frozen=True, slots=True)
class Role:
    """A model that the user chooses for a tool, by the string `editors.role.<name>`.

    `wish` holds parts of model ids, best first; the first model that matches is offered.
    """

    name: str
    wish: tuple[str, ...] = ()


# For tools that ask one model for everything.
USUAL = Role("main", ("claude-sonnet", "gpt-5", "claude", "gpt-4.1"))


@dataclass(frozen=True, slots=True)
class Link:
    """What a tool is pointed at. `key` is never empty: tools refuse to start without one."""

    address: str  # "http://127.0.0.1:4141", without a slash at the end
    key: str = field(repr=False)
    models: tuple[Model, ...]  # callable chat models, best first
    chosen: Mapping[str, str] = field(default_factory=dict)  # role → model id

    @property
    def openai(self) -> str:
        """The base address that OpenAI clients want."""
        return self.address + "/v1"

    def model(self, role: str) -> Model | None:
        """The model chosen for a role; None where it is gone or was never chosen."""
        wanted = self.chosen.get(role)
        return next((each for each in self.models if each.id == wanted), None)


@dataclass(frozen=True, slots=True)
class Launch:
    """How `run` starts a tool without touching a file: `arguments` come before the user's own.

    `model` chooses the model by the flag `--model`, where the user's own words do not.
    `without` are variables that would win over ours or lead elsewhere; the tool does not get them.
    """

    arguments: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    without: tuple[str, ...] = ()
    model: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Instruction:
    """One thing to do by hand: the string `editors.steps.<tool>.<text>`, and what to copy."""

    text: str
    copy: Literal["", "openai", "anthropic", "key", "model"] = ""


def _nothing(machine: Machine, link: Link) -> tuple[Edit, ...]:
    return ()


def _none(machine: Machine) -> Path | None:
    return None


def _nowhere(machine: Machine) -> tuple[Path, ...]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One editor or agent.

    `programs` are the names of its executable; `proof` are texts of which one must stand in the
    program's real path or its first 4 KiB, where the name alone could be another program.
    `traces` are files or folders that exist only where the tool is (or was) set up.
    `listing`: what is written is a list of models, so without any there is nothing to write.
    `overrides` are environment variables that win over the file; it may hold some itself, in `env`.
    `rejects`: what its JSON files must not hold, since it would not read them at all (`mark`: a
    byte order mark). `hides`: a file of the user's that it reads only as long as ours is not there.
    `after`: when a change is seen: at once by new sessions, or after a restart of the tool.
    `source`: the document or program, with its version or date, that the keys come from.
    """

    id: str
    name: str
    source: str
    way: Literal["automatic", "by_hand", "impossible"] = "automatic"
    programs: tuple[str, ...] = ()
    proof: tuple[str, ...] = ()
    traces: Callable[[Machine], tuple[Path, ...]] = _nowhere
    roles: tuple[Role, ...] = (Role("main"),)
    listing: bool = False
    edits: Callable[[Machine, Link], tuple[Edit, ...]] = _nothing
    launch: Callable[[Machine, Link], Launch] | None = None
    overrides: tuple[str, ...] = ()
    rejects: frozenset[Extra] = frozenset()
    hides: Callable[[Machine], Path | None] = _none
    after: Literal["new_session", "restart"] = "new_session"
    steps: tuple[Instruction, ...] = ()
    dialect: Literal["openai", "anthropic"] = "openai"

    @property
    def needs_models(self) -> bool:
        """Whether it cannot be set up before the list of models is there."""
        return self.listing or bool(self.roles)
