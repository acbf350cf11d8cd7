"""GitHub and Copilot for people without an account, and for every test.

One small HTTP server plays `github.com`, `api.github.com` and the Copilot API on a loopback port.
It answers as the real ones do, with their accent, and refuses what they refuse. It knows the wire
(`upstream.md`) and nothing of ours: no module of this package imports another part of the product,
so that a misreading in the product cannot be repeated here and cancel out.

    async with FakeUpstream(SCENARIOS["free"]) as fake:
        ...  # point GitHub, its API and Copilot at fake.url
"""

from __future__ import annotations

from copilot_desktop.demo.faults import (
    Cut,
    DropConnection,
    ErrorInStream,
    Fault,
    Garbage,
    HtmlIn200,
    Slow,
    Stall,
    Status,
)
from copilot_desktop.demo.ledger import Received
from copilot_desktop.demo.past import past
from copilot_desktop.demo.scenario import SCENARIOS, TENANT, Scenario, tenant_of
from copilot_desktop.demo.server import FakeUpstream

__all__ = [
    "SCENARIOS",
    "TENANT",
    "Cut",
    "DropConnection",
    "ErrorInStream",
    "FakeUpstream",
    "Fault",
    "Garbage",
    "HtmlIn200",
    "Received",
    "Scenario",
    "Slow",
    "Stall",
    "Status",
    "past",
    "tenant_of",
]
