"""A real file system that is too small for a voice: told by its name, and the server speaks on."""

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
from wyoming_piper_hardened.config import load_settings
from wyoming_piper_hardened.engine import split as split_module
from wyoming_piper_hardened.engine.surgery.cut import Windowed
from wyoming_piper_hardened.errors import NoSpaceError
from wyoming_piper_hardened.service import build_installer
from wyoming_piper_hardened.voices.progress import Report
from wyoming_piper_hardened.voices.sources import Source, package_source


def fill(disk: Path, left: int) -> None:
    """Let something else take all the room but `left` bytes."""
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
    def label(self) -> str:
        return self.source.label

    @property
    def model_bytes(self) -> int:
        return self.source.model_bytes

    async def place(self, stage: Path, report: Report) -> str:
        label = await self.source.place(stage, report)
        await asyncio.to_thread(fill, self.disk, self.left)
        return label


@pytest.mark.parametrize(
    ("size", "left", "told"),
    [("100m", 0, "MB are needed"), ("400m", 100_000, "cannot be prepared: no room for")],
    ids=["for the voice", "for its parts"],
)
async def test_no_room(
    disk: Disk,
    start_server: Serve,
    size: str,
    left: int,
    told: str,
) -> None:
    place = await asyncio.to_thread(disk, size)
    data = place / "data"
    source = await asyncio.to_thread(package_source)
    assert source
    installer = build_installer(load_settings(flags={"data_dir": data}))
    with pytest.raises(NoSpaceError, match=told) as raised:
        await installer.install(Squeezed(source, place, left))
    assert raised.value.code == "no-space"
    assert not (data / "voices").exists()
    assert not list((data / "staging").iterdir())
    await asyncio.to_thread(fill, place, 0)
    server = await start_server(data_dir=data)
    assert server.port
    async with connected(server.port) as client:
        assert len((await client.say("It speaks all the same.")).pcm) > 20_000
        assert len((await client.say("And it goes on.")).pcm) > 10_000
        await client.send("describe")
        (info,) = (await client.until("info")).events
    assert source.voice in {voice["name"] for voice in info.data["tts"][0]["voices"]}
    assert not list((data / "staging").glob("*"))


def test_a_disk_that_fills_up_is_no_reason_to_speak_unsplit(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fit must not be taken for a voice that cannot be split."""
    place = disk("2m")
    write = split_module._write

    def write_too_late(work: split_module._Work, windowed: Windowed) -> None:
        fill(place, 0)
        write(work, windowed)

    monkeypatch.setattr(split_module, "_write", write_too_late)
    with pytest.raises(NoSpaceError):
        split_module.split(SINGLE, SINGLE_CONFIG, place)
