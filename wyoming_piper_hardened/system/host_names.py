"""Names that this machine goes by."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

_MAX_BYTES = 1 << 20


def own_host_names(
    host_name: str | None = None, hosts: Path = Path("/etc/hosts")
) -> frozenset[str]:
    """Return the names that this machine itself says are its own, in lower case. Blocks.

    No name server is asked: it may be somebody else's, and a name that it gave this machine would
    be one of theirs.

    Args:
        host_name: of the machine; ``None`` for the system's.
        hosts: the file whose lines name it with its domain and its other names.
    """
    own = (host_name or socket.gethostname()).lower().rstrip(".")
    if not own:
        return frozenset()
    first = own.partition(".")[0]
    names = {own, first, f"{first}.local"}
    with contextlib.suppress(OSError), hosts.open(encoding="utf-8", errors="replace") as lines:
        for line in lines.read(_MAX_BYTES).lower().splitlines():
            _, *aliases = line.partition("#")[0].split() or [""]
            if own in aliases:
                names.update(aliases)
    return frozenset(names)
