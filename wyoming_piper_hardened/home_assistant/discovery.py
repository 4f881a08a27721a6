"""Announces the app to Home Assistant as soon as it can speak."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..processes.restart import backoff
from ..reporting.events import Event
from ..status import StatusReporter
from .errors import SupervisorError
from .supervisor import Supervisor

_LOGGER = logging.getLogger(__name__)

_RETRY_DELAY, _RETRY_LIMIT = 1.0, 300.0  # seconds; doubles


@dataclass(frozen=True, slots=True)
class Announcement:
    """Announcement to one integration of Home Assistant; `service` is its domain."""

    service: str
    config: Mapping[str, Any]


def announcements(host: str, port: int, web_port: int | None) -> tuple[Announcement, ...]:
    """Return the announcements of a server at `host`, for the Wyoming integration and ours."""
    own: dict[str, Any] = {"host": host, "port": port}
    if web_port is not None:
        own["web_port"] = web_port
    return (
        Announcement("wyoming", {"uri": f"tcp://{host}:{port}"}),
        Announcement("piper_hardened", own),
    )


async def announce(
    supervisor: Supervisor,
    status: StatusReporter,
    announced: Iterable[Announcement],
    delays: Iterable[float] | None = None,
) -> None:
    """Announce once the default voice can speak; try again until that succeeds.

    It is not withdrawn when the server stops. The Supervisor hides what stopped apps have
    announced; but a withdrawal makes Home Assistant remove the integration that a person has set up
    from it, so every restart of the app would take its entities away.

    Args:
        supervisor: gets the announcements.
        status: knows when the server is ready.
        announced: what to announce; one that fails does not hold up another.
        delays: seconds between attempts.
    """
    while not status.ready:
        await status.notifier.wait()
    async with asyncio.TaskGroup() as tasks:
        for one in announced:
            tasks.create_task(
                _announce(supervisor, one, delays or backoff(_RETRY_DELAY, _RETRY_LIMIT))
            )


async def _announce(
    supervisor: Supervisor, announcement: Announcement, delays: Iterable[float]
) -> None:
    logged = ""
    for delay in delays:
        try:
            await supervisor.announce(announcement.service, announcement.config)
        except SupervisorError as err:
            # An absent Supervisor is worth one line, not one every 5 minutes.
            if str(err) != logged:
                logged = str(err)
                service, code = announcement.service, err.code
                _LOGGER.warning(
                    Event("discovery-failed", service=service, code=code, reason=str(err))
                )
            await asyncio.sleep(delay)
        else:
            _LOGGER.info(Event("discovery-announced", service=announcement.service))
            return
