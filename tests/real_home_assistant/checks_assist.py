"""Checks that run the Assist pipeline, as a voice satellite or the chat window does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .bench import Spoken, decodes, hear, unique

if TYPE_CHECKING:
    from .bench import Bench
    from .results import Findings

ANSWER = (
    "The forecast for tomorrow is friendly. In the morning there is some fog in the valley, "
    "which clears up before noon. The afternoon stays sunny and warm, with a light wind from "
    "the west, and in the evening a few clouds come in from the sea."
)

PAUSE = "{pause:6}"
BROKEN_ANSWER = (
    "There are three lights in the living room, and all of them are switched on. "
    f"I could also tell you that the window {PAUSE} in the kitchen has been open since noon."
)

LONGEST_GAP = 5.0
"""Seconds without audio after which some satellites stop for good."""


async def plain(bench: Bench, findings: Findings) -> None:
    """Check an answer that is known as a whole."""
    async with asyncio.TaskGroup() as group:
        spoken = await bench.converse(unique(ANSWER), group, start="tts")
    hear(findings, spoken)
    _ended_well(findings, spoken)


async def streamed(bench: Bench, findings: Findings) -> None:
    """Check a language model's answer: sound begins while the model still writes."""
    async with asyncio.TaskGroup() as group:
        spoken = await bench.converse(unique(ANSWER), group)
    hear(findings, spoken)
    _was_streamed(findings, spoken)
    _began_early(findings, spoken)
    for connection in spoken.connections:
        gap = connection.longest_gap
        findings.measure("longest gap", gap)
        findings.require(gap < LONGEST_GAP, f"a gap of {gap:.1f} s wedges some satellites")


async def streamed_with_pause(bench: Bench, findings: Findings) -> None:
    """Check a language model that pauses in the middle of a sentence, then goes on."""
    script = unique(BROKEN_ANSWER)
    async with asyncio.TaskGroup() as group:
        spoken = await bench.converse(script, group)
    hear(findings, spoken, text=script.replace(f"{PAUSE} ", ""))
    _was_streamed(findings, spoken)
    _began_early(findings, spoken)
    for connection in spoken.connections:
        findings.measure("longest gap", connection.longest_gap)


async def empty(bench: Bench, findings: Findings) -> None:
    """No text at all."""
    async with asyncio.TaskGroup() as group:
        spoken = await bench.converse("", group, start="tts")
    decodes(findings, spoken)
    _ended_well(findings, spoken)


async def emoji_streamed(bench: Bench, findings: Findings) -> None:
    """Check an answer of emoji, long enough that Home Assistant streams it."""
    script = "\N{PARTY POPPER}\N{SPARKLES}\N{CONFETTI BALL} " * 20
    async with asyncio.TaskGroup() as group:
        spoken = await bench.converse(script, group)
    decodes(findings, spoken)
    _was_streamed(findings, spoken)


def _ended_well(findings: Findings, spoken: Spoken) -> None:
    findings.require(spoken.event("error") is None, f"pipeline: {spoken.event('error')}")
    count = len(spoken.connections)
    findings.require(count == 1, f"{count} connections for one answer")
    for connection in spoken.connections:
        findings.require(connection.problem is None, f"the connection broke: {connection.problem}")


def _was_streamed(findings: Findings, spoken: Spoken) -> None:
    """Require text in chunks, and the right end."""
    _ended_well(findings, spoken)
    for connection in spoken.connections:
        chunks = len(connection.data_of("synthesize-chunk"))
        findings.require(chunks > 1, "Home Assistant did not stream the text")
        findings.require(connection.data_of("synthesize-stopped"), "no synthesize-stopped")


def _began_early(findings: Findings, spoken: Spoken) -> None:
    """Require audio before the text was complete."""
    for connection in spoken.connections:
        heard, complete = connection.when("audio-chunk"), connection.when("synthesize-stop")
        if heard is None or complete is None:
            findings.problems.append("no audio, or no synthesize-stop")
            continue
        findings.measure("audio before the end of the text", complete - heard)
        findings.require(heard < complete, "audio began only after the text was complete")
