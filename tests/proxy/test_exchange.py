"""The list of requests: who asked, when, how it ended; counts that are right, and no content."""

from __future__ import annotations

import time
from functools import partial

import pytest
from phenomena.routes import WAYS, Way, each_way
from proxy.raw import until
from proxy.scripted import post
from rig import running_rig

from copilot_desktop.canonical import Usage
from copilot_desktop.demo import Status
from copilot_desktop.proxy.exchange import KEPT, Exchange, Traffic, client_name


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("claude-cli/2.1.0 (external, cli)", "Claude Code"), ("codex_cli_rs/0.9", "Codex"),
        ("opencode/1.0 ai-sdk/3", "opencode"), ("OpenAI/Python 3.54.0", "OpenAI SDK"),
        ("AsyncOpenAI/Python 3.54.0", "OpenAI SDK"), ("Anthropic/JS 1.0", "Anthropic SDK"),
        ("AsyncAnthropic/Python 2.12.0", "Anthropic SDK"), ("curl/8.5.0", "curl"),
        ("copilot/1.0.102 (linux)", "Copilot CLI"), ("GitHubCopilotChat/0.44.1", "VS Code"),
        ("my-tool/1", "my-tool"), ("", "Unknown"), ("/", "Unknown"), ("x" * 500, "x" * 32),
        # As Latin-1 comes out of a header, and a mark that turns the words around it.
        (b"M\xfcller/1".decode("utf-8", "surrogateescape"), "M\ufffdller"),
        ("\u202etool/1", "\ufffdtool"),
    ],
)  # fmt: skip
def test_clients_are_called_by_their_names(agent, name):
    assert client_name(agent) == name


def test_the_first_ending_counts_and_times_are_whole_milliseconds():
    exchange = Exchange(1, "curl", "chat")
    exchange.first_byte()
    first = exchange.first_ms
    exchange.first_byte()
    exchange.finish("cancelled")
    took = exchange.took_ms
    exchange.finish("ok")
    assert exchange.outcome == "cancelled"
    assert exchange.took_ms == took
    assert exchange.first_ms == first
    assert 0 <= first <= took


def test_notes_fit_in_a_header_whatever_a_client_wrote():
    exchange = Exchange(1, "curl", "chat", route="/responses")
    exchange.notes = ["dropped=a\r\nSet-Cookie: x", "dropped=é\u2028\x00" + "x" * 5000]
    line = exchange.note_line()
    assert line.startswith("route=/responses; dropped=a")
    assert line.isascii()
    assert line.isprintable()
    assert len(line) <= 1024


def test_traffic_counts_what_is_open_and_keeps_the_latest():
    traffic, heard = Traffic(), []
    traffic.on_change = lambda: heard.append(traffic.in_flight)
    first, second = traffic.open("curl/8", "chat"), traffic.open("codex", "responses")
    assert not traffic.idle.is_set()
    assert [each.id for each in traffic.recent] == [second.id, first.id]
    traffic.close(first, "failed")
    assert not traffic.idle.is_set()
    traffic.close(second, "failed")
    assert traffic.idle.is_set()
    assert heard == [1, 2, 1, 0]
    for _ in range(KEPT + 5):
        traffic.close(traffic.open("", "chat"), "failed")
    assert len(traffic.recent) == KEPT
    assert traffic.today == KEPT + 7


def test_a_new_day_counts_from_one(monkeypatch):
    traffic, noon = Traffic(), time.mktime((2026, 1, 1, 12, 0, 0, 0, 0, -1))
    for now in (noon, noon + 1, noon + 11 * 3600, noon + 13 * 3600):
        monkeypatch.setattr(time, "time", partial(float, now))
        traffic.open("", "chat")
    assert traffic.today == 1


def test_the_requests_of_an_earlier_run_are_todays_too():
    traffic = Traffic()
    traffic.open("", "chat")
    traffic.resume(40)
    traffic.open("", "chat")
    assert traffic.today == 42


@each_way
async def test_an_exchange_tells_what_a_user_asks_about(way):
    async with running_rig() as rig:
        for stream in (True, False):
            agent = {"User-Agent": "curl/8.5.0"}
            await post(rig, way.path, way.body("canary-prompt", stream=stream), headers=agent)
            seen = rig.traffic.recent[0]
            assert (seen.client, seen.route) == ("curl", way.endpoint)
            assert (seen.model_asked, seen.model_used) == (way.model, way.model)
            assert (seen.status, seen.outcome, seen.stream) == (200, "ok", stream)
            assert seen.initiator == "user"
            assert seen.usage.total_input > 0
            assert seen.usage.output > 0
            assert 0 <= seen.first_ms <= seen.took_ms
            assert seen.request_id
            assert seen.error == ""
            assert "canary" not in repr(seen)
        rig.fake.add_fault(Status.example("429-model", way.endpoint))
        await post(rig, way.path, way.body())
        refused = rig.traffic.recent[0]
    assert (refused.status, refused.outcome) == (429, "failed")
    assert refused.error
    assert rig.traffic.in_flight == 0


async def test_what_cannot_be_understood_is_in_the_list_too():
    async with running_rig() as rig:
        await post(rig, WAYS[0].path, [])
        await post(rig, WAYS[0].path, {**WAYS[0].body(), "model": "x" * 5000})
        unknown, odd = rig.traffic.recent
    assert (odd.status, odd.outcome) == (400, "failed")
    assert unknown.status == 404
    assert len(unknown.model_asked) <= 200


def test_the_note_line_tells_route_initiator_counts_and_changes():
    exchange = Exchange(1, "curl", "chat", route="/responses", initiator="agent")
    exchange.notes = ["dropped=top_k", "mapped=thinking>effort", "dropped=service_tier"]
    exchange.multiplier = 0.33
    head = "route=/responses; initiator=agent; "
    changes = "; dropped=top_k,service_tier; mapped=thinking>effort"
    assert exchange.note_line() == f"{head}multiplier=0.33{changes}"
    exchange.usage = Usage(input=120, output=7, cache_read=30, cache_write=4)
    exchange.nano_credits = 259_620_000  # said for this very answer, so it counts more
    counts = "input=120; output=7; cache=30+4; credits=0.25962"
    assert exchange.note_line() == f"{head}{counts}{changes}"


@each_way
async def test_the_cost_of_every_answer_is_known(way: Way):
    async with running_rig() as rig:
        for stream in (True, False):
            status, _, headers = await post(rig, way.path, way.body(stream=stream))
            assert status == 200
            await until(lambda: not rig.traffic.in_flight, "the exchange is over")
            exchange = rig.traffic.recent[0]
            assert exchange.nano_credits is not None
            assert exchange.initiator == "user"
            told = headers["x-copilot-desktop-notes"]
            assert told.startswith(f"route={way.endpoint}; initiator=user")
            assert stream or ("output=" in told and "credits=" in told), told


@each_way
async def test_the_record_of_an_exchange_holds_nothing_that_was_said(way: Way):
    told = "canary-in-the-text demo: say canary-in-the-answer"
    async with running_rig() as rig:
        for stream in (True, False):
            status, body, headers = await post(rig, way.path, way.body(told, stream=stream))
            assert status == 200
            assert b"canary" in body
            await until(lambda: not rig.traffic.in_flight, "the exchange is over")
            assert "canary" not in repr(rig.traffic.recent) + str(headers)
