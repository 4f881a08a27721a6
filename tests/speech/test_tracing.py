"""Traces of requests, sent to a real collector's endpoint on loopback."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from conftest import Script, Serve
from support.client import connected
from support.events import logged
from support.ports import free_port
from support.waiting import eventually
from wyoming_piper_hardened import __version__

TEXT = "The cooker is still on."


@pytest.fixture(autouse=True)
def _sent_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")  # milliseconds


class Collector:
    """Takes OTLP over HTTP."""

    def __init__(self) -> None:
        self.port = free_port()
        self.bodies: list[bytes] = []
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def spans(self) -> list[tuple[dict[str, Any], Span]]:
        """Every span, with its resource's attributes."""
        found = []
        for body in self.bodies:
            for group in ExportTraceServiceRequest.FromString(body).resource_spans:
                resource = attributes(group.resource)
                found += [(resource, span) for scope in group.scope_spans for span in scope.spans]
        return found

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async def take(request: web.Request) -> web.Response:
            body = await request.read()
            if self.status == 200:
                self.bodies.append(body)
            return web.Response(status=self.status)

        app = web.Application()
        app.router.add_post("/v1/traces", take)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        try:
            yield
        finally:
            await runner.cleanup()


def attributes(of: Any) -> dict[str, Any]:
    """Return attributes as plain values."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in of.attributes}


async def test_request_is_a_span_without_its_text(start_server: Serve) -> None:
    collector = Collector()
    async with collector.running():
        server = await start_server(otel_endpoint=collector.url)
        assert server.port
        async with connected(server.port) as client:
            heard = await client.say(f"{TEXT} {TEXT}")
        await eventually(collector.spans)
    ((resource, span),) = collector.spans()
    assert resource["service.name"] == "wyoming-piper-hardened"
    assert resource["service.version"] == __version__
    found = attributes(span)
    (record,) = server.synthesizer.records
    assert found == {
        "piper.voice": "en_US-joe-medium",
        "piper.outcome": "ok",
        "piper.characters": 2 * len(TEXT),
        "piper.segments": 2,
        "piper.replays": 0,
        "piper.queue_wait": record.queue_wait,
        "piper.first_audio": record.first_audio,
        "piper.audio": pytest.approx(len(heard.pcm) / 2 / 22_050),
    }
    assert span.kind == Span.SPAN_KIND_SERVER
    assert span.status.code == Status.STATUS_CODE_UNSET
    seconds = (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9
    assert seconds == pytest.approx(record.duration, abs=1e-6)
    assert all(TEXT.split()[1].encode() not in body for body in collector.bodies)


async def test_failed_request_is_a_failed_span(start_server: Serve, script: Script) -> None:
    collector = Collector()
    async with collector.running():
        server = await start_server(script(), otel_endpoint=collector.url)
        assert server.port
        async with connected(server.port) as client:
            assert (await client.say("Now KILLED LATE ONCE.")).pcm
        async with connected(server.port) as client:
            await client.say("Now ERROR.")
        await eventually(lambda: len(collector.spans()) == 2)
    (_, replayed), (_, failed) = collector.spans()
    assert attributes(replayed)["piper.replays"] == 1
    assert replayed.status.code == Status.STATUS_CODE_UNSET
    assert failed.status.code == Status.STATUS_CODE_ERROR
    assert failed.status.message == attributes(failed)["piper.outcome"] == "synthesis-failed"


async def test_collector_that_refuses_costs_no_speech_and_one_line(
    start_server: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    collector = Collector()
    collector.status = 400
    async with collector.running():
        server = await start_server(otel_endpoint=collector.url)
        assert server.port
        async with connected(server.port) as client:
            for _ in range(3):
                assert (await client.say(TEXT)).pcm
            await eventually(lambda: logged(caplog, "traces-refused"))
            collector.status = 200
            assert (await client.say(TEXT)).pcm
            await eventually(lambda: logged(caplog, "traces-taken"))
    assert len(logged(caplog, "traces-refused")) == len(logged(caplog, "traces-taken")) == 1
    assert not [one for one in caplog.records if one.name.startswith("opentelemetry")]


async def test_nobody_listening_does_not_delay_the_stop(start_server: Serve) -> None:
    server = await start_server(otel_endpoint=f"http://127.0.0.1:{free_port()}")
    assert server.port
    async with connected(server.port) as client:
        assert (await client.say(TEXT)).pcm
