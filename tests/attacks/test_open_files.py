"""More connections than files may be open: a line in the log, and the server recovers."""

from __future__ import annotations

import contextlib
import select
import socket
from functools import partial

from attacks.conftest import StartAttacked, wait_until
from attacks.test_segments import say, workers
from support.web_server import WebServer

OPEN_FILES = 64
CONNECTIONS = 60


def most_are_refused(clients: list[socket.socket]) -> bool:
    """Return whether all are told that there are too many, but for those who wait in silence."""
    return len(select.select(clients, [], [], 0)[0]) >= CONNECTIONS - OPEN_FILES // 2


def speaks(server: WebServer) -> bool:
    with contextlib.suppress(OSError):  # until the listener is tried again
        return say(server, "Hello.")[0] == 200
    return False


def test_more_connections_than_files(start_attacked: StartAttacked) -> None:
    server = start_attacked("--max-connections", "64", open_files=OPEN_FILES)
    before = workers(server)
    for port in (server.wyoming_port, server.port):
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
        wait_until(partial(most_are_refused, clients))
        for client in clients:
            client.close()
    wait_until(lambda: speaks(server))
    assert workers(server) == before
    log = server.log.read_text()
    assert "Traceback" not in log
    assert len(log.splitlines()) < 25, log
