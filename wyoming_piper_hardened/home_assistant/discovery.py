"""Announces the app to Home Assistant as soon as it can speak."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..processes.restart import backoff
from ..reporting.events import Event
from ..status.reporter import StatusReporter
from ..status.rows import API_VERSION
from .errors import SupervisorError
from .supervisor import Supervisor

_LOGGER = logging.getLogger(__name__)

_RETRY_DELAY, _RETRY_LIMIT = 1.0, 300.0  # seconds; doubles


@dataclass(frozen=True, slots=True)
class Announcement:
    """Announcement to one integration of Home Assistant; `service` is its domain."""

    service: str
    config: Mapping[str, Any]


def to_wyoming(host: str, port: int) -> Announcement:
    """Return the announcement of a server to the Wyoming integration."""
    return Announcement("wyoming", {"uri": f"tcp://{host}:{port}"})


def to_companion(host: str, port: int, web_port: int, server_id: str | None) -> Announcement:
    """Return the announcement of a server to the integration that looks after it.

    Only for a server that it has paired: Home Assistant without that integration would log an
    error. There is no secret in it.
    """
    config = {"host": host, "port": port, "web_port": web_port, "server_id": server_id}
    return Announcement("piper_hardened", {**config, "api": API_VERSION})


async def announce(
    supervisor: Supervisor,
    status: StatusReporter,
    announcement: Announcement,
    delays: Iterable[float] | None = None,
) -> str:
    """Announce once the default voice can speak; try again until that succeeds.

    Returns the announcement's id; empty if there is none.

    It is not withdrawn when the server stops. The Supervisor hides what stopped apps have
    announced; but a withdrawal makes Home Assistant remove the integration that a person has set up
    from it, so every restart of the app would take its entities away.

    Args:
        supervisor: gets the announcements.
        status: knows when the server is ready.
        announcement: what to announce.
        delays: seconds between attempts.
    """
    while not status.ready:
        await status.notifier.wait()
    logged = ""
    for delay in delays or backoff(_RETRY_DELAY, _RETRY_LIMIT):
        try:
            announced = await supervisor.announce(announcement.service, announcement.config)
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
            return announced
    return ""


async def withdraw(supervisor: Supervisor, announcement: Announcement, announced: str) -> None:
    """Take an announcement back, by its id; a Supervisor that refuses is logged.

    Home Assistant would otherwise look for the integration at each of its starts, and log an error
    when that has been removed.
    """
    service = announcement.service
    try:
        await supervisor.withdraw(announced)
    except SupervisorError as err:
        _LOGGER.warning(
            Event("discovery-not-withdrawn", service=service, code=err.code, reason=str(err))
        )
    else:
        _LOGGER.info(Event("discovery-withdrawn", service=service))
