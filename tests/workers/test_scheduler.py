"""The queue of segments: order, fairness, and that no job is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from wyoming_piper_hardened.engine.messages import SegmentRequest, VoiceVersion
from wyoming_piper_hardened.errors import HardenedError, VoiceUnavailableError
from wyoming_piper_hardened.workers.scheduler import FairShare, JobQueue
from wyoming_piper_hardened.workers.segment_job import SegmentJob

VOICE = VoiceVersion(Path("/voices/a.onnx"))

UNHURRIED = settings(deadline=None)
"""A slow machine is no failure."""


def job(fair_share: FairShare | None = None, attempts: int = 0) -> SegmentJob:
    made = SegmentJob(SegmentRequest("x", VOICE), fair_share or FairShare())
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
        shares, jobs, made = [FairShare() for _ in range(5)], JobQueue(), []
        for requester, replayed, cancelled in entries:
            made.append(job(shares[requester], int(replayed)))
            jobs.put(made[-1])
            if cancelled:
                made[-1].cancel()
        wanted = [j for j in made if not j.cancelled.is_set()]
        assert len(jobs) == len(wanted)
        taken = await drain(jobs)
        assert sorted(map(id, taken)) == sorted(map(id, wanted))
        assert [j.attempts for j in taken] == sorted((j.attempts for j in taken), reverse=True)
        for share in shares:  # in the order of each text
            for attempts in (0, 1):
                mine = [j for j in wanted if j.fair_share is share and j.attempts == attempts]
                assert [j for j in taken if j in mine] == mine
        assert not len(jobs)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(jobs.get(), 0)

    asyncio.run(scenario())


@UNHURRIED
@given(st.data(), st.lists(st.integers(1, 12), min_size=2, max_size=6))
def test_waiting_request_sees_every_other_served_once_at_most(
    data: st.DataObject, lengths: list[int]
) -> None:
    """Requests of different length arrive at any time, each with two segments ahead at most."""

    async def scenario() -> None:
        jobs, shares = JobQueue(), [FairShare() for _ in lengths]
        left, waiting = list(lengths), [0] * len(lengths)
        served_since: dict[int, list[int]] = {}
        arrived: set[int] = set()

        def submit(requester: int) -> None:
            while left[requester] and waiting[requester] < 2:
                left[requester] -= 1
                waiting[requester] += 1
                served_since.setdefault(requester, [])
                jobs.put(job(shares[requester]))

        while sum(left) + sum(waiting):
            coming = [n for n in range(len(lengths)) if n not in arrived]
            if coming and (not len(jobs) or data.draw(st.booleans())):
                arrived.add(coming[0])
                submit(coming[0])
                continue
            served = shares.index((await jobs.get()).fair_share)
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
def test_cancelled_getter_loses_no_job(getters: int, puts: int) -> None:
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
def test_queue_serves_again_after_failing_every_job(before: int, after: int) -> None:
    async def scenario() -> None:
        jobs, error = JobQueue(), VoiceUnavailableError("no worker can start")
        failed, later = [job() for _ in range(before)], [job() for _ in range(after)]
        for one in failed:
            one.add(b"\0\0")
            jobs.put(one)
        jobs.fail_all(error)
        assert not len(jobs)
        for one in failed:
            heard: list[bytes] = []
            with pytest.raises(HardenedError) as caught:
                heard.extend([pcm async for pcm in one.audio()])
            assert caught.value is error
        for one in later:
            jobs.put(one)
        assert await asyncio.wait_for(drain(jobs), 5) == later

    asyncio.run(scenario())
