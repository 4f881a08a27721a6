"""Promises about any text, in any pieces."""

from __future__ import annotations

import itertools

import regex
from hypothesis import given, settings, strategies as st

from wyoming_piper_hardened.text import speech
from wyoming_piper_hardened.text.cleaner import clean, speakable
from wyoming_piper_hardened.text.profile import Profile, TextFormat, TextMode
from wyoming_piper_hardened.text.segmenter import Segment, Segmenter
from wyoming_piper_hardened.text.speech import SpeechText, segments, spoken

LANGUAGES = (
    "en",
    "de",
    "fr",
    "es",
    "it",
    "nl",
    "pl",
    "pt",
    "sv",
    "ru",
    "zh",
    "ja",
    "hi",
    "ar",
    "ku",
)
PHONEMES = frozenset("ɡˈaɪs,.!?;:")
TOKENS = st.sampled_from(
    [
        *(
            "5",
            "21.5",
            "1,234",
            "-3",
            "−7",
            "12:30",
            "3:1",
            "°C",
            "%",
            " %",
            "km/h",
            "€",
            "$",
            "zł",
        ),
        *(
            " ",
            "  ",
            ", ",
            ". ",
            "! ",
            "? ",
            "...",
            "…",
            " - ",
            "–",
            "—",
            "(",
            ")",
            "[",
            "]",
            "kWh",
        ),
        *(
            "**",
            "*",
            "_",
            "`",
            "```",
            "~~",
            "\n",
            "\n\n",
            "# ",
            "- ",
            "1. ",
            "| a | b |",
            "> ",
            "W",
        ),
        *(
            "http://x.org/a",
            "a@b.org",
            "Dr. ",
            "z. B. ",
            "No. ",
            "etc. ",
            "am ",
            "der ",
            "May ",
            "h",
        ),
        *(
            "word ",
            "Word ",
            "über",
            "文",
            "。",
            "，",
            "½",
            "1/2",
            "3º",
            "2e",
            "#",
            "@",
            "<b>",
            "<br>",
        ),
        *(
            "<think>",
            "</think>",
            "&amp;",
            "&lt;",
            "\u200d",
            "\u00ad",
            "e\u0301",
            "😀",
            "✓",
            "=",
            "+",
        ),
        *("×", "<", ">", "/", "2026-12-25", "25.12.2026", "192.168.1.1", "+49 30 1234567", "A. "),
        *(
            "[[ab]]",
            "[[ɡˈaɪs]]",
            "[x](y)",
            "World War II",
            "10–15",
            "5 - 3 = 2",
            "\r\n",
            "\t",
            "\0",
        ),
    ]
)
TEXT = st.lists(TOKENS, max_size=40).map("".join)
MARKED = st.sampled_from(
    [
        "<speak>",
        "</speak>",
        "<p>",
        "</p>",
        "<break time='1s'/>",
        "<sub alias='a'>",
        "</sub>",
        "& ",
        "<",
    ]
)
SSML = st.lists(st.one_of(TOKENS, MARKED), max_size=30).map(
    lambda parts: "<speak>" + "".join(parts)
)
PROFILES = st.builds(
    Profile,
    language=st.sampled_from(LANGUAGES),
    phonemes=st.just(PHONEMES),
    max_chars=st.sampled_from([50, 120, 500]),
    early_start=st.booleans(),
    mode=st.sampled_from(list(TextMode)),
    text_format=st.sampled_from(list(TextFormat)),
)


def whole(text: str, profile: Profile) -> list[Segment]:
    stream = SpeechText(profile, streamed=True)
    return [*stream.add(text), *stream.finish()]


@settings(max_examples=300, deadline=None)
@given(st.one_of(TEXT, SSML, st.text(max_size=300)), PROFILES, st.data())
def test_any_chunking_gives_the_same_segments(
    text: str, profile: Profile, data: st.DataObject
) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=20).map(sorted))
    stream = SpeechText(profile, streamed=True)
    found: list[Segment] = []
    for start, end in itertools.pairwise([0, *cuts, len(text)]):
        found += stream.add(text[start:end])
    found += stream.finish()
    assert found == whole(text, profile)


@settings(max_examples=200, deadline=None)
@given(st.one_of(TEXT, SSML), PROFILES)
def test_one_character_at_a_time_gives_the_same_segments(text: str, profile: Profile) -> None:
    stream = SpeechText(profile, streamed=True)
    found = [segment for character in text for segment in stream.add(character)]
    assert [*found, *stream.finish()] == whole(text, profile)


@settings(max_examples=300, deadline=None)
@given(st.one_of(TEXT, SSML, st.text(max_size=300)), PROFILES)
def test_nothing_raises_and_lengths_are_bounded(text: str, profile: Profile) -> None:
    for segment in whole(text, profile):
        assert len(segment.text) <= profile.max_chars
        assert segment.text or segment.pause
        assert segment.text == segment.text.strip()
        said = speech.attempt(segment, profile)
        assert said is not None
        assert len(said) <= 4 * len(segment.text) + 200


