"""A small JSON value that is kept over restarts, in a file of the data directory."""

from __future__ import annotations

import errno
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ..errors import NoSpaceError, SourceFileError, StoreError
from ..reporting.events import Event
from .aio import run_in_thread
from .files import write_file
from .foreign_files import read_file
from .foreign_json import parse_json

T = TypeVar("T")

_LOGGER = logging.getLogger(__name__)
_FULL = {errno.ENOSPC, errno.EDQUOT}


class KeptJson:
    """Keeps one value, old or new but never torn.

    Args:
        file: where it is kept.
        max_bytes: of the file; a larger one is ignored.
    """

    def __init__(self, file: Path, max_bytes: int) -> None:
        self._file = file
        self._max_bytes = max_bytes

    def read(self, check: Callable[[Any], T]) -> T | None:
        """Return what `check` makes of the value; ``None`` if none is kept. Blocks on the disk.

        A file that cannot be read, or whose value `check` refuses by a ValueError, is reported as
        an event and ignored.
        """
        try:
            if not self._file.exists():
                return None
            return check(parse_json(read_file(self._file, self._max_bytes)))
        except (SourceFileError, OSError, ValueError) as err:
            reason = str(err)[:300]
            _LOGGER.warning(Event("kept-file-ignored", path=self._file, reason=reason))
            return None

    async def write(self, value: object | None) -> None:
        """Keep a value; ``None`` keeps none. It is written although the caller leaves.

        Raises:
            NoSpaceError, StoreError: the disk refuses; the value before is kept.
        """
        try:
            await run_in_thread(self._write, value)
        except OSError as err:
            kind = NoSpaceError if err.errno in _FULL else StoreError
            raise kind(f"{self._file.name} cannot be written: {err.strerror}") from None

    def _write(self, value: object | None) -> None:
        if value is None:
            self._file.unlink(missing_ok=True)
        else:
            write_file(self._file, (json.dumps(value, indent=1) + "\n").encode())
