"""More connections than files may be open: a line in the log, and the server recovers."""

from __future__ import annotations

import contextlib
import socket
import time

from attacks.conftest import StartAttacked
from attacks.test_segments import say, workers

OPEN_FILES = 64
CONNECTIONS = 60


def test_more_connections_than_files(start_attacked: StartAttacked) -> None:
    server = start_attacked("--max-connections", "64", open_files=OPEN_FILES)
    before = workers(server)
    for port in (server.wyoming_port, server.port):
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
        time.sleep(3)
        for client in clients:
            client.close()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):  # until the listener is tried again
            if say(server, "Hello.")[0] == 200:
                break
        time.sleep(0.2)
    else:
        raise AssertionError("the server did not recover")
    assert workers(server) == before
    log = server.log.read_text()
    assert "Traceback" not in log
    assert len(log.splitlines()) < 25, log
