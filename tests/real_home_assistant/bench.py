"""The bench of every check: an installed integration and the two ways to make it speak."""

from __future__ import annotations

import random
import time
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal

from .audio import Audio, measure
from .client import PLAY_WITHIN

if TYPE_CHECKING:
    import asyncio

    from .client import Client, Playback
    from .results import Findings
    from .tap import Connection, Tap

FASTEST = 24.0
SLOWEST = 10.0
"""Letters a second, at most and at least, that a voice says: outside it a part is missing, or said
twice."""

QUIETEST_DBFS = -40.0
LEAST_VOICED = 0.3

WORDS = (  # noqa: SIM905 - one word a line would not read better
    "amber apple arrow badger barley basket beaver blossom bridge bucket butter cabin candle "
    "canyon carpet castle cedar cherry clover copper cotton cricket dragon ember falcon feather "
    "fiddle forest garden ginger hammer harbor hazel island jacket kettle ladder lantern lemon "
    "maple marble meadow mirror needle nickel olive orchard paper pepper pillow pocket pumpkin "
    "rabbit river saddle silver spider summer temple thunder timber velvet walnut window winter"
).split()


@dataclass(frozen=True, slots=True)
class Engine:
    """The text-to-speech entity that Home Assistant made of the server's info."""

    entity_id: str
    language: str
    voice: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """One text's way through Home Assistant and back."""

    text: str
    playback: Playback
    audio: Audio
    connections: list[Connection]
    """The Wyoming connections that Home Assistant opened for speech meanwhile."""
    events: list[dict[str, Any]]
    """Of the Assist pipeline; empty for a REST request."""

    @property
    def pcm(self) -> bytes:
        """The samples that came from the server."""
        return b"".join(
            seen.event.payload
            for connection in self.connections
            for seen in connection.seen
            if seen.event.type == "audio-chunk"
        )

    def event(self, kind: str) -> dict[str, Any] | None:
        """Return the data of the first pipeline event of this kind."""
        return next((event["data"] for event in self.events if event["type"] == kind), None)


@dataclass(frozen=True, slots=True)
class Bench:
    """A running Home Assistant with the server under test added to it."""

    client: Client
    tap: Tap
    entry_id: str
    engine: Engine
    pipeline_id: str
    errors_reach_the_user: bool
    """False for cores that ignore Wyoming's `error` event."""
    events_pass_ingress: bool
    """False for cores that compress a stream of events, which keeps them back."""

    async def speak(self, text: str, within: float = PLAY_WITHIN, **options: object) -> Spoken:
        """Ask for a text by REST, and play what comes back."""
        position, began = len(self.tap.connections), time.monotonic()
        request = {
            "engine_id": self.engine.entity_id,
            "language": self.engine.language,
            "message": text,
            "options": options,
        }
        address = await self.client.request("POST", "/api/tts_get_url", json=request)
        playback = await self.client.play(address["path"], began, within)
        connections = await self.tap.speech_since(position)
        return Spoken(text, playback, await measure(playback.body), connections, [])

    async def converse(
        self, text: str, group: asyncio.TaskGroup, start: Literal["intent", "tts"] = "intent"
    ) -> Spoken:
        """Run the Assist pipeline, and play its audio from the moment a satellite would.

        The text is the user's sentence, or, with `start="tts"`, the answer to be spoken.
        """
        position, began = len(self.tap.connections), time.monotonic()
        run = self.client.events(
            "assist_pipeline/run",
            start_stage=start,
            end_stage="tts",
            pipeline=self.pipeline_id,
            input={"text": text},
        )
        events: list[dict[str, Any]] = []
        playing: asyncio.Task[Playback] | None = None
        url = ""
        async with aclosing(run):
            async for event in run:
                events.append(event)
                data = event["data"] or {}
                url = data.get("tts_output", {}).get("url", url)
                ready = data.get("tts_start_streaming") or event["type"] == "tts-end"
                if ready and playing is None:
                    playing = group.create_task(self.client.play(url, began))
                if event["type"] == "run-end":
                    break
        if playing is None:
            kinds = [event["type"] for event in events]
            raise RuntimeError(f"the pipeline gave no audio, only the events {kinds}")
        playback = await playing
        connections = await self.tap.speech_since(position)
        return Spoken(text, playback, await measure(playback.body), connections, events)


def unique(text: str) -> str:
    """Return the text with an ending never used before: Home Assistant caches what it spoke."""
    return f"{text} The words of the day are {', '.join(random.sample(WORDS, 3))}."


def hear(findings: Findings, spoken: Spoken, *, text: str | None = None) -> None:
    """Require that the whole text was spoken, and note how it sounded.

    `text` is what should be heard, when that is not what was sent.
    """
    letters = len(spoken.text if text is None else text)
    audio = spoken.audio
    if not decodes(findings, spoken):
        return
    shortest, longest = letters / FASTEST, letters / SLOWEST + 1.0
    findings.require(
        shortest < audio.seconds < longest,
        f"{audio.seconds:.1f} s of audio for {letters} letters, "
        f"between {shortest:.1f} s and {longest:.1f} s are due",
    )
    findings.require(audio.loudness > QUIETEST_DBFS, f"too quiet: {audio.loudness:.0f} dBFS")
    findings.require(audio.voiced > LEAST_VOICED, f"only {audio.voiced:.0%} of the frames sound")
    findings.measure("loudness", audio.loudness, "dBFS")
    findings.measure("voiced", audio.voiced * 100, "%")


def decodes(findings: Findings, spoken: Spoken) -> bool:
    """Require a playable answer of any content, and note its times; say whether it is one."""
    playback, audio = spoken.playback, spoken.audio
    if playback.problem is not None:
        findings.problems.append(f"the download broke: {playback.problem}")
    elif playback.status != HTTPStatus.OK:
        findings.problems.append(f"HTTP status {playback.status}")
    elif audio.problem:
        findings.problems.append(f"not playable: {audio.problem}")
    elif not audio.seconds:
        findings.problems.append("no audio in the answer")
    findings.measure("first byte", playback.first_byte)
    for connection in spoken.connections:
        findings.wyoming.append(connection.transcript())
        findings.measure("from the server", connection.server_delay)
    findings.measure("audio", audio.seconds or None)
    return audio.seconds > 0
