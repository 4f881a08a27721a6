"""One way to start, watch, kill and diagnose a process."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor
from typing import Any, Self

import psutil

from ..reporting.issues import Failure, FailureKind, Stage
from ..system.aio import cancel_and_wait, finish
from ..system.framing import MAX_HEADER_BYTES
from .diagnosis import essence, exit_failure
from .errors import EngineFailedError

_LOGGER = logging.getLogger(__name__)
_KEPT_LINES = 20
_MAX_LINE = 500
_READ_BYTES = 64 * 1024
_REAP_SECONDS = 10.0  # a killed process ends at once, unless the kernel waits for a disk
_TEMPORARY = {errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM}


class Child:
    """A process in a group of its own. Use through `running`.

    Of its standard error only the last lines are kept.
    """

    def __init__(self, process: Process, kill_delay: float, watching: Executor | None) -> None:
        assert process.stderr
        self.pid = process.pid
        self.memory = 0
        """Resident bytes when they were last measured."""
        self._process = process
        self._kill_delay = kill_delay
        self._watching = watching
        self._last_lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._killed_for: Failure | None = None
        self._listening = asyncio.create_task(self._keep_last_lines(process.stderr))

    @classmethod
    @contextlib.asynccontextmanager
    async def running(
        cls,
        arguments: Sequence[str],
        *,
        pipes: bool = False,
        kill_delay: float = 2.0,
        watching: Executor | None = None,
        new_session: bool = False,
    ) -> AsyncIterator[Self]:
        """Start a process; on leaving, however that happens, it is gone.

        Args:
            arguments: the command.
            pipes: connect standard input and output with pipes instead of ``/dev/null``.
            kill_delay: seconds from asking the group to end to killing it.
            watching: where its memory is measured; ``None`` for asyncio's own threads.
            new_session: have it lead a session, too, see setsid(2).

        Raises:
            EngineFailedError: it cannot be started.
        """
        stream = PIPE if pipes else DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(
                *arguments,
                stdin=stream,
                stdout=stream,
                stderr=PIPE,
                limit=MAX_HEADER_BYTES,
                process_group=None if new_session else 0,
                start_new_session=new_session,
            )
        except OSError as err:
            failure = Failure(FailureKind.SPAWN, Stage.STARTING, {"error": err.strerror})
            raise EngineFailedError(failure, charged=err.errno in _TEMPORARY) from None
        child = cls(process, kill_delay, watching)
        try:
            yield child
        finally:
            await child._end()

    @property
    def stdin(self) -> asyncio.StreamWriter:
        """The pipe to its standard input."""
        assert self._process.stdin
        return self._process.stdin

    @property
    def stdout(self) -> asyncio.StreamReader:
        """The pipe from its standard output."""
        assert self._process.stdout
        return self._process.stdout

    @property
    def exit_code(self) -> int | None:
        """Its exit code once it has ended; a negative one is the number of a signal."""
        return self._process.returncode

    async def wait(self) -> int:
        """Wait for its end and return its exit code."""
        return await self._process.wait()

    def kill(self, failure: Failure) -> None:
        """Kill the group at once, for that reason."""
        self._killed_for = failure
        self._signal(signal.SIGKILL)

    async def failure(self, at: Stage) -> Failure:
        """Wait for its end and its last words, and return why it ended.

        `at` is what it was doing. Only within the context of `running`.
        """
        code = await self.wait()
        await asyncio.wait({self._listening}, timeout=self._kill_delay)
        return self._killed_for or exit_failure(code, at, essence(self._last_lines))

    async def measure_memory(self) -> int:
        """Update and return `memory`."""
        with contextlib.suppress(psutil.Error, OSError):  # no more files may be open
            self.memory = await asyncio.get_running_loop().run_in_executor(
                self._watching, _resident_bytes, self.pid
            )
        return self.memory

    @contextlib.asynccontextmanager
    async def memory_limited(
        self, limit: int, interval: float, stage: Callable[[], Stage]
    ) -> AsyncIterator[None]:
        """Measure its memory every `interval` seconds within the context, unless it is idle.

        Beyond `limit` bytes it is killed; 0 means no limit.
        """
        watch = asyncio.create_task(self._watch_memory(limit, interval, stage))
        try:
            yield
        finally:
            await cancel_and_wait(watch)

    async def _watch_memory(self, limit: int, interval: float, stage: Callable[[], Stage]) -> None:
        while True:
            await asyncio.sleep(interval)
            if (at := stage()) is Stage.IDLE:
                continue
            memory = await self.measure_memory()
            if 0 < limit < memory:
                self.kill(Failure(FailureKind.MEMORY, at, {"megabytes": memory // 10**6}))

    async def _keep_last_lines(self, stream: asyncio.StreamReader) -> None:
        partial = ""
        while data := await stream.read(_READ_BYTES):
            *lines, partial = (partial + data.decode(errors="replace")).split("\n")
            partial = partial[:_MAX_LINE]
            for line in lines:
                self._keep(line)
        self._keep(partial)

    def _keep(self, line: str) -> None:
        if line := line.strip()[:_MAX_LINE]:
            self._last_lines.append(line)
            _LOGGER.debug("process %d: %s", self.pid, line)

    def _signal(self, sign: signal.Signals) -> None:
        # The whole group: an engine has no children, but what it loads might.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, sign)

    async def _end(self) -> None:
        """Have the group end; it is gone then even if the caller is cancelled meanwhile."""
        ending = asyncio.create_task(self._terminate())
        await finish(ending, on_cancel=lambda: self._signal(signal.SIGKILL))

    async def _terminate(self) -> None:
        for sign, seconds in ((signal.SIGTERM, self._kill_delay), (signal.SIGKILL, _REAP_SECONDS)):
            if self.exit_code is not None:
                break
            self._signal(sign)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._process.wait()
        process: Any = self._process
        process._transport.close()  # noqa: SLF001 - the only way to let go of the pipes
        await self._listening


def _resident_bytes(pid: int) -> int:
    return int(psutil.Process(pid).memory_info().rss)
