"""What the parts of the fake share: scenario, account, tokens, faults, ledger, clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from copilot_desktop.demo import opaque
from copilot_desktop.demo.account import Account
from copilot_desktop.demo.auto import Sessions
from copilot_desktop.demo.catalogue import Facts, models
from copilot_desktop.demo.faults import FaultList
from copilot_desktop.demo.ledger import Ledger
from copilot_desktop.demo.refusals import compact
from copilot_desktop.demo.scenario import Scenario
from copilot_desktop.demo.tokens import CopilotToken, Tokens


class World:
    """State of one running fake. `url` is known once it listens."""

    def __init__(self, scenario: Scenario, clock: Callable[[], float] = time.monotonic) -> None:
        self.scenario = scenario
        self.now = clock
        self.url = ""
        self.port = 0
        self.accounts = _accounts(scenario)
        self.tokens = Tokens(scenario, clock)
        self.sessions = Sessions(scenario, clock)
        self.faults = FaultList(scenario.faults)
        self.ledger = Ledger()
        self.models = models(scenario)
        self._answers = 0

    def use(self, scenario: Scenario) -> None:
        """Another scenario from now on; tokens, codes and requests so far stay."""
        if _listing(scenario) != _listing(self.scenario):
            self.models = models(scenario)
            self.accounts = _accounts(scenario)
        for fault in scenario.faults:
            if fault not in self.scenario.faults:
                self.faults.add(fault)
        self.scenario = scenario
        for account in self.accounts:
            account.enter(scenario)
        self.tokens.scenario = self.sessions.scenario = scenario

    def account_for(self, request: web.Request) -> Account:
        """Whose token this request carries, if it is a good one; else the first person."""
        token = request.headers.get("Authorization", "").partition(" ")[2].strip()
        found = self.tokens.copilot(token)
        number = self.tokens.person(found.github if found else token)
        return self.accounts[number % len(self.accounts)]

    def model(self, name: str) -> Facts | None:
        """The first entry of this id."""
        return next((Facts(entry) for entry in self.models if entry["id"] == name), None)

    def label(self) -> str:
        """A new label for `opaque`: equal in equal runs."""
        self._answers += 1
        return f"{self.scenario.name}/{self._answers}"

    def endpoints(self, token: CopilotToken | None = None) -> dict[str, str]:
        """Where the services are: all of them here.

        A token of the wrong plan names this machine in another way, so that the two can be told
        apart.
        """
        wrong = token is not None and token.misdirected
        api = f"http://localhost:{self.port}" if wrong else self.url
        return dict.fromkeys(("api", "origin-tracker", "proxy", "telemetry"), api)

    def github_headers(self) -> dict[str, str]:
        return {"x-github-request-id": self.request_id()}

    def request_id(self) -> str:
        """In the form of GitHub's own request ids."""
        digits = opaque.hexes(self.label(), 30).upper()
        return f"{digits[:4]}:{digits[4:10]}:{digits[10:16]}:{digits[16:22]}:{digits[22:30]}"

    def json(self, value: Any, headers: dict[str, str] | None = None) -> web.Response:
        """200 with JSON, as GitHub's REST interface writes it."""
        return web.Response(
            body=compact(value),
            headers={
                **self.github_headers(),
                **(headers or {}),
                "content-type": "application/json; charset=utf-8",
            },
        )


def _accounts(scenario: Scenario) -> list[Account]:
    if not scenario.people:
        return [Account(scenario)]
    return [Account(scenario, person) for person in scenario.people]


def _listing(scenario: Scenario) -> tuple[object, ...]:
    """What decides about the list of models."""
    return (scenario.who, scenario.era, scenario.catalogue, scenario.auto_only)
