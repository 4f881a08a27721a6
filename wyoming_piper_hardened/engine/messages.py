"""The protocol between the server and an engine process: Wyoming events on pipes.

Requests: ``synthesize`` opens a segment and gives it an ``id``, ``credit`` lets a number of its
``chunks`` be computed, ``cancel`` closes it; ``ping``. Any number of segments is open at once; only
what has credit is computed, in the order in which the credit came.

Answers: ``ready`` once after the first voices are loaded; ``pong`` at any time. All others have the
``id`` of their segment: ``loading``/``loaded`` if its voice must be loaded first; ``audio-start``
once; for each chunk ``audio-chunk``…, then ``computed``, which says how many more are ``left`` that
the engine knows of. The last chunk ends with ``audio-stop`` instead. Every segment that was opened
ends with one ``audio-stop`` or ``error``, a cancelled one too; credit that is left then is void.

A preparation sends ``limited`` once, with the ``seconds`` that it may take, and ``error`` if it
fails.

A process that only makes phonemes answers each ``phonemize`` with ``phonemes`` or ``error``.

This module imports no engine library: the server uses it too.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from wyoming.event import Event

from .schedule import Schedule

READY = "ready"
LOADING = "loading"
LOADED = "loaded"
CREDIT = "credit"
COMPUTED = "computed"
CANCEL = "cancel"
AUDIO_STOP = "audio-stop"
LIMITED = "limited"

BYTES_PER_SAMPLE = 2
SYNTHESIZE = "synthesize"
PHONEMIZE = "phonemize"
PHONEMES = "phonemes"

EXIT_CANNOT_START = 3
"""Exit code of an engine that could not load its first voice: trying again will not help."""

MOST_CREDIT: Final = 64
"""Chunks that one event may give credit for."""

MAX_REASON: Final = 500
"""Characters of the reason that a child gives: it may quote what the model holds."""

START_SECONDS: Final = 600.0
"""Until a preparation knows the machine's speed: the libraries are loaded from a slow disk."""

LENGTH_SCALES: Final = (0.1, 10.0)
VOLUMES: Final = (0.0, 10.0)
NOISE_SCALES: Final = (0.0, 5.0)
"""Allowed values of both noise scales."""


@dataclass(frozen=True, slots=True)
class VoiceVersion:
    """Identity of a voice's version: a repaired or updated voice has another one.

    `model` is the path of its ``.onnx``.
    """

    model: Path

    @property
    def name(self) -> str:
        """The voice's name."""
        return self.model.stem

    def __fspath__(self) -> str:
        return str(self.model)


@dataclass(frozen=True, slots=True)
class SpeechOptions:
    """Options of speech; ``None`` stands for the voice's own value."""

    speaker_id: int | None = None
    length_scale: float | None = None
    noise_scale: float | None = None
    noise_w_scale: float | None = None
    volume: float = 1.0


@dataclass(frozen=True, slots=True)
class SegmentRequest:
    """One segment to speak.

    Without a `model` the first voice speaks that the engine loaded. The engine leaves out the first
    `from_sample` samples: a replay goes on where an earlier attempt stopped. A segment that costs
    too much to be spoken at once is spoken in part: ``audio-stop`` then has a ``rest``, the
    `from_phrase` of the request that continues it; `from_sample` counts from there. Equal bytes
    need an equal `schedule`.
    """

    text: str
    model: VoiceVersion | None = None
    options: SpeechOptions = field(default_factory=SpeechOptions)
    schedule: Schedule | None = None
    from_sample: int = 0
    from_phrase: int = 0

    def event(self, segment_id: int, credit: int) -> Event:
        """Return the ``synthesize`` event for the engine, with credit for the first chunks."""
        options = {key: value for key, value in asdict(self.options).items() if value is not None}
        data: dict[str, Any] = {"id": segment_id, "credit": credit, "text": self.text, **options}
        if self.model is not None:
            data["model"] = str(self.model.model)
        if self.schedule is not None:
            data["schedule"] = self.schedule.to_list()
        if self.from_sample:
            data["from_sample"] = self.from_sample
        if self.from_phrase:
            data["from_phrase"] = self.from_phrase
        return Event(SYNTHESIZE, data)

    @staticmethod
    def from_data(data: dict[str, Any]) -> SegmentRequest:
        """Return the request of a ``synthesize`` event; raises ValueError on a wrong type."""
        model = _typed(data, "model", str, "")
        request = SegmentRequest(
            text=_typed(data, "text", str, ""),
            model=VoiceVersion(Path(model)) if model else None,
            options=SpeechOptions(
                speaker_id=_typed(data, "speaker_id", int, None),
                length_scale=_number(data, "length_scale"),
                noise_scale=_number(data, "noise_scale"),
                noise_w_scale=_number(data, "noise_w_scale"),
                volume=1.0 if (volume := _number(data, "volume")) is None else volume,
            ),
            schedule=Schedule.from_list(data["schedule"]) if data.get("schedule") else None,
            from_sample=_typed(data, "from_sample", int, 0),
            from_phrase=_typed(data, "from_phrase", int, 0),
        )
        if request.from_sample < 0 or request.from_phrase < 0:
            raise ValueError("from_sample and from_phrase are not below zero")
        return request


@dataclass(frozen=True, slots=True)
class PhonemesRequest:
    """A text whose phonemes are asked for: those of a voice, else of the first known language."""

    text: str
    model: VoiceVersion | None = None
    languages: tuple[str, ...] = ()
    """Codes as espeak has them, the best one first."""

    def event(self) -> Event:
        """Return the ``phonemize`` event."""
        data: dict[str, Any] = {"text": self.text, "languages": list(self.languages)}
        return Event(
            PHONEMIZE, data if self.model is None else {**data, "model": str(self.model.model)}
        )

    @staticmethod
    def from_data(data: dict[str, Any]) -> PhonemesRequest:
        """Return the request of a ``phonemize`` event; raises ValueError on a wrong type."""
        model = _typed(data, "model", str, "")
        languages = _typed(data, "languages", list, [])
        return PhonemesRequest(
            text=_typed(data, "text", str, ""),
            model=VoiceVersion(Path(model)) if model else None,
            languages=tuple(map(str, languages)),
        )


def credit_event(segment_id: int, chunks: int) -> Event:
    """Return the ``credit`` event for the engine."""
    return Event(CREDIT, {"id": segment_id, "chunks": chunks})


def read_id(data: dict[str, Any]) -> int | None:
    """Return the id in the data of an event, ``None`` without one; raises ValueError."""
    segment_id: int | None = _typed(data, "id", int, None)
    if segment_id is not None and segment_id < 0:
        raise ValueError("id is below zero")
    return segment_id


def read_credit(data: dict[str, Any], key: str) -> int | None:
    """Return the chunks that an event gives credit for, ``None`` without a number of them.

    Raises:
        ValueError: that is no number from 0 to `MOST_CREDIT`.
    """
    chunks: int | None = _typed(data, key, int, None)
    if chunks is not None and not 0 <= chunks <= MOST_CREDIT:
        raise ValueError(f"{key} is not from 0 to {MOST_CREDIT}")
    return chunks


def config_path(model: Path) -> Path:
    """Return the path of a voice model's configuration."""
    return model.with_name(model.name + ".json")


def _typed(data: dict[str, Any], key: str, kind: type, default: Any) -> Any:
    value = data.get(key, default)
    if value is not default and (not isinstance(value, kind) or isinstance(value, bool)):
        raise ValueError(f"{key} is not {kind.__name__}")
    return value


def _number(data: dict[str, Any], key: str) -> float | None:
    value = data.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{key} is not a number")
    return float(value)
