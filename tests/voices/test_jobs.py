"""Jobs on voices: each at most once at a time, those on one voice one after the other."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from support.events import logged
from support.slow_store import SlowStore
from support.voices import SINGLE
from support.waiting import eventually
from wyoming_piper_hardened.composition import build_installer
from wyoming_piper_hardened.config.sources import load_settings
from wyoming_piper_hardened.errors import JobCancelledError, NotInstalledError
from wyoming_piper_hardened.reporting.issues import DamageKind, IssueKind, Issues
from wyoming_piper_hardened.store.origin import Origin, OriginKind
from wyoming_piper_hardened.store.voice import Voice
from wyoming_piper_hardened.system.aio import Notifier
from wyoming_piper_hardened.voices.installation.sources import FileSource
from wyoming_piper_hardened.voices.job import Action, Job, Outcome
from wyoming_piper_hardened.voices.jobs import JobRunner
from wyoming_piper_hardened.voices.library import Library

pytestmark = pytest.mark.slow

AMY = FileSource("amy", Origin(OriginKind.CUSTOM, "1"), SINGLE, SINGLE.stat().st_size)
NEWER = FileSource("amy", Origin(OriginKind.CUSTOM, "2"), SINGLE, SINGLE.stat().st_size)


@pytest.fixture
def store(tmp_path: Path) -> SlowStore:
    return SlowStore(tmp_path / "data")


@pytest.fixture
def preloaded() -> list[Voice]:
    return []


@pytest.fixture
def jobs(store: SlowStore, preloaded: list[Voice]) -> JobRunner:
    installer = build_installer(load_settings(flags={"data_dir": store.root}), store)
    return JobRunner(installer, Library([], "amy"), Issues(), Notifier(), preloaded.append)


async def test_same_job_is_joined_and_others_wait(
    jobs: JobRunner, store: SlowStore, preloaded: list[Voice], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    disk = store.slow("begin")
    first = jobs.add(AMY)
    assert jobs.add(AMY) is first
    verify = jobs.verify("amy")
    assert jobs.verify("amy") is verify
    await disk.begun()
    assert [job.action for job in jobs.jobs.values()] == [Action.INSTALL]
    disk.release()
    voice = await first
    assert await verify == ()
    assert preloaded == [voice]
    assert [(job.id, job.action, job.outcome) for job in jobs.finished_jobs] == [
        (first.id, Action.INSTALL, Outcome.DONE),
        (verify.id, Action.VERIFY, Outcome.DONE),
    ]
    assert len(logged(caplog, "install-started")) == len(logged(caplog, "voice-serving")) == 1
    assert not jobs.jobs


async def test_job_is_begun_although_its_caller_leaves_while_it_is_looked_up(
    jobs: JobRunner,
) -> None:
    found = asyncio.Event()

    async def start() -> Job[Voice]:
        await found.wait()
        return jobs.add(AMY)

    caller = asyncio.create_task(jobs.begin(start()))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    found.set()
    await eventually(lambda: jobs.jobs)
    await jobs.jobs["amy"]
    assert "amy" in jobs.library


async def test_waiting_install_can_be_cancelled(jobs: JobRunner, store: SlowStore) -> None:
    await jobs.add(AMY)
    disk = store.slow("serving")
    verify = jobs.verify("amy")
    newer = jobs.add(NEWER)
    cancelling = asyncio.create_task(jobs.cancel("amy"))
    with pytest.raises(JobCancelledError):
        await newer
    await cancelling
    disk.release()
    assert await verify == ()


async def test_failed_verify_concerns_only_the_caller(jobs: JobRunner) -> None:
    with pytest.raises(NotInstalledError):
        await jobs.verify("amy")
    assert [(job.outcome, job.code) for job in jobs.finished_jobs] == [
        (Outcome.FAILED, "voice-not-installed")
    ]
    assert not jobs.reported_jobs
    assert not list(jobs.issues)


async def test_damage_opens_an_issue_that_a_repair_closes(jobs: JobRunner) -> None:
    voice = await jobs.add(AMY)
    decoder = voice.model.with_name("decoder.onnx")
    await asyncio.to_thread(decoder.write_bytes, b"x")
    (damage,) = await jobs.verify("amy")
    assert (damage.file, damage.kind) == (decoder.name, DamageKind.SIZE)
    (issue,) = jobs.issues
    assert (issue.kind, issue.params["damage"]) == (IssueKind.DAMAGED, (damage,))
    repaired = await jobs.repair("amy")
    assert not list(jobs.issues)
    assert jobs.library.find("amy") == repaired != voice
