"""A voice of the catalogue whose files are those of a tiny one, for the repository on loopback."""

from __future__ import annotations

import json

from support.hub_faults import voices_json
from support.voices import SINGLE
from wyoming_piper_hardened.hub.files import CATALOGUE_PATH

JOE = "en_US-joe-medium"
AMY = "en_US-amy-medium"
CONFIG = SINGLE.with_name(f"{SINGLE.name}.json")
"""A tiny voice, which is prepared in a second."""


def amys_files(more: bytes = b"") -> dict[str, bytes]:
    """Return the tiny voice under the name of one of the catalogue, `more` behind its model."""
    folder = "en/en_US/amy/medium"
    files = {
        f"{folder}/{AMY}.onnx": SINGLE.read_bytes() + more,
        f"{folder}/{AMY}.onnx.json": CONFIG.read_bytes(),
    }
    return {**files, CATALOGUE_PATH: json.dumps(voices_json(files)).encode()}
