"""``/metrics`` for Prometheus: counters, the current state, and the process."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable

from aiohttp import web
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from ...metrics import PREFIX, Metrics
from ...reporting.issues import IssueKind
from ...status.reporter import StatusReporter
from ...workers.worker import WorkerState
from ..endpoint import BYTES, Endpoint


class MetricsEndpoint:
    """``/metrics``.

    Args:
        status: knows the state.
        metrics: the counters.
    """

    def __init__(self, status: StatusReporter, metrics: Metrics) -> None:
        self._counted = metrics.registry
        self._state = CollectorRegistry()
        self._state.register(_State(status))
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API."""
        return (
            Endpoint(
                method="GET",
                path="/metrics",
                handle=self._show,
                summary="Metrics in Prometheus' format.",
                answers={200: {"text/plain": BYTES}},
            ),
        )

    async def _show(self, _: web.Request) -> web.Response:
        process = await asyncio.to_thread(generate_latest, self._process)  # reads files of /proc
        return web.Response(
            body=generate_latest(self._counted) + generate_latest(self._state) + process,
            # The one form that every scraper takes, whatever else it says it would.
            headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4},
        )


class _State(Collector):
    """Gauges that are read when they are collected."""

    def __init__(self, status: StatusReporter) -> None:
        self._status = status

    def describe(self) -> Iterable[Metric]:
        """Return nothing beforehand."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Yield the current values."""
        status = self._status.snapshot()
        yield InfoMetricFamily(PREFIX, "The server", {"version": status.version})
        yield _gauge("ready", "Whether the default voice can speak", status.ready)
        yield _gauge("voices_installed", "Voices that are installed", status.voices_installed)
        yield _gauge(
            "voices_unavailable",
            "Voices that are not tried at present because their engine fails",
            status.voices_unavailable,
        )
        yield _gauge("jobs", "Voices being installed, verified or repaired", len(status.jobs))
        yield _gauge("requests_under_way", "Requests that need a worker", status.queue.requests)
        load = self._status.pool.load()
        yield _gauge(
            "capacity_streams", "Streams that can be made in real time, measured", load.capacity
        )
        yield _gauge("saturation", "Requests under way, as part of the capacity", load.saturation)
        yield _gauge(
            "quarantined_texts",
            "Texts left out because they ended workers",
            status.queue.quarantined_texts,
        )
        yield _gauge(
            "workers_memory_bytes",
            "Resident memory of all workers",
            sum(worker.memory for worker in status.workers),
        )
        states = Counter(str(worker.state) for worker in status.workers)
        yield _gauges("workers", "Workers by state", "state", WorkerState, states)
        kinds = Counter(str(issue.kind) for issue in status.issues)
        yield _gauges("issues", "Open issues by kind", "kind", IssueKind, kinds)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}_{name}", text, value)


def _gauges(
    name: str, text: str, label: str, values: Iterable[str], counts: Counter[str]
) -> Metric:
    family = GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=[label])
    for value in values:
        family.add_metric([value], counts[value])
    return family
