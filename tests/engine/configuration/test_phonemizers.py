"""Phonemizers that are here, and voices that need another one."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from wyoming_piper_hardened.catalogue.catalogue import bundled
from wyoming_piper_hardened.engine.configuration.phonemizers import (
    AVAILABLE,
    Phonemizer,
    check_available,
)
from wyoming_piper_hardened.errors import PhonemizerMissingError


def test_what_piper_brings_is_here_and_pinyin_never() -> None:
    assert {Phonemizer.ESPEAK, Phonemizer.TEXT, Phonemizer.HEBREW} <= AVAILABLE
    assert Phonemizer.PINYIN not in AVAILABLE
    assert (Phonemizer.JAPANESE in AVAILABLE) == (find_spec("pyopenjtalk") is not None)


@pytest.mark.parametrize("phonemizer", [one for one in Phonemizer if one not in AVAILABLE])
def test_missing_phonemizer_is_named_with_the_voice(phonemizer: Phonemizer) -> None:
    with pytest.raises(PhonemizerMissingError, match=f"my-voice has the phoneme_type {phonemizer}"):
        check_available(phonemizer, "my-voice")


def test_voices_of_the_catalogue_that_cannot_speak_are_known() -> None:
    catalogue = bundled()
    silent = {voice.name for voice in catalogue} - {voice.name for voice in catalogue.speakable}
    assert {"zh_CN-chaowen-medium", "zh_CN-xiao_ya-medium"} <= silent
    assert "zh_CN-huayan-medium" not in silent
    assert all(name.startswith(("zh_CN-", "ja_", "th_")) for name in silent)
