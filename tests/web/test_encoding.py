"""Encoders, whose calls come from several threads when a client leaves."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import textwrap

import numpy as np
import pytest
import soundfile

from wyoming_piper_hardened.web.audio.encoding import (
    CONTENT_TYPES,
    Compressed,
    _Tail,
    audio_formats,
)

pytestmark = pytest.mark.slow

ROUNDS = 30
FORMATS = audio_formats(1 << 20)

LEAVING_AT_THE_END = textwrap.dedent(
    """
    import contextlib, sys, threading
    from wyoming_piper_hardened.web.audio.encoding import audio_formats

    for _ in range(int(sys.argv[2])):
        encoder = audio_formats(1 << 20)[sys.argv[1]].make(22050)
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


@pytest.mark.parametrize("kind", ["mp3", "opus"])
def test_sent_bytes_are_not_kept(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_file(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", no_file)
    encoder = FORMATS[kind].make(22050)
    assert isinstance(encoder, Compressed)
    hum = (1000 * np.sin(np.arange(22050) / 10)).astype(np.int16).tobytes()
    sizes = [len(encoder.encode(hum)) for _ in range(300)]
    assert sum(sizes) > 300_000
    assert isinstance(encoder._out, _Tail)
    assert not encoder._out._kept
    list(encoder.finish())
    encoder.close()


@pytest.mark.parametrize("kind", CONTENT_TYPES)
def test_encoding_in_pieces_makes_the_same_file(kind: str) -> None:
    hum = (1000 * np.sin(np.arange(66150) / 10)).astype(np.int16).tobytes()
    files = []
    for size in (len(hum), 8192):
        encoder = FORMATS[kind].make(22050)
        pieces = [encoder.encode(hum[at : at + size]) for at in range(0, len(hum), size)]
        files.append(b"".join([*pieces, *encoder.finish()]))
        encoder.close()
    if kind == "pcm":
        assert len(files[0]) == len(files[1]) == pytest.approx(2 * 72000, abs=4)
        return
    (one, rate), (other, _) = (soundfile.read(io.BytesIO(file)) for file in files)
    assert len(one) == len(other)
    assert len(one) / rate == pytest.approx(3, abs=0.1)
    assert abs(one - other).max() < 0.01


@pytest.mark.parametrize("kind", CONTENT_TYPES)
def test_close_during_finish_does_not_crash(kind: str) -> None:
    """A process of its own: a file that is closed twice ends the whole one."""
    arguments = (sys.executable, "-c", LEAVING_AT_THE_END, kind, str(ROUNDS))
    assert subprocess.run(arguments, check=False).returncode == 0
