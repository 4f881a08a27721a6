"""The workers together: where a segment is handed in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from ..engine.messages import SegmentRequest
from ..errors import OverloadedError, ShuttingDownError, VoiceUnavailableError
from ..restart import RestartDecider
from .job import Job, JobQueue
from .process import EngineCommand
from .worker import Worker, WorkerState


class Pool:
    """A fixed number of workers with one queue.

    Args:
        command: how each worker starts its engine.
        size: number of workers.
        max_queue: requests that may wait beyond one per worker.
        decider: when a worker starts again.
    """

    def __init__(
        self, command: EngineCommand, size: int, max_queue: int, decider: RestartDecider
    ) -> None:
        self._jobs = JobQueue()
        self._limit = size + max_queue
        self._admitted = 0
        self.workers = tuple(
            Worker(str(number), command, self._jobs, decider, self._on_state)
            for number in range(1, size + 1)
        )

    async def run(self) -> None:
        """Keep the workers alive until cancelled; then stop them all."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for worker in self.workers:
                    tasks.create_task(worker.run(), name=f"worker {worker.name}")
        finally:
            self._jobs.fail_all(ShuttingDownError("the server stops; ask again when it is back"))

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Count one request while it is carried out.

        Raises:
            OverloadedError: too many requests wait already.
            VoiceUnavailableError: no worker can start.
        """
        if self._admitted >= self._limit:
            raise OverloadedError(
                f"{self._admitted} requests are being spoken or wait; try again in a moment"
            )
        if self._all_fatal():
            raise self._unavailable()
        self._admitted += 1
        try:
            yield
        finally:
            self._admitted -= 1

    def submit(self, request: SegmentRequest) -> Job:
        """Queue a segment. A job that is not wanted any more must be cancelled.

        Raises:
            VoiceUnavailableError: no worker can start.
        """
        if self._all_fatal():
            raise self._unavailable()
        job = Job(request)
        self._jobs.put(job)
        return job

    def _all_fatal(self) -> bool:
        return all(worker.state is WorkerState.FATAL for worker in self.workers)

    def _unavailable(self) -> VoiceUnavailableError:
        reasons = {worker.last_failure for worker in self.workers if worker.last_failure}
        return VoiceUnavailableError(f"no worker can start: {'; '.join(sorted(reasons))}")

    def _on_state(self) -> None:
        if self._all_fatal():
            self._jobs.fail_all(self._unavailable())
