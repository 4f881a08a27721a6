"""The process that makes phonemes: asked, idle, failing, full. Real processes."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from random import Random

import psutil
import pytest

from support.waiting import eventually
from wyoming_piper_hardened.engine.messages import PhonemesRequest
from wyoming_piper_hardened.errors import (
    HardenedError,
    OverloadedError,
    PhonemesError,
    PhonemizerError,
    ShuttingDownError,
)
from wyoming_piper_hardened.processes.phonemizer import Phonemizer, PhonemizerTimings
from wyoming_piper_hardened.processes.restart import RestartDecider, RestartPolicy
from wyoming_piper_hardened.system.aio import cancel_and_wait

GERMAN = ("de-de", "de")
SCRIPTED = """
import sys
from wyoming.event import Event, read_event, write_event
write_event(Event("ready"), sys.stdout.buffer)
while (event := read_event(sys.stdin.buffer)) is not None:
    text = event.data["text"]
    if text == "DIE":
        sys.exit(7)
    if text == "HANG":
        import time; time.sleep(600)
    if text == "GARBAGE":
        print("garbage", flush=True)
    write_event(Event("phonemes", {"phonemes": [text]}), sys.stdout.buffer)
"""


@contextlib.asynccontextmanager
async def working(phonemizer: Phonemizer) -> AsyncIterator[Phonemizer]:
    task = asyncio.create_task(phonemizer.run())
    try:
        yield phonemizer
    finally:
        await cancel_and_wait(task)


def scripted(text: float = 10.0, delay: float = 0.0) -> Phonemizer:
    policy = RestartPolicy(backoff_delay=delay, jitter=0)
    return Phonemizer(
        PhonemizerTimings(text=text),
        RestartDecider(policy, Random(0)),
        (sys.executable, "-c", SCRIPTED),
    )


def children() -> list[int]:
    return [child.pid for child in psutil.Process().children()]


async def test_phonemes_by_language_and_their_blocks() -> None:
    async with working(Phonemizer()) as phonemizer:
        hello, geis, _ = await phonemizer.phonemize(
            [
                PhonemesRequest("Hallo. Welt", languages=GERMAN),
                PhonemesRequest("Der [[ɡˈaɪs,]] Jerry.", languages=("de",)),
                PhonemesRequest("...", languages=("de",)),
            ]
        )
        assert hello == ("hˈaloː.", "vˈɛlt")
        assert "ɡˈaɪs," in geis[0]
        with pytest.raises(PhonemesError, match="espeak knows no language of these: tlh"):
            await phonemizer.phonemize([PhonemesRequest("x", languages=("tlh",))])
        assert await phonemizer.phonemize([PhonemesRequest("Ja.", languages=GERMAN)])


async def test_process_exists_only_while_it_is_needed() -> None:
    async with working(Phonemizer(PhonemizerTimings(idle=0.2))) as phonemizer:
        assert children() == []
        await phonemizer.phonemize([PhonemesRequest("Ja.", languages=GERMAN)])
        assert len(children()) == 1
        await eventually(lambda: not children())
        await phonemizer.phonemize([PhonemesRequest("Ja.", languages=GERMAN)])
    assert children() == []


@pytest.mark.parametrize("text", ["DIE", "HANG", "GARBAGE"])
async def test_failed_process_is_replaced(text: str) -> None:
    async with working(scripted(text=0.5)) as phonemizer:
        with pytest.raises(PhonemizerError):
            await phonemizer.phonemize([PhonemesRequest(text), PhonemesRequest("x")])
        assert await phonemizer.phonemize([PhonemesRequest("well")]) == [("well",)]


async def test_failing_process_is_not_started_at_once_again() -> None:
    async with working(scripted(delay=30)) as phonemizer:
        for _ in range(2):
            with pytest.raises(PhonemizerError):
                await phonemizer.phonemize([PhonemesRequest("DIE")])
        assert children() == []


async def test_command_that_is_no_program_is_an_error() -> None:
    async with working(Phonemizer(arguments=("/no/such/program",))) as phonemizer:
        with pytest.raises(PhonemizerError):
            await phonemizer.phonemize([PhonemesRequest("x")])


async def test_queue_is_bounded_and_who_leaves_is_forgotten() -> None:
    async with working(scripted(text=1.0)) as phonemizer:
        first = asyncio.create_task(phonemizer.phonemize([PhonemesRequest("HANG")]))
        await eventually(children)
        waiting = [
            asyncio.create_task(phonemizer.phonemize([PhonemesRequest(str(number))]))
            for number in range(9)
        ]
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert [type(task.exception()) for task in done] == [OverloadedError]
        waiting[0].cancel()
        with pytest.raises(PhonemizerError):
            await first
        assert await waiting[1] == [("1",)]


async def test_end_fails_who_waits() -> None:
    phonemizer = scripted()
    async with working(phonemizer):
        waiting = [
            asyncio.create_task(phonemizer.phonemize([PhonemesRequest(text)]))
            for text in ("HANG", "x")
        ]
        await eventually(children)
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [ShuttingDownError] * 2
    assert all(isinstance(result, HardenedError) for result in results)
    assert children() == []
