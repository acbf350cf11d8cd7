"""What a machine says of itself."""

from __future__ import annotations

import getpass
import platform

import pytest

from copilot_desktop.system import machine


def test_it_is_described_without_its_name() -> None:
    told = machine.described()
    assert machine.python_version() in told
    assert len(platform.node()) < 3 or platform.node() not in told.split()


def test_its_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "node", lambda: "laptop.acme.example")
    assert machine.names() == ("laptop.acme.example", "laptop")
    monkeypatch.setattr(platform, "node", lambda: "laptop")
    assert machine.names() == ("laptop",)


def test_its_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USERDOMAIN", "ACME")
    assert machine.domain() == "ACME"
    monkeypatch.delenv("USERDOMAIN")
    assert not machine.domain()


def test_a_session_without_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("uid 4711")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert not machine.user()
