"""Health and metrics, of a healthy server and of a broken one."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from conftest import Report, Script
from support.both_servers import Open
from support.client import connected
from support.waiting import eventually
from support.web_server import serving
from wyoming_piper_hardened import __version__
from wyoming_piper_hardened.processes.restart import RestartPolicy
from wyoming_piper_hardened.web.limits import WebLimits

CLIENTS, SAMPLES = 8, 200
LIMITS = WebLimits()
LIVE, METRICS = 0.05, 0.1
"""Seconds that 99 of 100 answers take at most on a machine of our own."""
NOISE = 10
"""How much longer they may take here, where other work goes on beside."""


async def test_health_metrics_and_status_of_a_healthy_server(
    open_site: Open, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    site = await open_site()
    await site.server.pool.until_ready()
    await site.hear(text="Hello.")
    assert await site.get("/health/live") == (200, {"live": True})
    async with site.client.head("/health/live") as answer:  # as some watchdogs ask
        assert (answer.status, await answer.read()) == (200, b"")
    joe = "en_US-joe-medium"
    ready = {"ready": True, "draining": False, "voice": joe, "speaks": joe, "issues": []}
    assert await site.get("/health/ready") == (200, ready)
    async with site.client.get("/metrics") as answer:
        assert answer.content_type == "text/plain"
        metrics = sampled(await answer.text())
    assert metrics['wyoming_piper_requests_total{outcome="ok"}'] == 1
    assert metrics['wyoming_piper_requests_total{outcome="overloaded"}'] == 0  # from the start
    assert metrics['wyoming_piper_worker_restarts_total{reason="hung"}'] == 0
    assert metrics['wyoming_piper_rejections_total{code="overloaded"}'] == 0
    assert not [name for name in metrics if "_created" in name]
    assert metrics["wyoming_piper_ready"] == 1
    assert metrics['wyoming_piper_workers{state="running"}'] == 1
    assert metrics['wyoming_piper_workers{state="fatal"}'] == 0
    assert metrics["wyoming_piper_workers_memory_bytes"] > 50 << 20
    assert metrics["wyoming_piper_voices_installed"] == 1
    assert metrics["wyoming_piper_saturation"] == 0
    assert metrics["wyoming_piper_capacity_streams"] > 0
    assert metrics['wyoming_piper_issues{kind="damaged"}'] == 0
    assert metrics[f'wyoming_piper_info{{version="{__version__}"}}'] == 1
    assert metrics["process_resident_memory_bytes"] > 10 << 20
    assert metrics["process_open_fds"] > 3
    _, status = await site.get("/api/status")
    assert status["ready"]
    assert status["speaks"] == status["voice"] == "en_US-joe-medium"
    assert status["memory"] > 10 << 20
    (worker,) = status["workers"]
    assert (worker["state"], worker["segments"]) == ("running", 1)
    (request,) = status["requests"]
    assert (request["outcome"], request["characters"]) == ("ok", 6)
    assert request["first_audio"] <= request["duration"]
    assert request["real_time_factor"] > 0
    assert "Hello" not in str(status)
    assert "web-listening" in {entry["event"] for entry in status["recent_log"]}


async def test_saturation_tells_how_full_the_server_is(open_site: Open) -> None:
    site = await open_site()
    await site.server.pool.until_ready()
    code, before = await site.get("/health/saturation")
    assert (code, before["streams"], before["saturation"]) == (200, 0, 0)
    async with site.client.post("/api/say", json={"text": "It is late. " * 40}) as answer:
        await answer.content.readexactly(200_000)  # more than a first sentence
        code, during = await site.get("/health/saturation")
        assert (code, during["streams"]) == (200, 1)
        assert during["saturation"] == pytest.approx(1 / during["capacity"])
        assert during["capacity"] != before["capacity"]  # which was a guess


def sampled(exposition: str) -> dict[str, float]:
    """Every sample by its name and labels, each of which is there once."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
            name = f"{sample.name}{{{labels}}}" if labels else sample.name
            assert name not in found
            found[name] = sample.value
    return found


@pytest.mark.parametrize(
    "accepted",
    [
        "application/openmetrics-text; version=1.0.0",
        "application/openmetrics-text; version=x.y",
        "text/plain; version=1.0.0.; escaping=none",
        "image/png",
    ],
)
async def test_metrics_are_plain_text_whatever_is_accepted(
    open_site: Open, script: Script, accepted: str
) -> None:
    site = await open_site(script())
    async with site.client.get("/metrics", headers={"Accept": accepted}) as answer:
        assert (answer.status, answer.content_type) == (200, "text/plain")
        metrics = text_string_to_metric_families(await answer.text())
        assert "wyoming_piper_workers" in {family.name for family in metrics}


