"""A model whose terms nobody has accepted is explained in every dialect, and answers afterwards."""

from __future__ import annotations

import pytest
from phenomena.routes import WAYS, Way
from proxy.scripted import post
from rig import Rig, running_rig

from copilot_desktop.upstream.policy import digest, enable

WAITING = "claude-opus-4.6"
CLIENTS = [way for way in WAYS if way.endpoint == "/v1/messages"]
each_client = pytest.mark.parametrize("way", CLIENTS, ids=lambda way: way.path[4:])


async def refused(rig: Rig, way: Way, model: str) -> str:
    status, raw, _ = await post(rig, way.path, way.body(model=model))
    assert status == 404, raw
    return str(way.error_in(raw.decode())["message"])


def entry(rig: Rig, name: str):
    return next(each for each in rig.fake.models if each["id"] == name)


@each_client
@pytest.mark.parametrize("name", [WAITING, "claude-opus-4-6", "anthropic/claude-opus-4-6-20260101"])
async def test_terms_have_to_be_accepted_first(way: Way, name: str):
    async with running_rig() as rig:
        told = await refused(rig, way, name)
        assert f"copilot-desktop models enable {WAITING}" in told
        assert "open Models in Copilot Desktop" in told
        assert rig.fake.ledger.to(way.endpoint) == [], "nothing was sent that would be refused"
        assert not [each for each in rig.fake.ledger if each.path.endswith("/policy")]

        at = rig.provider
        model = next(each for each in at.catalogue.models if each.id == WAITING)
        await enable(at.client, at.catalogue, at.session, WAITING, digest(model))
        assert (await post(rig, way.path, way.body(model=name)))[0] == 200


@each_client
async def test_an_organisation_has_switched_it_off(way: Way):
    async with running_rig() as rig:
        assert "Your organisation or your plan" in await refused(rig, way, "gpt-5.5")


@each_client
async def test_terms_that_are_new_since_the_list_was_read_are_explained_too(way: Way):
    async with running_rig() as rig:
        await rig.provider.models()
        rig.provider.catalogue._fetch._tried_at -= 60.0  # the list is a minute old
        entry(rig, way.model)["policy"] = {"state": "unconfigured", "terms": "New terms."}
        told = await refused(rig, way, way.model)
        assert f"copilot-desktop models enable {way.model}" in told
