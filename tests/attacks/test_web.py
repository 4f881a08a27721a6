"""Attacks on the web server, by clients that have no right to anything or the right to upload."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from attacks.conftest import StartAttacked, WatchServer
from support.client import connected
from support.web_server import WebServer

TOKEN = "correct-horse-battery"  # noqa: S105 - of these tests
PART = b'--x\r\nContent-Disposition: form-data; name="%s"; filename="a.%s"\r\n'
CONFIG = PART % (b"config", b"onnx.json")
MODEL = PART % (b"model", b"onnx")

DRAWN = settings(
    max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


def asked(
    server: WebServer, request: bytes, pieces: Iterable[bytes] | None = None, seconds: float = 60
) -> bytes:
    """Send a request, and chunks as long as they are taken; return the start of the answer."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as client:
        with contextlib.suppress(OSError):  # it has answered and taken no more
            client.sendall(request)
            for piece in pieces or ():
                client.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            client.sendall(b"" if pieces is None else b"0\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            return client.recv(4096)
        return b""


def upload(server: WebServer, pieces: Iterable[bytes]) -> bytes:
    head = b"POST /api/voices HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    return asked(server, head + b"Content-Type: multipart/form-data; boundary=x\r\n\r\n", pieces)


def endless(unit: bytes) -> Iterator[bytes]:
    block = unit * ((64 << 10) // len(unit))
    for _ in range(160):  # 10 MB
        yield block


@pytest.mark.parametrize(
    ("begin", "unit"),
    [
        (b"", b"\r\n"),
        (b"", b"\n"),
        (b"--x\r\n", b"A: b\r\n"),
        (b"--x\r\n", b"A" * 1000),
        (CONFIG + b"\r\n{}\r\n--x", b"\r\n"),
        (CONFIG + b"\r\n{}\r\n--x--", b"\r\n"),
        (MODEL + b"Content-Transfer-Encoding: base64\r\n\r\nAAAAA", b"!" * 1000),
        (CONFIG + b"\r\n", b"\r\n--y"),
        (b"--x\r\nContent-Disposition: form-data; name=_charset_\r\n\r\n", b"utf-8\n"),
        (b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n", b"\r\n"),
    ],
)
def test_endless_bytes_outside_the_files_of_an_upload(
    start_attacked: StartAttacked, watch: WatchServer, begin: bytes, unit: bytes
) -> None:
    server = start_attacked()
    with watch(server):
        answer = upload(server, [begin, *endless(unit)] if begin else endless(unit))
    assert not answer or answer.split()[1] in {b"400", b"413"}, answer


FRAGMENTS = st.sampled_from(
    [
        *(b"\r\n", b"\n", b"--x", b"--x\r\n", b"--x--", b"--x--\r\n", b"--", b"\0", b"\xff"),
        *(CONFIG, MODEL, b"\r\n\r\n", b"{}", b"Content-Length: 5\r\n", b"name=model", b"a" * 9000),
        *(b"Content-Type: multipart/mixed; boundary=y\r\n", b"Content-Encoding: gzip\r\n"),
        b"Content-Transfer-Encoding: base64\r\n",
    ]
)


@pytest.mark.randomised
def test_multipart_bodies(start_attacked: StartAttacked, watch: WatchServer) -> None:
    server = start_attacked()

    @DRAWN
    @given(st.lists(st.lists(FRAGMENTS | st.binary(max_size=50), max_size=20).map(b"".join)))
    def attack(pieces: list[bytes]) -> None:
        answer = upload(server, [piece for piece in pieces if piece])
        assert answer.split()[1] in {b"400", b"413", b"422", b"429"}, answer

    with watch(server):
        attack()


@pytest.mark.randomised
def test_authorization_headers(start_attacked: StartAttacked, watch: WatchServer) -> None:
    server = start_attacked("--web-token", TOKEN)

    @DRAWN
    @given(
        st.sampled_from([b"Basic", b"Bearer", b"basic", b"Digest", b""]),
        st.binary(max_size=200).map(lambda data: bytes(c for c in data if c > 31 and c != 127)),
    )
    def attack(scheme: bytes, value: bytes) -> None:
        head = b"GET /api/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        answer = asked(server, b"%sAuthorization: %s %s\r\n\r\n" % (head, scheme, value))
        assert answer.startswith(b"HTTP/1.1 401 "), answer

    with watch(server):
        attack()


TRUSTED = ("--web-trusted", "127.0.0.1")
OPENED = ("--web-hosts", "nas.example", "--web-origins", "https://notes.example")


@pytest.mark.parametrize(
    ("flags", "extra"),
    [
        (TRUSTED, ""),
        (TRUSTED, "X-Forwarded-For: 192.0.2.1\r\n"),
        (TRUSTED, "Sec-Fetch-Site: none\r\n"),
        (OPENED, ""),
        (OPENED, "Sec-Fetch-Site: none\r\n"),
    ],
)
def test_rebound_name_changes_nothing(
    start_attacked: StartAttacked, watch: WatchServer, flags: tuple[str, ...], extra: str
) -> None:
    """Although loopback is trusted, or further names and origins are allowed."""
    server = start_attacked(*flags)
    page = f"Host: evil.example\r\nOrigin: http://evil.example\r\nConnection: close\r\n{extra}\r\n"
    with watch(server):
        for line in ("POST /api/workers/restart", "DELETE /api/voices/x", "GET /api/status"):
            answer = asked(server, f"{line} HTTP/1.1\r\n{page}".encode())
            assert answer.startswith(b"HTTP/1.1 403 "), answer


def speech_request(path: str, **body: object) -> bytes:
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(data) + data


def temporary_files(pid: int) -> list[str]:
    links = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            links.append(str(link.readlink()))
    return [link for link in links if link.startswith(tempfile.gettempdir())]


def test_long_files_are_kept_nowhere(start_attacked: StartAttacked, watch: WatchServer) -> None:
    server = start_attacked()
    text = "The cooker is still on, and nobody knows why. " * 2100
    request = speech_request("/v1/audio/speech", input=text, speed=0.25, response_format="flac")
    before = temporary_files(server.pid)  # its log and its voices
    with watch(server), contextlib.ExitStack() as clients:
        for _ in range(4):
            client = socket.create_connection(("127.0.0.1", server.port))
            clients.enter_context(client).sendall(request)
        for _ in range(20):
            time.sleep(0.5)
            assert temporary_files(server.pid) == before


async def read_slowly(port: int, request: bytes, seconds: float) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
    writer.write(request)
    for _ in range(int(seconds)):
        await asyncio.sleep(1)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                await reader.read(1)
    writer.close()


async def write_slowly(port: int, frame: bytes, seconds: float) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    for byte in frame[: int(seconds)]:
        writer.write(bytes([byte]))
        await asyncio.sleep(1)
    writer.close()


@pytest.mark.randomised
def test_streams_of_a_byte_per_second(start_attacked: StartAttacked, watch: WatchServer) -> None:
    server = start_attacked()
    request = speech_request("/api/say", text="It goes on and on. " * 500)
    frame = b'{"type": "synthesize-chunk", "data": {"text": "Slowly, slowly."}}\n'

    async def attack() -> int:
        slow = [
            *(read_slowly(server.port, request, 10) for _ in range(24)),  # fewer than max_queue
            *(write_slowly(server.wyoming_port, frame, 10) for _ in range(48)),
        ]
        async with asyncio.TaskGroup() as group:
            for one in slow:
                group.create_task(one)
            await asyncio.sleep(3)
            async with connected(server.wyoming_port) as client:
                return len((await client.say("Hello there.")).pcm)

    with watch(server):
        assert asyncio.run(attack()) > 1000


def test_floods_write_few_lines(start_attacked: StartAttacked, watch: WatchServer) -> None:
    server = start_attacked("--max-connections", "2")
    junk = (
        b"\xff\n",
        b'{"type": 5}\n',
        b'{"type": "synthesize", "data_length": 9}\n{',
        b"GET / \n",
    )
    with watch(server):
        for number in range(600):
            with socket.create_connection(("127.0.0.1", server.wyoming_port)) as client:
                client.sendall(junk[number % 4])
            if number % 3 == 0:
                asked(server, b"NONSENSE\r\n\r\n")


PATHS = ("/", "/api/status", "/api/voices?text=a+b", "/v1/models", "/metrics", "/nothing", "/%ff")


@pytest.mark.randomised
def test_two_thousand_requests(start_attacked: StartAttacked, watch: WatchServer) -> None:
    server = start_attacked()
    with watch(server):
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        with contextlib.closing(client):
            for number in range(2000):
                client.request("GET", PATHS[number % len(PATHS)])
                assert client.getresponse().read() is not None
