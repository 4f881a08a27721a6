"""Limits of the system that the server runs on."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import resource
from collections.abc import Iterator
from typing import Any

from ..reporting.events import Event, LimitedLog

_LOGGER = logging.getLogger(__name__)

_OWN_FILES = 24
"""Open files that the server itself needs: listeners, the log, the store, downloads, threads."""
_FILES_PER_ENGINE = 4
"""Three pipes, and what reports its end."""
_LEAST = 2
"""Connections of each server, however few files there are."""
_NO_MORE_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


def affordable_connections(wanted: int, web_wanted: int, *, engines: int) -> tuple[int, int]:
    """Return how many connections the limit of open files allows: Wyoming's and the web's.

    The limit is raised as far as the system permits. Some files are kept for the server itself,
    and for so many processes of `engines`.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    if soft == resource.RLIM_INFINITY:
        return wanted, web_wanted
    room = soft - _OWN_FILES - _FILES_PER_ENGINE * engines
    allowed, web_allowed = share(room, wanted, web_wanted)
    if allowed + web_allowed < wanted + web_wanted:
        params = {"allowed": allowed + web_allowed, "wanted": wanted + web_wanted, "files": soft}
        _LOGGER.warning(Event("connections-limited", **params))
    return allowed, web_allowed


def share(room: int, first: int, second: int) -> tuple[int, int]:
    """Return how `room` is shared by two that want so many: half for each, and what is left."""
    mine = max(min(first, room - second), min(first, room // 2), min(first, _LEAST))
    return mine, max(min(second, room - mine), min(second, _LEAST))


@contextlib.contextmanager
def accept_errors_logged() -> Iterator[None]:
    """Log, within the context, connections that cannot be accepted as one event a minute.

    asyncio itself tries again a second later; it would log a traceback for each attempt.
    """
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    log = LimitedLog(_LOGGER, 1)

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if "socket" in context and isinstance(error, OSError) and error.errno in _NO_MORE_FILES:
            log.warning(Event("accept-failed", reason=error.strerror))
        elif before is not None:
            before(loop, context)
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)
    try:
        yield
    finally:
        loop.set_exception_handler(before)
