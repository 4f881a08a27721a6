"""Limits of the system that the server runs on."""

from __future__ import annotations

import contextlib
import logging
import resource

from ..events import Event

_LOGGER = logging.getLogger(__name__)

_OWN_FILES = 48
"""Open files that the server itself needs: pipes of workers, downloads, the log."""


def affordable_connections(wanted: int, *, reserved: int) -> int:
    """Return how many of the `wanted` connections the limit of open files allows.

    The limit is raised as far as the system permits. `reserved` files are kept for other
    connections, and some for the server itself.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    allowed = wanted if soft == resource.RLIM_INFINITY else max(1, soft - _OWN_FILES - reserved)
    if allowed < wanted:
        _LOGGER.warning(Event("connections-limited", allowed=allowed, wanted=wanted, files=soft))
    return min(allowed, wanted)
