"""The bytes of an answer: those of the audio file itself, or server-sent events as OpenAI's."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Protocol

from ...errors import HardenedError
from ...reporting.json_values import json_of
from .. import errors
from ..bodies.shapes import OpenAIErrorBody
from ..endpoint import EVENT_STREAM

_TOKENS_PER_SECOND = 50


@dataclass(frozen=True, slots=True)
class Usage:
    """A speech in tokens: characters of its text, and pieces of 20 ms of its audio."""

    input_tokens: int
    output_tokens: int
    total_tokens: int

    @classmethod
    def of(cls, text: str, seconds: float) -> Usage:
        """Return the usage of a text and its audio."""
        made = round(seconds * _TOKENS_PER_SECOND)
        return cls(len(text), made, len(text) + made)


@dataclass(frozen=True, slots=True)
class SpeechAudioDelta:
    """Some bytes of the file, in base64."""

    audio: str
    type: str = "speech.audio.delta"


@dataclass(frozen=True, slots=True)
class SpeechAudioDone:
    """The end of a file that is complete."""

    usage: Usage
    type: str = "speech.audio.done"


class Packaging(Protocol):
    """A form of the bytes of a file; it has a start only once something has been sent."""

    content_type: str

    def piece(self, data: bytes) -> bytes:
        """Return what is sent for some bytes of the file."""
        ...

    def end(self, usage: Usage) -> bytes:
        """Return what is sent when the file is complete."""
        ...

    def failure(self, error: HardenedError) -> bytes | None:
        """Return what is sent when it cannot be completed; ``None`` if nothing can say so."""
        ...


class Plain:
    """The bytes of the file as they are."""

    def __init__(self, content_type: str) -> None:
        self.content_type = content_type

    def piece(self, data: bytes) -> bytes:
        """See `Packaging`."""
        return data

    def end(self, usage: Usage) -> bytes:  # noqa: ARG002 - nowhere to send it
        """See `Packaging`."""
        return b""

    def failure(self, error: HardenedError) -> bytes | None:  # noqa: ARG002 - likewise
        """See `Packaging`."""
        return None


class SpeechEvents:
    """The bytes of the file in events, and one more at its end."""

    content_type = EVENT_STREAM
    kinds = (SpeechAudioDelta, SpeechAudioDone, OpenAIErrorBody)

    def piece(self, data: bytes) -> bytes:
        """See `Packaging`."""
        return _event(SpeechAudioDelta(base64.b64encode(data).decode())) if data else b""

    def end(self, usage: Usage) -> bytes:
        """See `Packaging`."""
        return _event(SpeechAudioDone(usage))

    def failure(self, error: HardenedError) -> bytes | None:
        """See `Packaging`."""
        return b"event: error\n" + _event(errors.openai_body(error))


def _event(data: object) -> bytes:
    return f"data: {json.dumps(json_of(data))}\n\n".encode()
