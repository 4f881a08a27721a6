"""A server that stood still does not take its workers for hung."""

from __future__ import annotations

import os
import signal
import threading
import time

from attacks.conftest import StartAttacked, WatchServer
from attacks.test_segments import say, workers
from attacks.watch import Limits

STALL = 10.0
PAUSE = 14.0


def test_stopped_server_keeps_its_workers(
    start_attacked: StartAttacked, watch: WatchServer
) -> None:
    server = start_attacked("--stall-timeout", str(STALL))
    before = workers(server)
    ended: list[tuple[int, str, float]] = []

    def speak() -> None:
        ended.append(say(server, "One, two, three, four, five, six, seven. " * 4))

    clients = [threading.Thread(target=speak) for _ in range(4)]
    with watch(server, Limits(lag=PAUSE + 5)):
        for client in clients:
            client.start()
        time.sleep(0.5)
        os.kill(server.pid, signal.SIGSTOP)
        time.sleep(PAUSE)
        os.kill(server.pid, signal.SIGCONT)
        for client in clients:
            client.join()
    assert [status for status, _, _ in ended] == [200] * len(clients)
    assert len({seconds for _, _, seconds in ended}) == 1
    assert workers(server) == before


def test_storm_of_signals_stops_the_server_once(start_attacked: StartAttacked) -> None:
    server = start_attacked()
    for _ in range(50):
        os.kill(server.pid, signal.SIGTERM)
        time.sleep(0.002)
    assert server.stop() == 0
    assert "Traceback" not in server.log.read_text()
