"""The face that the server shows as an app: to the Supervisor, and on standard input."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from ..control import Operations
from ..errors import HardenedError, SupervisorRefusedError
from ..events import Event
from ..issues import Issue, IssueKind, Suggestion
from .command_listener import Listener
from .discovery import announce, announcements
from .options import AppOptions
from .supervisor import SUPERVISOR_URL, Supervisor

_LOGGER = logging.getLogger(__name__)

_CLEAR_DELAY, _CLEAR_ATTEMPTS = 30.0, 10  # seconds


class Listening(Protocol):
    """A server that clients can reach."""

    @property
    def port(self) -> int | None:
        """Its TCP port, if it has one."""


@dataclass(frozen=True, slots=True)
class App:
    """Runs beside the server; whatever fails here, the server speaks on.

    Args:
        options: the settings, and what is to be said about them.
        token: what the Supervisor gave to this app; empty where there is none.
        supervisor_url: where the Supervisor is.
        commands: the descriptor that commands are read from; ``None`` for nothing.
    """

    options: AppOptions
    token: str = ""
    supervisor_url: str = SUPERVISOR_URL
    commands: int | None = None

    @contextlib.asynccontextmanager
    async def face(self, operations: Operations, server: Listening) -> AsyncIterator[None]:
        """Tell what is wrong with the options, take commands, be discovered."""
        for remark in self.options.remarks:
            _LOGGER.warning(Event("option-note", note=remark))
        for issue in self.options.issues:
            operations.tell(issue)
        listener = Listener(operations)
        duties: list[Callable[[], Awaitable[None]]] = [
            listener.work,
            lambda: self._check_folder(operations),
        ]
        if (source := self.commands) is not None:
            duties.append(lambda: listener.listen(source))
        async with contextlib.AsyncExitStack() as stack:
            if (supervisor := await self._supervisor(stack)) is not None:
                duties.append(lambda: self._announce(supervisor, operations, server.port))
                duties.append(lambda: self._clear_repairs(supervisor, operations))
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(_perform(duty)) for duty in duties]
                try:
                    yield
                finally:
                    for task in tasks:
                        task.cancel()

    async def _supervisor(self, stack: contextlib.AsyncExitStack) -> Supervisor | None:
        if not self.token:
            reason = "no SUPERVISOR_TOKEN: this is no app of Home Assistant"
            _LOGGER.info(Event("discovery-disabled", reason=reason))
            return None
        try:
            return await stack.enter_async_context(Supervisor(self.supervisor_url, self.token))
        except SupervisorRefusedError as err:
            disabled = Event("discovery-disabled", reason=str(err))
            _LOGGER.error(disabled)  # noqa: TRY400 - the event says all
            return None

    async def _announce(
        self, supervisor: Supervisor, operations: Operations, port: int | None
    ) -> None:
        if port is None:
            reason = "only a tcp:// address can be announced"
            _LOGGER.warning(Event("discovery-disabled", reason=reason))
            return
        web_uri = self.options.settings.web_uri
        web_port = urlsplit(web_uri).port if web_uri else None
        announced = announcements(socket.gethostname(), port, web_port)
        await announce(supervisor, operations, announced)

    async def _clear_repairs(self, supervisor: Supervisor, operations: Operations) -> None:
        """Take what has been repaired out of the options, or every start would do it again."""
        if not (done := self.options.settings.repair_on_start):
            return
        await operations.repaired_on_start.wait()
        for _ in range(_CLEAR_ATTEMPTS):
            try:
                await clear_repairs(supervisor, done)
            except HardenedError as err:
                failed = Event("repairs-not-cleared", code=err.code, reason=str(err))
                _LOGGER.warning(failed)
                await asyncio.sleep(_CLEAR_DELAY)
            else:
                return

    async def _check_folder(self, operations: Operations) -> None:
        """Say early that no voice can be installed or mended, before one has to be."""
        folder = self.options.settings.data_dir
        try:
            await asyncio.to_thread(_write_something, folder)
        except OSError as err:
            params = {"folder": str(folder), "reason": err.strerror}
            if err.errno in {errno.ENOSPC, errno.EDQUOT}:
                kind, suggestion = IssueKind.NO_SPACE, Suggestion.FREE_SPACE
                operations.tell(Issue(kind, "data_dir", "data_dir", params, suggestion))
            else:
                operations.tell(Issue(IssueKind.UNWRITABLE, "data_dir", "", params))


def _write_something(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"x" * 4096)


async def clear_repairs(supervisor: Supervisor, done: tuple[str, ...]) -> None:
    """Take `done` out of the option `repair_on_start`; leave what was added meanwhile.

    Raises:
        SupervisorError: the Supervisor does not do that.
    """
    options = await supervisor.options()
    wanted: Any = options.get("repair_on_start")
    if isinstance(wanted, str):
        left: Any = ",".join(name for name in wanted.split(",") if name.strip() not in done)
    elif isinstance(wanted, list):
        left = [name for name in wanted if str(name).strip() not in done]
    else:
        return
    if left != wanted:
        await supervisor.set_options({**options, "repair_on_start": left})
        _LOGGER.info(Event("repairs-cleared"))


async def _perform(duty: Callable[[], Awaitable[None]]) -> None:
    """A duty; a bug in one ends neither the others nor the server."""
    try:
        await duty()
    except Exception:
        _LOGGER.exception(Event("internal-error", where="a task of the app"))
