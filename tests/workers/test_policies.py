"""The policies behind the workers, over an injected clock and made-up histories."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from wyoming_piper_hardened.engine.messages import SegmentRequest
from wyoming_piper_hardened.engine.residents import Residents
from wyoming_piper_hardened.errors import HardenedError, VoiceError, VoiceUnavailableError
from wyoming_piper_hardened.rate_limit import RateLimit
from wyoming_piper_hardened.restart import RestartDecider, RestartPolicy
from wyoming_piper_hardened.workers.breaker import Breakers, BreakerState
from wyoming_piper_hardened.workers.segment_job import FairShare, JobQueue, SegmentJob
from wyoming_piper_hardened.workers.sizing import choose_memory_limit, choose_size
from wyoming_piper_hardened.workers.text_quarantine import Quarantine

EXACT = RestartDecider(RestartPolicy(jitter=0))
POLICY = EXACT.policy

UNHURRIED = settings(deadline=None)
"""A slow machine is no failure."""

GAPS = st.lists(st.floats(0, 400, allow_nan=False), max_size=80)
NAMES = st.sampled_from("abcd")
ACTS = ("failed", "broken", "succeeded", "reset", "undecided", "admit")


# Breakers


@UNHURRIED
@given(GAPS)
def test_a_voice_that_always_fails_is_tried_a_bounded_number_of_times(gaps: list[float]) -> None:
    breakers, now, tries = Breakers(EXACT), 0.0, []
    for gap in gaps:
        now += gap
        if breakers.admit("a", now):
            tries.append(now)
            assert not breakers.failed("a", "it crashed", now) or not breakers.admit("a", now)
    for first, next_but_four in zip(tries, tries[POLICY.intensity :], strict=False):
        assert next_but_four - first >= POLICY.period


@UNHURRIED
@given(st.integers(1, 12))
def test_probes_of_an_open_breaker_are_single_and_grow_apart(probes: int) -> None:
    breakers, now, waits = Breakers(EXACT), 0.0, []
    breakers.failed("a", "it is no voice", now, permanent=True)
    for _ in range(probes):
        waits.append(breakers.probe_in("a", now))
        assert breakers.state("a", now + waits[-1] - 0.001) is BreakerState.OPEN
        assert not breakers.admit("a", now + waits[-1] - 0.001)
        now += waits[-1]
        assert breakers.state("a", now) is BreakerState.HALF_OPEN
        assert breakers.admit("a", now)
        assert not breakers.admit("a", now)  # one probe at a time
        breakers.undecided("a")
        assert breakers.admit("a", now)  # nothing was learned: the next one may try
        assert breakers.failed("a", "still no voice", now)
    assert waits == [min(300 * 2**n, 3600) for n in range(probes)]


@UNHURRIED
@given(st.lists(st.tuples(st.sampled_from([*ACTS]), NAMES, st.integers(0, 200))))
def test_breakers_say_the_same_everywhere_and_do_not_mix(
    history: list[tuple[str, str, int]],
) -> None:
    together, alone = Breakers(EXACT), {name: Breakers(EXACT) for name in "abcd"}
    now = 0.0
    for act, name, gap in history:
        now += gap
        for breakers in (together, alone[name]):
            if act in {"failed", "broken"}:
                breakers.failed(name, f"{name} crashed", now, permanent=act == "broken")
            elif act == "admit":
                breakers.admit(name, now)
            else:
                getattr(breakers, act)(name)
        if act in {"succeeded", "reset"}:
            assert together.state(name, now) is BreakerState.CLOSED
        for other, breakers in alone.items():
            assert together.state(other, now) is breakers.state(other, now)
            reason, is_open = together.reason(other), other in together.open_ones()
            assert bool(reason) == is_open
            assert reason in {"", f"{other} crashed"}
            if not is_open:
                assert together.state(other, now) is BreakerState.CLOSED
                assert together.probe_in(other, now) == 0
    together.reset()
    assert not together.open_ones()


def test_a_success_forgets_every_failure() -> None:
    breakers = Breakers(EXACT)
    for now in range(100):
        assert breakers.admit("a", now)
        if now % POLICY.intensity == 0:
            breakers.succeeded("a")
        else:
            assert not breakers.failed("a", "it crashed", now)


# Quarantine


@UNHURRIED
@given(
    st.lists(
        st.tuples(st.sampled_from("ah"), st.sampled_from("xyz"), NAMES, st.integers(0, 30)),
        max_size=60,
    )
)
def test_a_quarantine_is_a_bounded_set_with_expiry(
    history: list[tuple[str, str, str, int]],
) -> None:
    quarantine, reference, now = Quarantine(size=3, expiry=60), OrderedDict[Any, float](), 0.0
    for act, text, model, gap in history:
        now += gap
        request = SegmentRequest(text, model)
        for key in [key for key, since in reference.items() if now - since >= 60]:
            del reference[key]
        if act == "a":
            quarantine.add(request, now)
            reference.pop((text, model), None)
            reference[text, model] = now
            if len(reference) > 3:
                reference.popitem(last=False)
        assert quarantine.holds(request, now) == ((text, model) in reference)
        assert quarantine.count(now) == len(reference)


@UNHURRIED
@given(st.text(min_size=4), st.text(min_size=1, max_size=9), st.integers(0, 10**6))
def test_a_quarantine_knows_a_text_without_keeping_it(text: str, model: str, sample: int) -> None:
    quarantine = Quarantine()
    quarantine.add(SegmentRequest(text, model), 0)
    assert quarantine.holds(SegmentRequest(text, model, from_sample=sample), 1)  # also a replay
    assert not quarantine.holds(SegmentRequest(text, model + "2"), 1)
    assert not quarantine.holds(SegmentRequest(text + "2", model), 1)
    assert not Quarantine().holds(SegmentRequest(text, model), 1)
    assert all(len(name) == 16 for name in quarantine._since)
    quarantine.clear()
    assert not quarantine.count(1)


# The queue


def job(fair_share: FairShare | None = None, attempts: int = 0) -> SegmentJob:
    made = SegmentJob(SegmentRequest("x"), fair_share or FairShare())
    made.attempts = attempts
    return made


async def drain(jobs: JobQueue) -> list[SegmentJob]:
    return [await jobs.get() for _ in range(len(jobs))]


@UNHURRIED
@given(st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.booleans()), max_size=40))
def test_each_job_comes_out_once_replays_first_and_cancelled_ones_never(
    entries: list[tuple[int, bool, bool]],
) -> None:
    async def scenario() -> None:
        turns, jobs, made = [FairShare() for _ in range(5)], JobQueue(), []
        for requester, replayed, cancelled in entries:
            made.append(job(turns[requester], int(replayed)))
            jobs.put(made[-1])
            if cancelled:
                made[-1].cancel()
        wanted = [j for j in made if not j.cancelled.is_set()]
        assert len(jobs) == len(wanted)
        taken = await drain(jobs)
        assert sorted(map(id, taken)) == sorted(map(id, wanted))
        assert [j.attempts for j in taken] == sorted((j.attempts for j in taken), reverse=True)
        for turn in turns:  # in the order of each text
            for attempts in (0, 1):
                mine = [j for j in wanted if j.fair_share is turn and j.attempts == attempts]
                assert [j for j in taken if j in mine] == mine
        assert not len(jobs)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(jobs.get(), 0)

    asyncio.run(scenario())


@UNHURRIED
@given(st.data(), st.lists(st.integers(1, 12), min_size=2, max_size=6))
def test_whoever_waits_sees_everybody_else_served_once_at_most(
    data: st.DataObject, lengths: list[int]
) -> None:
    """Requests of different length arrive at any time, each with two segments ahead at most."""

    async def scenario() -> None:
        jobs, turns = JobQueue(), [FairShare() for _ in lengths]
        left, waiting = list(lengths), [0] * len(lengths)
        served_since: dict[int, list[int]] = {}
        arrived: set[int] = set()

        def submit(requester: int) -> None:
            while left[requester] and waiting[requester] < 2:
                left[requester] -= 1
                waiting[requester] += 1
                served_since.setdefault(requester, [])
                jobs.put(job(turns[requester]))

        while sum(left) + sum(waiting):
            coming = [n for n in range(len(lengths)) if n not in arrived]
            if coming and (not len(jobs) or data.draw(st.booleans())):
                arrived.add(coming[0])
                submit(coming[0])
                continue
            served = turns.index((await jobs.get()).fair_share)
            waiting[served] -= 1
            del served_since[served]
            for others in served_since.values():
                others.append(served)
                assert len(others) == len(set(others))
            if waiting[served]:
                served_since[served] = []
            submit(served)

    asyncio.run(scenario())


@UNHURRIED
@given(st.integers(1, 6), st.integers(0, 6))
def test_a_getter_that_gives_up_loses_no_job(getters: int, puts: int) -> None:
    async def scenario() -> None:
        jobs = JobQueue()
        tasks = [asyncio.create_task(jobs.get()) for _ in range(getters)]
        await asyncio.sleep(0)
        made = [job() for _ in range(puts)]
        for one in made:
            jobs.put(one)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        taken = [result for result in results if isinstance(result, SegmentJob)]
        taken += await asyncio.wait_for(drain(jobs), 5)
        assert sorted(map(id, taken)) == sorted(map(id, made))

    asyncio.run(scenario())


@UNHURRIED
@given(st.integers(0, 6), st.integers(0, 6))
def test_after_everyone_was_told_that_there_is_no_worker_the_queue_serves_again(
    before: int, after: int
) -> None:
    async def scenario() -> None:
        jobs, error = JobQueue(), VoiceUnavailableError("no worker can start")
        told, later = [job() for _ in range(before)], [job() for _ in range(after)]
        for one in told:
            one.add(b"\0\0")
            jobs.put(one)
        jobs.fail_all(error)
        assert not len(jobs)
        for one in told:
            heard: list[bytes] = []
            with pytest.raises(HardenedError) as caught:
                heard.extend([pcm async for pcm in one.audio()])
            assert caught.value is error
        for one in later:
            jobs.put(one)
        assert await asyncio.wait_for(drain(jobs), 5) == later

    asyncio.run(scenario())


@UNHURRIED
@given(st.lists(st.binary(max_size=20).map(lambda half: half + half), max_size=20))
def test_a_replay_asks_for_what_has_not_come(chunks: list[bytes]) -> None:
    async def scenario() -> bytes:
        one = job()
        for chunk in chunks:
            one.add(chunk)
            assert one.request.from_sample == one.samples
        assert one.samples * 2 == sum(map(len, chunks))
        one.finish()
        return b"".join([pcm async for pcm in one.audio()])

    assert asyncio.run(scenario()) == b"".join(chunks)


# Sizes

CORES = st.integers(1, 256)
MEMORY = st.integers(256 << 20, 1 << 40)


@UNHURRIED
@given(CORES, MEMORY)
def test_the_chosen_size_fits_the_machine_and_leaves_a_core(cores: int, memory: int) -> None:
    workers, threads = choose_size(0, 0, cores, memory)
    assert workers == 1 or workers * (512 << 20) <= memory // 2
    assert threads >= 1
    assert workers * threads <= max(1, cores if cores <= 2 else cores - 1)


@UNHURRIED
@given(st.integers(1, 16), st.integers(1, 64), CORES, MEMORY)
def test_sizes_that_are_set_are_kept_and_the_other_one_fits(
    workers: int, threads: int, cores: int, memory: int
) -> None:
    assert choose_size(workers, threads, cores, memory) == (workers, threads)
    kept, chosen = choose_size(workers, 0, cores, memory)
    assert kept == workers
    assert chosen >= 1
    assert chosen == 1 or workers * chosen <= cores
    chosen, kept = choose_size(0, threads, cores, memory)
    assert kept == threads
    assert chosen >= 1
    assert chosen == 1 or chosen * threads <= cores


@pytest.mark.parametrize(
    ("cores", "gigabytes", "size"),
    [(1, 1, (1, 1)), (2, 4, (1, 2)), (4, 4, (1, 3)), (8, 8, (2, 3)), (8, 1, (1, 7))],
)
def test_sizes_of_ordinary_machines(cores: int, gigabytes: int, size: tuple[int, int]) -> None:
    assert choose_size(0, 0, cores, gigabytes << 30) == size


@UNHURRIED
@given(st.integers(1, 65536), st.integers(0, 1 << 42), st.integers(1, 16))
def test_memory_limits(megabytes: int, total: int, workers: int) -> None:
    assert choose_memory_limit(megabytes, total, workers) == megabytes << 20
    chosen = choose_memory_limit(0, total, workers)
    assert 400 << 20 <= chosen <= 2048 << 20
    assert chosen == 400 << 20 or chosen * workers <= total // 2
    assert chosen <= choose_memory_limit(0, total + (1 << 30), workers)
    assert chosen >= choose_memory_limit(0, total, workers + 1)


# How often something is said


@UNHURRIED
@given(st.integers(1, 5), st.lists(st.integers(0, 40), max_size=80))
def test_a_throttle_allows_its_limit_in_any_period_and_no_less(limit: int, gaps: list[int]) -> None:
    throttle, allowed, now = RateLimit(limit=limit, period=100), list[float](), 0.0
    for gap in gaps:
        now += gap
        room = sum(now - then < 100 for then in allowed) < limit
        assert throttle.allow(now) == room
        if room:
            allowed.append(now)
        assert len(throttle._times) <= limit


# Voices that stay loaded


class Resident:
    """Counts how often it was closed."""

    def __init__(self, model: Path) -> None:
        self.model = model
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


class Shelf:
    """Residents that take 100 bytes each, and everything that was ever loaded."""

    def __init__(self, **limits: int) -> None:
        self.ever: list[Resident] = []
        self.residents = Residents(self._load, self._memory, **limits)

    @property
    def open(self) -> list[Resident]:
        return [resident for resident in self.ever if not resident.closed]

    def _load(self, model: Path) -> Resident:
        if model.stem == "bad":
            raise VoiceError("no voice")
        self.ever.append(Resident(model))
        return self.ever[-1]

    def _memory(self) -> int:
        return 100 * len(self.open)


MODELS = st.builds(
    lambda version, name: Path(f"/{name}/{version}/{name}.onnx"),
    st.sampled_from("12"),
    st.sampled_from(["a", "b", "c", "d", "bad"]),
)


@UNHURRIED
@given(st.lists(MODELS, max_size=60), st.integers(0, 4), st.sampled_from([0, 50, 250, 1000]))
def test_residents_are_the_most_recently_used_ones_that_fit(
    uses: list[Path], limit: int, memory_limit: int
) -> None:
    shelf = Shelf(limit=limit, memory_limit=memory_limit)
    allowed = max(1, limit)
    if memory_limit:
        allowed = min(allowed, max(1, memory_limit // 100))
    for model in uses:
        before = shelf.residents.models
        known = model in shelf.residents
        loads = len(shelf.ever)
        if model.stem == "bad":
            with pytest.raises(VoiceError):
                shelf.residents.get(model)
        else:
            resident = shelf.residents.get(model)
            assert resident.model == model
            assert not resident.closed
            assert shelf.residents.models[-1] == model
            assert len(shelf.ever) == loads + (not known)
        now = shelf.residents.models
        assert len(now) <= allowed
        assert len({one.name for one in now}) == len(now)  # one version of each voice
        assert sorted(now) == sorted(resident.model for resident in shelf.open)
        assert all(resident.closed <= 1 for resident in shelf.ever)
        kept = [one for one in before if one in now and one != model]
        assert kept == [one for one in now if one != model]  # in the order of their last use
        others = [one for one in before if one.name != model.name]
        assert kept == others[len(others) - len(kept) :]  # the least recently used go first


@UNHURRIED
@given(st.lists(st.sampled_from("ab"), min_size=1, max_size=30))
def test_voices_that_fit_are_loaded_once_each(uses: list[str]) -> None:
    shelf = Shelf(limit=2)
    for name in uses:
        shelf.residents.get(Path(f"/{name}.onnx"))
    assert len(shelf.ever) == len(set(uses))
