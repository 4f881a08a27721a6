"""Voices of other languages, for the texts that are made for them; they need not sound well.

Writes a tiny voice once for each language into a folder that the server watches::

    python -m real_home_assistant.foreign_voices FOLDER
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

VOICES = {"de_DE": "de_DE-tiny-medium", "fr_FR": "fr_FR-tiny-medium", "pl_PL": "pl_PL-tiny-medium"}

_MODEL = Path(__file__).parents[1] / "engine" / "voices" / "single.onnx"


def write(folder: Path) -> None:
    """Write the voices, each with its configuration, into a new folder."""
    config = json.loads(_MODEL.with_name(f"{_MODEL.name}.json").read_text(encoding="utf-8"))
    folder.mkdir()
    for language, name in VOICES.items():
        config["espeak"] = {"voice": language.partition("_")[0]}
        config["language"] = {"code": language}
        (folder / f"{name}.onnx.json").write_text(json.dumps(config), encoding="utf-8")
        shutil.copyfile(_MODEL, folder / f"{name}.onnx")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
