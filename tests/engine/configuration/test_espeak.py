"""Names of espeak's voices: every one that its command takes is one that its library takes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from piper import espeakbridge
from piper.phonemize_espeak import ESPEAK_DATA_DIR

from wyoming_piper_hardened.engine.configuration.espeak import EspeakVoices, espeak_voices


@pytest.fixture(scope="module")
def voices() -> EspeakVoices:
    found = espeak_voices()
    assert found is not None
    return found


@pytest.fixture(scope="module")
def takes() -> Callable[[str], bool]:
    """Return a function that tells whether the library takes a name."""
    espeakbridge.initialize(str(ESPEAK_DATA_DIR))

    def takes(name: str) -> bool:
        try:
            espeakbridge.set_voice(name)
        except RuntimeError:
            return False
        return True

    return takes


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("en-gb", "en"),
        ("en-GB", "en"),
        ("en_GB", "en"),
        ("en-us", "en-us"),
        ("en_US", "en-us"),
        ("zh", "cmn"),
        ("zh-cn", "cmn"),
        ("zh-yue", "yue"),
        ("no", "nb"),
        ("nb", "nb"),
        ("fr-fr", "fr"),
        ("pt-pt", "pt"),
        ("pt-br", "pt-br"),
        ("es-mx", "es-419"),
        ("de-at", "de"),
        ("vi-vn", "vi"),
        ("en-gb+f3", "en+f3"),
        ("gmw/en-US", "gmw/en-us"),
        ("German", "de"),
        ("Chinese (Cantonese)", "yue"),
        ("ar", "ar"),
    ],
)
def test_name_of_the_command_is_mapped_to_one_of_the_library(
    voices: EspeakVoices, takes: Callable[[str], bool], name: str, expected: str
) -> None:
    assert voices.find(name) == expected
    assert takes(expected)


@pytest.mark.parametrize(
    "name", ["", "xx", "xx-yy", "mb-de1", "x" * 1000, "\ud800", "../en", "+f3"]
)
def test_unknown_name_is_none(voices: EspeakVoices, name: str) -> None:
    assert voices.find(name) is None


def test_every_language_of_espeak_is_taken(
    voices: EspeakVoices, takes: Callable[[str], bool]
) -> None:
    assert len(voices.languages) > 10
    for name in (*voices.languages, *voices.names):
        found = voices.find(name)
        assert found is not None, name
        assert takes(found), (name, found)
