"""Who computes what, with simulated workers on a simulated clock: any crowd, without time."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from support.simulated_workers import (
    Costs,
    Segment,
    SimulatedWorker,
    Simulation,
    Talk,
    sentence,
)
from wyoming_piper_hardened.workers.dispatch.segment_job import SegmentJob
from wyoming_piper_hardened.workers.scheduler import Limits

UNHURRIED = settings(deadline=None)
"""A slow machine is no failure."""

CHUNKS = st.lists(st.integers(1, 192), min_size=1, max_size=6).map(tuple)
SENTENCES = st.lists(
    st.one_of(CHUNKS, st.sampled_from([(32, 64), (32, 64, 128, 192)])), min_size=1, max_size=4
)
TALKS = st.lists(st.tuples(st.floats(0, 3), SENTENCES), min_size=1, max_size=12)


def talks_of(drawn: list[tuple[float, list[tuple[int, ...]]]]) -> list[Talk]:
    return [Talk(arrival, [Segment(chunks) for chunks in texts]) for arrival, texts in drawn]


def audio(segment: Segment) -> bytes:
    """Return all that a listener heard of a segment that is complete."""

    async def collected(job: SegmentJob) -> bytes:
        return b"".join([pcm async for pcm in job.audio()])

    assert segment.job is not None
    return asyncio.run(collected(segment.job))


def check_work_is_conserved(simulation: Simulation) -> None:
    """No thread of a worker is idle while somebody may be served."""
    busy = sum(worker.computing > 0 for worker in simulation.all_workers)
    for talk in simulation.talks:
        listener = talk.listener
        if listener is None or not listener.has_room:
            continue
        job = listener.next_job()
        if job is None:
            continue
        job = job.source
        homes = [worker for worker in simulation.all_workers if job in worker.open]
        assert len(homes) <= 1
        for worker in simulation.all_workers:
            free = worker.accepts and worker.computing < simulation.threads and not worker.isolated
            free = free and (worker.computing > 0 or busy < simulation.workers)
            # Only a whole worker takes over what another one has open.
            may = homes in ([], [worker]) or (not worker.computing and not job.computing)
            assert not (free and may)


@UNHURRIED
@given(
    TALKS,
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(0, 1),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_work_is_conserved_and_everything_is_spoken(
    drawn: list[tuple[float, list[tuple[int, ...]]]],
    workers: int,
    threads: int,
    spare: int,
    equal: bool,  # noqa: FBT001 - drawn
    chance: Random,
) -> None:
    simulation = Simulation(
        workers=workers,
        threads=threads,
        spare=spare,
        equal=equal,
        limits=Limits(buffer=3.0),
        on_change=check_work_is_conserved,
    )
    for talk in talks_of(drawn):
        talk.real_time = chance.random() < 0.5
        simulation.add(talk)
    simulation.run()
    for talk in simulation.talks:
        assert talk.end is not None
        assert all(segment.made == len(segment.chunks) for segment in talk.segments)
    assert not any(worker.open for worker in simulation.all_workers)


PATIENCE = 2.0


@pytest.mark.slow
@UNHURRIED
@given(
    TALKS, st.integers(1, 2), st.integers(1, 2), st.randoms(use_true_random=False), st.booleans()
)
def test_no_request_waits_longer_than_its_bound(
    drawn: list[tuple[float, list[tuple[int, ...]]]],
    workers: int,
    threads: int,
    chance: Random,
    equal: bool,  # noqa: FBT001 - drawn
) -> None:
    """The bound: the patience, then one chunk of each other request, then the chunk under way.

    New requests come all the time, far more than can be served.
    """
    simulation = Simulation(
        workers=workers,
        threads=threads,
        limits=Limits(patience=PATIENCE, buffer=1000.0),
        equal=equal,
    )
    longest = simulation.costs.chunk(192, first=True)
    since: dict[int, float] = {}
    most = 0

    def check(simulation: Simulation) -> None:
        nonlocal most
        live = [talk for talk in simulation.talks if talk.listener and talk.listener.jobs]
        most = max(most, len(live))
        for talk in live:
            assert talk.listener is not None
            if talk.listener.computing or talk.listener.next_job() is None:
                since.pop(id(talk), None)
            else:
                waited = simulation.now - since.setdefault(id(talk), simulation.now)
                assert waited <= PATIENCE + (most + 1) * longest

    simulation.on_change = check
    for talk in talks_of(drawn):
        simulation.add(talk)
    for number in range(40):
        simulation.add(Talk(number * chance.uniform(0.02, 0.1), [sentence(chance.uniform(1, 9))]))
    simulation.run()
    assert all(talk.end is not None for talk in simulation.talks)


@UNHURRIED
@given(
    TALKS,
    st.integers(1, 3),
    st.integers(1, 3),
    st.lists(st.floats(0, 4), max_size=4),
    st.booleans(),
)
def test_death_moves_what_was_open_and_charges_what_was_computed(
    drawn: list[tuple[float, list[tuple[int, ...]]]],
    workers: int,
    threads: int,
    deaths: list[float],
    equal: bool,  # noqa: FBT001 - drawn
) -> None:
    simulation = Simulation(workers=workers, threads=threads, equal=equal)
    for talk in talks_of(drawn):
        simulation.add(talk)

    def die() -> None:
        victim = simulation.all_workers[0]
        computed = set(victim.under_way)
        before = {job: job.failures for job in simulation.segments}
        victim.die()
        for job, failures in before.items():
            assert job.failures == failures + (job in computed)
        victim.accepts = True
        simulation.dispatcher.join(victim)

    for death in deaths:
        simulation.later(death, die)
    simulation.run()
    for talk in simulation.talks:
        assert talk.end is not None
        for segment in talk.segments:
            assert audio(segment) == b"".join(n.to_bytes(2) for n in range(len(segment.chunks)))


def test_reader_who_takes_nothing_is_not_produced_for() -> None:
    simulation = Simulation(limits=Limits(buffer=5.0))
    stuck, other = Talk(0.0, [sentence(60)], refuses=True), Talk(1.0, [sentence(60)])
    simulation.add(stuck)
    simulation.add(other)
    simulation.run()
    assert stuck.end is None
    assert 5.0 <= stuck.heard < 5.0 + 192 * simulation.costs.frame_seconds * 3
    assert other.end is not None
    assert stuck.listener is not None
    stuck.refuses = False
    stuck.listener.take(stuck.heard)  # it takes all there is, and the rest is made
    simulation.run()
    assert stuck.end is not None


def test_cancelled_request_frees_its_worker() -> None:
    simulation = Simulation(threads=1)
    gone, other = Talk(0.0, [sentence(60), sentence(60)]), Talk(0.1, [sentence(2)])
    simulation.add(gone)
    simulation.add(other)

    def cancel() -> None:
        for segment in gone.segments:
            assert segment.job is not None
            segment.job.cancel()

    simulation.later(0.2, cancel)
    simulation.run()
    assert gone.end is None
    assert other.end is not None
    assert other.end < 1
    assert len(simulation.dispatcher) == 0


def test_review_finds_a_segment_whose_worker_is_gone() -> None:
    simulation = Simulation()
    (worker,) = simulation.all_workers
    simulation.dispatcher.leave(worker)
    talk = Talk(0.0, [sentence(4)])
    simulation.add(talk)
    simulation.run()
    (segment,) = talk.segments
    assert segment.job is not None
    gone = SimulatedWorker(simulation)
    gone.under_way = [segment.job] * simulation.threads
    segment.job.failures = 1  # or an idle worker would take it over
    simulation.dispatcher.add(segment.job, gone)
    simulation.dispatcher.join(worker)
    simulation.run()
    assert talk.end is None
    simulation.dispatcher.review()
    simulation.run()
    assert talk.end is not None


def test_next_sentence_is_begun_while_one_is_computed() -> None:
    simulation = Simulation(threads=2)
    overlaps = 0

    def check(simulation: Simulation) -> None:
        nonlocal overlaps
        (worker,) = simulation.all_workers
        overlaps += len(set(worker.under_way)) == 2

    simulation.on_change = check
    simulation.add(Talk(0.0, [sentence(4) for _ in range(5)]))
    simulation.run()
    assert overlaps >= 4


def crowd(simulation: Simulation, listeners: int, gap: float = 0.001) -> list[float]:
    """Let listeners of eleven seconds come; return after which times they heard something.

    One came before, from whom it is known what the machine can do.
    """
    simulation.add(Talk(0.0, [sentence(11)]))
    for number in range(listeners):
        simulation.add(Talk(20 + gap * number, [sentence(11 - 0.3 * (number % 4))]))
    simulation.run()
    return sorted((talk.first or 0.0) - talk.arrival for talk in simulation.talks[1:])


@pytest.mark.parametrize(
    ("listeners", "median", "last"),
    [(1, 0.1, 0.1), (2, 0.15, 0.2), (4, 0.2, 0.25), (8, 0.3, 0.5), (16, 0.8, 3.5)],
)
def test_crowd_within_what_the_machine_can_do(listeners: int, median: float, last: float) -> None:
    simulation = Simulation()
    heard = crowd(simulation, listeners)
    assert statistics.median(heard) <= median
    assert heard[-1] <= last
    assert max(talk.dry for talk in simulation.talks) == 0


def told_the_same(
    listeners: int, gap: float = 0.001, sentences: Sequence[float] = (4, 7), **options: Any
) -> Simulation:
    """Let listeners come who are told the same eleven seconds, in two sentences."""
    simulation = Simulation(equal=True, **options)
    for number in range(listeners):
        simulation.add(Talk(gap * number, [sentence(seconds) for seconds in sentences]))
    return simulation


def heard_whole(talk: Talk) -> bool:
    """Return whether somebody heard everything, once and in order."""
    whole = [b"".join(n.to_bytes(2) for n in range(len(one.chunks))) for one in talk.segments]
    return talk.end is not None and [audio(segment) for segment in talk.segments] == whole


@pytest.mark.parametrize("listeners", [2, 8, 40])
def test_who_are_told_the_same_hear_it_as_early_as_one(listeners: int) -> None:
    simulation = told_the_same(listeners)
    simulation.run()
    assert simulation.computed == sum(len(one.chunks) for one in simulation.talks[0].segments)
    for talk in simulation.talks:
        assert heard_whole(talk)
        assert talk.first is not None
        assert talk.first - talk.arrival <= 0.1
        assert talk.dry == 0


def test_who_comes_a_moment_later_gets_what_was_made_and_who_comes_late_does_not() -> None:
    simulation = told_the_same(2, gap=0.1)
    simulation.add(Talk(0.4, [sentence(4), sentence(7)]))  # the first sentence is complete
    simulation.run()
    once = sum(len(one.chunks) for one in simulation.talks[0].segments)
    assert simulation.computed == 2 * once
    first, second, third = simulation.talks
    assert second.first == second.arrival
    assert third.first is not None
    assert third.first > third.arrival
    assert all(map(heard_whole, (first, second, third)))


def test_leader_who_leaves_is_followed_by_another() -> None:
    simulation = told_the_same(5)
    leaving = simulation.talks[0], simulation.talks[3]

    def cancel() -> None:
        for segment in (segment for talk in leaving for segment in talk.segments):
            assert segment.job is not None
            segment.job.cancel()

    simulation.later(0.2, cancel)
    simulation.run()
    once = sum(len(one.chunks) for one in simulation.talks[0].segments)
    assert simulation.computed <= once + 2  # those that were being computed when it left
    for talk in simulation.talks:
        assert talk in leaving or (heard_whole(talk) and talk.dry == 0)


@pytest.mark.parametrize("slow", [0, 2])
def test_who_takes_nothing_holds_nobody_up_who_is_told_the_same(slow: int) -> None:
    simulation = told_the_same(4, sentences=[4, 7, 7, 7], limits=Limits(buffer=5.0))
    stuck = simulation.talks[slow]
    stuck.refuses = True
    simulation.run()
    assert all(heard_whole(talk) for talk in simulation.talks if talk is not stuck)
    assert stuck.end is None
    assert stuck.heard < 5.0 + 5.0 + 192 * simulation.costs.frame_seconds
    assert stuck.listener is not None
    stuck.refuses = False
    stuck.listener.take(stuck.heard)
    simulation.run()
    assert heard_whole(stuck)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("listeners", [8, 40])
def test_who_play_in_real_time_stay_together(listeners: int, threads: int) -> None:
    """Also when they have all that they may have, and wait."""
    simulation = told_the_same(listeners, sentences=[7] * 6, workers=2, threads=threads)
    for talk in simulation.talks:
        talk.real_time = True
    simulation.run()
    assert simulation.computed == sum(len(one.chunks) for one in simulation.talks[0].segments)
    for talk in simulation.talks:
        assert heard_whole(talk)
        assert talk.dry == 0
        assert talk.most_buffered <= Limits().buffer + 5 + 192 * simulation.costs.frame_seconds


def test_worker_that_dies_charges_one_of_those_who_are_told_the_same() -> None:
    simulation = told_the_same(4, threads=1)
    (worker,) = simulation.all_workers

    def die() -> None:
        worker.die()
        worker.accepts = True
        simulation.dispatcher.join(worker)

    simulation.later(0.2, die)
    simulation.run()
    assert all(map(heard_whole, simulation.talks))
    assert sum(job.failures for job in simulation.segments) == 1


def test_what_is_told_in_another_order_is_not_shared() -> None:
    simulation = Simulation(equal=True)
    simulation.add(Talk(0.0, [sentence(4), sentence(7)]))
    simulation.add(Talk(0.001, [sentence(7), sentence(4)]))
    simulation.run()
    assert simulation.computed == 2 * sum(len(one.chunks) for one in simulation.talks[0].segments)
    assert all(map(heard_whole, simulation.talks))


@pytest.mark.parametrize("gap", [0.001, 0.1, 0.3])
@pytest.mark.parametrize("slower", [1, 2, 3])
def test_crowd_beyond_what_the_machine_can_do_waits_and_the_begun_go_on(
    gap: float, slower: int
) -> None:
    costs = Costs(encoder=0.045 * slower, frame=0.0008 * slower)
    simulation = Simulation(costs=costs)
    heard = crowd(simulation, 32 // slower, gap)
    assert max(talk.dry for talk in simulation.talks) <= 0.05
    assert heard[-1] < 25  # what all of it takes, less what the last one needs
