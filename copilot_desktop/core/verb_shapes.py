"""What each verb accepts, checked strictly: an unknown word or a value of another type is refused.

Read with the first verb and not with the start: pydantic costs a quarter of the CPU that a start
takes, and a service without a window may never be told anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from copilot_desktop.core.key_shapes import GivenLimits, KeyName
from copilot_desktop.proxy.origins import LONGEST


class Arguments(BaseModel):
    """No arguments, and the strictness of all others."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Host(Arguments):
    host: str | None = Field(default=None, max_length=253)


class OneAccount(Arguments):
    host: str = Field(min_length=1, max_length=253)
    id: int = Field(ge=0)


class Port(Arguments):
    port: int = Field(ge=1, le=65_535)


class Store(Arguments):
    kind: Literal["keyring", "file", "memory"]


class Patch(Arguments):
    patch: dict[str, Any] = Field(min_length=1, max_length=40)


class Link(Arguments):
    id: Literal[
        "device_page",
        "copilot_plans",
        "copilot_settings",
        "github_status",
        "account_problem",
        "downloads",
    ]


class Screen(Arguments):
    screen: str | None = Field(default=None, pattern=r"^[a-z_]{1,32}$")


class Origin(Arguments):
    origin: str = Field(min_length=1, max_length=LONGEST)


class Decision(Arguments):
    id: int = Field(ge=1)
    choice: Literal["once", "ten_minutes", "always", "deny"]


class Terms(Arguments):
    id: str = Field(min_length=1, max_length=200)
    terms_shown: str = Field(pattern=r"^[0-9a-f]{64}$")


class Choice(Arguments):
    choice: Literal["hide", "quit", "cancel"]
    remember: bool = False


class OneRequest(Arguments):
    id: int = Field(ge=1)


class Play(Arguments):
    """One request of the playground."""

    dialect: Literal["chat", "responses", "messages", "ollama"]
    model: str = Field(min_length=1, max_length=200)
    text: str = Field(min_length=1, max_length=16_000)
    system: str = Field(default="", max_length=16_000)
    stream: bool = True
    max_tokens: int | None = Field(default=None, ge=1, le=1_000_000)
    effort: str | None = Field(default=None, pattern=r"^[a-z]{1,16}$")


class OneModel(Arguments):
    """Without a model: all of them."""

    model: str | None = Field(default=None, min_length=1, max_length=200)


class History(Arguments):
    days: int = Field(default=30, ge=1, le=90)
    by: Literal["client", "model", "day"] = "client"


class Reset(Arguments):
    """What people have to type, so that a slip deletes nothing."""

    word: Literal["RESET"]


class Report(Arguments):
    id: str = Field(pattern=r"^[0-9a-f]{16}$")


class Switch(Arguments):
    on: bool


class OneKey(Arguments):
    name: str = Field(min_length=1, max_length=64)


class NewKey(Arguments):
    name: KeyName
    limits: GivenLimits = GivenLimits()


class KeyRename(OneKey):
    to: KeyName


class LimitedKey(OneKey):
    limits: GivenLimits


class Looking(Arguments):
    """`front`: whether the page has the keyboard; `obeyed`: the wish that it has followed."""

    screen: str | None = Field(default=None, pattern=r"^[a-z_]{1,32}$")
    front: bool
    obeyed: int | None = Field(default=None, ge=1)


class Ending(Arguments):
    """`ask`: not while requests are in progress, unless the user says so."""

    ask: bool = False


_EDITOR = Field(pattern=r"^[a-z0-9-]{1,40}$")
_DIGEST = r"^[0-9a-f]{64}$"
_CHOSEN = Annotated[
    dict[Annotated[str, Field(max_length=40)], Annotated[str, Field(max_length=200)]],
    Field(max_length=12),
]


class OneEditor(Arguments):
    id: str = _EDITOR


class EditorChoice(Arguments):
    """`chosen`: role to model; what is missing stays as it was chosen before."""

    id: str = _EDITOR
    chosen: _CHOSEN = Field(default_factory=dict)


class EditorWrite(EditorChoice):
    """`digest` stands for what was shown."""

    digest: str = Field(pattern=_DIGEST)


class EditorUndo(Arguments):
    id: str = _EDITOR
    digest: str | None = Field(default=None, pattern=_DIGEST)


class EditorCopy(Arguments):
    id: str = _EDITOR
    what: Literal["openai", "anthropic", "key", "model", "lines"]


class ShellName(Arguments):
    shell: Literal["bash", "fish", "powershell", "cmd"]


SHAPES: Mapping[str, type[Arguments]] = {
    "sign_in": Host,
    "cancel_sign_in": Arguments,
    "sign_out": Arguments,
    "use_account": OneAccount,
    "remove_account": OneAccount,
    "check_account": Arguments,
    "choose_store": Store,
    "start_proxy": Arguments,
    "stop_proxy": Arguments,
    "use_port": Port,
    "try_port": Port,
    "resume_sending": Arguments,
    "decide": Decision,
    "start_recording": Arguments,
    "stop_recording": Arguments,
    "contents": OneRequest,
    "clear_requests": Arguments,
    "export_requests": Arguments,
    "play": Play,
    "stop_playing": Arguments,
    "refresh_models": Arguments,
    "enable_model": Terms,
    "forget_lessons": OneModel,
    "refresh_quota": Arguments,
    "usage_history": History,
    "clear_history": Arguments,
    "update_settings": Patch,
    "choose_certificates": Arguments,
    "remove_certificates": Arguments,
    "reset_everything": Reset,
    "look_for_updates": Arguments,
    "diagnose": Arguments,
    "test_connection": Arguments,
    "report": Arguments,
    "save_report": Report,
    "allow_origin": Origin,
    "ignore_origin": Origin,
    "reveal_key": Arguments,
    "new_key": Arguments,
    "make_key": NewKey,
    "rename_key": KeyRename,
    "limit_key": LimitedKey,
    "revoke_key": OneKey,
    "look_for_editors": Arguments,
    "preview_editor": EditorChoice,
    "connect_editor": EditorWrite,
    "preview_undo": OneEditor,
    "undo_editor": EditorUndo,
    "leave_editor": OneEditor,
    "update_editors": Arguments,
    "undo_editors": Arguments,
    "test_editor": OneEditor,
    "launch_editor": EditorChoice,
    "copy_editor": EditorCopy,
    "copy_shell": ShellName,
    "open_editor_backups": Arguments,
    "open_link": Link,
    "start_at_login": Switch,
    "look_at_login": Arguments,
    "open_login_settings": Arguments,
    "looking": Looking,
    "show_window": Screen,
    "hide_window": Arguments,
    "close_choice": Choice,
    "accept_notice": Arguments,
    "forget_fault": Arguments,
    "open_logs": Arguments,
    "open_folder": Arguments,
    "quit": Ending,
}
NAMES = tuple(SHAPES)


def checked(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """`arguments` of the verb `name` with its defaults. Raises KeyError for an unknown verb and
    ValueError for what it does not accept."""
    return SHAPES[name].model_validate(dict(arguments)).model_dump()
