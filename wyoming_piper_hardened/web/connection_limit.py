"""Limit of connections, some of them reserved for nearby addresses."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import cast

from ..errors import AccessError
from ..system.sockets import tune_socket
from .access import Address, parsed_address
from .connection import HEADERS
from .limits import WebLimits

_LOGGER = logging.getLogger(__name__)

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
    """The first protocol of every connection; hands it over to the real one.

    Args:
        protocol: makes the real one.
        connections: returns how many there are.
        is_privileged: returns whether an address may use the reserved ones.
        limits: how many there may be, and how slow a client may be.
    """

    def __init__(
        self,
        protocol: Callable[[], asyncio.Protocol],
        connections: Callable[[], int],
        is_privileged: Callable[[Address], bool],
        limits: WebLimits,
    ) -> None:
        self._protocol = protocol
        self._connections = connections
        self._is_privileged_address = is_privileged
        self._limits = limits

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand the connection over, or end it."""
        transport = cast("asyncio.Transport", transport)
        limits = self._limits
        limit = limits.all_connections if self._is_privileged(transport) else limits.connections
        if self._connections() >= limit:
            _LOGGER.debug("refused a web connection: there are %d", limit)
            transport.write(_FULL)
            transport.close()
            return
        tune_socket(transport.get_extra_info("socket"), limits.send_timeout)
        protocol = self._protocol()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)

    def _is_privileged(self, transport: asyncio.Transport) -> bool:
        peer = transport.get_extra_info("peername")
        try:
            return self._is_privileged_address(parsed_address(peer[0] if peer else None))
        except AccessError:
            return False
