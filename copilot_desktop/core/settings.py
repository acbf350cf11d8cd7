"""What the user can choose, as one frozen value, and where each choice came from.

Each setting can be given four ways; the first one wins: a flag, the environment variable
`COPILOT_DESKTOP_<NAME>`, the settings file, the default. A bad flag or variable stops the start
with one sentence that names it. This module knows values and their limits, not the file (see
`settings_file`) and not what a setting does.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from copilot_desktop.errors import BadSetting
from copilot_desktop.proxy.origins import plain_origin
from copilot_desktop.upstream import outgoing
from copilot_desktop.upstream.identity import Identity
from copilot_desktop.upstream.outgoing import Way

PREFIX = "COPILOT_DESKTOP_"
Source = Literal["default", "file", "environment", "flag"]


def _host(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value.strip("[]")))
    except ValueError:
        if value.lower() == "localhost":
            return "127.0.0.1"
        raise ValueError("give an IP address, such as 127.0.0.1") from None


def _key(value: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]{4,256}", value):
        raise ValueError("give 4 to 256 characters without spaces")
    return value


def _origin(value: str) -> str:
    if (origin := plain_origin(value)) is None:
        raise ValueError("give origins such as https://editor.example")
    return origin


def _proxy(value: str) -> str:
    """`system`, `none` or the address of a proxy, in one spelling."""
    text = value.strip()
    if text.lower() in {outgoing.SYSTEM, outgoing.NONE}:
        return text.lower()
    found = urlsplit(text if "://" in text else f"http://{text}")
    try:
        usual = {"http": 80, "https": 443}[found.scheme]
        port = found.port or usual
    except (ValueError, KeyError):
        raise ValueError("give an http or https address such as proxy.example:3128") from None
    plain = not (found.path.strip("/") or found.query or found.fragment)
    if not plain or not re.fullmatch(r"[\x21-\x7e]+", text) or not found.hostname:
        raise ValueError("give an address such as proxy.example:3128, with its password if needed")
    named = found.netloc.rpartition("@")[0]
    host = f"[{found.hostname}]" if ":" in found.hostname else found.hostname
    return f"{found.scheme}://{named}{'@' if named else ''}{host}:{port}"


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _listed(value: object) -> object:
    """`a, b` as an environment variable can hold it."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _paired(value: object) -> object:
    """`fast=gpt-4.1-mini, best=claude-opus-4.5` as an environment variable can hold it."""
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in value.split(",") if part.strip()]
    if any(not sign for _, sign, _ in pairs):
        raise ValueError("give pairs such as fast=gpt-4.1")
    return {name.strip(): target.strip() for name, _, target in pairs}


Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Lowered = BeforeValidator(_lower)
Amount = Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)]
ClientName = Annotated[str, Field(min_length=1, max_length=64)]
Notification = Literal[
    "hidden", "crashed", "port_login", "signin", "low", "exhausted", "overage", "reset",
    "approval", "paused", "budget_low", "budget_spent", "update",
]  # fmt: skip
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]{1,80}$")]
DEFAULTS = Identity()