@settings(max_examples=300, deadline=None)
@given(st.one_of(TEXT, st.text(max_size=300)), st.sampled_from([50, 120, 500]))
def test_off_gives_the_segments_and_the_text_of_before(text: str, cap: int) -> None:
    segmenter = Segmenter(cap)
    before = [*segmenter.add(clean(text)), *segmenter.finish()]
    profile = Profile(language="de", mode=TextMode.OFF, max_chars=cap, early_start=True)
    found = whole(text, profile)
    assert found == before
    assert [spoken(segment, profile) for segment in found] == [speakable(s.text) for s in before]


WORDS = st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyzäöüßéñ"), min_size=4, max_size=12)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(WORDS, st.sampled_from([" ", ", ", "? ", ". "])), min_size=1, max_size=30),
    st.sampled_from(LANGUAGES),
)
def test_prose_stays_as_it_is(pairs: list[tuple[str, str]], language: str) -> None:
    text = "".join(word.title() + mark for word, mark in pairs).strip()
    said = " ".join(
        spoken(segment, Profile(language=language))
        for segment in segments(text, Profile(language=language))
    )
    assert regex.sub(r"[.,]$", "", said) == regex.sub(r"[.,]$", "", text)


MARKED_WORDS = st.sampled_from(
    ["{}", "**{}**", "*{}*", "_{}_", "({})", "“{}”", "{},", "{}!", "{}…"]
)
BETWEEN = st.sampled_from(
    [" ", " 5 ", " - ", " – ", " 21.5 °C ", " 3/4 ", " → ", "\n", " 10–20 % "]
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(WORDS, MARKED_WORDS, BETWEEN), min_size=1, max_size=20),
    st.sampled_from(LANGUAGES),
)
def test_words_keep_their_order(parts: list[tuple[str, str, str]], language: str) -> None:
    words = [f"zq{word}" for word, _, _ in parts]
    text = "".join(form.format(f"zq{word}") + gap for word, form, gap in parts)
    profile = Profile(language=language)
    said = " ".join(spoken(segment, profile) for segment in whole(text, profile))
    assert regex.findall(r"zq\p{L}+", said) == words


NUMBERS = st.tuples(st.integers(0, 9999), st.sampled_from(["", ".5", " °C", " %", " km/h", " €"]))


@settings(max_examples=300, deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=6), st.sampled_from(LANGUAGES))
def test_no_number_is_lost(numbers: list[tuple[int, str]], language: str) -> None:
    text = " zqword ".join(f"{number}{unit}" for number, unit in numbers)
    profile = Profile(language=language)
    said = " ".join(spoken(segment, profile) for segment in segments(text, profile))
    found = [part.strip(" .,") for part in said.split("zqword")]
    assert len(found) == len(numbers)
    for (number, _), words in zip(numbers, found, strict=True):
        digits = {str(one) for one in regex.findall(r"\d+", words)}
        # Digits stay where gender and order do not want words; words are never fewer than one.
        assert str(number) in digits or regex.search(r"\p{L}", words), (number, words)


PARTS = st.sampled_from(
    [
        *("-5 °C", "21.5 °C", "3,5 kWh", "45 %", "12 km/h", "14:30", "9:05 Uhr", "5,20 €", "$5"),
        *("2026-12-25", "25.12.2026", "10–15 °C", "½ Liter", "1/2 cup", "Dr. Smith", "z. B. das"),
        *("https://example.com/a", "a@b.org", "192.168.1.10", "2 + 2 = 4", "(yes)", "...", "Hall"),
        *("and", "lamp", "Licht", "am 3. Oktober", "3:1", "+49 30 1234567", "1 h 30 min", "x", "5"),
        *(
            "No. 5",
            "World War II",
            "on/off",
            "21 °C",
            "1 W",
            "5-10",
            "a",
            "→",
            "**bold**",
            "[[list]]",
        ),
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(PARTS, st.sampled_from([" ", ", ", ". ", "; "])), max_size=10),
    st.sampled_from(LANGUAGES),
)
def test_what_is_said_of_what_is_said_is_the_same(
    pairs: list[tuple[str, str]], language: str
) -> None:
    profile = Profile(language=language)
    for segment in segments("".join(part + mark for part, mark in pairs), profile):
        said = spoken(segment, profile)
        assert spoken(Segment(said, segment.ends_sentence), profile) == said


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=8), st.sampled_from(LANGUAGES))
def test_whole_numbers_stay(numbers: list[int], language: str) -> None:
    text = " words ".join(map(str, numbers))
    said = spoken(Segment(text), Profile(language=language))
    assert regex.findall(r"\d+", said) == [str(number) for number in numbers]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.one_of(WORDS.filter(lambda word: word != "alias"), MARKED), max_size=20).map(
        " ".join
    )
)
def test_no_tag_of_ssml_is_spoken(text: str) -> None:
    profile = Profile(language="en", text_format=TextFormat.SSML)
    said = " ".join(spoken(segment, profile) for segment in whole(text, profile))
    assert not regex.search(r"<[a-z/]", said)
    assert "alias" not in said
