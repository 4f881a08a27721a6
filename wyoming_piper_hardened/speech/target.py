"""The target of a request: its voice and options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..config.presets import SCALES, split_line
from ..engine.messages import LENGTH_SCALES, VOLUMES, SpeechOptions
from ..store.voice import Voice
from ..text.dictionary.entries import Dictionary, Entry
from ..text.profile import Profile, TextFormat, TextMode
from ..text.segmenter import Segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Silence that is added to the audio of a request, in seconds."""

    between: float = 0.0
    """Between two sentences."""
    before: float = 0.0
    """Before the first audio of a request."""
    after: float = 0.0
    """After its last."""


_SILENCES: Mapping[str, str] = {
    "between": "sentence_silence",
    "before": "silence_before",
    "after": "silence_after",
}
"""Fields of `Silence`, by those of a setting, a preset or a request."""


@dataclass(frozen=True, slots=True)
class Target:
    """The voice of one request, its options, speaker included, its silence, and its own words."""

    voice: Voice
    options: SpeechOptions
    silence: Silence = Silence()
    words: tuple[Entry, ...] = ()
    """Win over the user's dictionary."""

    def adjusted(self, asked: object) -> Target:
        """Return the target with the scales, the volume, the silence and the words of `asked`.

        `asked` is a preset or a request's body: fields named as the settings are, of which
        those that are missing or ``None`` change nothing.
        """
        options = _given(asked, {name: name for name in SCALES})
        silence = _given(asked, _SILENCES)
        lines: Sequence[str] = getattr(asked, "dictionary", ())
        return replace(
            self,
            options=replace(self.options, **options),
            silence=replace(self.silence, **silence),
            words=tuple(Entry(*split_line(line)) for line in lines) or self.words,
        )

    def options_of(self, segment: Segment) -> SpeechOptions:
        """Return the options at the rate and the gain of a segment."""
        volume = min(self.options.volume * segment.gain, VOLUMES[1])
        options = replace(self.options, volume=volume)
        if segment.rate == 1:
            return options
        length = self.options.length_scale or self.voice.length_scale
        length = min(max(length / segment.rate, LENGTH_SCALES[0]), LENGTH_SCALES[1])
        return replace(options, length_scale=length)


def _given(asked: object, fields: Mapping[str, str]) -> dict[str, Any]:
    given = {name: getattr(asked, field, None) for name, field in fields.items()}
    return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechDefaults:
    """Voice options and limits of requests that do not say otherwise.

    Args:
        speaker: the speaker of the settings' voice; its first one if it has no such speaker.
        options: scales and volume.
        silence: between sentences, and around a request.
        max_segment_chars: longest segment.
        text_mode: how much of a text is changed before it is spoken.
        early_start: whether a text that arrives as a stream is begun at its first clause.
        fallback_voice: speaks whole requests while the voice they ask for cannot speak.
        request_timeout: seconds that a segment may wait for its first audio.
        client_delay: seconds that a client may take to accept a piece of audio before its
            admission slot is lent to others.
        keep_text: whether the records of the last requests hold their text.
    """

    speaker: str | None = None
    options: SpeechOptions = SpeechOptions()
    silence: Silence = Silence()
    max_segment_chars: int = 500
    text_mode: TextMode = TextMode.ON
    early_start: bool = True
    fallback_voice: str | None = None
    request_timeout: float = 60.0
    client_delay: float = 1.0
    keep_text: bool = False

    def profile(
        self,
        voice: Voice,
        dictionary: Dictionary,
        mode: TextMode | None = None,
        text_format: TextFormat = TextFormat.AUTO,
    ) -> Profile:
        """Return how `voice` speaks a text; without a `mode`, that of these defaults."""
        return Profile(
            language=voice.language,
            phoneme_type=voice.phoneme_type,
            mode=mode or self.text_mode,
            text_format=text_format,
            dictionary=dictionary,
            phonemes=voice.phonemes,
            max_chars=self.max_segment_chars,
            early_start=self.early_start,
        )
