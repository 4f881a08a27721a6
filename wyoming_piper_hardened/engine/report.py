"""Report on a prepared voice: the JSON beside its parts."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from ..errors import SourceFileError, VoicePartsError
from ..system.foreign_files import read_file
from ..system.numbers import checked_int
from .quoting import brief

FORMAT = 2
"""Version of the parts and of this report that is written.

In format 1 the parts hold their weights themselves; since format 2 these stay in the stock model's
file.
"""

READABLE = (1, 2)
"""Formats that can be played; a reader refuses any other."""

REPORT_NAME = "parts.json"

PART_NAMES = frozenset({"encoder", "flow", "decoder", "whole", "folded"})
"""Names of the files that a preparation writes, without their ending."""

_MAX_BYTES = 1 << 20  # with all that a voice can have it has some kilobytes


class Mode(StrEnum):
    """Share of a voice that streams."""

    SPLIT = "split"
    """Encoder, flow and decoder are apart: first audio costs the encoder and one small chunk."""
    DECODER = "decoder"
    """Only the decoder is apart: encoder and flow run over the whole sentence first."""
    WHOLE = "whole"
    """The model runs as it is, one sentence at a time."""


@dataclass(frozen=True, slots=True)
class Trim:
    """A place inside a part where context that no later layer reads is dropped."""

    rate: int
    """Samples a frame at that place."""
    margin: int
    """Context still needed on each side, in samples at that rate."""


@dataclass(frozen=True, slots=True)
class Part:
    """A convolutional part that may run over any window of frames."""

    file: str
    margin: int
    """Frames of context needed on each side for exact output (the receptive field)."""
    trims: tuple[Trim, ...]
    speaker: bool
    """Whether the part takes the speaker id (``sid``)."""


@dataclass(frozen=True, slots=True)
class Stock:
    """The model's file as it came, in which the parts' weights lie."""

    file: str
    """Its name, by which the parts refer to it."""
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class SplitReport:
    """Everything a player needs to know about a prepared voice, and how it was verified."""

    mode: Mode
    reason: str
    """Why the voice does not stream fully; empty in mode ``split``."""
    digest: str
    """BLAKE2b-128 of the stock model: part of every noise key."""
    sample_rate: int
    """Hertz."""
    hop_length: int
    """Samples a frame; 1 in mode ``whole``."""
    speakers: int
    front: str
    """File that takes phoneme ids: the encoder, encoder and flow together, or the whole model."""
    front_noise: tuple[str, ...]
    """Noise inputs of ``front``; a whole model without any draws its own and is not repeatable."""
    front_speaker: bool
    flow: Part | None
    decoder: Part | None
    gain: float
    """Factor on the model's float audio; see `level.steady_gain`."""
    peaks: tuple[float, ...] = ()
    """Float peaks of the sentences the gain was measured on."""
    whole_error: float = 0.0
    """Largest difference of one-pass audio to the stock model's; noise 0, full scale 1."""
    chunk_error: int = 0
    """Largest difference of chunked to one-pass audio, in 16-bit steps."""
    frame_seconds: float = 0.0
    """One thread's time for a frame of flow and decoder where the voice was prepared.

    0 where that says nothing: another machine's, emulated for the build of an image.
    """
    stock: Stock | None = None
    """Where the parts' weights lie; None in format 1, whose parts hold them themselves."""
    symbols: int = 0
    """Rows of the model's table of phonemes; 0 if unknown, as in reports that lack it."""
    format: int = FORMAT

    @property
    def real_time_factor(self) -> float:
        """One thread's seconds for a second of audio, on the machine that prepared the voice.

        0 in mode ``whole``, where chunks do not exist.
        """
        return self.frame_seconds * self.sample_rate / self.hop_length

    def to_json(self) -> str:
        """Return what `from_json` reads."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> SplitReport:
        """Read a report's text.

        Raises:
            VoicePartsError: `text` is not a report of this format.
        """
        try:
            data: dict[str, Any] = json.loads(text)
            if data["format"] not in READABLE:
                raise VoicePartsError(
                    f"parts have format {brief(data['format'])}, this engine reads {FORMAT};"
                    " prepare the voice again"
                )
            if data["format"] > 1:
                data["stock"] = Stock(**data["stock"])
            known = {field.name for field in fields(cls)}
            values = {key: value for key, value in data.items() if key in known}
            values["mode"] = Mode(values["mode"])
            checked_int(values["speakers"], 1)
            checked_int(values.get("symbols", 0), 0)
            for name in ("flow", "decoder"):
                values[name] = _part(values[name])
            for name in ("front_noise", "peaks"):
                values[name] = tuple(values[name])
            return cls(**values)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise VoicePartsError(
                f"{REPORT_NAME} is damaged ({brief(repr(error))}); prepare the voice again"
            ) from error

    @classmethod
    def read(cls, folder: Path) -> SplitReport:
        """Read the report from a folder of parts.

        Raises:
            VoicePartsError: there is none that can be read.
        """
        try:
            text = read_file(folder / REPORT_NAME, _MAX_BYTES).decode()
        except (SourceFileError, UnicodeDecodeError) as error:
            raise VoicePartsError(
                f"cannot read the report of its parts ({brief(error)}); prepare the voice again"
            ) from error
        return cls.from_json(text)


def _part(data: dict[str, Any] | None) -> Part | None:
    if data is None:
        return None
    return Part(
        file=data["file"],
        margin=data["margin"],
        trims=tuple(Trim(**trim) for trim in data["trims"]),
        speaker=data["speaker"],
    )