async def test_health_names_the_voice_that_stands_in_and_why(
    open_site: Open, script: Script
) -> None:
    site = await open_site(script(), voice="en_US-amy-medium", auto_install=False)
    await site.server.pool.until_ready()
    await eventually(lambda: list(site.server.jobs.issues))
    code, body = await site.get("/health/ready")
    assert (code, body["ready"]) == (200, True)
    assert (body["voice"], body["speaks"]) == ("en_US-amy-medium", "en_US-joe-medium")
    (issue,) = body["issues"]
    assert issue["id"] == "missing:en_US-amy-medium"
    assert issue["params"]["command"] == "voices install en_US-amy-medium"


async def test_health_while_every_worker_is_fatal(open_site: Open, script: Script) -> None:
    policy = RestartPolicy(backoff_delay=0.01)
    site = await open_site(script("die"), policy)
    workers = site.server.pool.workers
    await eventually(lambda: all(worker.state == "fatal" for worker in workers))
    assert await site.get("/health/live") == (200, {"live": True})
    code, body = await site.get("/health/ready")
    assert (code, body["ready"]) == (503, False)
    assert (body["voice"], body["speaks"]) == ("en_US-joe-medium", None)
    (issue,) = body["issues"]
    assert issue["suggestion"] == "restart-workers"
    assert issue["applicable"]
    code, body = await site.get("/api/status")
    assert (code, body["workers"][0]["state"]) == (200, "fatal")
    async with site.client.get("/metrics") as answer:
        metrics = sampled(await answer.text())
    assert metrics["wyoming_piper_ready"] == 0
    assert metrics['wyoming_piper_workers{state="fatal"}'] == 1
    assert metrics['wyoming_piper_issues{kind="failing"}'] == 1
    async with site.client.post("/api/say", json={"text": "Hello."}) as answer:
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert (await answer.json())["error"]["code"] == "voice-unavailable"
    code, body = await site.post(f"/api/issues/{issue['id']}/apply?wait=true")
    assert (code, body) == (200, {"applied": issue["id"]})


async def test_health_is_fast_while_many_speak(prepared_data: Path, report: Report) -> None:
    """The server has a process of its own, so that only it is measured."""
    text = " ".join(f"This is sentence {number} of a long story." for number in range(20))
    async with serving(prepared_data) as server:
        stop = asyncio.Event()
        speaking = asyncio.Semaphore(0)

        async def speak() -> None:
            async with connected(server.wyoming_port) as client:
                while not stop.is_set():
                    await client.send("synthesize", text=text)
                    await client.until("audio-chunk")
                    speaking.release()
                    await client.until("audio-stop")

        async with asyncio.TaskGroup() as clients:
            for _ in range(CLIENTS):
                clients.create_task(speak())
            for _ in range(CLIENTS):
                await speaking.acquire()
            for path, limit in (("/health/live", LIVE), ("/metrics", METRICS)):
                times = [await ask(server.port, path) for _ in range(SAMPLES)]
                times.sort()
                usual, worst = times[SAMPLES // 2], times[SAMPLES * 99 // 100]
                report(f"{path}: p50 {1e3 * usual:.1f} ms, p99 {1e3 * worst:.1f} ms")
                assert usual < limit
                assert worst < NOISE * limit
            stop.set()


async def ask(port: int, path: str) -> float:
    """Seconds from a new connection to the end of the answer."""
    begin = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    seconds = time.perf_counter() - begin
    writer.close()
    assert re.match(rb"HTTP/1.1 200 ", answer)
    return seconds


async def test_connection_above_the_limit_is_refused(open_site: Open, script: Script) -> None:
    site = await open_site(script())
    port = site.web.port
    most = LIMITS.all_connections
    waiting = [await asyncio.open_connection("127.0.0.1", port) for _ in range(most)]
    await eventually(lambda: site.connections == most)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"X-Content-Type-Options: nosniff\r\n" in answer
    writer.close()
    for _, opened in waiting:
        opened.close()
    await eventually(lambda: not site.connections)
    assert await site.get("/health/live") == (200, {"live": True})


async def test_client_that_takes_no_answer_is_dropped(open_site: Open, script: Script) -> None:
    site = await open_site(script(), web_limits=WebLimits(send_timeout=0.2))
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", site.web.port))
        deaf.sendall(b"GET /api/voices HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200)
        await eventually(lambda: site.connections)
        await eventually(lambda: not site.connections)
