"""The token of Home Assistant's integration."""

from __future__ import annotations

import asyncio
import shutil
import stat
from pathlib import Path

import pytest

from wyoming_piper_hardened.errors import StoreError
from wyoming_piper_hardened.system.pairing import Pairing

FIRST, SECOND = "a" * 43, "b" * 43


def modes(folder: Path) -> list[int]:
    return [stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()]


def make_a_file_of(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("no folder", encoding="utf-8")


async def test_pairing_again_replaces_the_token_and_survives_a_restart(tmp_path: Path) -> None:
    pairing = Pairing(tmp_path)
    assert not pairing.paired
    assert not pairing.matches("")
    await pairing.replace(FIRST)
    await pairing.replace(SECOND)
    assert (pairing.matches(FIRST), pairing.matches(SECOND)) == (False, True)
    restarted = Pairing(tmp_path)
    await asyncio.to_thread(restarted.read)
    assert (restarted.matches(FIRST), restarted.matches(SECOND)) == (False, True)
    assert await asyncio.to_thread(modes, tmp_path) == [0o600]
    await restarted.replace(None)
    assert not restarted.paired
    assert not restarted.matches(SECOND)
    assert await asyncio.to_thread(modes, tmp_path) == []


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 43, b"a" * 1000, b"a b" * 20])
def test_file_of_something_else_is_no_token(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "companion-token").write_bytes(content)
    pairing = Pairing(tmp_path)
    pairing.read()
    assert not pairing.paired
    assert not pairing.matches(content.decode(errors="replace"))


async def test_token_before_stays_valid_if_the_disk_refuses(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    pairing = Pairing(folder)
    await pairing.replace(FIRST)
    await asyncio.to_thread(make_a_file_of, folder)
    with pytest.raises(StoreError):
        await pairing.replace(SECOND)
    assert pairing.matches(FIRST)
