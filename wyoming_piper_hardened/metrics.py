"""Counters and histograms of the server, in Prometheus' terms.

One object is made by the composition root and passed to the parts that count; nothing is global, so
that tests and several servers in one process do not mix.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)

from . import errors
from .reporting.issues import FailureKind

_SHORT = (0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LONG = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
PREFIX = "wyoming_piper"
"""Of every name."""

_OUTCOMES = (
    *("ok", "cancelled"),
    *(
        error.code
        for error in (
            errors.ClientGoneError,
            errors.DeadlineError,
            errors.HardenedError,
            errors.IdleError,
            errors.OverloadedError,
            errors.PhonemesError,
            errors.ShuttingDownError,
            errors.SynthesisError,
            errors.TextQuarantinedError,
            errors.TextTooLongError,
            errors.VoiceUnavailableError,
        )
    ),
)
_REJECTIONS = (errors.OverloadedError, errors.VoiceUnavailableError)
"""Labels whose counters are there from the start: a rate needs the zero before the first one."""

# Gauges that nobody asks for, one beside each counter and histogram.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """Every counter and histogram; times in seconds."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._counter(
            "requests", "Requests by outcome (ok or an error code)", "outcome"
        )
        for outcome in _OUTCOMES:
            self.requests.labels(outcome)
        self.first_audio = self._histogram(
            "first_audio_seconds", "From request to first audio", _SHORT
        )
        self.segment_time = self._histogram("segment_seconds", "One segment in a worker", _LONG)
        self.queue_wait = self._histogram(
            "queue_wait_seconds", "A segment's wait for a worker", _SHORT
        )
        self.audio = self._counter("audio_seconds", "Audio made, in seconds")
        self.restarts = self._counter("worker_restarts", "Worker restarts by reason", "reason")
        for kind in FailureKind:
            self.restarts.labels(kind)
        self.replays = self._counter("replays", "Segments spoken a second time")
        self.quarantined_texts = self._counter(
            "quarantined_texts", "Segments left out because they kill workers"
        )
        self.text_faults = self._counter(
            "text_faults", "Segments spoken as they came because a rule of their language failed"
        )
        self.rejections = self._counter("rejections", "Requests refused at once, by code", "code")
        for error in _REJECTIONS:
            self.rejections.labels(error.code)
        self.queue_length = Gauge(
            f"{PREFIX}_queue_length", "Segments that wait for a worker", registry=self.registry
        )
        self.tasks = Gauge(
            f"{PREFIX}_event_loop_tasks", "Tasks under way in the server", registry=self.registry
        )
        self.tasks.set_function(_tasks)

    def requests_by_outcome(self) -> dict[str, int]:
        """Return the number of requests that ended so, by outcome."""
        return {labels["outcome"]: round(value) for labels, value in _samples(self.requests)}

    def total_restarts(self) -> int:
        """Return the number of restarts of workers, for whatever reason."""
        return round(sum(value for _, value in _samples(self.restarts)))

    def total_audio(self) -> float:
        """Return the seconds of audio that were made."""
        return sum(value for _, value in _samples(self.audio))

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"{PREFIX}_{name}", text, buckets=buckets, registry=self.registry)


def _samples(counter: Counter) -> Iterator[tuple[dict[str, str], float]]:
    """Yield labels and value of each series of a counter."""
    for metric in counter.collect():
        yield from (
            (one.labels, one.value) for one in metric.samples if one.name.endswith("_total")
        )


def _tasks() -> int:
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:  # asked for outside of the event loop
        return 0
