"""Identity of a server: made once, kept in its data directory."""

from __future__ import annotations

import contextlib
import re
import uuid
from pathlib import Path

from ..errors import SourceFileError
from .files import write_file
from .foreign_files import read_file

_FILE = "server-id"
_PATTERN = re.compile(r"[0-9a-f]{32}")
_MAX_BYTES = 64


def read_server_id(data_dir: Path) -> str | None:
    """Return the 32 hexadecimal digits of the server's id; make it at the first start.

    A file that holds something else is replaced. Blocks on the disk.

    Returns:
        ``None`` if there is none and none can be written: clients then go by the address.
    """
    file = data_dir / _FILE
    with contextlib.suppress(SourceFileError):
        text = read_file(file, _MAX_BYTES).decode(errors="replace").strip()
        if _PATTERN.fullmatch(text):
            return text
    made = uuid.uuid4().hex
    try:
        write_file(file, f"{made}\n".encode())
    except OSError:
        return None
    return made
