"""Workers without processes, on a clock that only the simulation moves."""

from __future__ import annotations

import functools
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from wyoming_piper_hardened.engine.messages import SegmentRequest, VoiceVersion
from wyoming_piper_hardened.engine.schedule import DEFAULT
from wyoming_piper_hardened.metrics import Metrics
from wyoming_piper_hardened.processes.restart import RestartDecider
from wyoming_piper_hardened.workers.dispatch.dispatcher import Dispatcher
from wyoming_piper_hardened.workers.dispatch.segment_job import Listener, SegmentJob
from wyoming_piper_hardened.workers.failures.breaker import Breakers
from wyoming_piper_hardened.workers.failures.failure_policy import FailurePolicy
from wyoming_piper_hardened.workers.failures.text_quarantine import TextQuarantine
from wyoming_piper_hardened.workers.scheduler import Limits

VOICE = VoiceVersion(Path("/voices/a.onnx"))


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds that a chunk takes: the encoder of a sentence, and each frame with its margin."""

    encoder: float = 0.045
    frame: float = 0.0008
    margin: int = 17
    frame_seconds: float = 256 / 22_050

    def chunk(self, frames: int, *, first: bool) -> float:
        """Return the seconds of work for a chunk."""
        return (self.encoder if first else 0.0) + (frames + self.margin) * self.frame


@dataclass(eq=False)
class Segment:
    """A segment as the simulation knows it: its chunks, in frames. A sample stands for each."""

    chunks: tuple[int, ...]
    job: SegmentJob | None = None

    @property
    def made(self) -> int:
        """Chunks whose audio has come."""
        return 0 if self.job is None else self.job.samples

    def seconds(self, number: int) -> float:
        """Return the length of a chunk."""
        return self.chunks[number] * Costs().frame_seconds


@dataclass(eq=False)
class Talk:
    """One request: its segments, submitted two ahead of what is complete."""

    arrival: float
    segments: list[Segment]
    listener: Listener | None = None
    first: float | None = None
    """When it heard something."""
    end: float | None = None
    dry: float = 0.0
    """Silence once it had begun, all of it together."""
    heard: float = 0.0
    refuses: bool = False
    """Whether the client takes nothing."""
    real_time: bool = False
    """Whether it takes a chunk only when it has played it."""
    most_buffered: float = 0.0
    """Seconds that it had not taken."""
    played: float = 0.0
    """When it will have played all that it has heard."""


class SimulatedWorker:
    """Computes chunks one after the other on each of its threads."""

    def __init__(self, simulation: Simulation) -> None:
        self.accepts = True
        self.open: dict[SegmentJob, int] = {}
        """Segments, and the chunk that is computed next."""
        self.under_way: list[SegmentJob] = []
        self.deaths = 0
        self._simulation = simulation

    @property
    def computing(self) -> int:
        return len(self.under_way)

    @property
    def open_jobs(self) -> int:
        return len(self.open)

    @property
    def isolated(self) -> bool:
        return any(job.suspect for job in self.under_way)

    def compute(self, job: SegmentJob) -> None:
        segment = self._simulation.segments[job]
        first = job not in self.open
        number = self.open.setdefault(job, segment.made)
        self.open[job] = number + 1
        # One beyond the end before the end is known, on each thread.
        assert number < len(segment.chunks) + self._simulation.threads
        self.under_way.append(job)
        assert len(self.under_way) == 1 or not self.isolated
        frames = segment.chunks[number] if number < len(segment.chunks) else 0
        costs = self._simulation.costs
        self._simulation.later(
            costs.chunk(frames, first=first) if frames else 0.0,
            functools.partial(self._computed, job, number, self.deaths),
        )

    def close(self, job: SegmentJob) -> None:
        self.open.pop(job, None)

    def _computed(self, job: SegmentJob, number: int, deaths: int) -> None:
        if self.deaths != deaths or job not in self.under_way:
            return  # it died meanwhile, or the segment has ended
        self.under_way.remove(job)
        simulation = self._simulation
        if job in self.open:
            segment = simulation.segments[job]
            if number < len(segment.chunks):
                simulation.computed += 1
                simulation.heard(job, number)
            if segment.made >= len(segment.chunks):
                del self.open[job]
                self.under_way = [other for other in self.under_way if other is not job]
                simulation.dispatcher.ended(job)
                sharing = (job, *job.followers)
                job.finish()
                for one in sharing:
                    simulation.complete(one)
            else:
                simulation.dispatcher.computed(job, len(segment.chunks) - segment.made)
        simulation.dispatcher.dispatch()

    def die(self) -> None:
        """End in the middle of everything."""
        self.deaths += 1
        suspects = set(self.under_way)
        self.under_way.clear()
        self.open.clear()
        self.accepts = False
        for job in suspects:
            job.failures += 1
            job.try_again()
        self._simulation.dispatcher.leave(self)


@dataclass
class Simulation:
    """A dispatcher with simulated workers; `run` lets time pass until nothing happens any more."""

    workers: int = 1
    threads: int = 2
    limits: Limits = field(default_factory=Limits)
    costs: Costs = field(default_factory=Costs)
    spare: int = 0
    equal: bool = False
    """Whether segments with equal chunks have equal texts."""
    on_change: Callable[[Simulation], None] = lambda _simulation: None
    """Called after every event."""
    now: float = 0.0
    talks: list[Talk] = field(default_factory=list)
    segments: dict[SegmentJob, Segment] = field(default_factory=dict)
    computed: int = 0
    """Chunks whose audio was computed."""

    def __post_init__(self) -> None:
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        policy = FailurePolicy(
            Breakers(RestartDecider()), TextQuarantine(), Metrics(), lambda *_: None
        )
        self.dispatcher = Dispatcher(
            self.workers,
            self.threads,
            policy,
            Metrics(),
            limits=self.limits,
            clock=lambda: self.now,
        )
        self.all_workers = [SimulatedWorker(self) for _ in range(self.workers + self.spare)]
        for worker in self.all_workers:
            self.dispatcher.join(worker)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Have `call` called after so much time."""
        heapq.heappush(self._events, (self.now + seconds, next(self._numbers), call))

    def add(self, talk: Talk) -> None:
        """Let a request come at its time."""
        self.talks.append(talk)
        heapq.heappush(
            self._events, (talk.arrival, next(self._numbers), lambda: self._arrive(talk))
        )

    def run(self, most: int = 100_000) -> None:
        """Let time pass until nothing happens any more."""
        for _ in range(most):
            if not self._events:
                return
            self.now, _, call = heapq.heappop(self._events)
            call()
            self.on_change(self)
        raise AssertionError("it never ends")

    def heard(self, job: SegmentJob, number: int) -> None:
        """Let the listeners of a segment hear a chunk; its sample is how many came before it."""
        segment = self.segments[job]
        seconds = segment.seconds(number)
        sharing = (job, *job.followers)
        job.add(segment.made.to_bytes(2), seconds)
        for one in sharing:
            self._hear(one, seconds)

    def _hear(self, job: SegmentJob, seconds: float) -> None:
        talk = self._talk_of(job)
        if talk.first is None:
            talk.first = self.now
        else:
            talk.dry = max(talk.dry, self.now - talk.first - talk.heard)
        talk.heard += seconds
        talk.played = max(talk.played, self.now) + seconds
        talk.most_buffered = max(talk.most_buffered, job.listener.playback.buffered)
        if talk.real_time:
            self.later(talk.played - self.now, functools.partial(job.listener.take, seconds))
        elif not talk.refuses:
            job.listener.take(seconds)

    def complete(self, job: SegmentJob) -> None:
        """Submit the next segment behind one that is complete."""
        talk = self._talk_of(job)
        self._submit(talk)
        if not any(segment.made < len(segment.chunks) for segment in talk.segments):
            talk.end = self.now

    def _arrive(self, talk: Talk) -> None:
        talk.listener = self.dispatcher.listener()
        for _ in range(2):
            self._submit(talk)

    def _submit(self, talk: Talk) -> None:
        assert talk.listener is not None
        for segment in talk.segments:
            if segment.job is None:
                text = str(segment.chunks if self.equal else id(segment))
                request = SegmentRequest(text, VOICE, schedule=DEFAULT)
                segment.job = SegmentJob(request, talk.listener)
                self.segments[segment.job] = segment
                self.dispatcher.add(segment.job)
                for number in range(segment.made):  # of an equal one that was before
                    self._hear(segment.job, segment.seconds(number))
                return

    def _talk_of(self, job: SegmentJob) -> Talk:
        return next(talk for talk in self.talks if talk.listener is job.listener)


def sentence(seconds: float) -> Segment:
    """Return a sentence of so much audio, cut as usual."""
    frames = max(1, round(seconds / Costs().frame_seconds))
    return Segment(tuple(stop - start for start, stop in DEFAULT.chunks(frames)))
