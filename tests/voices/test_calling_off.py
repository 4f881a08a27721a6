"""An installation that is called off at any moment: nothing of it is left, or all of it serves."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from support.voices import SINGLE
from wyoming_piper_hardened.config import load_settings
from wyoming_piper_hardened.errors import CalledOffError, NotInstalledError
from wyoming_piper_hardened.service import build_installer
from wyoming_piper_hardened.voices.keeper import Keeper
from wyoming_piper_hardened.voices.library import Library
from wyoming_piper_hardened.voices.progress import Step
from wyoming_piper_hardened.voices.resolution import Issues
from wyoming_piper_hardened.voices.sources import FileSource
from wyoming_piper_hardened.voices.store import Store

AMY = FileSource("amy", "custom:1", SINGLE, SINGLE.stat().st_size)


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    installer = build_installer(load_settings(flags={"data_dir": tmp_path / "data"}))
    return Keeper(installer, Library([], "amy"), Issues())


async def is_gone(keeper: Keeper) -> bool:
    staging = keeper.installer.store.root / "staging"
    names = await asyncio.to_thread(keeper.installer.store.names)
    return not names and not list(await asyncio.to_thread(lambda: [*staging.glob("*")]))


async def test_before_it_has_begun(keeper: Keeper) -> None:
    added, called = await asyncio.gather(
        keeper.add(AMY), keeper.call_off("amy"), return_exceptions=True
    )
    assert (type(added), called) == (CalledOffError, None)
    assert not keeper.works
    assert await is_gone(keeper)
    assert (await keeper.add(AMY)).name == "amy"  # it can be had all the same


@pytest.mark.parametrize("step", [Step.COPYING, Step.PREPARING, Step.TESTING])
async def test_at_any_step(keeper: Keeper, step: Step) -> None:
    reached = asyncio.Event()

    def look() -> None:
        if "amy" in keeper.works and keeper.works["amy"].progress.step is step:
            reached.set()

    keeper.on_change = look
    adding = asyncio.create_task(keeper.add(AMY))
    await reached.wait()
    await asyncio.gather(keeper.call_off("amy"), keeper.call_off("amy"))  # pressed twice
    with pytest.raises(CalledOffError):
        await adding
    assert not keeper.works
    assert list(keeper.issues) == []
    assert await is_gone(keeper)


async def test_too_late(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    committing, begun, disk_is_slow = Store.commit, threading.Event(), threading.Event()

    def commit_slowly(store: Store, name: str, source: str, stage: Path) -> object:
        begun.set()
        disk_is_slow.wait(60)
        return committing(store, name, source, stage)

    monkeypatch.setattr(Store, "commit", commit_slowly)
    adding = asyncio.create_task(keeper.add(AMY))
    assert await asyncio.to_thread(begun.wait, 60)
    calling = [asyncio.create_task(keeper.call_off("amy")) for _ in range(2)]
    await asyncio.sleep(0)
    disk_is_slow.set()
    for call in calling:
        with pytest.raises(NotInstalledError, match="has just been installed"):
            await call
    assert (await adding).name == "amy"
    assert "amy" in keeper.library


async def test_what_is_not_being_installed(keeper: Keeper) -> None:
    with pytest.raises(NotInstalledError, match="is not being installed"):
        await keeper.call_off("amy")
