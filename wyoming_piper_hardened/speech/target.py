"""The target of a request: its voice and options."""

from __future__ import annotations

from dataclasses import dataclass

from ..engine.messages import SpeechOptions
from ..store.voice import Voice


@dataclass(frozen=True, slots=True)
class Target:
    """The voice of one request and its options, speaker included."""

    voice: Voice
    options: SpeechOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechDefaults:
    """Voice options and limits of requests that do not say otherwise.

    Args:
        speaker: the speaker of the default voice; its first one if it has no such speaker.
        options: scales and volume.
        sentence_silence: pause between sentences in seconds.
        max_segment_chars: longest segment.
        fallback_voice: speaks whole requests while the voice they ask for cannot speak.
        request_timeout: seconds that a segment may wait for its first audio.
        client_delay: seconds that a client may take to accept a piece of audio before its
            admission slot is lent to others.
        keep_text: whether the records of the last requests hold their text.
    """

    speaker: str | None = None
    options: SpeechOptions = SpeechOptions()
    sentence_silence: float = 0.0
    max_segment_chars: int = 500
    fallback_voice: str | None = None
    request_timeout: float = 60.0
    client_delay: float = 1.0
    keep_text: bool = False
