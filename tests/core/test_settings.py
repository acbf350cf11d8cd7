"""Four layers, fixed names, and one sentence for a bad value."""

from __future__ import annotations

import re
from typing import Any

import pytest

from copilot_desktop.core.settings import (
    NAMES,
    PREFIX,
    Preferences,
    Settings,
    resolve,
    variable,
)
from copilot_desktop.errors import BadSetting

FIXED_NAMES = (
    *("GITHUB_URL", "GITHUB_API_URL", "COPILOT_URL", "DATA_DIR", "TOKEN_STORE"),
    *("HOST", "PORT", "API_KEY", "AUTH_MODE", "LOG_LEVEL", "MAX_BODY_MB"),
    *("HEADERS_TIMEOUT", "IDLE_TIMEOUT", "GITHUB_TIMEOUT", "CLIENT_TIMEOUT"),
)


def of(
    *, flags: dict[str, Any] | None = None, env: dict[str, str] | None = None, **stored: Any
) -> Preferences:
    environ = {PREFIX + name: value for name, value in (env or {}).items()}
    return resolve(flags or {}, environ, stored, None)


def test_the_promised_variable_names_exist() -> None:
    assert {PREFIX + name for name in FIXED_NAMES} <= {variable(name) for name in NAMES}


def test_flag_beats_environment_beats_file_beats_default() -> None:
    assert of().settings.port == 4141
    assert of(port=1).settings.port == 1
    assert of(port=1, env={"PORT": "2"}).settings.port == 2
    chosen = of(port=1, env={"PORT": "2"}, flags={"port": 3})
    assert chosen.settings.port == 3
    assert chosen.sources["port"] == "flag"
    assert of(port=1, env={"PORT": ""}).sources["port"] == "file"


@pytest.mark.parametrize("name", FIXED_NAMES)
def test_every_fixed_name_is_read(name: str) -> None:
    good = {
        "GITHUB_URL": "http://127.0.0.1:9",
        "GITHUB_API_URL": "http://127.0.0.1:9",
        "COPILOT_URL": "http://127.0.0.1:9",
        "DATA_DIR": "/elsewhere",
        "TOKEN_STORE": "memory",
        "HOST": "127.0.0.2",
        "PORT": "5000",
        "API_KEY": "my-own-key",
        "AUTH_MODE": "passthrough",
        "LOG_LEVEL": "DEBUG",
    }.get(name, "7")
    chosen = of(env={name: good})
    assert str(getattr(chosen.settings, name.lower())).lower() in {good.lower(), "7.0"}
    assert chosen.sources[name.lower()] == "environment"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "abc"),
        ("PORT", "70000"),
        ("PORT", "-1"),
        ("HOST", "my-computer"),
        ("TOKEN_STORE", "vault"),
        ("AUTH_MODE", "open"),
        ("LOG_LEVEL", "loud"),
        ("API_KEY", "a b c d e"),
        ("HEADERS_TIMEOUT", "0"),
        ("IDLE_TIMEOUT", "nan"),
        ("GITHUB_TIMEOUT", "soon"),
        ("CLIENT_TIMEOUT", "-3"),
        ("MAX_BODY_MB", "0"),
        ("REQUIRE_KEY", "perhaps"),
        ("ALLOWED_ORIGINS", "*"),
        ("ALLOWED_ORIGINS", "null"),
        ("ALIASES", "fast"),
    ],
)
def test_a_bad_variable_is_named_in_one_sentence(name: str, value: str) -> None:
    with pytest.raises(BadSetting) as trouble:
        of(env={name: value})
    sentence = str(trouble.value)
    assert sentence.startswith(f"{PREFIX}{name} cannot be used: ")
    assert re.fullmatch(r"[^\n]{10,200}\.", sentence)


def test_a_bad_key_is_not_repeated_in_the_sentence() -> None:
    with pytest.raises(BadSetting) as trouble:
        of(env={"API_KEY": "my secret key"})
    assert "my secret key" not in str(trouble.value)
    assert "my-secret" not in repr(of(env={"API_KEY": "my-secret"}).settings)


def test_a_bad_flag_is_named_as_it_was_typed() -> None:
    with pytest.raises(BadSetting, match="--token-store cannot be used"):
        of(flags={"token_store": "vault"})


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5"])
def test_other_computers_need_a_key(host: str) -> None:
    with pytest.raises(BadSetting, match=r"COPILOT_DESKTOP_HOST cannot be used.*needs a key"):
        of(env={"HOST": host})
    assert of(env={"HOST": host, "API_KEY": "a-real-key"}).settings.key_wanted
    assert of(env={"HOST": host, "REQUIRE_KEY": "yes"}).settings.key_wanted
    with pytest.raises(BadSetting):
        of(host=host, require_key=False)


