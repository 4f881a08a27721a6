"""The protocol between the server and an engine process: Wyoming events on pipes.

Requests: ``synthesize`` (a segment), ``cancel``, ``ping``. Answers: ``ready`` once after the first
voices are loaded; for every segment ``loading``/``loaded`` if its voice must be loaded first, then
``audio-start``, ``audio-chunk``…, ``audio-stop``; or ``error``; ``pong`` at any time.

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
CANCEL = "cancel"
AUDIO_STOP = "audio-stop"

BYTES_PER_SAMPLE = 2
SYNTHESIZE = "synthesize"

EXIT_CANNOT_START = 3
"""Exit code of an engine that could not load its first voice: trying again will not help."""

MAX_REASON: Final = 500
"""Characters of the reason that a child gives: it may quote what the model holds."""

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

    def event(self, request_id: int) -> Event:
        """Return the ``synthesize`` event for the engine."""
        options = {key: value for key, value in asdict(self.options).items() if value is not None}
        data: dict[str, Any] = {"id": request_id, "text": self.text, **options}
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
