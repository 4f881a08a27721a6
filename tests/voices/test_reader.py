"""Reading every byte of a voice: one after the other, and it ends when nobody waits for it."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from wyoming_piper_hardened.concurrency import end
from wyoming_piper_hardened.voices import manifest
from wyoming_piper_hardened.voices.reader import Reader


async def test_other_threads_stay_free_and_a_stop_ends_it(
    prepared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (version,) = prepared_data.glob("voices/*/*-*")
    reading, slow, blocks = threading.Semaphore(0), threading.Event(), 0
    digest = manifest._digest

    def digest_slowly(path: Path, pause: object) -> str:
        reading.release()
        slow.wait(20)
        return digest(path, pause)  # type: ignore[arg-type]

    monkeypatch.setattr(manifest, "_digest", digest_slowly)
    reader = Reader()
    waiting = [asyncio.create_task(reader.find_damage(version)) for _ in range(20)]
    assert await asyncio.to_thread(reading.acquire, timeout=20)
    assert not await asyncio.to_thread(reading.acquire, timeout=0.1)  # the others wait
    assert await asyncio.to_thread(lambda: True)
    await end(*waiting)
    slow.set()
    assert await reader.find_damage(version) == []  # nothing is in the way any more
    blocks = reading._value
    assert blocks < 20
