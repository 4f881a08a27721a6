"""One file from the hub to the disk: all of it, and exactly it, or a named error.

Files that are left on the disk:

- success: the target alone, flushed by the commit;
- the network failed, the hub refused, or the caller cancelled: ``<target>.<md5>.part`` with what
  came so far, if anything did. The next download of the same file goes on from there;
- the bytes were wrong, or the disk refused: nothing.

The target is never seen incomplete. Two downloads to one target at once are the caller's to
prevent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import NoSpaceError, StoreError
from ..system.aio import run_in_thread
from .client import Hub
from .errors import (
    CaptivePortalError,
    CatalogueStaleError,
    DownloadCorruptError,
    DownloadError,
    DownloadInterruptedError,
    NotAModelError,
)
from .files import CARD_NAME, VoiceFile
from .partial import Partial
from .response import HEAD_BYTES, HubResponse, continues, refuse_other_content, strong_etag
from .retry import TransientError

OnProgress = Callable[[int, int], None]
"""Called with bytes so far and bytes in all, on the event loop; the former may shrink when a file
starts over."""

_BLOCK = 1 << 20
_PROGRESS = 1 << 20
_WORTHLESS = (
    CaptivePortalError,
    CatalogueStaleError,
    DownloadCorruptError,
    NoSpaceError,
    NotAModelError,
    StoreError,
)


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A complete file; `etag` is that of the last response, ``None`` if it had no strong one."""

    sha256: str
    md5: str
    size: int
    etag: str | None


async def download(
    hub: Hub,
    file: VoiceFile,
    commit: str,
    target: Path,
    on_progress: OnProgress | None = None,
    *,
    check_room: Callable[[], None] = lambda: None,
) -> Downloaded:
    """Fetch `file` as it is at `commit` to `target`, whose folder must exist.

    `check_room` is called in a thread before each block is written.

    Raises:
        DownloadError: it failed; the module lists the files that are left on the disk.
    """
    part = Partial(target, file, check_room)
    transfer = _Transfer(hub, file, commit, part, on_progress)
    try:
        await run_in_thread(part.open)
        try:
            return await transfer.run()
        except DownloadCorruptError:  # perhaps on the way only
            return await transfer.run()
    except _WORTHLESS:
        await run_in_thread(part.discard)
        raise
    finally:
        await run_in_thread(part.close)


class _Transfer:
    """Attempts to complete one partial file."""

    def __init__(
        self,
        hub: Hub,
        file: VoiceFile,
        commit: str,
        part: Partial,
        on_progress: OnProgress | None,
    ) -> None:
        self._hub = hub
        self._file = file
        self._commit = commit
        self._part = part
        self._on_progress = on_progress
        self._etag: str | None = None
        self._sha256: str | None = None
        self._furthest = 0

    async def run(self) -> Downloaded:
        """Fetch the missing bytes, then check all of them."""
        self._furthest = self._part.size
        self._etag = None
        self._report()
        await self._hub.retry.run(self._attempt)
        md5, sha256 = await run_in_thread(self._part.finish, self._sha256)
        return Downloaded(sha256, md5, self._file.size, self._etag)

    async def _attempt(self) -> None:
        if self._part.size == self._file.size:
            return
        try:
            async with self._hub.get(
                self._file.path, self._commit, headers=self._range()
            ) as response:
                await self._start_over_unless_it_continues(response)
                response.refuse()
                self._check_announcement(response)
                self._etag, self._sha256 = (
                    strong_etag(response.headers),
                    response.hub_headers.sha256,
                )
                await self._receive(response)
        except TransientError as err:
            err.progress = self._part.size >= self._furthest + _PROGRESS
            self._furthest = max(self._furthest, self._part.size)
            raise

    def _range(self) -> dict[str, str]:
        if not self._part.size:
            return {}
        condition = {"If-Range": self._etag} if self._etag else {}
        return {"Range": f"bytes={self._part.size}-", **condition}

    async def _start_over_unless_it_continues(self, response: HubResponse) -> None:
        start = self._part.size
        if response.status == 206:  # noqa: PLR2004
            if start and continues(response.headers, start, self._file.size, self._etag):
                return
        elif not start or response.status not in (200, 416):
            return
        await run_in_thread(self._part.restart)
        self._etag = None
        if response.status != 200:  # noqa: PLR2004
            raise TransientError(
                DownloadInterruptedError(
                    f"{response.what}: sent another part than requested; try later"
                )
            )

    def _check_announcement(self, response: HubResponse) -> None:
        if response.hub_headers.size not in (None, self._file.size):
            raise CatalogueStaleError(
                f"{response.what}: the hub has {response.hub_headers.size} bytes, the catalogue "
                f"says {self._file.size}; refresh the catalogue"
            )

    async def _receive(self, response: HubResponse) -> None:
        missing = self._file.size - self._part.size
        misfit = response.length not in (None, missing)
        received = 0
        buffer = bytearray()
        try:
            async for data in response.body():
                buffer += data
                received += len(data)
                if received > missing or (misfit and received >= HEAD_BYTES):
                    break
                if len(buffer) >= _BLOCK:
                    await self._keep(buffer, response.what)
            if misfit or received > missing:
                await self._refuse_size(buffer, response)
        finally:
            await self._keep(buffer, response.what)
        if received < missing:
            raise TransientError(
                DownloadInterruptedError(f"{response.what}: ended early; try later")
            )

    async def _keep(self, buffer: bytearray, what: str) -> None:
        if buffer:
            self._look_at(buffer, what)
            data = bytes(buffer)
            buffer.clear()
            await run_in_thread(self._part.write, data)
            self._report()

    def _report(self) -> None:
        if self._on_progress is not None:
            self._on_progress(self._part.size, self._file.size)

    def _look_at(self, buffer: bytearray, what: str) -> None:
        if self._part.size or self._file.name == CARD_NAME:  # which may begin with anything
            return
        try:
            refuse_other_content(bytes(buffer[:HEAD_BYTES]), what)
        except DownloadError:
            buffer.clear()
            raise

    async def _refuse_size(self, buffer: bytearray, response: HubResponse) -> None:
        self._look_at(buffer, response.what)
        buffer.clear()
        await run_in_thread(self._part.restart)
        raise DownloadCorruptError(
            f"{response.what}: more or fewer bytes than the catalogue's {self._file.size}; refresh "
            "the catalogue, or set hub_endpoint to a mirror that does not alter files"
        )
