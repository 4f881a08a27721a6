"""A voice of the catalogue whose files are those of a tiny one, for the repository on loopback."""

from __future__ import annotations

import json
import tempfile

import numpy as np
import soundfile

from support.hub_faults import voices_json
from support.voices import SINGLE
from wyoming_piper_hardened.hub.files import CARD_NAME, CATALOGUE_PATH

JOE = "en_US-joe-medium"
AMY = "en_US-amy-medium"
FOLDER = "en/en_US/amy/medium"
CARD = f"{FOLDER}/{CARD_NAME}"
CARD_TEXT = b"""# Model card for amy (medium)

* Language: en_US (English, United States)
* Speakers: 1
* Quality: medium
* Samplerate: 22,050Hz

## Dataset

* URL: https://github.com/MycroftAI/mimic3-voices
* License: CC0
"""
CONFIG = SINGLE.with_name(f"{SINGLE.name}.json")
"""A tiny voice, which is prepared in a second."""


def sample(seconds: float = 1.0, rate: int = 22050) -> bytes:
    """Return a tone as MP3."""
    tone = (8000 * np.sin(np.arange(int(seconds * rate)) / 20)).astype("<i2")
    with tempfile.TemporaryFile() as file:
        soundfile.write(file, tone, rate, format="MP3")
        file.seek(0)
        return file.read()


def with_speakers(files: dict[str, bytes], count: int) -> dict[str, bytes]:
    """Return the files with a catalogue that has so many speakers, and a sample of each."""
    catalogue = json.loads(files[CATALOGUE_PATH])
    catalogue[AMY] |= {
        "num_speakers": count,
        "speaker_id_map": {f"p{number}": number for number in range(count)} if count > 1 else {},
    }
    samples = {sample_path(number): sample(1.0 + number / 10) for number in range(count)}
    return {**files, **samples, CATALOGUE_PATH: json.dumps(catalogue).encode()}


def sample_path(speaker: int) -> str:
    return f"{FOLDER}/samples/speaker_{speaker}.mp3"


def amys_files(more: bytes = b"", card: bytes | None = None) -> dict[str, bytes]:
    """Return the tiny voice under the name of one of the catalogue, `more` behind its model."""
    files = {
        f"{FOLDER}/{AMY}.onnx": SINGLE.read_bytes() + more,
        f"{FOLDER}/{AMY}.onnx.json": CONFIG.read_bytes(),
    }
    if card is not None:
        files[CARD] = card
    return {**files, CATALOGUE_PATH: json.dumps(voices_json(files)).encode()}
