"""A voice of the catalogue whose files are those of a tiny one, for the repository on loopback."""

from __future__ import annotations

import json

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


def amys_files(more: bytes = b"", card: bytes | None = None) -> dict[str, bytes]:
    """Return the tiny voice under the name of one of the catalogue, `more` behind its model."""
    files = {
        f"{FOLDER}/{AMY}.onnx": SINGLE.read_bytes() + more,
        f"{FOLDER}/{AMY}.onnx.json": CONFIG.read_bytes(),
    }
    if card is not None:
        files[CARD] = card
    return {**files, CATALOGUE_PATH: json.dumps(voices_json(files)).encode()}
