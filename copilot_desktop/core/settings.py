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
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from copilot_desktop.core import forms
from copilot_desktop.core.forms import Form
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


def _github_host(value: str) -> str:
    """As people copy it from a browser."""
    host = value.strip().lower().removeprefix("https://").rstrip("/")
    if not re.fullmatch(r"[a-z0-9.-]{1,253}", host):
        raise ValueError("give a name such as acme.ghe.com")
    return host


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
    try:
        found = urlsplit(text if "://" in text else f"http://{text}")
        usual = {"http": 80, "https": 443}[found.scheme]
        port = found.port or usual
        (found.hostname or "").encode("idna")  # as it will be looked up
    except (ValueError, KeyError):
        raise ValueError("give an http or https address such as proxy.example:3128") from None
    plain = not (found.path.strip("/") or found.query or found.fragment)
    if not plain or not re.fullmatch(r"[\x21-\x7e]+", text) or not found.hostname:
        raise ValueError("give an address such as proxy.example:3128, with its password if needed")
    named = found.netloc.rpartition("@")[0]
    host = f"[{found.hostname}]" if ":" in found.hostname else found.hostname
    return f"{found.scheme}://{named}{'@' if named else ''}{host}:{port}"


Notification = Literal[
    "hidden", "crashed", "port_login", "signin", "low", "exhausted", "overage", "reset",
    "approval", "paused", "budget_low", "budget_spent", "update",
]  # fmt: skip
DEFAULTS = Identity()
_URL = forms.maybe(forms.text())
_NAME = forms.text(r"[A-Za-z0-9._/-]{1,80}")
_SECONDS = forms.number(86_400)
_AMOUNT = forms.maybe(forms.number(100_000))
_SWITCH = forms.switch()
_PATH = forms.maybe(forms.path())
_MODEL = forms.maybe(forms.text(longest=200))
_PERCENT = forms.whole(1, 100)


