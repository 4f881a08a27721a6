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
    HeldBack,
    audio_formats,
)

pytestmark = pytest.mark.slow

ROUNDS = 30
FORMATS = audio_formats(HeldBack(1 << 20))

LEAVING_AT_THE_END = textwrap.dedent(
    """
    import contextlib, sys, threading
    from wyoming_piper_hardened.web.audio.encoding import HeldBack, audio_formats

    for _ in range(int(sys.argv[2])):
        encoder = audio_formats(HeldBack(1 << 20))[sys.argv[1]].make(22050)
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


def test_files_of_any_length_take_little_memory_together(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_file(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(tempfile, "_mkstemp_inner", no_file)
    formats = audio_formats(HeldBack(1 << 20))
    encoders = [formats[kind].make(22050) for kind in ("mp3", "opus", *["flac"] * 8)]
    hiss = np.random.default_rng(0).integers(-1000, 1000, 22050, np.int16).tobytes()
    sent, most = 0, 0
    for _ in range(60):
        sent += sum(len(encoder.encode(hiss)) for encoder in encoders)
        most = max(most, sum(one._out.end for one in encoders if isinstance(one, Compressed)))
        assert most - sent <= 1 << 20
    assert sent > 8 << 20
    for encoder in encoders:
        list(encoder.finish())
        encoder.close()


@pytest.mark.parametrize(
    ("limit", "each", "announced"),
    [(1 << 20, None, 3 * 22050), (1000, None, 0), (1 << 20, 1000, 0)],
)
def test_flac_has_its_length_if_it_can_be_kept_back(
    limit: int, each: int | None, announced: int
) -> None:
    held_back = HeldBack(limit, each)
    encoder = audio_formats(held_back)["flac"].make(22050)
    hiss = np.random.default_rng(0).integers(-1000, 1000, 3 * 22050, np.int16).tobytes()
    pieces = [encoder.encode(hiss[at : at + 8192]) for at in range(0, len(hiss), 8192)]
    assert any(pieces) is not bool(announced)
    file = b"".join([*pieces, *encoder.finish()])
    encoder.close()
    assert int.from_bytes(file[21:26], "big") & 0xF_FFFF_FFFF == announced  # of STREAMINFO
    if announced:
        audio, _ = soundfile.read(io.BytesIO(file), dtype="int16")
        assert audio.tobytes() == hiss
    assert held_back.take(limit)  # nothing is left of it


@pytest.mark.parametrize("kind", CONTENT_TYPES)
def test_pieces_make_the_file_that_is_made_at_once(kind: str) -> None:
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
def test_who_leaves_while_the_file_is_finished_ends_no_server(kind: str) -> None:
    """A process of its own: a file that is closed twice ends the whole one."""
    arguments = (sys.executable, "-c", LEAVING_AT_THE_END, kind, str(ROUNDS))
    assert subprocess.run(arguments, check=False).returncode == 0
