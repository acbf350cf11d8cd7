"""Several accounts, one in use: adding, choosing, removing, and what becomes of requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from copilot_desktop.core.state import State
from copilot_desktop.demo import FakeUpstream, Received, Scenario, Slow, tenant_of
from copilot_desktop.demo.scenario import PEOPLE
from copilot_desktop.upstream.origins import Origins
from copilot_desktop.upstream.roster import FILE_NAME
from copilot_desktop.upstream.stores import StoredAccount, to_text
from tests.core_rig import QUICK, CoreRig, running_core

TWO = replace(QUICK, people=PEOPLE[:2])
FIRST, SECOND = PEOPLE[0], PEOPLE[1]
TENANT = "acme.ghe.com"
QUESTION = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hello"}]}


def ready(login: str) -> Any:
    def holds(state: State) -> bool:
        lists = state.models.state == "ready" and state.quota.state == "ready"
        return state.account.login == login and state.account.checked and lists

    return holds


async def sign_in(rig: CoreRig, login: str, **arguments: Any) -> None:
    answer = await rig.do("sign_in", **arguments)
    assert answer["ok"], answer
    await rig.until(ready(login))


@asynccontextmanager
async def both(folder: Path, scenario: Scenario = TWO) -> AsyncIterator[CoreRig]:
    """The second person is in use, the first one parked, as two sign-ins have left them."""
    fake = FakeUpstream(scenario)
    tokens = folder / "tokens"
    tokens.mkdir(mode=0o700, exist_ok=True)
    for number, (person, file) in enumerate(
        [(FIRST, f"127.0.0.1-{FIRST.id}.json"), (SECOND, "token.json")]
    ):
        token = fake.tokens.give("ghu_", number)
        kept = StoredAccount("127.0.0.1", person.login, person.id, token)
        (tokens / file).write_text(to_text(kept))
    entry = {"host": "127.0.0.1", "id": FIRST.id, "login": FIRST.login, "kept": "file"}
    (folder / FILE_NAME).write_text(json.dumps({"v": 1, "accounts": [entry]}))
    async with running_core(folder, fake=fake, token_store="file") as rig:
        await rig.until(ready(SECOND.login))
        yield rig


def name(person: Any, host: str = "127.0.0.1") -> dict[str, Any]:
    return {"host": host, "id": person.id}


def listed(rig: CoreRig) -> list[tuple[str, str]]:
    return [(each["login"], each["host"]) for each in rig.snapshot()["auth"]["others"]]


def bearers(received: list[Received]) -> set[str]:
    return {each.headers.get("Authorization", "").partition(" ")[2] for each in received}


async def reached(rig: CoreRig, path: str) -> None:
    """Wait until a call to `path` has arrived upstream."""
    for _ in range(1000):
        if rig.fake.ledger.to(path):
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"nothing came to {path}")


async def ask(rig: CoreRig) -> int:
    url = f"http://127.0.0.1:{rig.core.controller.state.port}/v1/chat/completions"
    async with aiohttp.ClientSession() as http, http.post(url, json=QUESTION) as answer:
        return answer.status


async def test_a_second_sign_in_parks_the_first(tmp_path: Path) -> None:
    async with running_core(tmp_path, TWO, token_store="file", start_proxy=False) as rig:
        await sign_in(rig, FIRST.login)
        await sign_in(rig, SECOND.login)
        auth = rig.snapshot()["auth"]
        assert (auth["login"], auth["id"]) == (SECOND.login, SECOND.id)
        assert auth["others"] == [
            {
                "host": "127.0.0.1",
                "id": FIRST.id,
                "login": FIRST.login,
                "plan": "Pro",
                "source": "file",
            }
        ]
        index = json.loads((tmp_path / FILE_NAME).read_text())
        assert [each["login"] for each in index["accounts"]] == [FIRST.login]
        tokens = {path.name for path in (tmp_path / "tokens").iterdir()}
        assert tokens == {"token.json", f"127.0.0.1-{FIRST.id}.json"}
        for path in (tmp_path / "tokens").iterdir():
            assert path.stat().st_mode & 0o777 == 0o600
            assert json.loads(path.read_text())["token"] not in (tmp_path / FILE_NAME).read_text()


async def test_choosing_swaps_and_everything_follows(tmp_path: Path) -> None:
    async with both(tmp_path) as rig:
        assert await rig.do("use_account", **name(FIRST)) == {"ok": True}
        assert rig.snapshot()["auth"]["login"] == FIRST.login  # at once, without network
        await rig.until(ready(FIRST.login))
        assert listed(rig) == [(SECOND.login, "127.0.0.1")]
        assert rig.snapshot()["auth"]["others"][0]["plan"] == "Business"
        assert rig.snapshot()["auth"]["plan"] == "Pro"
        kept = json.loads((tmp_path / "models.json").read_text())
        assert kept["whose"] == ["127.0.0.1", FIRST.id]
    async with running_core(tmp_path, TWO, token_store="file", start_proxy=False) as rig:
        auth = rig.snapshot()["auth"]
        assert auth["login"] == FIRST.login
        assert listed(rig) == [(SECOND.login, "127.0.0.1")]


async def test_a_store_that_is_fixed_is_not_left(tmp_path: Path) -> None:
    async with both(tmp_path) as rig:
        core = rig.core
        core.store.set(preferences=core.store.state.preferences.with_flags(token_store="file"))
        answer = await rig.do("choose_store", kind="memory")
        assert (answer["ok"], answer["code"]) == (False, "bad_setting")
        assert core.session.store.name == "file"
        assert (tmp_path / "tokens" / "token.json").exists()
        assert (await rig.do("choose_store", kind="file"))["ok"]


async def test_a_choice_during_a_move_does_not_undo_the_move(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with both(tmp_path) as rig:
        roster, session = rig.core.roster, rig.core.session
        fetch = roster.fetch

        async def slow(host: str, number: int) -> StoredAccount:
            for _ in range(30):  # the move has every chance to come between
                await asyncio.sleep(0.01 if session.store.name == "file" else 0)
            return await fetch(host, number)

        monkeypatch.setattr(roster, "fetch", slow)
        answers = await asyncio.gather(
            rig.do("use_account", **name(FIRST)), rig.do("choose_store", kind="memory")
        )
        assert all(answer["ok"] for answer in answers)
        assert session.store.name == rig.core.settings.token_store == "memory"
        assert rig.snapshot()["auth"]["login"] == FIRST.login


async def test_of_two_quick_choices_of_a_store_the_last_one_holds(tmp_path: Path) -> None:
    """Also for the next start, which goes by the settings."""
    async with both(tmp_path) as rig:
        answers = await asyncio.gather(
            rig.do("choose_store", kind="memory"), rig.do("choose_store", kind="file")
        )
        assert all(answer["ok"] for answer in answers)
        assert rig.core.session.store.name == rig.core.settings.token_store == "file"


async def test_the_same_account_twice_replaces_itself(tmp_path: Path) -> None:
    scenario = replace(QUICK, people=PEOPLE[:1])
    async with running_core(tmp_path, scenario, token_store="file") as rig:
        await sign_in(rig, FIRST.login)
        before = json.loads((tmp_path / "tokens" / "token.json").read_text())["token"]
        await sign_in(rig, FIRST.login)
        await rig.until(lambda s: s.sign_in is not None and s.sign_in.state == "done")
        assert json.loads((tmp_path / "tokens" / "token.json").read_text())["token"] != before
        assert listed(rig) == []
        assert [path.name for path in (tmp_path / "tokens").iterdir()] == ["token.json"]


@pytest.mark.parametrize("ending", ["cancelled", "denied"])
async def test_an_attempt_that_comes_to_nothing_changes_nothing(
    tmp_path: Path, ending: str
) -> None:
    async with running_core(tmp_path, TWO, token_store="file") as rig:
        await sign_in(rig, FIRST.login)
        before = rig.snapshot()
        rig.fake.scenario = replace(TWO, approval="manual")
        code = (await rig.do("sign_in"))["user_code"]
        assert rig.snapshot()["auth"] == before["auth"]
        if ending == "cancelled":
            await rig.do("cancel_sign_in")
        else:
            rig.fake.deny(code)
        await rig.until(lambda s: s.sign_in is not None and s.sign_in.state == ending)
        assert rig.snapshot()["auth"] == before["auth"]
        assert rig.snapshot()["models"] == before["models"]
        assert await ask(rig) == 200


async def test_a_request_under_way_ends_with_the_account_it_began_with(tmp_path: Path) -> None:
    async with both(tmp_path) as rig:
        path = "/chat/completions"
        rig.fake.add_fault(Slow(path, seconds=1.5))
        begun = asyncio.create_task(ask(rig))
        await reached(rig, path)
        # What it still needs (another try after a refused token) is also asked in its own name.
        rig.fake.tokens.expire()
        await rig.do("use_account", **name(FIRST))
        assert await begun == 200
        rig.fake.clear_faults()
        assert await ask(rig) == 200
        owners = [owner(rig.fake, each) for each in rig.fake.ledger.to(path)]
        # The first token had run out when it was looked at, so there was a second try.
        assert owners == [1, 1, 0]


def owner(fake: FakeUpstream, received: Received) -> int:
    """Whose Copilot token a call carried."""
    (bearer,) = bearers([received])
    found = fake.tokens.copilot(bearer)
    assert found is not None
    return fake.tokens.person(found.github)


async def test_late_numbers_of_the_other_account_are_not_taken(tmp_path: Path) -> None:
    async with both(tmp_path) as rig:
        rig.fake.add_fault(Slow("/chat/completions", seconds=1.5))
        begun = asyncio.create_task(ask(rig))
        await reached(rig, "/chat/completions")
        await rig.do("use_account", **name(FIRST))
        state = await rig.until(ready(FIRST.login))
        meters = state.quota.meters
        assert await begun == 200
        await asyncio.sleep(0)
        assert rig.core.store.state.quota.meters == meters
        assert rig.core.store.state.quota.source == "account"


async def test_removing_deletes_the_sign_in(tmp_path: Path) -> None:
    async with both(tmp_path) as rig:
        assert (await rig.do("remove_account", **name(FIRST)))["ok"]
        assert listed(rig) == []
        assert [path.name for path in (tmp_path / "tokens").iterdir()] == ["token.json"]
        again = await rig.do("use_account", **name(FIRST))
        assert (again["ok"], again["code"]) == (False, "invalid_request")
        assert rig.snapshot()["auth"]["login"] == SECOND.login


async def test_signing_out_leaves_the_others_and_uses_none(tmp_path: Path) -> None:
    async with both(tmp_path) as rig:
        assert (await rig.do("sign_out"))["ok"]
        auth = rig.snapshot()["auth"]
        assert auth["state"] == "signed_out"
        assert listed(rig) == [(FIRST.login, "127.0.0.1")]
        assert await ask(rig) == 401
        await rig.do("use_account", **name(FIRST))
        await rig.until(ready(FIRST.login))
        assert listed(rig) == []


async def test_in_memory_both_end_with_the_app(tmp_path: Path) -> None:
    async with running_core(tmp_path, TWO, start_proxy=False) as rig:
        await sign_in(rig, FIRST.login)
        await sign_in(rig, SECOND.login)
        assert listed(rig) == [(FIRST.login, "127.0.0.1")]
        await rig.do("use_account", **name(FIRST))
        await rig.until(ready(FIRST.login))
        assert listed(rig) == [(SECOND.login, "127.0.0.1")]
        assert not (tmp_path / FILE_NAME).exists()


async def test_a_token_from_the_environment_is_not_exchanged_for_another(tmp_path: Path) -> None:
    async with both(tmp_path):
        pass
    async with running_core(tmp_path, TWO, signed_in=True, start_proxy=False) as rig:
        assert rig.snapshot()["auth"]["source"] == "environment"
        listed_first = rig.snapshot()["auth"]["others"][0]
        answer = await rig.do("use_account", host=listed_first["host"], id=listed_first["id"])
        assert not answer["ok"]
        assert "Remove the variable" in answer["message"]


# A GHE.com tenant


@dataclass
class Places:
    rig: CoreRig
    tenant: FakeUpstream


@asynccontextmanager
async def with_tenant(folder: Path) -> AsyncIterator[Places]:
    async with (
        FakeUpstream(tenant_of(TWO)) as tenant,
        running_core(folder, TWO, token_store="file") as rig,
    ):
        url = tenant.url
        rig.core.places[TENANT] = Origins(url, url, url, TENANT)
        await sign_in(rig, FIRST.login)
        yield Places(rig, tenant)


async def test_a_tenants_token_goes_to_the_tenant_only(tmp_path: Path) -> None:
    async with with_tenant(tmp_path) as places:
        rig = places.rig
        await sign_in(rig, "octo-hana_octo", host=f" https://{TENANT.upper()}/login ")
        auth = rig.snapshot()["auth"]
        assert (auth["host"], auth["login"]) == (TENANT, "octo-hana_octo")
        assert listed(rig) == [(FIRST.login, "127.0.0.1")]
        assert rig.core.settings.github_host == TENANT
        by_client = await rig.core.pass_through.for_client("tid=1;exp=2").grant()
        assert by_client.base_url == places.tenant.url
        public = len(rig.fake.ledger)
        assert await ask(rig) == 200
        assert len(places.tenant.ledger.to("/chat/completions")) == 1
        assert len(rig.fake.ledger) == public
        at_tenant, elsewhere = bearers(places.tenant.ledger), bearers(rig.fake.ledger)
        assert at_tenant & elsewhere <= {""}
        await rig.do("use_account", **name(FIRST))
        await rig.until(ready(FIRST.login))
        assert listed(rig) == [("octo-hana_octo", TENANT)]
        assert await ask(rig) == 200
        assert rig.fake.ledger.to("/chat/completions")
        assert len(places.tenant.ledger.to("/chat/completions")) == 1
        assert bearers(places.tenant.ledger) & bearers(rig.fake.ledger) <= {""}


async def test_an_attempt_at_a_tenant_leaves_the_account_in_use_alone(tmp_path: Path) -> None:
    async with with_tenant(tmp_path) as places:
        rig, tenant = places.rig, places.tenant
        tenant.scenario = replace(tenant.scenario, approval="manual")
        assert (await rig.do("sign_in", host=TENANT))["ok"]
        shown = rig.snapshot()
        assert shown["login"]["host"] == TENANT
        assert (shown["auth"]["host"], shown["auth"]["state"]) == ("127.0.0.1", "signed_in")
        assert await ask(rig) == 200
        await rig.do("cancel_sign_in")
        assert rig.snapshot()["auth"]["login"] == FIRST.login
        assert rig.core.settings.github_host == "github.com"


async def test_who_asks_at_a_tenant_gets_no_code_of_github_com(tmp_path: Path) -> None:
    """Another terminal, or `serve` by itself, may just be asking there."""
    async with with_tenant(tmp_path) as places:
        rig = places.rig
        rig.fake.add_fault(Slow("/login/device/code", times=-1, seconds=30))
        first = asyncio.create_task(rig.do("sign_in"))
        await rig.until(lambda state: state.sign_in and state.sign_in.state == "requesting")
        told = await rig.do("sign_in", host=TENANT)
        assert told["uri"].startswith(places.tenant.url)
        assert (await first)["code"] == "sign_in_cancelled"


@pytest.mark.parametrize("typed", ["github.example.com", "acme.ghe.com:444", "a b", "ghe.com"])
async def test_other_servers_are_refused_before_anything_is_sent(
    tmp_path: Path, typed: str
) -> None:
    async with running_core(tmp_path, TWO, start_proxy=False) as rig:
        answer = await rig.do("sign_in", host=typed)
        assert (answer["ok"], answer["code"]) == (False, "bad_setting")
        assert not rig.fake.ledger
