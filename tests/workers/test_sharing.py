"""Equal segments of several listeners are computed once, step by step."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from wyoming_piper_hardened.engine.messages import SegmentRequest, SpeechOptions, VoiceVersion
from wyoming_piper_hardened.engine.schedule import DEFAULT, Schedule
from wyoming_piper_hardened.errors import HardenedError, TextQuarantinedError, VoiceUnavailableError
from wyoming_piper_hardened.metrics import Metrics
from wyoming_piper_hardened.processes.errors import EngineFailedError
from wyoming_piper_hardened.processes.restart import RestartDecider
from wyoming_piper_hardened.reporting.issues import Failure, FailureKind, Stage as At
from wyoming_piper_hardened.system.aio import cancel_and_wait
from wyoming_piper_hardened.workers.dispatch.dispatcher import Dispatcher
from wyoming_piper_hardened.workers.dispatch.segment_job import Listener, SegmentJob
from wyoming_piper_hardened.workers.failures.breaker import Breakers
from wyoming_piper_hardened.workers.failures.failure_policy import FailurePolicy
from wyoming_piper_hardened.workers.failures.text_quarantine import TextQuarantine
from wyoming_piper_hardened.workers.scheduler import Limits

VOICE = VoiceVersion(Path("/voices/a.onnx"))
ONE = b"\x01\x00"
"""A chunk of audio, here a single sample."""


@dataclass(eq=False)
class OneChunkWorker:
    """Computes one chunk at a time, when the test says so."""

    dispatcher: Dispatcher
    accepts: bool = True
    isolated: bool = False
    under_way: SegmentJob | None = None
    open: set[SegmentJob] = field(default_factory=set)

    @property
    def computing(self) -> int:
        return self.under_way is not None

    @property
    def open_jobs(self) -> int:
        return len(self.open)

    def compute(self, job: SegmentJob) -> None:
        assert self.under_way is None
        self.under_way = job
        self.open.add(job)

    def close(self, job: SegmentJob) -> None:
        self.open.discard(job)

    def drop(self) -> None:
        """Throw away what is under way, as for a segment that was closed."""
        self.under_way = None
        self.dispatcher.dispatch()

    def complete(self, seconds: float, *, left: int = 5) -> None:
        """Let the chunk under way be complete: so much audio, and so many more chunks follow."""
        job, self.under_way = self.under_way, None
        assert job is not None
        job.add(ONE, seconds)
        self.dispatcher.computed(job, left)
        self.dispatcher.dispatch()


class Stage:
    """A dispatcher with one worker, at a time that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.policy = FailurePolicy(
            Breakers(RestartDecider()), TextQuarantine(), Metrics(), lambda *_: None
        )
        self.dispatcher = Dispatcher(
            1, 1, self.policy, Metrics(), limits=Limits(), clock=lambda: self.now
        )
        self.worker = OneChunkWorker(self.dispatcher)
        self.dispatcher.join(self.worker)

    def computed(self) -> SegmentJob | None:
        """Return the segment of which a chunk is computed."""
        return self.worker.under_way

    def ask(
        self,
        text: str,
        listener: Listener | None = None,
        options: SpeechOptions | None = None,
        schedule: Schedule | None = DEFAULT,
    ) -> SegmentJob:
        """Have a text spoken for a new listener, or behind what one was told before."""
        request = SegmentRequest(text, VOICE, options or SpeechOptions(), schedule)
        job = SegmentJob(request, listener or self.dispatcher.listener())
        self.dispatcher.add(job)
        return job


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def heard(job: SegmentJob) -> bytes:
    """Return the audio of a segment that has ended."""
    return b"".join([pcm async for pcm in job.audio()])


def test_only_what_is_equal_in_everything_is_shared(stage: Stage) -> None:
    first = stage.ask("Good night.")
    assert stage.ask("Good night.").leader is first
    for other in (
        stage.ask("Good night!"),
        stage.ask("Good night.", options=SpeechOptions(volume=0.5)),
        stage.ask("Good night.", options=SpeechOptions(speaker_id=1)),
        stage.ask("Good night.", first.listener),
    ):
        assert other.leader is None


def test_voice_that_does_not_stream_is_not_shared(stage: Stage) -> None:
    stage.ask("Good night.", schedule=None)
    assert stage.ask("Good night.", schedule=None).leader is None


def test_each_of_them_is_told_that_there_is_a_rest(stage: Stage) -> None:
    leader, follower = stage.ask("Good night."), stage.ask("Good night.")
    leader.finish(rest=3)
    for job in (leader, follower):
        assert asyncio.run(heard(job)) == b""
        assert job.rest is not None
        assert job.rest.from_phrase == 3


def test_failure_of_one_is_not_that_of_the_others(stage: Stage) -> None:
    jobs = [stage.ask("Good night.") for _ in range(3)]
    stage.worker.complete(1.0)
    first, second, third = jobs
    first.fail(HardenedError("a reason"))
    with pytest.raises(HardenedError):
        asyncio.run(heard(first))
    assert (second.leader, third.leader) == (None, second)
    assert second.request.from_sample == third.request.from_sample == 1
    second.add(ONE, 1.0)
    second.finish()
    assert asyncio.run(heard(second)) == asyncio.run(heard(third)) == 2 * ONE


