"""Traces of requests for OpenTelemetry: one span each, without any text."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from .. import __version__
from ..reporting.events import Event
from .synthesizer import RequestRecord

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

_LOGGER = logging.getLogger(__name__)
_SERVICE = "wyoming-piper-hardened"
_EXPORT_TIMEOUT = 5.0
_STOP_TIMEOUT = 2.0
_NANOSECONDS = 1_000_000_000
_NO_ERRORS = {"ok", "cancelled"}
_ATTRIBUTES = (
    *("voice", "outcome", "characters", "segments", "replays"),
    *("queue_wait", "first_audio", "audio"),
)


class Tracing:
    """Sends the records of requests to a collector, by OTLP over HTTP.

    A thread sends them; what the collector does not take is left out, and the log says so once.

    Args:
        endpoint: of the collector, such as ``http://HOST:4318``; ``None`` for nowhere.
        server_id: by which several servers are told apart.
    """

    def __init__(self, endpoint: str | None, server_id: str | None) -> None:
        self._endpoint = endpoint
        self._server_id = server_id
        self._send: Callable[[RequestRecord], None] | None = None

    def record(self, record: RequestRecord) -> None:
        """Send a record, if there is somebody to send it to."""
        if self._send is not None:
            self._send(record)

    async def run(self) -> None:
        """Send records until cancelled; return at once if that is not wanted or possible."""
        if self._endpoint is None:
            return
        if find_spec("opentelemetry") is None:
            reason = "install wyoming-piper-hardened[otel] to send traces"
            _LOGGER.warning(Event("tracing-impossible", reason=reason))
            return
        # in a thread: it imports much
        self._send, stop = await asyncio.to_thread(_started, self._endpoint, self._server_id)
        try:
            await asyncio.Event().wait()
        finally:
            self._send = None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STOP_TIMEOUT):
                    await asyncio.to_thread(stop)


def _started(
    endpoint: str, server_id: str | None
) -> tuple[Callable[[RequestRecord], None], Callable[[], None]]:
    """Start the thread that sends spans; return what makes one of a record, and what ends it."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - optional
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - likewise
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - likewise
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - likewise
    from opentelemetry.trace import SpanKind, Status, StatusCode  # noqa: PLC0415 - likewise

    # It would log every attempt, with a traceback.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    resource = {"service.name": _SERVICE, "service.version": __version__}
    if server_id:
        resource["service.instance.id"] = server_id
    provider = TracerProvider(resource=Resource.create(resource), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=_EXPORT_TIMEOUT)
    provider.add_span_processor(BatchSpanProcessor(_reported(exporter, endpoint)))
    tracer = provider.get_tracer(_SERVICE, __version__)

    def send(record: RequestRecord) -> None:
        end = round(record.at * _NANOSECONDS)
        begin = end - round(record.duration * _NANOSECONDS)
        values = {name: getattr(record, name) for name in _ATTRIBUTES}
        span = tracer.start_span(
            "speak",
            kind=SpanKind.SERVER,
            start_time=begin,
            attributes={f"piper.{key}": item for key, item in values.items() if item is not None},
        )
        if record.outcome not in _NO_ERRORS:
            span.set_status(Status(StatusCode.ERROR, record.outcome))
        span.end(end)

    return send, provider.shutdown


def _reported(exporter: SpanExporter, endpoint: str) -> SpanExporter:
    """Return an exporter that logs when the collector begins or ceases to refuse spans."""
    from opentelemetry.sdk.trace.export import (  # noqa: PLC0415 - an optional extra
        SpanExporter,
        SpanExportResult,
    )

    class Reported(SpanExporter):
        """Exports like another one."""

        failing = False

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            """Export `spans`, and tell of a change."""
            result = exporter.export(spans)
            failing = result is not SpanExportResult.SUCCESS
            if failing and not self.failing:
                _LOGGER.warning(Event("traces-refused", endpoint=endpoint))
            elif self.failing and not failing:
                _LOGGER.info(Event("traces-taken", endpoint=endpoint))
            self.failing = failing
            return result

        def shutdown(self) -> None:
            """End what is under way."""
            exporter.shutdown()

    return Reported()
