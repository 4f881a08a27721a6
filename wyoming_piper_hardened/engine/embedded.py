"""Parts that come with this package, for stock models that are known by their digest.

``data/<digest>/`` holds the parts' graphs and their report as a preparation makes them
(``script/update-embedded-parts``); the weights are in the stock model's file, wherever that lies.

This module imports no engine library: the server uses it too.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from ..errors import SourceFileError, VoiceModelError, VoicePartsError
from ..system.foreign_files import read_blocks
from .report import FORMAT, REPORT_NAME, SplitReport

FOLDER = Path(__file__).with_name("data")


def find_parts(model: Path) -> Path | None:
    """Return the folder of a stock model's parts: beside it, or of this package; None without any.

    Blocks on the disk.
    """
    if (model.parent / REPORT_NAME).exists():
        return model.parent
    try:
        found = model.stat()
    except OSError:
        return None
    return _embedded(model, found.st_size, found.st_mtime_ns)


def is_outdated(folder: Path) -> bool:
    """Return whether the parts in a folder are of an earlier format; they can be used all the same.

    Blocks on the disk.
    """
    try:
        return SplitReport.read(folder).format < FORMAT
    except VoicePartsError:  # there are none, or damaged ones, which is another matter
        return False


def file_digest(model: Path) -> str:
    """BLAKE2b-128 of a file.

    Raises:
        VoiceModelError: it cannot be read.
    """
    try:
        digest = hashlib.blake2b(digest_size=16)
        for block in read_blocks(model, model.stat().st_size):
            digest.update(block)
    except (OSError, SourceFileError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise VoiceModelError(f"cannot read {model.name}: {reason}") from error
    return digest.hexdigest()


@lru_cache(maxsize=8)
def _embedded(model: Path, size: int, changed: int) -> Path | None:  # noqa: ARG001 - part of the key
    """Return the folder in this package, if `model` of that size is one that parts were made for.

    Only a model of the right name and size is read as a whole.
    """
    for report in _reports():
        stock = report.stock
        if stock is not None and (stock.file, stock.size) == (model.name, size):
            try:
                if file_digest(model) == report.digest:
                    return FOLDER / report.digest
            except VoiceModelError:
                return None
    return None


@lru_cache(maxsize=1)
def _reports() -> tuple[SplitReport, ...]:
    found = []
    for path in sorted(FOLDER.glob(f"*/{REPORT_NAME}")):
        try:
            found.append(SplitReport.read(path.parent))
        except VoicePartsError:  # of another version of this package, left by an update
            continue
    return tuple(found)
