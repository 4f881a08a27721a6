"""Time that floods of signs take: in proportion to their length."""

from __future__ import annotations

import time

import pytest

from wyoming_piper_hardened.text.profile import Profile
from wyoming_piper_hardened.text.segmenter import Segment
from wyoming_piper_hardened.text.speech import segments, spoken

pytestmark = pytest.mark.slow

FLOODS = (
    *"0-9.,:/@#*_|<&[]( $½%5a",
    *(
        "1:",
        "1.",
        "1,",
        "1-",
        "1/",
        "a@",
        "5 ",
        "5%",
        "10-20 ",
        "**a",
        "[a](b",
        "&amp;",
        "A. ",
        "<a",
    ),
    *(
        "21,5 °C ",
        "http://",
        "...",
        "e\u0301",
        "Dr. ",
        "1h",
        "-5",
        "\u200d",
        "<think>",
        "```\n",
        "| a ",
    ),
)


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_takes_time_in_proportion_to_its_length(flood: str) -> None:
    profile = Profile(language="de")
    spoken(Segment("1 W"), profile)

    def seconds(length: int) -> float:
        begin = time.process_time()
        for segment in segments((flood * length)[:length], profile):
            spoken(segment, profile)
        return time.process_time() - begin

    short = seconds(10_000)
    assert seconds(40_000) < 10 * short + 0.5
    assert short < 3
