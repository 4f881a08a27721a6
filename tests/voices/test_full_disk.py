"""A real file system that is too small for a voice: a named error, and the server speaks on."""

from __future__ import annotations

import asyncio
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import Disk, Serve
from support.client import connected
from support.voices import SINGLE, SINGLE_CONFIG
from wyoming_piper_hardened.composition import build_installer
from wyoming_piper_hardened.config.sources import load_settings
from wyoming_piper_hardened.engine.preparation import split as split_module
from wyoming_piper_hardened.engine.preparation.surgery.cut import Windowed
from wyoming_piper_hardened.errors import NoSpaceError
from wyoming_piper_hardened.store.origin import Origin
from wyoming_piper_hardened.voices.installation.progress import Report
from wyoming_piper_hardened.voices.installation.sources import CheckRoom, Source, package_source


def fill(disk: Path, left: int) -> None:
    """Fill the disk but for `left` bytes."""
    room = shutil.disk_usage(disk).free - left
    if room > 0:
        with (disk / "ballast").open("ab") as file:
            os.posix_fallocate(file.fileno(), file.tell(), room)


@dataclass(frozen=True)
class Squeezed:
    """A source after which no more than `left` bytes of `disk` are free."""

    source: Source
    disk: Path
    left: int

    @property
    def voice(self) -> str:
        return self.source.voice

    @property
    def origin(self) -> Origin:
        return self.source.origin

    @property
    def model_bytes(self) -> int:
        return self.source.model_bytes

    async def fetch(self, stage: Path, report: Report, check_room: CheckRoom) -> Origin:
        origin = await self.source.fetch(stage, report, check_room)
        await asyncio.to_thread(fill, self.disk, self.left)
        return origin


@pytest.mark.parametrize(
    ("size", "left", "message"),
    [("100m", 0, "MB are needed"), ("400m", 100_000, "cannot be prepared: no room for")],
    ids=["for the voice", "for its parts"],
)
async def test_install_without_space_is_a_named_error(
    disk: Disk,
    start_server: Serve,
    size: str,
    left: int,
    message: str,
) -> None:
    mounted = await asyncio.to_thread(disk, size)
    data = mounted / "data"
    source = await asyncio.to_thread(package_source)
    assert source
    installer = build_installer(load_settings(flags={"data_dir": data}))
    with pytest.raises(NoSpaceError, match=message) as raised:
        await installer.install(Squeezed(source, mounted, left))
    assert raised.value.code == "no-space"
    assert not (data / "voices").exists()
    assert not list((data / "staging").iterdir())
    await asyncio.to_thread(fill, mounted, 0)
    server = await start_server(data_dir=data)
    assert server.port
    async with connected(server.port) as client:
        assert len((await client.say("It speaks all the same.")).pcm) > 20_000
        assert len((await client.say("And it goes on.")).pcm) > 10_000
        await client.send("describe")
        (info,) = (await client.until("info")).events
    assert source.voice in {voice["name"] for voice in info.data["tts"][0]["voices"]}
    assert not list((data / "staging").glob("*"))


def test_full_disk_does_not_count_as_unsplittable_voice(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts that do not fit are an error; the voice is not taken as it is."""
    mounted = disk("2m")
    write = split_module._write

    def write_too_late(voice: split_module._Preparation, windowed: Windowed) -> None:
        fill(mounted, 0)
        write(voice, windowed)

    monkeypatch.setattr(split_module, "_write", write_too_late)
    with pytest.raises(NoSpaceError):
        split_module.split(SINGLE, SINGLE_CONFIG, mounted)
