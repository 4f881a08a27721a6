"""The current catalogue: when the hub is asked for a newer one, and how old it is."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from support.hub import FaultyHub, faulty_hub
from support.hub_client import NEWEST, tiny_files
from support.hub_faults import Fault
from wyoming_piper_hardened.catalogue.current import CurrentCatalogue
from wyoming_piper_hardened.errors import VoiceNotFoundError, VoiceUnconfirmedError
from wyoming_piper_hardened.hub.errors import DownloadError, OfflineError
from wyoming_piper_hardened.hub.files import CATALOGUE_PATH
from wyoming_piper_hardened.hub.settings import HubSettings


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def current(folder: Path, hub: FaultyHub, clock: Clock | None = None) -> CurrentCatalogue:
    return CurrentCatalogue(folder, HubSettings(endpoint=hub.endpoint), clock=clock or Clock())


def fetches(hub: FaultyHub) -> int:
    return sum(one.method == "GET" and one.path.endswith(CATALOGUE_PATH) for one in hub.seen)


def questions(hub: FaultyHub) -> int:
    return sum(one.method == "HEAD" for one in hub.seen)


async def test_newer_voice_is_found_at_the_first_try(tmp_path: Path) -> None:
    async with faulty_hub(tiny_files("newest")) as hub:
        catalogue = current(tmp_path, hub)
        assert NEWEST not in (await asyncio.to_thread(catalogue.read)).voices
        assert (await catalogue.find(NEWEST)).name == NEWEST
        assert (await catalogue.find(NEWEST)).name == NEWEST
        assert fetches(hub) == 1
    kept = await asyncio.to_thread(CurrentCatalogue(tmp_path, HubSettings()).read)
    assert NEWEST in kept.voices


async def test_unknown_names_ask_the_hub_once_a_minute(tmp_path: Path) -> None:
    clock = Clock()
    async with faulty_hub(tiny_files("amy")) as hub:
        catalogue = current(tmp_path, hub, clock)
        for seconds in (0, 0, 59, 2, 1, 57):  # 0, 0, 59, 61, 62, 119
            clock.now += seconds
            with pytest.raises(VoiceNotFoundError, match="similar ones: en_US-amy-medium"):
                await catalogue.find("en_US-amie-medium")
        assert questions(hub) == 2
        assert fetches(hub) == 1  # the commit was the same


async def test_many_who_ask_at_once_are_one(tmp_path: Path) -> None:
    async with faulty_hub(tiny_files("newest")) as hub:
        catalogue = current(tmp_path, hub)
        found = await asyncio.gather(*(catalogue.find(NEWEST) for _ in range(20)))
        assert {voice.name for voice in found} == {NEWEST}
        await asyncio.gather(*(catalogue.refresh() for _ in range(20)))
        assert questions(hub) <= 3


@pytest.mark.parametrize("name", ["", "a/b", "../../etc/passwd", "x" * 101, "en_US\0", "two words"])
async def test_impossible_names_ask_nobody(tmp_path: Path, name: str) -> None:
    async with faulty_hub(tiny_files("amy")) as hub:
        with pytest.raises(VoiceNotFoundError):
            await current(tmp_path, hub).find(name)
        assert not hub.seen


async def test_failure_is_told_and_not_repeated_for_a_minute(tmp_path: Path) -> None:
    clock = Clock()
    async with faulty_hub(tiny_files("newest")) as hub:
        hub.fault(Fault.NOT_FOUND, times=1)
        catalogue = current(tmp_path, hub, clock)
        for _ in range(2):
            with pytest.raises(VoiceUnconfirmedError, match="newer ones are not known") as raised:
                await catalogue.find(NEWEST)
            assert (raised.value.code, raised.value.retryable) == ("voice-not-found", True)
        assert questions(hub) == 1
        with pytest.raises(DownloadError):
            await catalogue.refresh_if_due()
        clock.now += 1
        await catalogue.refresh()  # a person asks again at once
        assert (await catalogue.find(NEWEST)).name == NEWEST
        assert fetches(hub) == 1


async def test_who_cannot_wait_gets_an_error_and_the_next_one_is_served(tmp_path: Path) -> None:
    clock = Clock()
    async with faulty_hub(tiny_files("newest")) as hub:
        hub.fault(Fault.NO_ANSWER, times=1)
        catalogue = current(tmp_path, hub, clock)
        await asyncio.to_thread(catalogue.read)
        one = catalogue.find(NEWEST, wait=1)
        two = catalogue.find(NEWEST, wait=60)  # does not wait in vain
        for outcome in await asyncio.gather(one, two, return_exceptions=True):
            assert isinstance(outcome, VoiceUnconfirmedError)
        clock.now += 61
        assert (await catalogue.find(NEWEST)).name == NEWEST


async def test_offline_asks_nobody_and_says_so(tmp_path: Path) -> None:
    async with faulty_hub(tiny_files("newest")) as hub:
        catalogue = CurrentCatalogue(tmp_path, HubSettings(endpoint=hub.endpoint, offline=True))
        with pytest.raises(VoiceNotFoundError, match="`offline`") as raised:
            await catalogue.find(NEWEST)
        assert not raised.value.retryable
        with pytest.raises(OfflineError):
            await catalogue.refresh()
        assert not hub.seen


async def test_age_survives_restarts(tmp_path: Path) -> None:
    async with faulty_hub(tiny_files("amy")) as hub:
        catalogue = current(tmp_path, hub)
        await asyncio.to_thread(catalogue.read)
        bundled_at = catalogue.fetched_at
        assert bundled_at is None
        before = time.time()
        await catalogue.refresh()
        assert before <= (catalogue.fetched_at or 0) <= time.time()
        path = tmp_path / "catalogue.json"
        content = await asyncio.to_thread(path.read_bytes)
        os.utime(path, (0, 1000))
        again = current(tmp_path, hub)
        await asyncio.to_thread(again.read)
        assert again.fetched_at == 1000
        await again.refresh()  # the same voices: the file stays as it is
        assert await asyncio.to_thread(path.read_bytes) == content
        assert path.stat().st_mtime >= before - 2
