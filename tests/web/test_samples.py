"""Samples of voices over HTTP: fetched through the server, once, bounded, and only if audio."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import pytest
import soundfile

from conftest import Script
from support.both_servers import Open, Site
from support.hub import LARGE, FaultyHub, faulty_hub
from support.hub_faults import PAGE, Fault
from support.hub_voices import AMY, amys_files, sample, sample_path, with_speakers

PATH = f"/api/voices/{AMY}/sample"


def asked(hub: FaultyHub) -> int:
    """Return how often a sample was asked for."""
    return sum(one.path.endswith(".mp3") for one in hub.seen)


async def listen(site: Site, query: str = "") -> bytes:
    async with site.client.get(PATH + query) as answer:
        assert (answer.status, answer.content_type) == (200, "audio/mpeg")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        return await answer.read()


async def opened(open_site: Open, script: Script, hub: FaultyHub, data: Path) -> Site:
    """Open a site that knows the newest list of the hub."""
    site = await open_site(script(), data_dir=data, hub_endpoint=hub.endpoint)
    assert (await site.post("/api/catalogue/refresh"))[0] == 200
    return site


async def test_sample_is_fetched_once_and_kept(
    open_site: Open, script: Script, tmp_path: Path
) -> None:
    async with faulty_hub(with_speakers(amys_files(), 1)) as hub:
        site = await opened(open_site, script, hub, tmp_path)
        heard = await asyncio.gather(*(listen(site) for _ in range(6)))
        assert set(heard) == {hub.files[sample_path(0)]}
        assert soundfile.info(io.BytesIO(heard[0])).format == "MP3"
        assert asked(hub) == 1
        hub.files.clear()
        assert await listen(site, "?speaker=0") == heard[0]


async def test_every_speaker_has_its_own(open_site: Open, script: Script, tmp_path: Path) -> None:
    async with faulty_hub(with_speakers(amys_files(), 3)) as hub:
        site = await opened(open_site, script, hub, tmp_path)
        for number in range(3):
            for speaker in (str(number), f"p{number}"):
                assert await listen(site, f"?speaker={speaker}") == hub.files[sample_path(number)]
        assert asked(hub) == 3
        for speaker in ("3", "p3", "-1", "1.0", "../../x", "9" * 100):
            status, body = await site.get(f"{PATH}?speaker={speaker}")
            assert (status, body["error"]["code"]) == (404, "speaker-not-found")
        assert (await site.get(f"{PATH}?speaker={'9' * 201}"))[0] == 400
        status, body = await site.get("/api/voices/xx_XX-no-low/sample")
        assert (status, body["error"]["code"]) == (404, "voice-not-found")
        assert asked(hub) == 3


@pytest.mark.parametrize(
    ("instead", "status", "code"),
    [
        (None, 404, "sample-unknown"),
        (b"\xff\xfb\x90\x64" + bytes(5000), 502, "sample-invalid"),
        (b"no audio", 502, "sample-invalid"),
        (b"", 502, "sample-invalid"),
        (PAGE, 502, "captive-portal"),
        (b"x" * ((1 << 20) + 1), 502, "hub-answer-invalid"),
    ],
    ids=["missing", "one-frame", "text", "empty", "page", "too-long"],
)
async def test_what_is_no_sample_is_refused_and_not_kept(
    open_site: Open,
    script: Script,
    tmp_path: Path,
    instead: bytes | None,
    status: int,
    code: str,
) -> None:
    async with faulty_hub(with_speakers(amys_files(), 1)) as hub:
        site = await opened(open_site, script, hub, tmp_path)
        del hub.files[sample_path(0)]
        if instead is not None:
            hub.files[sample_path(0)] = instead
        found, body = await site.get(PATH)
        assert (found, body["error"]["code"]) == (status, code)
        hub.files[sample_path(0)] = sample()
        assert await listen(site) == hub.files[sample_path(0)]


async def test_endless_sample_is_cut_off(open_site: Open, script: Script, tmp_path: Path) -> None:
    async with faulty_hub(with_speakers(amys_files(), 1)) as hub:
        site = await opened(open_site, script, hub, tmp_path)
        hub.fault(Fault.ENDLESS, times=1)
        status, body = await site.get(PATH)
        assert (status, body["error"]["code"]) == (502, "hub-answer-invalid")


async def test_redirect_is_followed_only_where_files_are_fetched_from(
    open_site: Open, script: Script, tmp_path: Path
) -> None:
    async with faulty_hub(with_speakers(amys_files(), 1)) as hub:
        site = await opened(open_site, script, hub, tmp_path)
        for fault, code in (
            (Fault.FILE_SCHEME, "redirect-refused"),
            (Fault.LOOP, "redirect-refused"),
            (Fault.PORTAL, "captive-portal"),
        ):
            hub.fault(fault, times=1 if fault is not Fault.LOOP else 2)
            status, body = await site.get(PATH)
            assert (status, body["error"]["code"]) == (502, code)
            hub.repair()
        large = sample() * (LARGE // len(sample()) + 1)  # the hub keeps such files in its store
        hub.files[sample_path(0)] = large
        assert await listen(site) == large


async def test_nothing_is_fetched_offline(open_site: Open, script: Script, tmp_path: Path) -> None:
    site = await open_site(script(), data_dir=tmp_path, offline=True)
    status, body = await site.get(PATH)
    assert (status, body["error"]["code"]) == (409, "offline")


async def test_last_samples_are_kept_within_the_room(
    open_site: Open, script: Script, tmp_path: Path
) -> None:
    async with faulty_hub(with_speakers(amys_files(), 12)) as hub:
        size = (1 << 20) // len(sample())  # each a little less than the longest allowed
        for number in range(12):
            hub.files[sample_path(number)] = sample() * size
        site = await opened(open_site, script, hub, tmp_path)
        for number in range(12):
            await listen(site, f"?speaker={number}")
        before = len(hub.bodies())
        await listen(site, "?speaker=11")
        assert len(hub.bodies()) == before
        await listen(site, "?speaker=0")
        assert len(hub.bodies()) == before + 1
