"""Time limits of a Wyoming connection."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..system.sockets import SEND_TIMEOUT


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTimings:
    """Time limits of a connection, in seconds.

    Args:
        idle: silence after which the client is taken for gone; the setting `idle_timeout` if that
            is shorter.
        abandoned: silence after which a stream of text may be ended to make room.
        send: time in which the client must accept a piece of audio.
        linger: time to wait for the client to close after an error.
    """

    idle: float = math.inf
    abandoned: float = 5.0
    send: float = SEND_TIMEOUT
    linger: float = 1.0