def test_localhost_and_brackets_mean_loopback() -> None:
    assert of(env={"HOST": "localhost"}).settings.host == "127.0.0.1"
    assert of(env={"HOST": "[::1]"}).settings.host == "::1"


def test_a_key_that_was_set_is_required() -> None:
    assert of().settings.key_wanted is None
    assert of(require_key=False).settings.key_wanted is False
    assert of(require_key=False, env={"API_KEY": "a-real-key"}).settings.key_wanted is True


def test_lists_and_pairs_fit_into_a_variable() -> None:
    chosen = of(env={"ALIASES": "fast=gpt-4.1, best = claude", "ALLOWED_ORIGINS": "https://A.b,"})
    assert chosen.settings.aliases == {"fast": "gpt-4.1", "best": "claude"}
    assert chosen.settings.allowed_origins == ("https://a.b",)


@pytest.mark.parametrize("value", ["null", "*", "https://*.b", "editor.example", "https://a/b"])
def test_an_allowed_origin_is_one_plain_origin(value: str) -> None:
    with pytest.raises(BadSetting, match="ALLOWED_ORIGINS"):
        of(env={"ALLOWED_ORIGINS": value})


def test_nonsense_in_the_file_falls_back_unless_it_guards_the_door() -> None:
    chosen = of(theme="sepia", text_size=100, from_a_newer_version=1)
    assert chosen.settings.theme == "system"
    assert chosen.dropped == ("theme",)
    with pytest.raises(BadSetting, match="require_key in the settings"):
        of(require_key="perhaps")


def test_a_change_goes_to_the_file_layer_and_keeps_foreign_keys() -> None:
    chosen = of(newer=1, theme="dark").changed({"port": 5000, "theme": None})
    assert chosen.settings.port == 5000
    assert chosen.stored == {"newer": 1, "port": 5000}
    assert chosen.sources["theme"] == "default"


def test_what_the_environment_fixes_cannot_be_changed() -> None:
    with pytest.raises(BadSetting, match="set by COPILOT_DESKTOP_PORT"):
        of(env={"PORT": "2"}).changed({"port": 3})
    with pytest.raises(BadSetting, match="no such setting"):
        of().changed({"prot": 3})
    with pytest.raises(BadSetting, match="port cannot be used"):
        of().changed({"port": "x"})


def test_opening_to_the_network_needs_the_key_in_the_same_change() -> None:
    with pytest.raises(BadSetting, match="needs a key"):
        of().changed({"host": "0.0.0.0"})
    assert of().changed({"host": "0.0.0.0", "require_key": True}).settings.open_to_network


def test_a_flag_of_this_run_is_in_force_and_not_kept() -> None:
    chosen = of(port=5, env={"HOST": "127.0.0.2"}).with_flags(start_proxy=False)
    assert not chosen.settings.start_proxy
    assert chosen.settings.port == 5
    assert chosen.sources["host"] == "environment"
    assert chosen.stored == {"port": 5}


def test_given_settings_can_be_changed_later() -> None:
    chosen = Preferences.of(Settings(port=0)).changed({"port": 7})
    assert chosen.settings.port == 7


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("System", "system"),
        ("none", "none"),
        ("proxy.example:3128", "http://proxy.example:3128"),
        ("https://proxy.example", "https://proxy.example:443"),
        ("hana:pa55@proxy.example:3128", "http://hana:pa55@proxy.example:3128"),
        ("http://[::1]:3128/", "http://[::1]:3128"),
    ],
)
def test_a_way_out_has_one_spelling(given: str, kept: str) -> None:
    assert of(env={"OUTGOING_PROXY": given}).settings.outgoing_proxy == kept


@pytest.mark.parametrize(
    "given",
    [
        "socks5://hana:pa55@x:1",
        "http://hana:pa55@x:99999",
        "http://•••@x:1",
        "http://pa55/x",
        "hana:pa55@proxy..example:3128",
        "x y",
    ],
)
def test_what_is_no_way_out_is_refused_without_repeating_it(given: str) -> None:
    with pytest.raises(BadSetting) as caught:
        of(env={"OUTGOING_PROXY": given})
    assert "COPILOT_DESKTOP_OUTGOING_PROXY" in str(caught.value)
    assert "pa55" not in f"{caught.value}{caught.value.fields}"


def test_a_password_is_not_in_what_settings_look_like() -> None:
    assert "pa55" not in repr(of(outgoing_proxy="hana:pa55@proxy.example:3128"))
