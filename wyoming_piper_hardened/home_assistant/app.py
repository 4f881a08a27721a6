"""The server as an app: commands on standard input, and the Supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..control import Control
from ..errors import HardenedError
from ..reporting.events import Event
from ..speech.choices.default_voice import DefaultVoice
from ..status.reporter import StatusReporter
from ..system.aio import cancel_and_wait
from .command_listener import CommandListener
from .discovery import announce, to_companion, to_wyoming, withdraw
from .errors import SupervisorRefusedError
from .options import AppOptions
from .supervisor import SUPERVISOR_URL, Supervisor

_LOGGER = logging.getLogger(__name__)

_CLEAR_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class App:
    """Runs beside the server; whatever fails here, the server keeps speaking.

    Args:
        options: the settings, and what is wrong with the options.
        token: the Supervisor's token for this app; empty where there is no Supervisor.
        supervisor_url: where the Supervisor is.
        commands: the descriptor that commands are read from; ``None`` for nothing.
        clear_delay: seconds between two attempts to change an option.
    """

    options: AppOptions
    token: str = ""
    supervisor_url: str = SUPERVISOR_URL
    commands: int | None = None
    clear_delay: float = 30.0

    @contextlib.asynccontextmanager
    async def running(
        self,
        control: Control,
        status: StatusReporter,
        port: int | None,
        repaired_on_start: asyncio.Event,
    ) -> AsyncIterator[None]:
        """Report wrong options, take commands and announce the app within the context.

        Args:
            control: carries out commands.
            status: knows when the server is ready; gets the records of commands.
            port: the Wyoming server's TCP port, if it has one.
            repaired_on_start: set when all of `repair_on_start` is repaired.
        """
        for note in self.options.notes:
            _LOGGER.warning(Event("option-note", note=note))
        for issue in self.options.issues:
            control.jobs.open_issue(issue)
        listener = CommandListener(control, status)
        tasks: list[Callable[[], Awaitable[None]]] = [listener.run]
        if (source := self.commands) is not None:
            tasks.append(lambda: listener.listen(source))
        async with contextlib.AsyncExitStack() as stack:
            if (supervisor := await self._supervisor(stack)) is not None:
                tasks.append(lambda: self._announce(supervisor, status, port))
                tasks.append(lambda: self._announce_paired(supervisor, control, status, port))
                tasks.append(lambda: self._clear_repairs(supervisor, repaired_on_start))
                tasks.append(lambda: self._follow_default(supervisor, control.default_voice))
            async with asyncio.TaskGroup() as group:
                running = [group.create_task(_run_task(task)) for task in tasks]
                try:
                    yield
                finally:
                    for one in running:
                        one.cancel()

    async def _supervisor(self, stack: contextlib.AsyncExitStack) -> Supervisor | None:
        if not self.token:
            reason = "no SUPERVISOR_TOKEN, so this is no app of Home Assistant"
            _LOGGER.info(Event("discovery-disabled", reason=reason))
            return None
        try:
            return await stack.enter_async_context(Supervisor(self.supervisor_url, self.token))
        except SupervisorRefusedError as err:
            reason = str(err)
            _LOGGER.error(Event("discovery-disabled", reason=reason))  # noqa: TRY400 - it says all
            return None

    async def _announce(
        self, supervisor: Supervisor, status: StatusReporter, port: int | None
    ) -> None:
        if port is None:
            reason = "only a tcp:// address can be announced"
            _LOGGER.warning(Event("discovery-disabled", reason=reason))
            return
        await announce(supervisor, status, to_wyoming(socket.gethostname(), port))

    async def _announce_paired(
        self, supervisor: Supervisor, control: Control, status: StatusReporter, port: int | None
    ) -> None:
        """Announce the app to its integration each time that has paired it, and only then."""
        web_uri = self.options.settings.web_uri
        web_port = urlsplit(web_uri).port if web_uri else None
        if port is None or web_port is None:
            return
        own = to_companion(socket.gethostname(), port, web_port, status.identity.server_id)
        announced = ""
        while True:
            change = asyncio.create_task(control.pairing.changes.wait())
            try:
                await asyncio.sleep(0)  # it waits before the pairing is looked at
                if control.pairing.paired:
                    announced = await announce(supervisor, status, own)
                elif announced:
                    await withdraw(supervisor, own, announced)
                    announced = ""
                await change
            finally:
                await cancel_and_wait(change)

    async def _clear_repairs(self, supervisor: Supervisor, repaired: asyncio.Event) -> None:
        """Remove what has been repaired from the options, or every start would repeat it."""
        if not (done := self.options.settings.repair_on_start):
            return
        await repaired.wait()
        for _ in range(_CLEAR_ATTEMPTS):
            try:
                await clear_repairs(supervisor, done)
            except HardenedError as err:
                _LOGGER.warning(Event("repairs-not-cleared", code=err.code, reason=str(err)))
                await asyncio.sleep(self.clear_delay)
            else:
                return

    async def _follow_default(self, supervisor: Supervisor, default: DefaultVoice) -> None:
        """Have the option `voice` name the default voice each time that another is chosen."""
        written = default.name
        while True:
            if (name := default.name) == written:
                await default.changes.wait()
            elif await self._set_voice(supervisor, name):
                written = name
            else:
                await asyncio.sleep(self.clear_delay)

    async def _set_voice(self, supervisor: Supervisor, name: str) -> bool:
        try:
            await supervisor.set_options({**await supervisor.options(), "voice": name})
        except HardenedError as err:
            _LOGGER.warning(Event("voice-option-not-set", code=err.code, reason=str(err)))
            return False
        _LOGGER.info(Event("voice-option-set", voice=name))
        return True


async def clear_repairs(supervisor: Supervisor, done: tuple[str, ...]) -> None:
    """Remove `done` from the option `repair_on_start`; leave what was added meanwhile.

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


async def _run_task(task: Callable[[], Awaitable[None]]) -> None:
    """Run one task; a bug in one ends neither the others nor the server."""
    try:
        await task()
    except Exception:
        _LOGGER.exception(Event("internal-error", where="app"))
