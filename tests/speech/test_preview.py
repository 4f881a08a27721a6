"""What is shown of a text that is not spoken."""

from __future__ import annotations

import asyncio
from pathlib import Path

from wyoming_piper_hardened.engine.messages import VoiceVersion
from wyoming_piper_hardened.processes.phonemizer import Phonemizer
from wyoming_piper_hardened.speech.preview import preview
from wyoming_piper_hardened.system.aio import cancel_and_wait
from wyoming_piper_hardened.text.profile import Profile, TextMode

SSML = '<speak>Es sind -5 °C.<break time="1s"/><prosody rate="50%">Langsam.</prosody>…</speak>'


async def test_preview_has_every_segment_with_its_pause_and_style() -> None:
    first, second, *_ = (await preview(SSML, Profile(language="de"))).segments
    assert (first.text, first.spoken) == ("Es sind -5 °C.", "Es sind minus 5 Grad Celsius.")
    assert (first.pause, first.rate, first.gain) == (1.0, 1.0, 1.0)
    assert (second.spoken, second.rate) == ("Langsam.", 0.5)
    assert first.phonemes is None


async def test_preview_without_treatment_is_what_came() -> None:
    off = Profile(language="de", mode=TextMode.OFF)
    (segment,) = (await preview("Es sind -5 °C.", off)).segments
    assert segment.spoken == "Es sind -5 °C."


async def test_preview_has_the_phonemes_of_a_language_or_of_a_voice(model: Path) -> None:
    phonemizer = Phonemizer()
    working = asyncio.create_task(phonemizer.run())
    try:
        german = await preview(SSML, Profile(language="de_AT"), phonemizer)
        english = Profile(language="en_US", phonemes=frozenset("ɡˈaɪs."))
        text = "The [[ɡˈaɪs]]."
        joe = await preview(text, english, phonemizer, VoiceVersion(model))
        missing = VoiceVersion(model.with_name("gone.onnx"))
        gone = await preview("x", english, phonemizer, missing)
        unknown = await preview("x", Profile(language="tlh"), phonemizer)
    finally:
        await cancel_and_wait(working)
    first, second, *rest = german.segments
    assert first.phonemes == ("ɛs zɪnt mˈiːnʊs fˈʏnf ɡrˈɑːt tsˈɛlziːˌʊs.",)
    assert second.phonemes == ("lˈaŋzɑːm.",)
    assert all(segment.phonemes == () for segment in rest)  # nothing to say
    (spoken,) = joe.segments[0].phonemes or ()
    assert spoken.replace(" ", "") == "ðəɡˈaɪs."
    for failed, what in ((gone, "gone.onnx.json"), (unknown, "tlh")):
        assert failed.segments[0].phonemes is None
        assert failed.problem is not None
        assert failed.problem.code == "phonemes-failed"
        assert what in failed.problem.message
