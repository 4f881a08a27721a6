"""MP3 files are told from everything else by their frames."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from support.hub_faults import PAGE
from support.hub_voices import sample
from wyoming_piper_hardened.voices.offer.mp3 import is_mp3


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 44100, 48000])
@pytest.mark.parametrize("seconds", [0.01, 0.2, 3.0])
def test_mp3_is_known(rate: int, seconds: float) -> None:
    data = sample(seconds, rate)
    assert is_mp3(data)
    assert is_mp3(b"ID3\x03\x00\x00\x00\x00\x01\x00" + bytes(128) + data)
    assert is_mp3(data + b"TAG" + bytes(125))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"\xff\xfb",
        b"\xff" * 5000,
        bytes(5000),
        PAGE,
        b'{"error": "not here"}',
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
        b"OggS" + bytes(100),
        b"ID3\x03\x00\x00\x7f\x7f\x7f\x7f",
        b"\xff\xfb\x90\x64" + bytes(4000),  # one frame, and then none
    ],
)
def test_anything_else_is_none(data: bytes) -> None:
    assert not is_mp3(data)


@given(st.binary(max_size=500))
def test_any_bytes_are_looked_at(data: bytes) -> None:
    assert is_mp3(data) in (True, False)
