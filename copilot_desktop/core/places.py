"""Where GitHub and Copilot are for one run: as the settings say, or made for a demo."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack

from copilot_desktop.core.settings import Preferences, bad, spoken
from copilot_desktop.errors import BadSetting
from copilot_desktop.upstream.origins import Origins


def chosen(preferences: Preferences) -> Origins:
    """Where GitHub and Copilot are. Raises BadSetting under the name that people used."""
    settings = preferences.settings
    try:
        return Origins.of(
            host=settings.github_host,
            github=settings.github_url,
            api=settings.github_api_url,
            copilot=settings.copilot_url,
        )
    except BadSetting as problem:
        name = problem.fields.get("name", "").lower().replace(" ", "_")
        if name not in preferences.sources:
            raise
        label = spoken(name, preferences.sources[name])
        raise bad(label, problem.fields.get("reason", "")) from None


async def made_up(name: str, stack: AsyncExitStack) -> tuple[Origins, Mapping[str, Origins]]:
    """Start the fake GitHub and Copilot, and a tenant where the scenario has one: both, for as long
    as `stack` is open. Raises BadSetting for an unknown scenario."""
    from copilot_desktop import demo  # noqa: PLC0415  (only a demo pays for it)

    scenario = demo.SCENARIOS.get(name)
    if scenario is None:
        known = ", ".join(demo.SCENARIOS)
        raise bad("--demo", f"there is no scenario {name}; there are {known}")
    fake = await stack.enter_async_context(demo.FakeUpstream(scenario))
    tenants = {}
    if scenario.people:
        there = await stack.enter_async_context(demo.FakeUpstream(demo.tenant_of(scenario)))
        tenants[demo.TENANT] = Origins(there.url, there.url, there.url, demo.TENANT)
    return Origins.of(github=fake.url, api=fake.url, copilot=fake.url), tenants
