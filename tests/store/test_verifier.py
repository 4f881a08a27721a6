"""Verification: one version after the other, ended when nobody waits for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

from wyoming_piper_hardened.reporting.issues import Damage
from wyoming_piper_hardened.store.manifest import find_damage
from wyoming_piper_hardened.store.verifier import Verifier
from wyoming_piper_hardened.system.aio import cancel_and_wait


async def test_slow_verification_leaves_threads_free_and_ends_when_cancelled(
    prepared_data: Path,
) -> None:
    (version,) = prepared_data.glob("voices/*/*-*")
    begun: list[Path] = []
    ended: list[Path] = []
    reading, slow = threading.Event(), threading.Event()

    def check(
        folder: Path, *, digests: bool, pause: Callable[[], None] | None
    ) -> tuple[Damage, ...]:
        begun.append(folder)
        reading.set()
        slow.wait(60)
        damage = find_damage(folder, digests=digests, pause=pause)
        ended.append(folder)
        return damage

    verifier = Verifier(check)
    waiting = [asyncio.create_task(verifier.find_damage(version)) for _ in range(20)]
    assert await asyncio.to_thread(reading.wait, 60)
    assert await asyncio.to_thread(lambda: True)  # 20 threads would be more than there are
    assert len(begun) == 1
    await cancel_and_wait(*waiting)
    slow.set()
    assert await verifier.find_damage(version) == ()
    assert len(begun) == 2  # those that nobody waited for did not begin
    assert len(ended) == 1  # and the first one stopped after a block
