"""A value that is kept over restarts, and files that hold none."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from support.events import logged
from wyoming_piper_hardened.errors import NoSpaceError, StoreError
from wyoming_piper_hardened.system.kept_json import KeptJson


def number(value: Any) -> int:
    if not isinstance(value, int):
        raise ValueError("it is no number")
    return value


async def test_value_is_read_as_it_was_written_and_gone_when_it_is_forgotten(
    tmp_path: Path,
) -> None:
    file = tmp_path / "folder" / "value.json"
    kept = KeptJson(file, 100)
    assert await asyncio.to_thread(kept.read, number) is None
    await kept.write(5)
    assert await asyncio.to_thread(KeptJson(file, 100).read, number) == 5
    await kept.write(None)
    assert not file.exists()
    await kept.write(None)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b'"five"', b"[" * 50_000, b"1" * 101, b"NaN", b"1" * 5000]
)
def test_file_without_a_value_is_an_event_and_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    file = tmp_path / "value.json"
    file.write_bytes(content)
    assert KeptJson(file, 100).read(number) is None
    (event,) = logged(caplog, "kept-file-ignored")
    assert event.params["path"] == file
    assert len(str(event)) < 500
    assert file.read_bytes() == content


def test_pipe_is_not_waited_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    os.mkfifo(tmp_path / "value.json")
    assert KeptJson(tmp_path / "value.json", 100).read(number) is None
    assert logged(caplog, "kept-file-ignored")


async def test_disk_that_refuses_is_an_error_and_the_value_before_is_kept(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("no folder")
    with pytest.raises(StoreError):
        await KeptJson(tmp_path / "folder" / "value.json", 100).write(5)


async def test_full_disk_is_an_error_and_the_value_before_is_kept(disk: Any) -> None:
    folder = disk("64k")
    kept = KeptJson(folder / "value.json", 1 << 20)
    await kept.write(5)
    with pytest.raises(NoSpaceError):
        await kept.write("x" * 100_000)
    assert await asyncio.to_thread(kept.read, number) == 5
    assert [path.name for path in folder.iterdir()] == ["value.json"]
