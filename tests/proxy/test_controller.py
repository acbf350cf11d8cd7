"""Starting and stopping: the state is true, the port is free afterwards, nobody is left hanging."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from phenomena.routes import WAYS, Way, read_events
from proxy.raw import hang_up, read_answer, request, send, until
from proxy.scripted import post
from rig import running_rig

from copilot_desktop.demo import Slow, Stall
from copilot_desktop.errors import BadSetting, PortTaken
from copilot_desktop.proxy import controller as controller_module
from copilot_desktop.proxy.config import ProxyConfig
from copilot_desktop.proxy.controller import ProxyController, is_free, next_free_port
from copilot_desktop.proxy.side_routes import SideRoutes

SAME = [way for way in WAYS if way.same]
JSON = ("Content-Type", "application/json")


@asynccontextmanager
async def stopped_rig(**options):
    async with running_rig(**options) as rig:
        await rig.controller.stop()
        yield rig


@pytest.fixture
def stranger(monkeypatch) -> list[bool]:
    """Once something is in this list, the listener answers as if it were another program's."""
    own, is_one = SideRoutes.itself, list[bool]()

    async def itself(self, request):
        answer = await own(self, request)
        if is_one:
            answer.body = b'{"nonce":"somebody else"}'
        return answer

    monkeypatch.setattr(SideRoutes, "itself", itself)
    return is_one


def heard_phases(controller: ProxyController) -> list[str]:
    phases: list[str] = []
    controller.on_change = lambda: phases.append(controller.state.phase)
    return phases


# ------------------------------------------------------------------------------ being true