class Settings(BaseModel):
    """Times are in seconds. `None` means: decided from the circumstances."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    # Where GitHub and Copilot are. The first is a host name, the others are base URLs.
    github_host: str = Field(default="github.com", pattern=r"^[a-z0-9.-]{1,253}$")
    github_url: str | None = None
    github_api_url: str | None = None
    copilot_url: str | None = None
    # How the app introduces itself (`upstream.identity`); Copilot refuses old versions.
    client_id: Name = DEFAULTS.client_id
    editor_version: Name = DEFAULTS.editor_version
    plugin_version: Name = DEFAULTS.plugin_version
    api_version: Name = DEFAULTS.copilot_api_version
    # Send the GitHub token itself to Copilot, for tokens that cannot be exchanged.
    direct_token: bool = False
    # What is kept, and where. `data_dir` None: the system's place for this app.
    data_dir: Path | None = None
    token_store: Annotated[Literal["keyring", "file", "memory"], Lowered] = "keyring"  # noqa: S105
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Lowered] = "info"
    # Who may talk to the proxy, and how.
    host: Annotated[str, AfterValidator(_host)] = "127.0.0.1"
    port: int = Field(default=4141, ge=0, le=65_535)
    api_key: Annotated[str, AfterValidator(_key)] | None = Field(default=None, repr=False)
    require_key: bool | None = None
    allowed_origins: Annotated[
        tuple[Annotated[str, AfterValidator(_origin)], ...], BeforeValidator(_listed)
    ] = ()
    auth_mode: Annotated[Literal["managed", "passthrough"], Lowered] = "managed"
    # How GitHub is reached (`upstream.outgoing`); an address may hold a password.
    outgoing_proxy: Annotated[str, AfterValidator(_proxy)] = Field(default="system", repr=False)
    extra_ca: Path | None = None
    headers_timeout: Seconds = 600.0
    idle_timeout: Seconds = 300.0
    github_timeout: Seconds = 15.0
    client_timeout: Seconds = 30.0
    max_body_mb: float = Field(default=32, gt=0, le=1024, allow_inf_nan=False)
    # How much is sent at once, how densely, and who is asked first (`proxy.brakes`).
    max_concurrent: int = Field(default=4, ge=1, le=1024)
    min_pause: float = Field(default=0.0, ge=0, le=300, allow_inf_nan=False)
    approval: Annotated[Literal["off", "ask"], Lowered] = "off"
    approved_clients: Annotated[tuple[ClientName, ...], BeforeValidator(_listed)] = ()
    # How much this app may use before it warns or stops (`core.budget`); None: as much as you like.
    budget_credits: Amount | None = None
    budget_requests: Amount | None = None
    budget_period: Annotated[Literal["day", "month"], Lowered] = "month"
    budget_action: Annotated[Literal["warn", "stop"], Lowered] = "warn"
    history_days: int = Field(default=90, ge=31, le=90)
    # Models.
    default_model: str | None = Field(default=None, min_length=1, max_length=200)
    aliases: Annotated[dict[str, str], BeforeValidator(_paired)] = Field(default_factory=dict)
    show_hidden_models: bool = False
    # Refuse what would be left out or changed noticeably on the way to another format.
    strict_translation: bool = False
    # Window and tray.
    start_proxy: bool | Annotated[Literal["last"], Lowered] = True
    start_hidden: bool = False
    # Give up the page of a hidden window (GTK only).
    free_memory: bool = False
    on_close: Annotated[Literal["ask", "hide", "quit"], Lowered] = "ask"
    theme: Annotated[Literal["system", "light", "dark"], Lowered] = "system"
    text_size: int = Field(default=100, ge=90, le=140)
    language: str = Field(default="system", pattern=r"^[A-Za-z_-]{2,12}$")
    copy_code: bool = True
    hide_name: bool = False
    usage_shows: Annotated[Literal["used", "left"], Lowered] = "used"
    alert_low: int = Field(default=75, ge=1, le=100)
    alert_high: int = Field(default=90, ge=1, le=100)
    # Ids of `core.alerts` that are not shown.
    notifications_off: Annotated[tuple[Notification, ...], BeforeValidator(_listed)] = (
        "reset",
        "update",
    )
    # Ask the releases page once a week (`core.updates`).
    look_for_updates: bool = False
    notice_accepted: bool = False

    @property
    def identity(self) -> Identity:
        """How the app introduces itself to GitHub and Copilot."""
        return Identity(
            client_id=self.client_id,
            editor_version=self.editor_version,
            plugin_version=self.plugin_version,
            user_agent=self.plugin_version.replace("copilot-chat/", "GitHubCopilotChat/"),
            copilot_api_version=self.api_version,
        )

    @property
    def way(self) -> Way:
        """How GitHub is reached."""
        return Way(self.outgoing_proxy, self.extra_ca.expanduser() if self.extra_ca else None)

    @property
    def open_to_network(self) -> bool:
        """Whether other computers could reach the proxy."""
        return not ipaddress.ip_address(self.host).is_loopback

    @property
    def key_wanted(self) -> bool | None:
        """Whether clients must send the local key; None: only where several people log in."""
        if self.open_to_network or self.api_key is not None:
            return True
        return self.require_key


NAMES: tuple[str, ...] = tuple(Settings.model_fields)

# What the page may change. The rest decides where secrets go, so a page never touches it.
CHANGEABLE = frozenset(NAMES) - {
    "github_url",
    "github_api_url",
    "copilot_url",
    "github_host",
    "data_dir",
    "extra_ca",  # `core.certificates`
    "api_key",
    "token_store",
    "client_id",
    "editor_version",
    "plugin_version",
    "api_version",
    "direct_token",
}
# Changing one of these means that the proxy has to be told.
PROXY_NAMES = frozenset(
    {
        "host",
        "port",
        "api_key",
        "require_key",
        "allowed_origins",
        "auth_mode",
        "client_timeout",
        "max_body_mb",
        "default_model",
        "aliases",
        "show_hidden_models",
        "strict_translation",
    }
)
# Changing one of these means that the connections to GitHub have to be told.
OUTGOING_NAMES = frozenset({"outgoing_proxy", "extra_ca"})
# Changing one of these means that the brakes have to be told.
BRAKE_NAMES = frozenset({"max_concurrent", "min_pause", "approval", "approved_clients"})
# Never guessed when the file holds nonsense: these decide who may talk to the proxy.
GUARDING = frozenset({"host", "api_key", "require_key", "allowed_origins", "auth_mode", "approval"})


@dataclass(frozen=True, slots=True)
class Preferences:
    """The settings in force and the layers they came from.

    `stored` is what belongs into the settings file, `fixed` what flags and environment decided for
    this run. `path` is the file, None where nothing is kept (embedding, tests). `dropped` names the
    values in the file that could not be used.
    """

    settings: Settings
    sources: Mapping[str, Source]
    stored: Mapping[str, Any] = field(default_factory=dict, repr=False)
    fixed: Mapping[str, Any] = field(default_factory=dict, repr=False)
    fixed_by: Mapping[str, Source] = field(default_factory=dict)
    path: Path | None = None
    dropped: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: Settings, path: Path | None = None) -> Preferences:
        """As if the values that were given to `settings` stood in the file."""
        return _combined(settings.model_dump(exclude_unset=True), {}, {}, path)

    def with_flags(self, **values: Any) -> Preferences:
        """The same with `values` as if they had been flags of this run: in force, never kept."""
        checked = {name: _check(name, value, flag_name) for name, value in values.items()}
        by: dict[str, Source] = dict.fromkeys(checked, "flag")
        fixed, fixed_by = {**self.fixed, **checked}, {**self.fixed_by, **by}
        return _combined(self.stored, fixed, fixed_by, self.path)

    def changed(self, patch: Mapping[str, Any]) -> Preferences:
        """The same with `patch` in the file's layer; a value of None means: the default again.

        Raises BadSetting for a bad value, an unknown name, or one that flag or environment fixes.
        """
        for name in patch:
            if name not in NAMES:
                raise bad(name, "there is no such setting")
            if name in self.fixed_by:
                raise bad(name, f"it is set by {spoken(name, self.fixed_by[name])}")
        stored = {**self.stored, **patch}
        for name in patch:
            if patch[name] is None:
                del stored[name]
            else:
                _check(name, patch[name], str.lower)
        return _combined(stored, self.fixed, self.fixed_by, self.path)


def resolve(
    flags: Mapping[str, Any],
    environ: Mapping[str, str],
    stored: Mapping[str, Any],
    path: Path | None,
) -> Preferences:
    """The settings in force. A flag that is None was not given; an empty variable is not set."""
    fixed: dict[str, Any] = {}
    fixed_by: dict[str, Source] = {}
    for name in NAMES:
        if flags.get(name) is not None:
            fixed[name], fixed_by[name] = _check(name, flags[name], flag_name), "flag"
        elif value := environ.get(variable(name), "").strip():
            fixed[name], fixed_by[name] = _check(name, value, variable), "environment"
    return _combined(stored, fixed, fixed_by, path)


def variable(name: str) -> str:
    """`port` -> `COPILOT_DESKTOP_PORT`."""
    return PREFIX + name.upper()


def flag_name(name: str) -> str:
    """`token_store` -> `--token-store`."""
    return "--" + name.replace("_", "-")


def spoken(name: str, source: Source) -> str:
    """How a person would find where a setting was made."""
    return {"flag": flag_name(name), "environment": variable(name)}.get(source, name)


def bad(name: str, reason: str) -> BadSetting:
    return BadSetting(fields={"name": name, "reason": reason})


def _check(name: str, value: object, label: Callable[[str], str]) -> Any:
    """One value, as its setting wants it. Raises BadSetting under the name people used."""
    try:
        return getattr(Settings.model_validate({name: value}), name)
    except ValidationError as error:
        raise bad(label(name), _reason(error)) from None


def _combined(
    stored: Mapping[str, Any],
    fixed: Mapping[str, Any],
    fixed_by: Mapping[str, Source],
    path: Path | None,
) -> Preferences:
    values: dict[str, Any] = {}
    dropped: list[str] = []
    sources: dict[str, Source] = dict.fromkeys(NAMES, "default")
    for name in NAMES:
        if name in fixed:
            values[name], sources[name] = fixed[name], fixed_by[name]
        elif name in stored:
            try:
                values[name] = _check(name, stored[name], str.lower)
                sources[name] = "file"
            except BadSetting as problem:
                if name in GUARDING:
                    where = "the settings" if path is None else str(path)
                    raise bad(f"{name} in {where}", problem.fields["reason"]) from None
                dropped.append(name)
    settings = Settings.model_validate(values)
    _check_door(settings, sources)
    return Preferences(settings, sources, dict(stored), fixed, fixed_by, path, tuple(dropped))


def _check_door(settings: Settings, sources: Mapping[str, Source]) -> None:
    """`security-rules.md` 1: other computers only with a key that was asked for."""
    if settings.open_to_network and settings.api_key is None and not settings.require_key:
        raise bad(
            spoken("host", sources["host"]),
            f"{settings.host} lets other computers in, which needs a key: "
            f"set {variable('API_KEY')} or turn on require_key",
        )


def _reason(error: ValidationError) -> str:
    """pydantic's first complaint in words; never the value, which may be a key."""
    first = error.errors(include_input=False, include_url=False)[0]
    limits = first.get("ctx", {})
    match str(first["type"]):
        case "value_error":
            return str(first["msg"]).removeprefix("Value error, ")
        case "literal_error":
            return f"give {limits['expected']}"
        case "int_parsing" | "int_type" | "int_from_float":
            return "give a whole number"
        case "float_parsing" | "float_type" | "finite_number":
            return "give a number"
        case "bool_parsing" | "bool_type":
            return "give true or false"
        case "greater_than":
            return f"give a number above {limits['gt']:g}"
        case "greater_than_equal":
            return f"give a number from {limits['ge']:g}"
        case "less_than_equal":
            return f"give a number up to {limits['le']:g}"
        case _:
            return "its form is not right"
