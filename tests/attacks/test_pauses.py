"""A server that stood still takes nobody for hung, late or gone."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import threading
import time

from attacks.conftest import StartAttacked, WatchServer, wait_until
from attacks.test_segments import say, workers
from attacks.watch import Limits

STALL = 10.0
IDLE = 30.0
PAUSE = 32.0
"""Longer than these, and than the 20 s in which HTTP clients have to send a request."""


def event(kind: str, **data: object) -> bytes:
    return json.dumps({"type": kind, "data": data}).encode() + b"\n"


def test_stopped_server_keeps_its_workers_and_its_clients(
    start_attacked: StartAttacked, watch: WatchServer
) -> None:
    server = start_attacked("--stall-timeout", str(STALL), "--idle-timeout", str(IDLE))
    before = workers(server)
    ended: list[tuple[int, str, float]] = []

    def speak() -> None:
        ended.append(say(server, "One, two, three, four, five, six, seven. " * 4))

    clients = [threading.Thread(target=speak) for _ in range(4)]
    kept_alive = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    kept_alive.request("GET", "/health/live")
    kept_alive.getresponse().read()
    address = kept_alive.sock
    with (
        watch(server, Limits(lag=PAUSE + 5)),
        socket.create_connection(("127.0.0.1", server.wyoming_port), timeout=60) as stream,
        socket.create_connection(("127.0.0.1", server.port), timeout=60) as half,
    ):
        stream.sendall(event("synthesize-start") + event("synthesize-chunk", text="Hello "))
        half.sendall(b"GET /health/live HTTP/1.1\r\nHost: local")
        for client in clients:
            client.start()
        wait_until(lambda: server.get("api/status")["queue"]["requests"] >= len(clients))
        os.kill(server.pid, signal.SIGSTOP)
        time.sleep(PAUSE)
        stream.sendall(event("synthesize-chunk", text="there.") + event("synthesize-stop"))
        half.sendall(b"host\r\nConnection: close\r\n\r\n")
        kept_alive.request("GET", "/health/live")
        os.kill(server.pid, signal.SIGCONT)
        for client in clients:
            client.join()
        assert half.recv(4096).startswith(b"HTTP/1.1 200 ")
        assert kept_alive.getresponse().status == 200
        assert kept_alive.sock is address, "it had to connect again"
        heard = b""
        while b"synthesize-stopped" not in heard:
            received = stream.recv(1 << 16)
            assert received, heard[-300:]
            heard += received
        assert b'"error"' not in heard
    kept_alive.close()
    assert [status for status, _, _ in ended] == [200] * len(clients)
    assert len({seconds for _, _, seconds in ended}) == 1
    assert workers(server) == before


def test_storm_of_signals_stops_the_server_once(start_attacked: StartAttacked) -> None:
    server = start_attacked()
    storm = threading.Thread(target=terminate_again_and_again, args=(server.pid,))
    storm.start()
    assert server.stop() == 0
    storm.join()
    assert "Traceback" not in server.log.read_text()


def terminate_again_and_again(pid: int) -> None:
    """Send SIGTERM and SIGINT until the process is gone."""
    try:
        while True:
            os.kill(pid, signal.SIGTERM)
            os.kill(pid, signal.SIGINT)
            time.sleep(0.002)
    except ProcessLookupError:
        return
