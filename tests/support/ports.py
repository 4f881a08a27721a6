"""Ports for servers that are started again."""

from __future__ import annotations

import contextlib
import random
import socket

_EPHEMERAL = 32768
"""From here on Linux gives a port to those who ask for any (``ip_local_port_range``)."""


def free_port() -> int:
    """Return a port of loopback that nobody gets by chance while its server is away."""
    while True:
        port = random.randrange(20_000, _EPHEMERAL)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
