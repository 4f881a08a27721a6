"""Limits and timings of the web server."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from ..system.sockets import SEND_TIMEOUT


@dataclass(frozen=True, slots=True, kw_only=True)
class WebLimits:
    """Limits of amounts and times. Times in seconds, sizes in bytes."""

    connections: int = 64
    reserved_connections: int = 16
    """More for this machine and trusted proxies: a crowd must not keep the watchdog out."""
    changes_per_minute: int = 120
    header_timeout: float = 20.0
    """A connection may be without a complete request for so long."""
    linger: float = 2.0
    """The rest of a refused body is read for so long."""
    stop_grace: float = 1.0
    """Twice: for speech to end, and for cancelled requests to end."""
    body_size: int = 1280 << 10
    """Of JSON; the longest allowed text in JSON's longest form fits."""
    body_timeout: float = 30.0
    send_timeout: float = SEND_TIMEOUT
    """A client that takes nothing for so long has left."""
    held_back: int = 8 << 20
    """Of all FLAC files together that are sent when they are complete."""
    held_back_each: int = 512 << 10
    """Of one of them; about 20 s of speech, so that nobody waits long for a file's first byte."""
    kept_whole: int = 32 << 20
    """Of all files together that are asked for as a whole; about 12 minutes of WAV."""

    model_size: int = 300_000_000
    config_size: int = 4_000_000
    upload_stall_timeout: float = 30.0
    upload_timeout: float = 900.0

    followers: int = 32
    reserved_followers: int = 8
    """More for this machine and trusted proxies."""
    event_interval: float = 0.25
    """Between two events, at least."""
    event_refresh: float = 5.0
    """Between two events, at most: nothing notifies of some values, such as memory."""
    counters_interval: float = 30.0
    """Between two events with the counters of the companion's view, at least."""
    event_keep_alive: float = 15.0
    event_send_timeout: float = 10.0

    @property
    def all_connections(self) -> int:
        """Connections at once, the reserved ones included."""
        return self.connections + self.reserved_connections

    @property
    def all_followers(self) -> int:
        """Followers at once, the reserved ones included."""
        return self.followers + self.reserved_followers

    def within(self, connections: int) -> Self:
        """Return limits with at most so many connections at once; a quarter stays reserved."""
        if connections >= self.all_connections:
            return self
        reserved = min(self.reserved_connections, max(1, connections // 4))
        return replace(self, connections=connections - reserved, reserved_connections=reserved)
