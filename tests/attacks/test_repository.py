"""A voice repository that sends bombs: compressed bodies, and catalogues beyond all measure."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

import pytest

from attacks.conftest import StartAttacked, WatchServer, wait_until
from attacks.watch import Limits
from wyoming_piper_hardened.catalogue.catalogue import bundled
from wyoming_piper_hardened.catalogue.parser import encode_voices
from wyoming_piper_hardened.system.foreign_json import MAX_TOKENS

COMMIT = "0" * 40
MEGABYTE = bytes(1 << 20)


class Repository(BaseHTTPRequestHandler):
    """Sends one body for every file."""

    body: ClassVar[bytes] = b""
    headers_sent: ClassVar[dict[str, str]] = {}
    asked: ClassVar[int] = 0

    def do_HEAD(self) -> None:
        type(self).asked += 1
        self.send_response(200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(self.body)))
        for name, value in self.headers_sent.items():
            self.send_header(name, value)
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        self.wfile.write(self.body)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


@pytest.fixture
def repository() -> Iterator[tuple[type[Repository], str]]:
    """Serve a repository on loopback; returns its kind and address."""
    handler = type("One", (Repository,), {"asked": 0})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield handler, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def catalogue(count: int) -> bytes:
    """Return a catalogue of so many sound voices."""
    name, entry = next(iter(encode_voices(bundled()).items()))
    one = f"{json.dumps(name)}: {json.dumps(entry)}"
    dataset = entry["name"]
    return f"{{{','.join(one.replace(dataset, f'd{n}') for n in range(count))}}}".encode()


BODIES: dict[str, tuple[bytes, dict[str, str]]] = {
    "gzip": (gzip.compress(MEGABYTE * 200), {"Content-Encoding": "gzip"}),
    "gzip-unnamed": (gzip.compress(MEGABYTE * 200), {}),
    "zip": (b"PK\x03\x04" + MEGABYTE * 20, {}),
    "voices": (catalogue(100_000), {}),
    "many-values": (b"[" + b"[]," * 2_000_000 + b"1]", {}),
    "short-voices": (b"{" + b",".join(b'"v%d":0' % n for n in range(500_000)) + b"}", {}),
    "deep": (b'{"a":' * 1_000_000, {}),
    "number": (b"9" * (7 << 20), {}),
}


@pytest.mark.parametrize("kind", BODIES)
def test_bombs_of_the_repository_are_refused(
    kind: str,
    start_attacked: StartAttacked,
    watch: WatchServer,
    repository: tuple[type[Repository], str],
) -> None:
    handler, url = repository
    handler.body, handler.headers_sent = BODIES[kind]
    server = start_attacked("--hub-endpoint", url)
    (name, *_) = (voice["name"] for voice in server.get("api/voices?installed=false")["voices"])
    with watch(server, Limits(staging=1 << 20)):
        server.post(f"api/voices/{name}/install")
        wait_until(lambda: not server.get("api/status")["jobs"])
    assert handler.asked
    assert not (server.data_dir / "voices" / name).exists()


def test_largest_allowed_catalogue_leaves_the_loop_free(
    start_attacked: StartAttacked, watch: WatchServer, repository: tuple[type[Repository], str]
) -> None:
    handler, url = repository
    values = sum(map(catalogue(1).count, (b",", b":", b"[", b"{")))
    count = MAX_TOKENS // values - 5
    handler.body = catalogue(count)
    server = start_attacked("--hub-endpoint", url)
    (name, *_) = (voice["name"] for voice in server.get("api/voices?installed=false")["voices"])
    with watch(server):
        server.post(f"api/voices/{name}/install")
        wait_until(lambda: not server.get("api/status")["jobs"])
        for query in ("", "?text=d1+en", "?language=ar", "?installed=false&quality=low") * 5:
            server.get(f"api/voices{query}")
        assert len(server.get("api/voices")["voices"]) >= count
        assert len(server.get("api/voices?text=d1+medium")["voices"]) < count
