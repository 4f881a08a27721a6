"""A voice repository on loopback that can go wrong: real HTTP, real bytes, faults on demand.

Three servers, each on its own port, which makes them three hosts to a client: the hub, the store
that it redirects large files to (with signed addresses that expire), and a stranger that only
notes what it is sent. `Faults` come to the store for large files and to the hub for small ones,
unless their name says otherwise; those that begin after `LARGE` bytes, to the store.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from aiohttp import web

from support.hub_faults import (
    AT_THE_HUB,
    INSTEAD,
    PAGE,
    RANGES_ONLY,
    STATUS,
    Fault,
    digest,
    refusal,
)

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ALWAYS = 100
"""More requests than a client should ever make."""
LARGE = 100_000
"""Files of so many bytes are kept in the store, as Git LFS keeps them."""
PREFIX = "/rhasspy/piper-voices/resolve/"
_PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that arrived; `server` is ``hub``, ``store`` or ``stranger``."""

    server: str
    method: str
    path: str
    headers: Mapping[str, str]


@dataclass
class FaultyHub:
    """The state of the servers. Files are named by their path on the hub."""

    files: dict[str, bytes]
    seen: list[Seen] = field(default_factory=list)
    commit: str = COMMIT
    """The state of the files."""
    sent: int = 0
    """Bytes of bodies, of all answers."""
    endpoint: str = ""
    store: str = ""
    stranger: str = ""

    def __post_init__(self) -> None:
        self._plan: list[tuple[Fault, int]] = []
        self._at = 0
        self._signatures: set[str] = set()
        self._stop = asyncio.Event()

    def fault(self, fault: Fault, *, at: int = 0, times: int = ALWAYS) -> None:
        """For so many requests, after those faults that were ordered before."""
        self._plan += [(fault, at)] * times

    def repair(self) -> None:
        """No more faults."""
        self._plan.clear()

    def release(self) -> None:
        """Let those go who are kept waiting."""
        self._stop.set()

    def bodies(self) -> list[Seen]:
        """Return the requests for bytes, not those that only ask the way."""
        return [one for one in self.seen if one.server == "store"]

    async def answer_as_hub(self, request: web.Request) -> web.StreamResponse:
        self._note("hub", request)
        path = wanted(request)
        large = len(self.files.get(path, b"")) >= LARGE
        fault = self._take(request, at_hub=True, large=large)
        headers = {"X-Repo-Commit": self.commit}
        if fault in {Fault.NO_COMMIT, Fault.PORTAL}:
            del headers["X-Repo-Commit"]
        if fault is Fault.OTHER_COMMIT:
            headers["X-Repo-Commit"] = COMMIT[::-1]
        if fault is Fault.NO_ANSWER:
            await self._stop.wait()
        if fault is Fault.NOT_HTTP:
            assert request.transport is not None
            request.transport.write(b"SSH-2.0-hub\r\n\r\n")
            request.transport.close()
        if fault in STATUS:
            return refusal(fault, self._at, headers)
        if target := self._detour(request, fault):
            return web.Response(status=302, headers={**headers, "Location": target})
        if fault is Fault.NOWHERE:
            return web.Response(status=302, headers=headers)
        if path not in self.files:
            return web.Response(status=404, headers=headers, text="Entry not found")
        if large:
            return web.Response(status=302, headers=headers | self._links(path, fault))
        headers["ETag"] = f'"{digest("sha1", self.files[path])}"'
        return await self._send(request, path, headers, fault)

    async def answer_as_store(self, request: web.Request) -> web.StreamResponse:
        self._note("store", request)
        path = request.match_info["path"]
        fault = self._take(request, at_hub=False, large=True)
        signature = request.query["Signature"]
        if fault is Fault.EXPIRED:
            self._signatures.discard(signature)
        if signature not in self._signatures:
            return web.Response(status=403, text="<?xml?><Error>Request has expired</Error>")
        headers = {"ETag": f'"{digest("md5", self.files[path])}-8"'}
        return await self._send(request, path, headers, fault)

    async def answer_as_stranger(self, request: web.Request) -> web.StreamResponse:
        self._note("stranger", request)
        path = wanted(request)
        if path in self.files and "back" in request.query:
            return web.Response(
                status=302, headers={"Location": f"{self.endpoint}{request.path}?again"}
            )
        if path in self.files:
            return await self._send(request, path, {}, None)
        return web.Response(body=PAGE, content_type="text/html")

    def _note(self, server: str, request: web.Request) -> None:
        self.seen.append(Seen(server, request.method, request.path_qs, request.headers))

    def _take(self, request: web.Request, *, at_hub: bool, large: bool) -> Fault | None:
        if not self._plan:
            return None
        fault, self._at = self._plan[0]
        here = at_hub == (fault in AT_THE_HUB) if large else at_hub and self._at < LARGE
        if not here or (fault in RANGES_ONLY and "Range" not in request.headers):
            return None
        del self._plan[0]
        return fault

    def _detour(self, request: web.Request, fault: Fault | None) -> str | None:
        return (
            {
                Fault.PORTAL: f"{self.stranger}/login?next=hub",
                Fault.LOOP: request.path,
                Fault.MAZE: f"{request.path}?{len(self.seen)}",
                Fault.STRANGER: f"{self.stranger}{request.rel_url.raw_path}",
                Fault.BACK: f"{self.stranger}{request.rel_url.raw_path}?back",
                Fault.FILE_SCHEME: "file:///etc/passwd",
            }.get(fault)
            if fault
            else None
        )

    def _links(self, path: str, fault: Fault | None) -> dict[str, str]:
        signature = f"secret-{len(self._signatures) + len(self.seen)}"
        self._signatures.add(signature)
        sha256, size = digest("sha256", self.files[path]), len(self.files[path])
        return {
            "Location": f"{self.store}/store/{quote(path)}?Expires=1&Signature={signature}",
            "X-Linked-Etag": f'"{"0" * 64 if fault is Fault.OTHER_DIGEST else sha256}"',
            "X-Linked-Size": str(size + (fault is Fault.OTHER_SIZE)),
        }

    async def _send(
        self, request: web.Request, path: str, headers: dict[str, str], fault: Fault | None
    ) -> web.StreamResponse:
        data = INSTEAD.get(fault, self.files[path]) if fault else self.files[path]
        start = self._range(request, headers, fault)
        if fault is Fault.NOT_SATISFIABLE:
            return web.Response(status=416, headers=headers)
        if start:
            first = start - 1 if fault is Fault.WRONG_RANGE else start
            headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
        if fault is Fault.OTHER_ETAG:
            headers["ETag"] = '"another"'
        if fault is Fault.GZIP:
            headers["Content-Encoding"] = "gzip"
        if fault is Fault.FLIP:
            data = data[: self._at] + bytes([data[self._at] ^ 1]) + data[self._at + 1 :]
        response = web.StreamResponse(status=206 if start else 200, headers=headers)
        stop = self._at if fault in {Fault.CUT, Fault.RESET, Fault.STALL, Fault.DRIP} else len(data)
        if fault in {Fault.SHORT, Fault.EARLY_END}:
            data, stop = data[: self._at], self._at
        if fault is Fault.LONG:
            data, stop = data + b"!", len(data) + 1
        if fault in {Fault.EARLY_END, Fault.ENDLESS, Fault.DRIP}:
            response.enable_chunked_encoding()
        else:
            response.content_length = len(data) - start
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        with contextlib.suppress(ConnectionError):  # the client has had enough
            await self._write(response, memoryview(data)[start : max(start, stop)])
            await self._misbehave(request, response, fault, data[max(start, stop) :])
        return response

    def _range(self, request: web.Request, headers: dict[str, str], fault: Fault | None) -> int:
        asked = request.headers.get("Range", "")
        if fault is Fault.IGNORE_RANGE or not asked:
            return 0
        if request.headers.get("If-Range", headers.get("ETag")) != headers.get("ETag"):
            return 0
        return int(asked.removeprefix("bytes=").removesuffix("-"))

    async def _write(self, response: web.StreamResponse, data: memoryview) -> None:
        for place in range(0, len(data), _PIECE):
            piece = data[place : place + _PIECE]
            await response.write(bytes(piece))
            self.sent += len(piece)

    async def _misbehave(
        self,
        request: web.Request,
        response: web.StreamResponse,
        fault: Fault | None,
        rest: bytes,
    ) -> None:
        assert request.transport is not None
        match fault:
            case Fault.CUT:
                request.transport.close()
            case Fault.RESET:
                peer: socket.socket = request.transport.get_extra_info("socket")
                linger = struct.pack("ii", 1, 0)
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                request.transport.abort()
            case Fault.STALL:
                await self._stop.wait()
            case Fault.ENDLESS:
                while not self._stop.is_set():
                    await self._write(response, memoryview(bytes(_PIECE)))
            case Fault.DRIP:
                for place in range(len(rest)):
                    await self._write(response, memoryview(rest)[place : place + 1])
                    await asyncio.sleep(0.005)
            case _:
                pass


def wanted(request: web.Request) -> str:
    """Return the file's path, for any revision and any proxy."""
    return unquote(request.rel_url.raw_path.partition(PREFIX)[2].partition("/")[2])


@contextlib.asynccontextmanager
async def faulty_hub(
    files: Mapping[str, bytes], certificate: ssl.SSLContext | None = None
) -> AsyncIterator[FaultyHub]:
    """Start the servers; with a `certificate` the hub itself speaks TLS."""
    hub = FaultyHub(dict(files))
    async with contextlib.AsyncExitStack() as stack:

        async def start(path: str, handler: object, context: ssl.SSLContext | None = None) -> str:
            application = web.Application()
            application.router.add_route("*", path, handler)  # type: ignore[arg-type]
            runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
            await site.start()
            scheme = "https" if context else "http"
            return f"{scheme}://127.0.0.1:{runner.addresses[0][1]}"

        hub.endpoint = await start("/{path:.*}", hub.answer_as_hub, certificate)
        hub.store = await start("/store/{path:.*}", hub.answer_as_store)
        hub.stranger = await start("/{path:.*}", hub.answer_as_stranger)
        stack.callback(hub.release)
        yield hub
