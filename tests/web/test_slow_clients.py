"""Clients of the web server that leave, or read late or nothing: nobody is held up by them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from functools import partial

import pytest

from conftest import Script
from support.both_servers import Open, Site
from support.waiting import eventually
from wyoming_piper_hardened.web.limits import WebLimits
from wyoming_piper_hardened.workers.pool import Pool

SAY = "/api/say"


async def test_half_closed_connection_leaves_no_error(
    open_site: Open, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    site = await open_site(script(), client_delay=0.05)
    loop = asyncio.get_running_loop()
    with stuck(site, '{"text": "%s"}' % ("It goes on and on and on. " * 3000)) as client:
        await eventually(partial(have_begun, site, 1))
        await eventually(partial(are_taken, site.server.pool, 0))  # everything is full
        client.shutdown(socket.SHUT_WR)
        client.setblocking(False)  # noqa: FBT003 - the standard library's own signature
        with contextlib.suppress(ConnectionError):
            while await loop.sock_recv(client, 1 << 16):
                pass
    await eventually(lambda: site.server.synthesizer.records)
    assert (await site.get("/health/live"))[0] == 200
    assert "Exception" not in caplog.text


async def test_disconnect_cancels_speech(open_site: Open, script: Script) -> None:
    site = await open_site(script())
    text = f"It is well. {'DRIP ' * 60}"  # more than fits into a minute
    async with site.client.post(SAY, json={"text": text}) as answer:
        await answer.content.readexactly(1000)
        assert site.server.pool.status().requests == 1
    await eventually(lambda: site.server.pool.status().requests == 0)
    assert site.server.synthesizer.records[-1].outcome in {"cancelled", "client-gone"}


async def test_client_that_reads_nothing_blocks_nobody(open_site: Open, script: Script) -> None:
    site = await open_site(script(), workers=1, web_limits=WebLimits(send_timeout=1.0))
    with stuck(site, '{"text": "%s"}' % ("It goes on and on and on. " * 3000)):
        await eventually(lambda: site.server.pool.status().requests == 1)
        assert len(await site.hear(text="Short.")) == 44 + 2 * 600
        # The system ends such a connection after the same time: whichever is first.
        await eventually(lambda: outcomes(site) & {"cancelled", "client-gone"})


async def test_clients_that_read_nothing_release_their_slots(
    open_site: Open, script: Script
) -> None:
    site = await open_site(script(), client_delay=0.05, workers=1, max_queue=4)
    pool = site.server.pool
    body = '{"text": "%s"}' % ("It goes on and on and on. " * 3000)
    with contextlib.ExitStack() as crowd:
        for number in range(1, 8):  # more than there are places
            crowd.enter_context(stuck(site, body))
            await eventually(partial(have_begun, site, number))
            # Only so many may be away as may wait, for each of them holds audio.
            await eventually(partial(are_taken, pool, max(0, number - 4)))
        assert len(await site.hear(text="Short.")) == 44 + 2 * 600
    await eventually(lambda: len(site.server.synthesizer.records) == 8)
    assert outcomes(site) <= {"ok", "cancelled", "client-gone"}


def are_taken(pool: Pool, places: int) -> bool:
    return pool.status().requests == places


def outcomes(site: Site) -> set[str]:
    return {record.outcome for record in site.server.synthesizer.records}


def have_begun(site: Site, count: int) -> bool:
    """Return whether so many requests have begun to sound."""
    registry = site.server.metrics.registry
    return registry.get_sample_value("wyoming_piper_first_audio_seconds_count") == count


async def test_kernel_buffer_of_a_slow_client_is_small(open_site: Open, script: Script) -> None:
    """Or a client that plays what it gets would seem to take nothing for minutes."""
    site = await open_site(script())
    async with site.client.post(SAY, json={"text": "It is well. Then HANG."}):
        assert site.web._runner is not None
        assert site.web._runner.server is not None
        (connection,) = site.web._runner.server.connections
        assert connection.transport is not None
        accepted = connection.transport.get_extra_info("socket")
        kept = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT)
        assert 0 < kept <= 64 * 1024


class stuck:  # noqa: N801 - reads as a context
    """A client that asks and then takes nothing."""

    def __init__(self, site: Site, body: str) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.connect(("127.0.0.1", site.web.port))
        head = f"POST {SAY} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        self._socket.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())

    def __enter__(self) -> socket.socket:
        return self._socket

    def __exit__(self, *_: object) -> None:
        self._socket.close()