def _setting(default: Any, form: Form, *, shown: bool = True) -> Any:
    """`shown` false: it may hold a secret."""
    return field(default=default, metadata={"form": form}, repr=shown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Times are in seconds. `None` means: decided from the circumstances. Raises BadSetting."""

    # Where GitHub and Copilot are. The first is a host name, the others are base URLs.
    github_host: str = _setting("github.com", forms.made(_github_host))
    github_url: str | None = _setting(None, _URL)
    github_api_url: str | None = _setting(None, _URL)
    copilot_url: str | None = _setting(None, _URL)
    # How the app introduces itself (`upstream.identity`); Copilot refuses old versions.
    client_id: str = _setting(DEFAULTS.client_id, _NAME)
    editor_version: str = _setting(DEFAULTS.editor_version, _NAME)
    plugin_version: str = _setting(DEFAULTS.plugin_version, _NAME)
    api_version: str = _setting(DEFAULTS.copilot_api_version, _NAME)
    # Send the GitHub token itself to Copilot, for tokens that cannot be exchanged.
    direct_token: bool = _setting(False, _SWITCH)
    # What is kept, and where. `data_dir` None: the system's place for this app.
    data_dir: Path | None = _setting(None, _PATH)  # noqa: RUF009
    token_store: Literal["keyring", "file", "memory"] = _setting(
        "keyring", forms.one_of("keyring", "file", "memory")
    )
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "info", forms.one_of("debug", "info", "warning", "error")
    )
    # Who may talk to the proxy, and how.
    host: str = _setting("127.0.0.1", forms.made(_host))
    port: int = _setting(4141, forms.whole(0, 65_535))
    api_key: str | None = _setting(None, forms.maybe(forms.made(_key)), shown=False)
    require_key: bool | None = _setting(None, forms.maybe(_SWITCH))
    allowed_origins: tuple[str, ...] = _setting((), forms.listed(forms.made(_origin)))
    auth_mode: Literal["managed", "passthrough"] = _setting(
        "managed", forms.one_of("managed", "passthrough")
    )
    # How GitHub is reached (`upstream.outgoing`); an address may hold a password.
    outgoing_proxy: str = _setting("system", forms.made(_proxy), shown=False)
    extra_ca: Path | None = _setting(None, _PATH)  # noqa: RUF009
    headers_timeout: float = _setting(600.0, _SECONDS)
    idle_timeout: float = _setting(300.0, _SECONDS)
    github_timeout: float = _setting(15.0, _SECONDS)
    client_timeout: float = _setting(30.0, _SECONDS)
    max_body_mb: float = _setting(32.0, forms.number(1024))
    # How much is sent at once, how densely, and who is asked first (`proxy.brakes`).
    max_concurrent: int = _setting(4, forms.whole(1, 1024))
    min_pause: float = _setting(0.0, forms.number(300, least=0))
    approval: Literal["off", "ask"] = _setting("off", forms.one_of("off", "ask"))
    approved_clients: tuple[str, ...] = _setting((), forms.listed(forms.text(longest=64)))
    # How much this app may use before it warns or stops (`core.budget`); None: as much as you like.
    budget_credits: float | None = _setting(None, _AMOUNT)
    budget_requests: float | None = _setting(None, _AMOUNT)
    budget_period: Literal["day", "month"] = _setting("month", forms.one_of("day", "month"))
    budget_action: Literal["warn", "stop"] = _setting("warn", forms.one_of("warn", "stop"))
    history_days: int = _setting(90, forms.whole(31, 90))
    # Models.
    default_model: str | None = _setting(None, _MODEL)
    aliases: dict[str, str] = field(default_factory=dict, metadata={"form": forms.paired()})
    show_hidden_models: bool = _setting(False, _SWITCH)
    # Refuse what would be left out or changed noticeably on the way to another format.
    strict_translation: bool = _setting(False, _SWITCH)
    # Window and tray.
    start_proxy: bool | Literal["last"] = _setting(
        True, forms.either(_SWITCH, forms.one_of("last"))
    )
    start_hidden: bool = _setting(False, _SWITCH)
    # Give up the page of a hidden window (GTK only).
    free_memory: bool = _setting(False, _SWITCH)
    on_close: Literal["ask", "hide", "quit"] = _setting("ask", forms.one_of("ask", "hide", "quit"))
    theme: Literal["system", "light", "dark"] = _setting(
        "system", forms.one_of("system", "light", "dark")
    )
    text_size: int = _setting(100, forms.whole(90, 140))
    language: str = _setting("system", forms.text(r"[A-Za-z_-]{2,12}"))
    copy_code: bool = _setting(True, _SWITCH)
    hide_name: bool = _setting(False, _SWITCH)
    usage_shows: Literal["used", "left"] = _setting("used", forms.one_of("used", "left"))
    alert_low: int = _setting(75, _PERCENT)
    alert_high: int = _setting(90, _PERCENT)
    # Ids of `core.alerts` that are not shown.
    notifications_off: tuple[Notification, ...] = _setting(
        ("reset", "update"), forms.listed(forms.one_of(*get_args(Notification)))
    )
    # Ask the releases page once a week (`core.updates`).
    look_for_updates: bool = _setting(False, _SWITCH)
    notice_accepted: bool = _setting(False, _SWITCH)

    def __post_init__(self) -> None:
        for name, form in FORMS.items():
            try:
                object.__setattr__(self, name, form.read(getattr(self, name)))
            except ValueError as reason:
                raise bad(name, str(reason)) from None

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


FORMS: Mapping[str, Form] = {each.name: each.metadata["form"] for each in fields(Settings)}
NAMES: tuple[str, ...] = tuple(FORMS)

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
        """As if the values of `settings` that differ from the defaults stood in the file."""
        usual = Settings()
        given = {name: getattr(settings, name) for name in NAMES}
        stored = {name: value for name, value in given.items() if value != getattr(usual, name)}
        return _combined(stored, {}, {}, path)

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
        return FORMS[name].read(value)
    except ValueError as reason:
        raise bad(label(name), str(reason)) from None


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
    settings = Settings(**values)
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
