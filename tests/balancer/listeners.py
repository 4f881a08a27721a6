"""Listeners that play what they get in real time, over Wyoming and over HTTP."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

import aiohttp

from support.client import connected

TEXTS = (
    "The washing machine has finished.",
    "It is warm outside, and the windows of the kitchen are still open.",
    "Somebody is at the door. The parcel has arrived.",
)
RATE, BYTES = 22050, 2


@dataclass
class Counts:
    """What listeners met."""

    heard: int = 0
    http: int = 0
    cut: Counter[str] = field(default_factory=Counter)
    """Streams that ended early, by how."""
    failures: list[str] = field(default_factory=list)
    """What must not happen in any case."""
    slowest: float = 0.0
    """From a request to its first audio, in seconds."""

    def begun(self, asked: float) -> None:
        self.slowest = max(self.slowest, time.monotonic() - asked)


class Wyoming:
    """Asks, plays in real time, pauses, and asks again; each time with a new connection.

    Args:
        port: the balancer's.
        expected: the audio of each text.
        counts: where it is counted.
        random: chooses texts and pauses.
    """

    def __init__(
        self, port: int, expected: Mapping[str, bytes], counts: Counts, random: Random
    ) -> None:
        self._port = port
        self._expected = expected
        self._counts = counts
        self._random = random
        self._was_cut = False

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until `stop`."""
        while not stop.is_set():
            await asyncio.sleep(self._random.uniform(0.5, 4))
            text = self._random.choice(list(self._expected))
            try:
                pcm, error = await self._hear(text)
            except OSError as err:
                pcm, error = b"", f"{type(err).__name__}"
            if error is None and pcm == self._expected[text]:
                self._counts.heard += 1
                self._was_cut = False
                continue
            error = error or "other audio than expected"
            if self._was_cut:
                self._counts.failures.append(f"the request after one that was cut: {error}")
            self._was_cut = True
            self._counts.cut[error] += 1

    async def _hear(self, text: str) -> tuple[bytes, str | None]:
        """Return the audio, and why it is not complete if so."""
        pcm, asked = b"", time.monotonic()
        async with connected(self._port) as client:
            await client.send("synthesize", text=text)
            started = None
            while (event := await client.read()) is not None:
                if event.type == "audio-chunk" and event.payload:
                    if started is None:
                        self._counts.begun(asked)
                        started = time.monotonic()
                    pcm += event.payload
                    played = len(pcm) / RATE / BYTES
                    await asyncio.sleep(max(0.0, started + played - time.monotonic()))
                elif event.type == "audio-stop":
                    return pcm, None
                elif event.type == "error":
                    return pcm, str(event.data.get("code"))
        return pcm, "the connection ended"


class HTTP:
    """Asks over HTTP; no byte is a failure, for the balancer repeats such a request."""

    def __init__(
        self, port: int, expected: Mapping[str, bytes], counts: Counts, random: Random
    ) -> None:
        self._url = f"http://127.0.0.1:{port}/api/say"
        self._expected = expected
        self._counts = counts
        self._random = random

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until `stop`."""
        async with aiohttp.ClientSession() as client:
            while not stop.is_set():
                await asyncio.sleep(self._random.uniform(0.2, 1))
                text = self._random.choice(list(self._expected))
                begun = False
                try:
                    async with client.post(self._url, json={"text": text}) as answer:
                        if answer.status != 200:
                            self._counts.failures.append(f"HTTP {answer.status}")
                            continue
                        begun = bool(await answer.content.readexactly(44))
                        complete = await answer.content.read() == self._expected[text]
                except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError) as err:
                    if not begun:
                        self._counts.failures.append(f"HTTP without a byte: {type(err).__name__}")
                    self._counts.cut[f"HTTP: {type(err).__name__}"] += 1
                    continue
                if not complete:
                    self._counts.failures.append("HTTP: other audio than expected")
                self._counts.http += 1