async def test_running_means_that_it_has_reached_itself():
    async with stopped_rig() as rig:
        phases = heard_phases(rig.controller)
        state = await rig.controller.start()
        assert (await send(rig.port, request("GET", "/health"))).status == 200
        assert await rig.controller.probe()
        await rig.controller.stop()
        assert is_free("127.0.0.1", rig.port)
        assert not await rig.controller.probe()
        assert phases == ["starting", "running", "stopping", "stopped"]
    assert state.phase == "running"
    assert state.since > 0


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """This process can open nothing more for a while."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)  # the lowest one
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def test_nobody_is_cut_off_because_the_question_could_not_be_put():
    async with running_rig() as rig:
        phases = heard_phases(rig.controller)
        with no_descriptor_left():
            assert await rig.controller.probe()
        assert not phases
        assert (await send(rig.port, request("GET", "/health"))).status == 200


async def test_a_listener_that_answers_for_somebody_else_is_not_running(stranger):
    async with stopped_rig() as rig:
        stranger.append(True)
        phases = heard_phases(rig.controller)
        state = await rig.controller.start()
        assert is_free("127.0.0.1", rig.port), "a listener that is not running was left behind"
        assert phases == ["starting", "error"]
    assert isinstance(state.problem, PortTaken)


async def test_a_listener_that_does_not_answer_is_not_running(monkeypatch):
    own, silent = SideRoutes.itself, list[bool]()

    async def itself(self, request):
        if silent:
            await asyncio.Event().wait()
        return await own(self, request)

    monkeypatch.setattr(SideRoutes, "itself", itself)
    async with stopped_rig() as rig:
        silent.append(True)
        monkeypatch.setattr(controller_module, "START_LIMIT", 0.2)
        state = await rig.controller.start()
        assert is_free("127.0.0.1", rig.port)
    assert state.phase == "error"
    assert "in time" in state.problem.message


async def test_a_taken_port_names_its_holder_and_a_free_one():
    async with stopped_rig() as rig:
        server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", rig.port)
        controller = ProxyController(rig.relay, lambda port: f"node (process {port % 7})")
        async with server:
            state = await controller.start()
        problem = state.problem
        assert state.phase == "error"
        assert isinstance(problem, PortTaken)
        assert problem.fields["holder"] == f"node (process {rig.port % 7})"
        free = int(problem.fields["next"])
        assert free > rig.port
        assert is_free("127.0.0.1", free)
        moved = await controller.start(replace(rig.relay.config, port=free))
        assert (moved.phase, moved.port) == ("running", free)
        await controller.stop()


async def test_an_address_that_is_not_ours_is_said_in_words():
    async with stopped_rig() as rig:
        elsewhere = replace(rig.relay.config, host="203.0.113.9")
        state = await rig.controller.start(elsewhere)
    assert state.phase == "error"
    assert isinstance(state.problem, BadSetting)
    assert "203.0.113.9" in state.problem.message


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "::1"])
async def test_it_listens_on_every_address_of_this_machine_that_it_is_given(host):
    async with stopped_rig() as rig:
        if not can_bind(host):
            pytest.skip(f"this machine has no {host}")
        state = await rig.controller.start(replace(rig.relay.config, host=host))
        assert state.phase == "running", state.problem


def can_bind(host: str) -> bool:
    try:
        with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else 2):
            return True
    except OSError:
        return False


async def test_the_system_may_choose_the_port():
    async with stopped_rig() as rig:
        state = await rig.controller.start(replace(rig.relay.config, port=0))
        assert state.port > 0
        assert (await send(state.port, request("GET", "/health"))).status == 200


def test_the_next_free_port_is_never_below():
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        assert not is_free("127.0.0.1", port)
        assert next_free_port("127.0.0.1", port) != port
    assert 0 < next_free_port("127.0.0.1", 65535) <= 65535
    if can_bind("::1"):
        assert next_free_port("::1", 65535) > 0


async def test_a_listener_that_was_lost_is_noticed_and_said(stranger):
    async with running_rig() as rig:
        rig.fake.add_fault(Stall("/v1/messages", after_frames=2))
        way = SAME[2]
        stream = asyncio.create_task(post(rig, way.path, way.body()))
        await until(lambda: rig.traffic.in_flight and rig.traffic.recent[0].first_ms is not None)
        stranger.append(True)
        assert not await rig.controller.probe()
        assert rig.controller.state.phase == "error"
        _, body, _ = await stream
        assert b"Copilot Desktop is stopping" in body
        stranger.clear()
        assert (await rig.controller.start()).phase == "running"


async def test_start_and_stop_may_come_in_any_order_and_at_once():
    async with running_rig() as rig:
        controller = rig.controller
        await controller.start()
        await asyncio.gather(controller.stop(), controller.stop(), controller.start())
        assert controller.state.phase == "running"
        await asyncio.gather(controller.start(), controller.stop(), controller.stop())
        assert controller.state.phase == "stopped"
        assert (await controller.start()).phase == "running"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files in /proc")
async def test_fifty_toggles_leave_no_thread_task_or_open_file_behind():
    def held() -> tuple[int, int, int]:
        files = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        return files, threading.active_count(), len(asyncio.all_tasks())

    async with running_rig() as rig:
        await post(rig, SAME[0].path, SAME[0].body())
        await rig.controller.stop()
        before = held()
        for _ in range(50):
            assert (await rig.controller.start()).phase == "running"
            assert (await rig.controller.stop()).phase == "stopped"
        await until(lambda: all(now <= then for now, then in zip(held(), before, strict=True)),
                    "what the listeners held is let go")  # fmt: skip


# ------------------------------------------------------------------------------ open exchanges


@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way.path[4:]}-over{way.endpoint}")
async def test_stopping_tells_each_open_stream_and_lets_upstream_go(way: Way):
    async with running_rig() as rig:
        rig.fake.add_fault(Stall(way.endpoint, after_frames=3))
        async with (
            aiohttp.ClientSession() as http,
            http.post(rig.url + way.path, json=way.body()) as response,
        ):
            async with asyncio.timeout(20):
                await rig.controller.stop(drain=0)
                events = await read_events(response)
        assert "stopping" in way.error_in(events[-1])["message"]
        assert not any("[DONE]" in event for event in events)
        assert is_free("127.0.0.1", rig.port)
        received = rig.fake.ledger.to(way.endpoint)[-1]
        await until(lambda: received.aborted, "upstream is let go")
        assert rig.traffic.in_flight == 0
        assert (await rig.controller.start()).phase == "running"
        rig.fake.clear_faults()
        assert (await post(rig, way.path, way.body()))[0] == 200


async def test_an_answer_that_has_not_begun_gets_a_status():
    async with running_rig() as rig:
        rig.fake.add_fault(Slow("/v1/messages", seconds=60))
        way = SAME[2]
        waiting = asyncio.create_task(post(rig, way.path, way.body(stream=False)))
        await until(lambda: rig.fake.ledger.to("/v1/messages"))
        async with asyncio.timeout(20):
            await rig.controller.stop(drain=0)
            status, body, _ = await waiting
    assert status == 503
    assert json.loads(body)["type"] == "error"


async def test_short_answers_may_finish_while_new_ones_are_sent_away():
    async with running_rig() as rig:
        way = SAME[0]
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        writer.write(request("GET", "/health"))
        await read_answer(reader)
        rig.fake.add_fault(Slow(way.endpoint, seconds=0.5))
        short = asyncio.create_task(post(rig, way.path, way.body(stream=False)))
        await until(lambda: rig.fake.ledger.to(way.endpoint))
        stopping = asyncio.create_task(rig.controller.stop(drain=20))
        await until(lambda: rig.controller.state.phase == "stopping")
        body = json.dumps(way.body(stream=False)).encode()
        writer.write(request("POST", way.path, JSON, body=body))
        refused = await read_answer(reader)
        assert (await short)[0] == 200
        assert (await stopping).phase == "stopped"
        await hang_up(writer)
        assert len(rig.fake.ledger.to(way.endpoint)) == 1
    assert refused.status == 503
    assert "stopping" in refused.json()["error"]["message"]


async def test_who_does_not_want_to_wait_presses_stop_again():
    async with running_rig() as rig:
        way = SAME[1]
        rig.fake.add_fault(Stall(way.endpoint, after_frames=2))
        stream = asyncio.create_task(post(rig, way.path, way.body()))
        await until(lambda: rig.traffic.in_flight and rig.traffic.recent[0].first_ms is not None)
        stopping = asyncio.create_task(rig.controller.stop(drain=3600))
        await until(lambda: rig.controller.state.phase == "stopping")
        rig.controller.stop_now()
        async with asyncio.timeout(20):
            assert (await stopping).phase == "stopped"
            _, body, _ = await stream
    assert b"stopping" in body


async def test_idle_connections_do_not_hold_up_the_end():
    async with running_rig(config=ProxyConfig(client_timeout=3600)) as rig:
        idle = [await asyncio.open_connection("127.0.0.1", rig.port) for _ in range(20)]
        for reader, writer in idle[:10]:
            writer.write(request("GET", "/health"))
            await read_answer(reader)
        async with asyncio.timeout(20):
            await rig.controller.stop(drain=3600)
            for reader, writer in idle:
                assert await reader.read() == b""
                await hang_up(writer)
