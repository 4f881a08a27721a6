"""A user's words: where they match, and what is wrong with a file of them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings, strategies as st

from wyoming_piper_hardened.text.dictionary.entries import Dictionary, Entry
from wyoming_piper_hardened.text.dictionary.parsing import MAX_BYTES, parse
from wyoming_piper_hardened.text.profile import Profile
from wyoming_piper_hardened.text.segmenter import Segment
from wyoming_piper_hardened.text.speech import spoken

YAML = """\
de:
  Spotify: Spottifei
  Geis: "[[ɡˈaɪs]]"
  Philips Hue: Philips Hju
  km/h: Sachen
  hue: Farbe
  aus: ""
de-AT:
  Spotify: Schpotify
"*":
  MQTT: M Q T T
  东京: 冬晶
"""


@pytest.fixture(name="dictionary", scope="module")
def a_dictionary() -> Dictionary:
    parsed = parse(YAML.encode())
    assert parsed.errors == ()
    return parsed.dictionary


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Spotify, SPOTIFY, spotify, Spotifys", "Spottifei, Spottifei, spotify, Spotifys"),
        ("Philips Hue und Hue, HUE.", "Philips Hju und Farbe, Farbe."),
        ("12 km/h", "12 Sachen"),
        ("MQTT aus.", "M Q T T ."),
        ("in东京都", "in冬晶都"),
        ("", ""),
    ],
)
def test_words(dictionary: Dictionary, text: str, said: str) -> None:
    assert dictionary.replace(text, "de-DE") == said


def test_a_region_wins(dictionary: Dictionary) -> None:
    assert dictionary.replace("Spotify", "de-AT") == "Schpotify"
    assert dictionary.replace("Spotify MQTT", "fr") == "Spotify M Q T T"


def test_first_entries_win_in_every_language_and_case() -> None:
    entries = {"en-GB": (Entry("GIF", "a"), Entry("JPEG", "j")), "*": (Entry("gif file", "long"),)}
    general = Dictionary(entries)
    first = general.with_first([Entry("gif", "jif")])
    for language in ("en-GB", "de"):
        assert first.replace("GIF JPEG gif", language).split()[::2] == ["jif", "jif"]
    assert first.replace("JPEG", "en-GB") == "j"
    assert first.replace("a GIF file", "en-GB") == "a long"
    assert general.replace("GIF", "en-GB") == "a"
    assert first.with_first([]).replace("GIF", "en-GB") == "a"


def test_a_value_is_not_looked_up_again() -> None:
    dictionary = Dictionary({"*": (Entry("a", "b"), Entry("b", "a"))})
    assert dictionary.replace("a b", "en") == "b a"


def test_phonemes_keep_the_mark_behind_them(dictionary: Dictionary) -> None:
    profile = Profile(language="de", dictionary=dictionary, phonemes=frozenset("ɡˈaɪs,."))
    assert spoken(Segment("Der Geis, Jerry."), profile) == "Der [[ɡˈaɪs,]] Jerry."
    assert spoken(Segment("Der Geis"), profile) == "Der [[ɡˈaɪs.]]"


def test_phonemes_that_the_voice_has_not_are_plain_text(dictionary: Dictionary) -> None:
    profile = Profile(language="de", dictionary=dictionary, phonemes=frozenset("abc"))
    assert "[[" not in spoken(Segment("Der Geis"), profile)


def test_the_dictionary_comes_before_the_units(dictionary: Dictionary) -> None:
    profile = Profile(language="de", dictionary=dictionary)
    assert spoken(Segment("12 km/h"), profile) == "12 Sachen."


@pytest.mark.parametrize(
    ("data", "line", "code"),
    [
        (b"\xff\xfe", 1, "not-yaml"),
        (b"de:\n  a: [b, {c: d}]\n  e: f\n", 2, "shape"),
        (b"de:\n  a: &x b\n  c: *x\n", 3, "alias"),
        (b"a: b\n", 1, "shape"),
        (b"just text", 1, "shape"),
        (b"german!:\n  a: b\n", 1, "language"),
        (b"de:\n  '-': b\n", 2, "key"),
        (b"de:\n  a b c d e: f\n", 2, "key"),
        (b"de:\n  a: " + b"x" * 201, 2, "value"),
        (b"de:\n  a: b\n  a: c\n", 3, "duplicate"),
        (b"de:\n\t- x: :", 2, "not-yaml"),
        (b"x" * (MAX_BYTES + 1), 0, "too-large"),
        (b"<lexicon><lexeme>", 1, "not-pls"),
        (b"<!DOCTYPE x><lexicon/>", 1, "not-pls"),
        (b"[" * 100_000, 1, "shape"),
        (b"{" * 100_000, 1, "shape"),
        (b"de: {a: " + b"{b: " * 10_000, 1, "shape"),
    ],
)
def test_errors_by_line(data: bytes, line: int, code: str) -> None:
    error = parse(data).errors[0]
    assert (error.line, error.code) == (line, code)


def test_what_is_right_holds_beside_what_is_wrong() -> None:
    parsed = parse(b"de:\n  a: [1]\n  good: ja\nxx yy:\n  b: c\nfr:\n  bon: oui\n")
    assert parsed.dictionary.replace("good", "de") == "ja"
    assert parsed.dictionary.replace("bon", "fr") == "oui"
    assert [error.line for error in parsed.errors] == [2, 4]


def test_a_lexicon_of_the_w3c() -> None:
    data = """<?xml version="1.0" encoding="UTF-8"?>
<lexicon version="1.0" xmlns="http://www.w3.org/2005/01/pronunciation-lexicon" alphabet="ipa"
    xml:lang="de">
  <lexeme><grapheme>Geis</grapheme><grapheme>Gais</grapheme><phoneme>ɡˈaɪs</phoneme></lexeme>
  <lexeme><grapheme>W3C</grapheme><alias>World Wide Web Consortium</alias></lexeme>
  <lexeme><grapheme>x</grapheme><phoneme alphabet="x-sampa">x</phoneme></lexeme>
</lexicon>"""
    parsed = parse(data.encode())
    assert parsed.dictionary.replace("Gais W3C", "de") == "[[ɡˈaɪs]] World Wide Web Consortium"
    assert [(error.line, error.code) for error in parsed.errors] == [(6, "value")]


def test_the_largest_file_is_read_in_bounded_time() -> None:
    lines = "".join(f"  word{number}: value\n" for number in range(30_000))
    begin = time.process_time()
    parsed = parse(("de:\n" + lines).encode()[:MAX_BYTES])
    assert time.process_time() - begin < 10
    assert len(parsed.dictionary.entries["de"]) == 5000
    begin = time.process_time()
    parsed.dictionary.replace("word1 " * 80, "de")
    assert time.process_time() - begin < 1


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_file_raises(data: bytes) -> None:
    parse(data)
    parse(b"de:\n  a: " + data)
    parse(b"<lexicon>" + data)
