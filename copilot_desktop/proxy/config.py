"""What the proxy must know to answer: one frozen value, replaced whole when settings change."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from copilot_desktop.proxy.keys import NamedKey

# What listens on every interface of a kind, and where it is on this computer.
_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (compared with, not bound to)


@dataclass(frozen=True, slots=True)
class ProxyConfig:
    """`client_timeout` in seconds, `max_body` in bytes. `key` is the local key, never GitHub's;
    `keys` are those with a name, which open as well.

    `nonce` is this launch's random id: whoever finds it at `GET /__self` has reached this process.
    """

    host: str = "127.0.0.1"
    port: int = 4141
    key: str = field(default="", repr=False)
    keys: tuple[NamedKey, ...] = field(default=(), repr=False)
    key_required: bool = False
    auth_mode: Literal["managed", "passthrough"] = "managed"
    allowed_origins: frozenset[str] = frozenset()
    max_body: int = 32 * 1024 * 1024
    client_timeout: float = 30.0
    aliases: Mapping[str, str] = field(default_factory=dict)
    default_model: str | None = None
    strict_translation: bool = False
    show_hidden_models: bool = False
    nonce: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def open_to_network(self) -> bool:
        return not is_loopback(self.host)

    @property
    def own_address(self) -> str:
        return own_address(self.host, self.port)


def own_address(host: str, port: int) -> str:
    """The base address of a listener on `host`, as this computer reaches it. One on every interface
    is also here, but answers nobody who calls it by that: such a name can be rebound."""
    here = _HERE.get(host, host)
    return f"http://{f'[{here}]' if ':' in here else here}:{port}"


def is_loopback(host: str) -> bool:
    """Whether binding to `host` keeps the proxy on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
