"""Carries out commands from standard input, one after the other."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time

from ..control import Control
from ..errors import HardenedError
from ..reporting.events import Event, LimitedLog
from ..status.reporter import StatusReporter
from ..status.rows import CommandRecord
from .commands import Command, parse
from .errors import CommandError, CommandsWaitingError
from .standard_input import MAX_LINE_BYTES, lines

_LOGGER = logging.getLogger(__name__)

_MAX_WAITING = 32
_LINES_A_MINUTE = 30  # commands come from the user's own Home Assistant


class CommandListener:
    """Carries out commands; their outcomes are logged and part of the status.

    Args:
        control: what commands may do.
        status: gets the records of commands.
    """

    def __init__(self, control: Control, status: StatusReporter) -> None:
        self._control = control
        self._status = status
        self._waiting: asyncio.Queue[Command] = asyncio.Queue(_MAX_WAITING)
        self._log = LimitedLog(_LOGGER, _LINES_A_MINUTE)

    async def listen(self, source: int) -> None:
        """Read commands until the end of input, whether they are valid or not."""
        async with contextlib.aclosing(lines(source)) as received:
            async for line in received:
                self._take(line)

    async def run(self) -> None:
        """Carry out commands in their order until cancelled."""
        while True:
            command = await self._waiting.get()
            begin = time.monotonic()
            try:
                outcome, message = "ok", await command.carry_out(self._control, self._status)
            except HardenedError as err:
                outcome, message = err.code, str(err)
            except Exception as err:
                _LOGGER.exception(Event("internal-error", where=f"command {command.shown}"))
                outcome, message = HardenedError.code, type(err).__name__
            self._record(command.shown, outcome, message, time.monotonic() - begin)

    def _take(self, line: bytes | None) -> None:
        if line is None:
            self._reject(CommandError(f"a line of more than {MAX_LINE_BYTES} bytes is left out"))
            return
        try:
            self._waiting.put_nowait(parse(line))
        except CommandError as err:
            self._reject(err)
        except asyncio.QueueFull:
            self._reject(CommandsWaitingError(f"{_MAX_WAITING} commands wait; try again later"))

    def _reject(self, error: CommandError) -> None:
        self._log.warning(Event("command-rejected", code=error.code, reason=str(error)))

    def _record(self, command: str, outcome: str, message: str, duration: float) -> None:
        if outcome == "ok":
            _LOGGER.info(Event("command-done", command=command, result=message))
        else:
            _LOGGER.error(Event("command-failed", command=command, code=outcome, reason=message))
        record = CommandRecord(time.time(), command, outcome, message, duration)
        self._status.record_command(record)
