"""Every refusal that was kept as an example, in every dialect, streamed and not.

`golden/errors` says in detail how each is told; this goes the whole way and sees that no dialect,
route or mode swallows one, shows a page or tries a hopeless one again.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest
from phenomena.outcomes import ASKS, Ask, asked
from phenomena.routes import MODELS
from rig import running_rig

from copilot_desktop.demo import Status, transcripts

FOLDER = Path(transcripts.__file__).parent / "errors"
NAMES = sorted(path.name.partition(".")[0] for path in FOLDER.glob("*.json"))
TOKEN = "/copilot_internal/v2/token"

# What the client sees instead of the number in the file: nobody's SDK knows 466, 421 and an empty
# 400 are between us and Copilot, and 529 is how Anthropic's clients know an overload.
OTHERWISE = {
    "400-empty-body": {502},
    "400-model-not-available-for-integrator": {404},
    "400-model-not-supported": {404},
    "401-invalid-auto-mode-selector": {400},
    "401-stale-input-item": {400},
    "421-misdirected": {502},
    "422-rai": {400},
    "466-client-outdated": {400},
    "503-provider-limit": {503, 529},
    "token-403-api-rate-limit": {429},
    "token-404-not-found": {401},
}


async def no_pause(_seconds: float) -> None:
    """The pause before a second try spreads load; here it would only take time."""


@pytest.mark.parametrize("name", NAMES)
async def test_it_is_told_everywhere(name: str) -> None:
    places = [TOKEN] if name.startswith("token-") else list(MODELS)
    faults = [Status.example(name, place, times=-1) for place in places]
    async with running_rig() as rig, aiohttp.ClientSession() as http:
        rig.provider.client._sleep = no_pause
        if places != [TOKEN]:
            await rig.provider.models()
        for fault in faults:
            rig.fake.add_fault(fault)

        async def attempt(ask: Ask) -> int:
            outcome = await asked(http, rig.url, ask)
            assert not outcome.whole, f"{ask}: {outcome}"
            assert outcome.says
            assert "<" not in outcome.says, "a page in a sentence"
            return outcome.status

        found = set(await asyncio.gather(*(attempt(ask) for ask in ASKS)))
        assert found == OTHERWISE.get(name, {faults[0].status})
        calls = sum(len(rig.fake.ledger.to(path)) for path in MODELS)
        assert calls <= 3 * len(ASKS)
