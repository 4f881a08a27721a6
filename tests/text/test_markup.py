"""Thoughts, Markdown and SSML, as they arrive."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings, strategies as st
from markdown_it import MarkdownIt

from wyoming_piper_hardened.text.profile import Profile, TextFormat
from wyoming_piper_hardened.text.segmenter import Segment
from wyoming_piper_hardened.text.speech import SpeechText, segments, spoken

ENGLISH = Profile(language="en", phonemes=frozenset("ɡˈaɪsbt"))


def said(text: str, profile: Profile = ENGLISH) -> list[str]:
    return [spoken(segment, profile) for segment in segments(text, profile)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<think>Hm.</think>Yes.", ["Yes."]),
        ("  <Thinking>\nHm.\n</THINKING>\n\nYes.", ["Yes."]),
        ("First.\n<reasoning>Hm.</reasoning>\nThen.", ["First.", "Then."]),
        ("I <think> so.", ["I so."]),
        ("<think>never closed", ["never closed."]),
        ("<thin ice", ["<thin ice."]),
        ("a thought</think> ends", ["a thought ends."]),
    ],
)
def test_thoughts(text: str, expected: list[str]) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# Title\nText.", ["Title.", "Text."]),
        ("### Title ###\n\nText.", ["Title.", "Text."]),
        ("- One\n- Two", ["One.", "Two."]),
        ("* [x] One\n* [ ] Two", ["One.", "Two."]),
        ("1) One\n2) Two", ["1.", "One.", "2.", "Two."]),
        ("> Quoted.\n> More.", ["Quoted.", "More."]),
        ("One\n---\nTwo", ["One.", "Two."]),
        ("Before\n```sh\nls -l\n```\nAfter", ["Before.", "After."]),
        ("~~~\ncode\n~~~", []),
        ("```\nnever closed", ["never closed."]),
        ("| A | B |\n|:--|--:|\n| C | D |", ["A, B.", "C, D."]),
        ("Apple\nBanana\nOrange", ["Apple, Banana, Orange."]),
        ("The lamp\n  is on", ["The lamp is on."]),
        ("One\n\nTwo", ["One.", "Two."]),
        ("`a` **b** *c* _d_ ~~e~~ __f__", ["a b c d e f."]),
        ("5 * 3 and snake_case and 2*x", ["5 times 3 and snake_case and 2*x."]),
        ("[a](http://b.c/d_e) ![f](g.png) [h][1] [^1]", ["a f h."]),
        ("See [[Main Page|the page]].", ["See the page."]),
        ("A<br>B <b>c</b> <span class='x'>d</span>", ["A, B c d."]),
        ("3 < 5 and a<b", ["3 less than 5 and a<b."]),
        ("\\*not\\* #5", ["not #5."]),
    ],
)
def test_markdown(text: str, expected: list[str]) -> None:
    assert said(text) == expected


def test_a_date_at_the_begin_of_a_line_is_no_list() -> None:
    german = Profile(language="de")
    assert said("3. Oktober", german) == ["dritter Oktober."]


WORDS = st.text(st.sampled_from("abcdfghk"), min_size=3, max_size=8)  # "1. feb" would be a date
INLINE = st.one_of(
    WORDS,
    WORDS.map("**{}**".format),
    WORDS.map("*{}*".format),
    WORDS.map("`{}`".format),
    WORDS.map("[{}](http://x.org)".format),
)
LINES = st.lists(INLINE, min_size=1, max_size=6).map(" ".join)
BLOCKS = st.lists(
    st.tuples(st.sampled_from(["", "# ", "- ", "> ", "1. "]), LINES), min_size=1, max_size=6
)


@settings(max_examples=200, deadline=None)
@given(BLOCKS)
def test_the_words_are_those_of_a_markdown_parser(blocks: list[tuple[str, str]]) -> None:
    text = "\n\n".join(mark + line for mark, line in blocks)
    words: list[str] = []
    for token in MarkdownIt().parse(text):
        for child in token.children or ():
            words += child.content.split() if child.type in {"text", "code_inline"} else []
    heard = re.findall(r"[a-z]+", " ".join(said(text)))
    assert heard == words


def styles(text: str) -> list[tuple[str, bool, float, float, float]]:
    return [
        (spoken(s, ENGLISH), s.ends_sentence, s.pause, round(s.rate, 3), round(s.gain, 3))
        for s in segments(text, ENGLISH)
    ]


def test_a_break_ends_a_segment_and_not_a_sentence() -> None:
    assert styles('<speak>Hello <break time="500ms"/> world.</speak>') == [
        ("Hello,", False, 0.5, 1.0, 1.0),
        ("world.", True, 0.0, 1.0, 1.0),
    ]


def test_a_break_before_all_text_is_a_segment_of_silence() -> None:
    found = list(segments("<speak><break strength='strong'/>Hi.</speak>", ENGLISH))
    assert found == [Segment("", ends_sentence=False, pause=0.75), Segment("Hi.")]


def test_breaks_add_up_to_their_limits() -> None:
    text = "<speak>A." + '<break time="99s"/>' * 9 + "</speak>"
    assert [segment.pause for segment in segments(text, ENGLISH)] == [60.0]


def test_prosody_multiplies_and_is_bounded() -> None:
    text = (
        '<speak><prosody rate="slow" volume="-6dB">A <prosody rate="50%">b.</prosody></prosody>'
        '<prosody rate="9999%" volume="+99dB">C.</prosody> D.</speak>'
    )
    assert styles(text) == [
        ("A,", False, 0.0, 0.8, 0.501),
        ("b.", True, 0.0, 0.4, 0.501),
        ("C.", True, 0.0, 4.0, 4.0),
        ("D.", True, 0.0, 1.0, 1.0),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<speak><p>One.</p><s>Two</s></speak>", ["One.", "Two."]),
        ('<speak>The <sub alias="World Wide Web">WWW</sub>.</speak>', ["The World Wide Web."]),
        ('<speak><say-as interpret-as="characters">ab1</say-as></speak>', ["A B 1."]),
        ('<speak><say-as interpret-as="ordinal">3</say-as> door</speak>', ["3rd door."]),
        (
            '<speak><say-as interpret-as="date" format="dmy">3/4/2026</say-as></speak>',
            ["April 3rd, 20 26."],
        ),
        ('<speak><phoneme alphabet="ipa" ph="ɡaɪs">Geis</phoneme>!</speak>', ["[[ˈɡaɪs!]]"]),
        ('<speak><phoneme alphabet="x-sampa" ph="x">Geis</phoneme></speak>', ["Geis."]),
        ("<speak><unknown a='b'>text</unknown> &amp; more</speak>", ["text & more."]),
        ("<speak><audio src='x'><desc>no</desc>yes</audio><mark name='m'/></speak>", ["yes."]),
        ("<speak>a <amazon:effect name='w'>b</amazon:effect></speak>", ["a b."]),
        ("<?xml version='1.0'?>\n<speak version='1.1'>Hi</speak>", ["Hi."]),
        ("<speak>3 < 5 </p> <b>x</b></speak>", ["3 less than 5 x."]),
        ("<speak>open <emphasis>text", ["open text."]),
        ("<speak>a & b</speak>", ["a & b."]),
        ("<speak>&nbsp;a &bogus; b</speak>", ["a &bogus; b."]),
        ("<speak>a</speak> after <b>it</b>", ["a.", "after it."]),
        ("<speak/>", []),
        ("<speaker>loud", ["<speaker>loud."]),
        ("<speak><![CDATA[a <b> c]]> <!-- no --> d</speak>", ["a c d."]),
    ],
)
def test_ssml(text: str, expected: list[str]) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE speak [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>',
        '<!DOCTYPE speak SYSTEM "file:///etc/passwd">',
    ],
)
def test_a_document_type_is_left_out_and_no_entity_is_read(head: str) -> None:
    found = said(f"<?xml version='1.0'?>{head}<speak>Hi &b;.</speak>")
    assert "Hi" in " ".join(found)
    assert not re.search("aaaa|ENTITY|DOCTYPE|passwd", " ".join(found))


def test_depth_is_bounded() -> None:
    assert said("<speak>" + "<e>" * 5000 + "deep" + "</e>" * 5000 + "</speak>") == ["deep."]


def test_ssml_by_its_format_needs_no_root() -> None:
    profile = Profile(language="en", text_format=TextFormat.SSML)
    assert said("Hello <break/> <emphasis>you</emphasis>", profile) == ["Hello,", "you."]


def test_plain_text_by_its_format_is_no_ssml() -> None:
    profile = Profile(language="en", text_format=TextFormat.TEXT)
    assert said("<speak>Hi</speak>", profile) == ["Hi."]


def test_a_long_tag_does_not_stop_the_stream() -> None:
    begin = time.process_time()
    stream = SpeechText(ENGLISH)
    found = [s for c in "<speak><a " + "x" * 60_000 for s in stream.add(c)]
    assert isinstance([*found, *stream.finish()], list)
    assert time.process_time() - begin < 20
