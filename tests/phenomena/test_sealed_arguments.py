"""Copilot streams arguments that only it can read, and tells them plainly at the end of the call.

So it was seen on `/responses` (`translation.md` §6.2). Clients join the pieces, so that none of
them must come through.
"""

from __future__ import annotations

from typing import Any

import pytest
from conformance.speakers import MODELS, SPEAKERS, TOOL
from rig import running_rig

from copilot_desktop.demo import Scenario


@pytest.mark.parametrize("speaks", SPEAKERS, ids=lambda speaks: speaks.name)
async def test_no_client_hears_them(speaks: Any) -> None:
    model = MODELS["/responses"]
    async with running_rig(Scenario(sealed_arguments=True)) as rig:
        client = speaks(rig.url)
        turns = [client.user("demo: write a.txt Alpha")]
        heard = await client.ask(model, turns, stream=True, tools=True)
        turns += client.answered(heard, "written")
        end = await client.ask(model, turns, stream=True, tools=True)
        await client.close()
    made = [(name, arguments) for _, name, arguments in heard.calls]
    assert made == [(TOOL, {"file_path": "a.txt", "content": "Alpha"})]
    assert end.text
