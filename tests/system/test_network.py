"""What this computer would send from, found without sending."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any, ClassVar, Self

import pytest

from copilot_desktop.system.network import own_addresses


class Probe:
    """A routing table that knows some ways."""

    ways: ClassVar[dict[int, str]] = {}

    def __init__(self, family: int, kind: int) -> None:
        assert kind == socket.SOCK_DGRAM  # anything else would send
        self.family = family

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def connect(self, _: Any) -> None:
        if self.family not in self.ways:
            raise OSError("unreachable")

    def getsockname(self) -> tuple[str, int]:
        return self.ways[self.family], 40000


@pytest.mark.parametrize(
    ("ways", "found"),
    [
        ({}, ()),
        ({socket.AF_INET: "192.168.1.7"}, ("192.168.1.7",)),
        ({socket.AF_INET: "10.0.0.2", socket.AF_INET6: "fd00::2"}, ("10.0.0.2", "fd00::2")),
    ],
)
def test_each_way_has_its_address(
    monkeypatch: pytest.MonkeyPatch, ways: dict[int, str], found: tuple[str, ...]
) -> None:
    monkeypatch.setattr(socket, "socket", Probe)
    monkeypatch.setattr(Probe, "ways", ways)
    assert own_addresses() == found


def test_on_this_computer_it_gives_addresses_or_nothing() -> None:
    for found in own_addresses():
        assert ipaddress.ip_address(found)
