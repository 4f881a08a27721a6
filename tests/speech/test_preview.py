"""What is shown of a text that is not spoken."""

from __future__ import annotations

from wyoming_piper_hardened.speech.preview import preview
from wyoming_piper_hardened.text.profile import Profile, TextMode

SSML = '<speak>Es sind -5 °C.<break time="1s"/><prosody rate="50%">Langsam.</prosody></speak>'


def test_preview_has_every_segment_with_its_pause_and_style() -> None:
    first, second = preview(SSML, Profile(language="de")).segments
    assert (first.text, first.spoken) == ("Es sind -5 °C.", "Es sind minus 5 Grad Celsius.")
    assert (first.pause, first.rate, first.gain) == (1.0, 1.0, 1.0)
    assert (second.spoken, second.rate) == ("Langsam.", 0.5)


def test_preview_without_treatment_is_what_came() -> None:
    (segment,) = preview("Es sind -5 °C.", Profile(language="de", mode=TextMode.OFF)).segments
    assert segment.spoken == "Es sind -5 °C."
