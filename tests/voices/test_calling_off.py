"""An installation that is called off at any moment: nothing of it is left, or all of it serves."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partialmethod
from pathlib import Path
from typing import Any

import pytest

from support.voices import SINGLE
from wyoming_piper_hardened.config.settings import load_settings
from wyoming_piper_hardened.errors import JobCancelledError, NotInstalledError
from wyoming_piper_hardened.issues import Issues
from wyoming_piper_hardened.service import build_installer
from wyoming_piper_hardened.store.store import Store
from wyoming_piper_hardened.voices.job import Outcome
from wyoming_piper_hardened.voices.jobs import JobRunner
from wyoming_piper_hardened.voices.library import Library
from wyoming_piper_hardened.voices.progress import Step
from wyoming_piper_hardened.voices.sources import FileSource

pytestmark = pytest.mark.slow

AMY = FileSource("amy", "custom:1", SINGLE, SINGLE.stat().st_size)


@pytest.fixture
def job_runner(tmp_path: Path) -> JobRunner:
    installer = build_installer(load_settings(flags={"data_dir": tmp_path / "data"}))
    return JobRunner(installer, Library([], "amy"), Issues())


async def is_gone(job_runner: JobRunner) -> bool:
    staging = job_runner.installer.store.root / "staging"
    names = await asyncio.to_thread(job_runner.installer.store.names)
    return not names and not list(await asyncio.to_thread(lambda: [*staging.glob("*")]))


async def test_before_it_has_begun(job_runner: JobRunner) -> None:
    added, called = await asyncio.gather(
        job_runner.add(AMY), job_runner.cancel("amy"), return_exceptions=True
    )
    assert (type(added), called) == (JobCancelledError, None)
    assert not job_runner.jobs
    assert await is_gone(job_runner)
    assert (await job_runner.add(AMY)).name == "amy"  # it can be had all the same


@pytest.mark.parametrize("step", [Step.COPYING, Step.PREPARING, Step.TESTING])
async def test_at_any_step(job_runner: JobRunner, step: Step) -> None:
    reached = asyncio.Event()

    def look() -> None:
        if "amy" in job_runner.jobs and job_runner.jobs["amy"].progress.step is step:
            reached.set()

    job_runner.on_change = look
    adding = asyncio.create_task(job_runner.add(AMY))
    await reached.wait()
    await asyncio.gather(job_runner.cancel("amy"), job_runner.cancel("amy"))  # pressed twice
    with pytest.raises(JobCancelledError):
        await adding
    assert not job_runner.jobs
    assert list(job_runner.issues) == []
    assert await is_gone(job_runner)


class SlowDisk:
    """A method of the store that begins and then takes its time."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method
        self._goes_on = threading.Event()
        self._begun = threading.Event()

    def __call__(self, *args: object) -> object:
        self._begun.set()
        assert self._goes_on.wait(60)
        return self._method(*args)

    async def begun(self) -> None:
        assert await asyncio.to_thread(self._begun.wait, 60)

    def go_on(self) -> None:
        self._goes_on.set()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], SlowDisk]:
    def make(name: str) -> SlowDisk:
        disk = SlowDisk(getattr(Store, name))
        monkeypatch.setattr(Store, name, partialmethod(disk))
        return disk

    return make


@pytest.mark.parametrize("method", ["try_lock", "begin"])
async def test_while_the_disk_is_slow(
    job_runner: JobRunner, slow: Callable[[str], SlowDisk], method: str
) -> None:
    """What a thread gets hold of meanwhile is given back."""
    disk = slow(method)
    adding = asyncio.create_task(job_runner.add(AMY))
    await disk.begun()
    calling = asyncio.create_task(job_runner.cancel("amy"))
    await asyncio.sleep(0)
    assert await asyncio.wait({calling}, timeout=0.1) == (set(), {calling})
    disk.go_on()
    await calling
    with pytest.raises(JobCancelledError):
        await adding
    assert await is_gone(job_runner)
    assert await asyncio.to_thread(is_free, job_runner.installer.store)


def is_free(store: Store) -> bool:
    with store.try_lock("amy") as free:
        return free


async def test_who_asks_for_it_meanwhile_gets_it(
    job_runner: JobRunner, slow: Callable[[str], SlowDisk]
) -> None:
    disk = slow("begin")
    adding = asyncio.create_task(job_runner.add(AMY))
    await disk.begun()
    calling = asyncio.create_task(job_runner.cancel("amy"))
    await asyncio.wait({calling}, timeout=0.1)
    again = asyncio.create_task(job_runner.add(AMY))
    await asyncio.sleep(0)
    disk.go_on()
    await calling
    with pytest.raises(JobCancelledError):
        await adding
    assert (await again).name == "amy"
    assert [job.outcome for job in job_runner.finished_jobs] == [
        Outcome.CANCELLED,
        Outcome.DONE,
    ]


@pytest.mark.parametrize("method", ["commit", "abandon"])
async def test_too_late(
    job_runner: JobRunner, slow: Callable[[str], SlowDisk], method: str
) -> None:
    disk = slow(method)
    adding = asyncio.create_task(job_runner.add(AMY))
    await disk.begun()
    calling = [asyncio.create_task(job_runner.cancel("amy")) for _ in range(2)]
    await asyncio.sleep(0)
    disk.go_on()
    for call in calling:
        with pytest.raises(NotInstalledError, match="has just been installed"):
            await call
    assert (await adding).name == "amy"
    assert "amy" in job_runner.library
    assert [ended.outcome for ended in job_runner.finished_jobs] == [Outcome.DONE]


async def test_what_is_not_being_installed(job_runner: JobRunner) -> None:
    called, added = await asyncio.gather(
        job_runner.cancel("amy"), job_runner.add(AMY), return_exceptions=True
    )
    assert isinstance(called, NotInstalledError)
    assert "is not being installed" in str(called)
    assert not isinstance(added, BaseException)


async def test_the_server_stops_while_what_was_mended_is_committed(
    job_runner: JobRunner, slow: Callable[[str], SlowDisk]
) -> None:
    """What was damaged is set aside all the same, for it must not serve again."""
    model = (await job_runner.add(AMY)).model
    await asyncio.to_thread(damage, model.with_name("encoder.onnx"))
    disk = slow("commit")
    repairing = asyncio.create_task(job_runner.repair("amy"))
    await disk.begun()
    closing = asyncio.create_task(job_runner.close())
    await asyncio.sleep(0)
    disk.go_on()
    await closing
    with pytest.raises(asyncio.CancelledError):
        await repairing
    store = job_runner.installer.store
    assert len(await asyncio.to_thread(store.quarantined)) == 1
    assert await job_runner.verify("amy") == []
    assert not await asyncio.to_thread(model.exists)
    assert list(await asyncio.to_thread(store.versions, "amy")) != []


def damage(file: Path) -> None:
    """As a due_for_recycling card does: nothing but reading it tells."""
    file.write_bytes(file.read_bytes()[:-1] + b"x")
