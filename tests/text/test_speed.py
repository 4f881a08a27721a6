"""What the treatment of a segment costs."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import pytest

from text.judge import cases
from wyoming_piper_hardened.text.profile import Profile
from wyoming_piper_hardened.text.segmenter import Segment
from wyoming_piper_hardened.text.speech import spoken

# Microseconds for 100 characters; the figures are for a machine with nothing else to do.
_MEDIAN, _SLOWEST = 100, 250
_BUSY = 5
_PROSE = (
    "The living room lamp is on, the front door is locked and the garden gate is open. ",
    "It is 21.5 °C outside, and the washing machine in the cellar has 15 min left. ",
    "Heute sind es 21,5 °C, morgen weht ein Wind mit 12 km/h und es regnet um 14:30 Uhr. ",
)


def microseconds(text: str, profile: Profile) -> float:
    segment = Segment(text)
    spoken(segment, profile)

    def once() -> float:
        begin = time.thread_time()
        spoken(segment, profile)
        return time.thread_time() - begin

    return min(once() for _ in range(9)) * 1e6


def test_what_a_segment_costs() -> None:
    costs = [microseconds(text, Profile(language="de")) * 100 / len(text) for text in _PROSE]
    costs += [
        microseconds(case.text, Profile(language=case.language))
        for case in cases(Path(__file__).parent / "cases.tsv")
        if case.kind not in {"markdown", "ssml", "think"}
    ]
    costs.sort()
    median, slow = statistics.median(costs), costs[len(costs) * 99 // 100]
    print(f"a segment: median {median:.0f} µs, p99 {slow:.0f} µs")  # noqa: T201 - the figures
    assert median < _BUSY * _MEDIAN
    assert slow < _BUSY * _SLOWEST


@pytest.mark.parametrize("flood", ["1:1:", " ", "9.", "5%", "1.1.", "½", "10-20 ", "21,5 °C ", "("])
def test_the_most_hostile_500_characters(flood: str) -> None:
    cost = microseconds((flood * 500)[:500], Profile(language="de"))
    print(f"{flood!r}: {cost / 1000:.2f} ms")  # noqa: T201 - the figure
    assert cost < _BUSY * 5000
