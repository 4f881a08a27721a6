"""Reading every byte of a voice: one after the other, and it ends when nobody waits for it."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from wyoming_piper_hardened.aio import cancel_and_wait
from wyoming_piper_hardened.store import manifest
from wyoming_piper_hardened.store.verifier import Reader


async def test_other_threads_stay_free_and_a_stop_ends_it(
    prepared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (version,) = prepared_data.glob("voices/*/*-*")
    files = len((await asyncio.to_thread(manifest.read_manifest, version)).files)
    begun: list[Path] = []
    reading, slow = threading.Event(), threading.Event()
    digest = manifest._digest

    def digest_slowly(path: Path, pause: object) -> str:
        begun.append(path)
        reading.set()
        slow.wait(60)
        return digest(path, pause)  # type: ignore[arg-type]

    monkeypatch.setattr(manifest, "_digest", digest_slowly)
    reader = Reader()
    waiting = [asyncio.create_task(reader.find_damage(version)) for _ in range(20)]
    assert await asyncio.to_thread(reading.wait, 60)
    assert await asyncio.to_thread(lambda: True)  # 20 threads would be more than there are
    assert len(begun) == 1
    await cancel_and_wait(*waiting)
    slow.set()
    assert await reader.find_damage(version) == []
    assert len(begun) == 1 + files  # of those that nobody waited for not a file more
