"""Segments under way."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hypothesis import given, settings, strategies as st

from wyoming_piper_hardened.engine.messages import SegmentRequest, VoiceVersion
from wyoming_piper_hardened.workers.dispatch.segment_job import Listener, SegmentJob

VOICE = VoiceVersion(Path("/voices/a.onnx"))

UNHURRIED = settings(deadline=None)
"""A slow machine is no failure."""


@UNHURRIED
@given(st.lists(st.binary(max_size=20).map(lambda half: half + half), max_size=20))
def test_replay_asks_for_the_missing_samples(chunks: list[bytes]) -> None:
    async def scenario() -> bytes:
        one = SegmentJob(SegmentRequest("x", VOICE), Listener(10.0, lambda: None))
        for chunk in chunks:
            one.add(chunk, 0.01)
            assert one.request.from_sample == one.samples
        assert one.samples * 2 == sum(map(len, chunks))
        one.finish()
        return b"".join([pcm async for pcm in one.audio()])

    assert asyncio.run(scenario()) == b"".join(chunks)
