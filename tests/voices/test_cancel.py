"""Cancellation of an installation at any moment: nothing of it is left, or all of it serves."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from support.slow_store import SlowStore
from support.voices import SINGLE
from wyoming_piper_hardened.composition import build_installer
from wyoming_piper_hardened.config.sources import load_settings
from wyoming_piper_hardened.errors import JobCancelledError, NotInstalledError
from wyoming_piper_hardened.reporting.issues import Issues
from wyoming_piper_hardened.store.origin import Origin, OriginKind
from wyoming_piper_hardened.store.store import Store
from wyoming_piper_hardened.system.aio import Notifier
from wyoming_piper_hardened.voices.installation.progress import Step
from wyoming_piper_hardened.voices.installation.sources import FileSource
from wyoming_piper_hardened.voices.job import Outcome
from wyoming_piper_hardened.voices.jobs import JobRunner
from wyoming_piper_hardened.voices.library import Library

pytestmark = pytest.mark.slow

AMY = FileSource("amy", Origin(OriginKind.CUSTOM, "1"), SINGLE, SINGLE.stat().st_size)


@pytest.fixture
def store(tmp_path: Path) -> SlowStore:
    return SlowStore(tmp_path / "data")


@pytest.fixture
def notifier() -> Notifier:
    return Notifier()


@pytest.fixture
def job_runner(store: Store, notifier: Notifier) -> JobRunner:
    installer = build_installer(load_settings(flags={"data_dir": store.root}), store)
    return JobRunner(installer, Library([], "amy"), Issues(), notifier, lambda _: None)


async def is_gone(job_runner: JobRunner) -> bool:
    staging = job_runner.installer.store.root / "staging"
    names = await asyncio.to_thread(job_runner.installer.store.names)
    return not names and not list(await asyncio.to_thread(lambda: [*staging.glob("*")]))


async def test_cancelled_before_it_has_begun(job_runner: JobRunner) -> None:
    added, cancelled = await asyncio.gather(
        job_runner.add(AMY), job_runner.cancel("amy"), return_exceptions=True
    )
    assert (type(added), cancelled) == (JobCancelledError, None)
    assert not job_runner.jobs
    assert await is_gone(job_runner)
    assert (await job_runner.add(AMY)).name == "amy"  # it can be had all the same


@pytest.mark.parametrize("step", [Step.COPYING, Step.PREPARING, Step.TESTING])
async def test_cancelled_at_any_step(job_runner: JobRunner, notifier: Notifier, step: Step) -> None:
    adding = job_runner.add(AMY)
    while adding.progress.step is not step:
        await notifier.wait()
    await asyncio.gather(job_runner.cancel("amy"), job_runner.cancel("amy"))  # pressed twice
    with pytest.raises(JobCancelledError):
        await adding
    assert not job_runner.jobs
    assert list(job_runner.issues) == []
    assert await is_gone(job_runner)


@pytest.mark.parametrize("method", ["try_lock", "begin"])
async def test_cancelled_while_the_disk_is_slow(
    job_runner: JobRunner, store: SlowStore, method: str
) -> None:
    """Locks and folders that a thread acquires meanwhile are released."""
    disk = store.slow(method)
    adding = job_runner.add(AMY)
    await disk.begun()
    calling = asyncio.create_task(job_runner.cancel("amy"))
    await asyncio.sleep(0)
    assert await asyncio.wait({calling}, timeout=0.1) == (set(), {calling})
    disk.release()
    await calling
    with pytest.raises(JobCancelledError):
        await adding
    assert await is_gone(job_runner)
    assert await asyncio.to_thread(is_free, store)


def is_free(store: Store) -> bool:
    with store.try_lock("amy") as free:
        return free


async def test_install_requested_during_a_cancellation_runs_after_it(
    job_runner: JobRunner, store: SlowStore
) -> None:
    disk = store.slow("begin")
    adding = job_runner.add(AMY)
    await disk.begun()
    calling = asyncio.create_task(job_runner.cancel("amy"))
    await asyncio.wait({calling}, timeout=0.1)
    again = job_runner.add(AMY)
    await asyncio.sleep(0)
    disk.release()
    await calling
    with pytest.raises(JobCancelledError):
        await adding
    assert (await again).name == "amy"
    assert [job.outcome for job in job_runner.finished_jobs] == [
        Outcome.CANCELLED,
        Outcome.DONE,
    ]


@pytest.mark.parametrize("method", ["commit", "abandon"])
async def test_cancel_during_the_commit_is_too_late(
    job_runner: JobRunner, store: SlowStore, method: str
) -> None:
    disk = store.slow(method)
    adding = job_runner.add(AMY)
    await disk.begun()
    calling = [asyncio.create_task(job_runner.cancel("amy")) for _ in range(2)]
    await asyncio.sleep(0)
    disk.release()
    for call in calling:
        with pytest.raises(NotInstalledError, match="has just been installed"):
            await call
    assert (await adding).name == "amy"
    assert "amy" in job_runner.library
    assert [ended.outcome for ended in job_runner.finished_jobs] == [Outcome.DONE]


async def test_cancel_without_an_installation(job_runner: JobRunner) -> None:
    with pytest.raises(NotInstalledError, match="is not being installed"):
        await job_runner.cancel("amy")
    assert (await job_runner.add(AMY)).name == "amy"


async def test_server_stop_during_the_commit_of_a_repair(
    job_runner: JobRunner, store: SlowStore
) -> None:
    """The damaged version is quarantined all the same, as it must not serve again."""
    model = (await job_runner.add(AMY)).model
    await asyncio.to_thread(damage, model.with_name("encoder.onnx"))
    disk = store.slow("commit")
    repairing = job_runner.repair("amy")
    await disk.begun()
    closing = asyncio.create_task(job_runner.close())
    await asyncio.sleep(0)
    disk.release()
    await closing
    with pytest.raises(asyncio.CancelledError):
        await repairing
    assert len(await asyncio.to_thread(store.quarantined)) == 1
    assert await job_runner.verify("amy") == ()
    assert not await asyncio.to_thread(model.exists)
    assert list(await asyncio.to_thread(store.versions, "amy")) != []


def damage(file: Path) -> None:
    """Change a byte; only reading the file shows it."""
    file.write_bytes(file.read_bytes()[:-1] + b"x")