def test_follower_of_one_that_is_cancelled_goes_on_where_it_is(stage: Stage) -> None:
    leader, follower = stage.ask("Good night."), stage.ask("Good night.")
    stage.worker.complete(1.0)
    leader.cancel()
    stage.worker.drop()
    assert follower in stage.worker.open
    assert follower.request.from_sample == 1
    assert follower.chunks == leader.chunks == 1


def test_follower_goes_on_although_the_voice_is_given_up_meanwhile(stage: Stage) -> None:
    """As the one that was computed would have: what has begun is not refused any more."""
    leader, follower = stage.ask("Good night."), stage.ask("Good night.")
    stage.worker.complete(1.0)
    gone = Failure(FailureKind.LOAD, At.LOADING, {"error": "no model"})
    stage.policy.load_failed(VOICE, gone, permanent=True)
    leader.cancel()
    stage.worker.drop()
    assert follower in stage.worker.open
    newcomer = stage.ask("Good night!")
    stage.worker.complete(1.0)
    with pytest.raises(VoiceUnavailableError):
        asyncio.run(heard(newcomer))


def test_who_goes_on_with_what_ended_a_worker_is_a_suspect(stage: Stage) -> None:
    leader, second, third = (stage.ask("Good night.") for _ in range(3))
    leader.failures = 1
    leader.try_again()
    third.part()
    leader.cancel()
    assert [job.failures for job in (second, third)] == [1, 1]
    assert [job.replays for job in (leader, second, third)] == [1, 1, 1]


def test_text_that_ends_workers_ends_two_however_many_ask_for_it_and_leave(stage: Stage) -> None:
    jobs = [stage.ask("Good night.") for _ in range(5)]
    error = EngineFailedError(Failure(FailureKind.SIGNAL, At.SPEAKING, {"signal": "SIGSEGV"}))
    deaths = 0
    while (job := stage.computed()) is not None:
        deaths += 1
        stage.worker.under_way = None
        stage.worker.open.clear()
        stage.policy.worker_failed(job, error)
        stage.dispatcher.leave(stage.worker)
        job.cancel()  # while the worker starts again
        stage.dispatcher.join(stage.worker)
    assert deaths == 2
    for job in jobs[2:]:
        with pytest.raises(TextQuarantinedError):
            asyncio.run(heard(job))


def test_rest_of_a_segment_comes_before_the_next_one(stage: Stage) -> None:
    """Also when the buffer is full of the next one: the client waits for the rest."""
    one = stage.ask("One.")
    two = stage.ask("Two.", one.listener)
    stage.worker.complete(1.0)
    stage.worker.open.discard(one)
    stage.dispatcher.ended(one)
    one.finish(rest=2)
    stage.worker.drop()
    assert stage.computed() is two
    stage.worker.complete(12.0)
    assert stage.computed() is None
    one.listener.take(1.0)
    assert one.rest is not None
    rest = SegmentJob(one.rest, one.listener, first=True)
    stage.dispatcher.add(rest)

    async def take() -> None:
        async for _ in rest.audio():
            rest.listener.take(1.0)

    async def play() -> None:
        taking = asyncio.create_task(take())
        for _ in range(3):
            await asyncio.sleep(0)  # it waits for more
            assert stage.computed() is rest
            stage.worker.complete(1.0)
            assert stage.computed() is None  # before that is taken
        await cancel_and_wait(taking)

    asyncio.run(play())


def test_who_comes_when_much_has_been_made_is_told_anew(stage: Stage) -> None:
    leader = stage.ask("Good night.")
    stage.worker.complete(3.0)
    early = stage.ask("Good night.")
    assert (early.leader, early.samples) == (leader, 1)
    leader.listener.take(3.0)
    early.listener.take(3.0)
    stage.worker.complete(3.0)
    late = stage.ask("Good night.")
    assert (late.leader, late.samples) == (None, 0)


def test_who_takes_nothing_is_not_followed(stage: Stage) -> None:
    leader = stage.ask("Good night.")
    stage.worker.complete(4.0)
    assert stage.ask("Good night.").leader is leader
    leader.listener.playback.made += 11.0  # of what was before
    assert stage.ask("Good night.").leader is None


def test_shared_segment_is_as_urgent_as_for_who_needs_it_most(stage: Stage) -> None:
    """The first of them has half a second left, the second a whole one, the third is between."""
    first, other = stage.ask("Good night."), stage.ask("Who is there?")
    stage.worker.complete(1.0)
    assert stage.computed() is other
    second = stage.ask("Good night.")
    stage.now = 0.5
    second.listener.playback.add(0.5, stage.now)
    assert second.leader is first
    stage.worker.complete(0.8)
    assert stage.computed() is first


def test_what_waits_for_another_does_not_wait_for_a_worker(stage: Stage) -> None:
    stage.ask("Good night.")
    stage.ask("Good night.")
    assert len(stage.dispatcher) == 0
    stage.ask("Who is there?")
    assert len(stage.dispatcher) == 1
