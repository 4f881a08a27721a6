"""Texts that nobody means well with: bounded time, and text as it came at worst."""

from __future__ import annotations

import time

import pytest

from wyoming_piper_hardened.text import speech
from wyoming_piper_hardened.text.profile import Profile, TextFormat
from wyoming_piper_hardened.text.segmenter import Segment
from wyoming_piper_hardened.text.speech import SpeechText

pytestmark = pytest.mark.slow

SIZE = 100_000
_SECONDS = 20
"""Far more than any of them takes on a machine with nothing else to do."""

TEXTS = {
    "no blank": "x" * SIZE,
    "no blank in Chinese": "字" * SIZE,
    "digits without an end": "7" * SIZE,
    "two characters": "1:" * (SIZE // 2),
    "unclosed fence": "Before.\n```\n" + "code line\n" * (SIZE // 10),
    "unclosed fences": "```\n~~~\n" * (SIZE // 8),
    "unclosed thought": "<think>" + "thought " * (SIZE // 8),
    "thoughts": "<think>" * (SIZE // 7),
    "unclosed tags": "<b" * (SIZE // 2),
    "tags": "<b><i>" * (SIZE // 6),
    "entities": "&amp;" * (SIZE // 5),
    "unclosed entities": "&am" * (SIZE // 3),
    "entities of entities": "&amp;amp;lt;" * (SIZE // 12),
    "links": "[a](" * (SIZE // 4),
    "brackets": "[[" * (SIZE // 2),
    "phonemes without an end": "[[ˈa" * (SIZE // 4),
    "emphasis": "*_~`" * (SIZE // 4),
    "table": "|a" * (SIZE // 2),
    "rules": "- " * (SIZE // 2),
    "bait of decimals": "1.1," * (SIZE // 4),
    "bait of dates": "1/1/" * (SIZE // 4),
    "bait of addresses": "a@b." * (SIZE // 4),
    "bait of web addresses": "http://" * (SIZE // 7),
    "bait of initials": "A.B. " * (SIZE // 5),
    "bait of powers": "1⁻" * (SIZE // 2),
    "bait of degrees": "° C" * (SIZE // 3),
    "bait of counters": "per kWh " * (SIZE // 8),
    "mixed scripts": "aбגद字ก1" * (SIZE // 7),
    "bidirectional marks": "\u202ea\u202c\u2066b\u2069" * (SIZE // 6),
    "joiners": "a\u200d\ufeff\u2060" * (SIZE // 4),
    "accents": "e" + "\u0301" * (SIZE - 1),
    "surrogates": "a\ud800\udfff " * (SIZE // 4),
    "controls": "a\0\x1b\x7f" * (SIZE // 4),
    "line ends": "\r\n\u2028\u2029\x85" * (SIZE // 5),
}
SSML = {
    "nested elements": "<speak>" + "<p>" * (SIZE // 3) + "deep",
    "nested prosody": "<speak>" + '<prosody rate="fast">' * (SIZE // 21) + "deep",
    "breaks": "<speak>" + '<break time="9s"/>' * (SIZE // 18) + "on",
    "an attribute without an end": '<speak><sub alias="' + "x" * SIZE,
    "a document type": "<!DOCTYPE speak ["
    + '<!ENTITY a "b">' * (SIZE // 15)
    + "]><speak>on</speak>",
    "bombs": '<!DOCTYPE s [<!ENTITY a "xxxx"><!ENTITY b "&a;&a;&a;">]><speak>&b;</speak>',
    "a comment without an end": "<speak>on<!--" + "x" * SIZE,
    "data without an end": "<speak>on<![CDATA[" + "x" * SIZE,
    "attributes": "<speak " + "".join(f'a{n}="b" ' for n in range(SIZE // 10)) + ">on</speak>",
}


def said(text: str, profile: Profile, size: int) -> list[str]:
    stream = SpeechText(profile, streamed=True)
    pieces = (text[start : start + size] for start in range(0, len(text), size))
    found = [spoken(segment, profile) for piece in pieces for segment in stream.add(piece)]
    return found + [spoken(segment, profile) for segment in stream.finish()]


def spoken(segment: Segment, profile: Profile) -> str:
    assert len(segment.text) <= profile.max_chars
    text = speech.attempt(segment, profile)
    assert text is not None, "a rule failed"
    assert len(text) <= 4 * len(segment.text) + 200
    return text


@pytest.mark.parametrize("name", TEXTS)
def test_bad_text_takes_bounded_time_and_no_exception(name: str) -> None:
    profile = Profile(language="de", phonemes=frozenset("ˈa"), early_start=True)
    begin = time.process_time()
    whole = said(TEXTS[name], profile, SIZE)
    assert time.process_time() - begin < _SECONDS
    if name in {"no blank", "no blank in Chinese", "two characters", "mixed scripts", "accents"}:
        assert "".join(whole).strip()  # never silence instead of words


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("language", ["de", "zh", "ku"])
def test_bad_text_is_the_same_in_any_pieces(name: str, language: str) -> None:
    profile = Profile(language=language, phonemes=frozenset("ˈa"), early_start=True)
    text = TEXTS[name][:2000]
    assert said(text, profile, 7) == said(text, profile, len(text))


@pytest.mark.parametrize("name", SSML)
def test_bad_ssml_takes_bounded_time_and_no_tag_is_said(name: str) -> None:
    profile = Profile(language="en", text_format=TextFormat.SSML)
    begin = time.process_time()
    whole = " ".join(said(SSML[name], profile, 4096))
    assert time.process_time() - begin < _SECONDS
    # A tag of more than 4,096 characters is none, and is said as it came.
    assert ("<speak" in whole) == (name == "attributes")
    assert "ENTITY" not in whole
    assert "prosody" not in whole
