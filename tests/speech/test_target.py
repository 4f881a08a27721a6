"""Who speaks a request, and how its text is treated."""

from __future__ import annotations

from pathlib import Path

import pytest

from wyoming_piper_hardened.engine.messages import SpeechOptions
from wyoming_piper_hardened.speech.target import SpeechDefaults, Target
from wyoming_piper_hardened.store.voice import Voice
from wyoming_piper_hardened.text.dictionary.entries import Dictionary
from wyoming_piper_hardened.text.profile import TextFormat, TextMode
from wyoming_piper_hardened.text.segmenter import Segment

VOICE = Voice(
    name="de_DE-all-low",
    model=Path("de_DE-all-low.onnx"),
    language="de_DE",
    quality="low",
    sample_rate=16000,
    speakers={},
    number_of_speakers=1,
    phoneme_type="text",
    phonemes=frozenset("aˈ"),
    length_scale=1.2,
)


def test_profile_is_of_the_voice_the_request_and_the_settings() -> None:
    defaults = SpeechDefaults(text_mode=TextMode.MARKS, max_segment_chars=80, early_start=False)
    profile = defaults.profile(VOICE, Dictionary())
    assert (profile.language, profile.phoneme_type) == ("de_DE", "text")
    assert (profile.phonemes, profile.max_chars) == (frozenset("aˈ"), 80)
    assert (profile.mode, profile.text_format) == (TextMode.MARKS, TextFormat.AUTO)
    assert not profile.early_start
    asked = defaults.profile(VOICE, Dictionary(), TextMode.OFF, TextFormat.SSML)
    assert (asked.mode, asked.text_format) == (TextMode.OFF, TextFormat.SSML)


@pytest.mark.parametrize(
    ("own", "rate", "length_scale"),
    [
        (None, 1.0, None),
        (2.0, 1.0, 2.0),
        (None, 2.0, 0.6),
        (2.0, 0.8, 2.5),
        (4.0, 0.25, 10.0),
        (0.25, 4.0, 0.1),
    ],
)
def test_rate_of_a_segment_changes_the_length(
    own: float | None, rate: float, length_scale: float | None
) -> None:
    target = Target(VOICE, SpeechOptions(length_scale=own))
    options = target.options_of(Segment("Hallo.", rate=rate))
    assert options.length_scale == pytest.approx(length_scale)
    assert options.volume == 1.0


def test_gain_of_a_segment_changes_the_volume() -> None:
    target = Target(VOICE, SpeechOptions(volume=0.5))
    assert target.options_of(Segment("Hallo.", gain=3.0)) == SpeechOptions(volume=1.5)
    loud = Target(VOICE, SpeechOptions(volume=4.0))
    assert loud.options_of(Segment("Hallo.", gain=4.0)).volume == 10.0  # the engine's limit
