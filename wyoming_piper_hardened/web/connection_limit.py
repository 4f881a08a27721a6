"""Accepts connections as long as there is room, and keeps some for those nearby."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import cast

from ..errors import AccessError
from ..system.sockets import tune_socket
from .access import Address, parsed_address
from .connection import HEADERS

_LOGGER = logging.getLogger(__name__)

MAX_CONNECTIONS = 64
RESERVED = 16
"""More for this machine and trusted proxies: a crowd must not keep the watchdog out."""

MOST_CONNECTIONS = MAX_CONNECTIONS + RESERVED

_BODY = (
    b'{"error": {"code": "too-many-connections", "message": "every connection is busy; try again '
    b'in a moment", "retryable": true}}'
)
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\n"
    b"Retry-After: 5\r\nCache-Control: no-store\r\n%sContent-Length: %d\r\n\r\n%s"
) % (
    b"".join(f"{name}: {value}\r\n".encode() for name, value in HEADERS.items()),
    len(_BODY),
    _BODY,
)


class ConnectionLimit(asyncio.Protocol):
    """The first protocol of every connection; makes way for the real one.

    Args:
        protocol: makes the real one.
        connections: tells how many there are.
        is_near: whether an address may use the reserve.
    """

    def __init__(
        self,
        protocol: Callable[[], asyncio.Protocol],
        connections: Callable[[], int],
        is_near: Callable[[Address], bool],
    ) -> None:
        self._protocol = protocol
        self._connections = connections
        self._is_near = is_near

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand the connection over, or end it."""
        transport = cast("asyncio.Transport", transport)
        limit = MAX_CONNECTIONS + RESERVED * self._near(transport)
        if self._connections() >= limit:
            _LOGGER.debug("refused a web connection: there are %d", limit)
            transport.write(_FULL)
            transport.close()
            return
        tune_socket(transport.get_extra_info("socket"))
        protocol = self._protocol()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)

    def _near(self, transport: asyncio.Transport) -> bool:
        peer = transport.get_extra_info("peername")
        try:
            return self._is_near(parsed_address(peer[0] if peer else None))
        except AccessError:
            return False
