"""Clients of every kind, and the answers they got."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from support.client import Client, connected

TEXTS = (
    "Yes.",
    "Good night.",
    "It is ten past three.",
    "The cooker is still on. Nobody is at home.",
    "The front door was opened at noon, and it has not been closed since.",
    "Dinner is ready. Come down, please. The soup gets cold.",
)
KINDS = {"plain": 50, "streamed": 30, "leaving": 10, "slow": 10}
_DEADLINE = 180.0


@dataclass
class Crowd:
    """Asks the same few texts in many ways and compares each answer to the undisturbed one."""

    port: int
    random: Random
    passed: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    under_way: set[int] = field(default_factory=set)
    requests: int = 0
    undisturbed: dict[str, bytes] = field(default_factory=dict)
    over: bool = False
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def learn(self) -> None:
        """Keep what every text sounds like when nothing happens."""
        for text in TEXTS:
            async with connected(self.port) as client:
                self.undisturbed[text] = (await client.say(text)).pcm
                if not self.undisturbed[text]:
                    raise RuntimeError(f"the server does not say {text!r}")

    async def ask_until_over(self) -> None:
        """One client after the other."""
        while not self.over:
            await self.ask()

    async def ask(self) -> None:
        """One request of a random kind."""
        number, text = next(self._numbers), self.random.choice(TEXTS)
        (kind,) = self.random.choices(list(KINDS), list(KINDS.values()))
        self.under_way.add(number)
        try:
            async with asyncio.timeout(_DEADLINE):
                trouble = await self._ask(kind, text)
        except TimeoutError:
            trouble = f"no answer within {_DEADLINE:g} s"
        except OSError as err:
            trouble = f"connection: {err}"
        finally:
            self.under_way.discard(number)
            self.requests += 1
        if trouble:
            self.failures.append(f"request {number}, {kind}: {trouble}")
        else:
            self.passed[kind] += 1

    async def _ask(self, kind: str, text: str) -> str:
        async with connected(self.port) as client:
            if kind == "leaving":
                return await self._leave(client, text)
            if kind == "slow":
                return await self._read_slowly(client, text)
            if kind == "streamed":
                spoken, last = await client.stream(*_pieces(text)), "synthesize-stopped"
            else:
                spoken, last = await client.say(text), "audio-stop"
        if spoken.error or spoken.types[-1:] != [last]:
            return f"ended with {spoken.error or spoken.types[-1:]}"
        return _difference(spoken.pcm, self.undisturbed[text])

    async def _leave(self, client: Client, text: str) -> str:
        await client.send("synthesize", text=text)
        heard = b""
        for _ in range(self.random.randrange(4)):
            event = await client.read()
            if event is None or event.type == "error":
                return f"ended with {event}"
            heard += event.payload or b""
        client.writer.transport.abort()
        return _difference(heard, self.undisturbed[text][: len(heard)])

    async def _read_slowly(self, client: Client, text: str) -> str:
        await client.send("synthesize", text=text)
        heard, last = b"", ""
        while last not in {"audio-stop", "error"} and (event := await client.read()) is not None:
            heard, last = heard + (event.payload or b""), event.type
            await asyncio.sleep(self.random.uniform(0, 0.05))
        if last != "audio-stop":
            return f"ended with {last}"
        return _difference(heard, self.undisturbed[text])


def _pieces(text: str) -> list[str]:
    return [text[start : start + 7] for start in range(0, len(text), 7)]


def _difference(heard: bytes, expected: bytes) -> str:
    if heard == expected:
        return ""
    return f"{len(heard)} bytes instead of {len(expected)}, or other ones"
