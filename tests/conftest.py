"""What every test gets: a network that ends at this machine, and ways to run the proxy."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# How fast this machine is today is nothing that a test may depend on.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

# A shell that starts the tests in the background makes them, and every program that they start,
# deaf to Ctrl+C. The programs under test must hear it.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The keyring of whoever runs the tests is not for them, nor are those that other tests define.
os.environ.setdefault("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")

# Shared pieces (the rig, the SDK speakers) are plain modules beside this file.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that would leave the machine fails at once instead of hanging or leaking."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            try:
                allowed = ipaddress.ip_address(address[0]).is_loopback
            except ValueError:
                allowed = address[0] == "localhost"
            # A datagram socket that is told a far address sends nothing; see `system.network`.
            routing = self.type == socket.SOCK_DGRAM and address[0] in {"192.0.2.1", "2001:db8::1"}
            if not (allowed or routing):
                raise AssertionError(f"a test tried to reach {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
