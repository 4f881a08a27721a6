"""The token by which Home Assistant's integration is known, kept in the data directory."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import re
from pathlib import Path

from ..errors import SourceFileError, StoreError
from .aio import Notifier
from .files import write_file
from .foreign_files import read_file

TOKEN_PATTERN = r"[A-Za-z0-9_-]{32,200}"  # noqa: S105 - what tokens look like
"""Tokens that can be paired, as ``secrets.token_urlsafe(32)`` makes them."""

_FILE = "companion-token"
_MAX_BYTES = 256
_TOKEN = re.compile(TOKEN_PATTERN)


class Pairing:
    """Keeps one token, over restarts; pairing again replaces it.

    Whoever knows it may do all that Home Assistant may. It comes by a way that only Home Assistant
    has, and is shown nowhere.

    Args:
        data_dir: the folder of its file, which only the server's own user may read.
    """

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / _FILE
        self._token: str | None = None
        self.changes = Notifier()
        """Notified when a token is paired or forgotten."""

    @property
    def paired(self) -> bool:
        """Return whether there is a token."""
        return self._token is not None

    def read(self) -> None:
        """Read the token of an earlier run. Blocks on the disk."""
        with contextlib.suppress(SourceFileError):
            text = read_file(self._file, _MAX_BYTES).decode(errors="replace").strip()
            self._token = text if _TOKEN.fullmatch(text) else None

    def matches(self, given: str) -> bool:
        """Return whether `given` is the token."""
        token = self._token
        return token is not None and hmac.compare_digest(
            given.encode("utf-8", "replace"), token.encode()
        )

    async def replace(self, token: str | None) -> None:
        """Accept `token` instead of the one before from now on; ``None`` forgets that.

        Raises:
            StoreError: the disk refuses; the token before stays valid.
        """
        try:
            await asyncio.to_thread(self._write, token)
        except OSError as err:
            raise StoreError(f"the pairing cannot be kept: {err.strerror}") from None
        self._token = token
        self.changes.notify()

    def _write(self, token: str | None) -> None:
        if token is None:
            self._file.unlink(missing_ok=True)
        else:
            write_file(self._file, f"{token}\n".encode(), mode=0o600)
