"""The quarantine of texts over an injected clock and made-up histories."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

from hypothesis import given, settings, strategies as st

from wyoming_piper_hardened.engine.messages import SegmentRequest, VoiceVersion
from wyoming_piper_hardened.workers.failures.text_quarantine import TextQuarantine

UNHURRIED = settings(deadline=None)
"""A slow machine is no failure."""


def version(name: str) -> VoiceVersion:
    return VoiceVersion(Path(f"/voices/{name}.onnx"))


@UNHURRIED
@given(
    st.lists(
        st.tuples(
            st.sampled_from("ah"),
            st.sampled_from("xyz"),
            st.sampled_from("abcd"),
            st.integers(0, 30),
        ),
        max_size=60,
    )
)
def test_quarantine_is_a_bounded_set_with_expiry(
    history: list[tuple[str, str, str, int]],
) -> None:
    quarantine, reference, now = TextQuarantine(size=3, expiry=60), OrderedDict[Any, float](), 0.0
    for act, text, model, gap in history:
        now += gap
        request = SegmentRequest(text, version(model))
        for key in [key for key, since in reference.items() if now - since >= 60]:
            del reference[key]
        if act == "a":
            quarantine.add(request, now)
            reference.pop((text, model), None)
            reference[text, model] = now
            if len(reference) > 3:
                reference.popitem(last=False)
        assert quarantine.holds(request, now) == ((text, model) in reference)
        assert quarantine.count(now) == len(reference)


@UNHURRIED
@given(st.text(min_size=4), st.text(min_size=1, max_size=9), st.integers(0, 10**6))
def test_quarantine_recognises_a_text_without_keeping_it(
    text: str, model: str, sample: int
) -> None:
    quarantine = TextQuarantine()
    voice, other = version(model), version(model + "2")
    quarantine.add(SegmentRequest(text, voice), 0)
    assert quarantine.holds(SegmentRequest(text, voice, from_sample=sample), 1)  # also a replay
    assert not quarantine.holds(SegmentRequest(text, other), 1)
    assert not quarantine.holds(SegmentRequest(text + "2", voice), 1)
    assert not TextQuarantine().holds(SegmentRequest(text, voice), 1)
    assert all(len(name) == 16 for name in quarantine._since)
    quarantine.clear()
    assert not quarantine.count(1)
