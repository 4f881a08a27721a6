"""Encoders, whose calls come from several threads when a client leaves."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from wyoming_piper_hardened.web.encoding import FORMATS

ROUNDS = 30

LEAVING_AT_THE_END = textwrap.dedent(
    """
    import contextlib, sys, threading
    from wyoming_piper_hardened.web.encoding import FORMATS

    for _ in range(int(sys.argv[2])):
        encoder = FORMATS[sys.argv[1]].make(22050)
        encoder.encode(bytes(200_000))
        together = threading.Barrier(2)

        def leave():
            together.wait()
            encoder.close()

        leaving = threading.Thread(target=leave)
        leaving.start()
        together.wait()
        with contextlib.suppress(ValueError, RuntimeError):  # closed before it was finished
            list(encoder.finish())
        leaving.join()
    """
)


@pytest.mark.parametrize("kind", FORMATS)
def test_who_leaves_while_the_file_is_finished_ends_no_server(kind: str) -> None:
    """A process of its own: a file that is closed twice ends the whole one."""
    arguments = (sys.executable, "-c", LEAVING_AT_THE_END, kind, str(ROUNDS))
    assert subprocess.run(arguments, check=False).returncode == 0
