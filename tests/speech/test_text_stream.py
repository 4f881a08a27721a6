"""The text of a request: whole or in pieces, bounded, ended by an error if need be."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, strategies as st

from wyoming_piper_hardened.errors import BadRequestError, TextTooLongError
from wyoming_piper_hardened.speech.text_stream import TextStream
from wyoming_piper_hardened.text.language import load
from wyoming_piper_hardened.text.length import MAX_TEXT_CHARS
from wyoming_piper_hardened.text.profile import Profile

PROFILE = Profile(early_start=True)
load(PROFILE.language)


async def segments(stream: TextStream) -> list[str]:
    return [segment.text async for segment in stream.segments(PROFILE)]


@given(st.lists(st.text(max_size=80), max_size=12))
def test_pieces_give_the_same_segments_as_the_whole(pieces: list[str]) -> None:
    async def compare() -> None:
        stream = TextStream(streamed=False)
        for piece in pieces:
            stream.add(piece)
        stream.end()
        assert await segments(stream) == await segments(TextStream.of("".join(pieces)))

    asyncio.run(compare())


async def test_segment_comes_before_the_text_is_complete() -> None:
    stream = TextStream()
    stream.add("One sentence is here. And the ne")
    found = stream.segments(PROFILE)
    assert (await anext(found)).text == "One sentence is here."
    waiting = asyncio.ensure_future(anext(found))
    await asyncio.sleep(0)
    assert stream.starving
    stream.add("xt one.")
    stream.end()
    assert (await waiting).text == "And the next one."
    assert not stream.starving


async def test_only_a_stream_starts_early() -> None:
    text = "When the washing machine is done, hang up the laundry."
    stream = TextStream()
    stream.add(text)
    stream.end()
    early = await segments(stream)
    assert early == ["When the washing machine is done,", "hang up the laundry."]
    assert await segments(TextStream.of(text)) == [text]


async def test_error_comes_after_the_text_before_it() -> None:
    stream = TextStream()
    stream.add("Spoken. ")
    stream.fail(BadRequestError("wrong"))
    with pytest.raises(BadRequestError):
        await segments(stream)


def test_text_is_bounded_in_all() -> None:
    stream = TextStream()
    stream.add("x" * MAX_TEXT_CHARS)
    with pytest.raises(TextTooLongError):
        stream.add("y")
    TextStream.of("x" * (MAX_TEXT_CHARS + 1), max_chars=None)
