"""Files of others: whatever they are, nothing blocks, nothing grows, and the file is named."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from wyoming_piper_hardened.errors import SourceFileError
from wyoming_piper_hardened.system.foreign_files import check_file, copy_file, read_file

LIMIT = 4 << 20


def nothing() -> None:
    """Stand for a callback."""


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(3 << 30)


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


ODD: dict[str, Callable[[Path], object]] = {
    "endless device": lambda path: path.symlink_to("/dev/zero"),
    "terminal": lambda path: path.symlink_to("/dev/tty"),
    "pipe": os.mkfifo,
    "socket": listening,
    "folder": lambda path: path.mkdir(),
    "memory": lambda path: path.symlink_to("/proc/self/mem"),
    "kernel log": lambda path: path.symlink_to("/proc/kmsg"),
    "sparse": sparse,
    "empty": lambda path: path.touch(),
    "loop": lambda path: path.symlink_to(path),
    "nowhere": lambda path: path.symlink_to("nowhere"),
    "missing": lambda _: None,
}


@pytest.mark.parametrize("make", ODD.values(), ids=ODD)
def test_what_is_no_file_is_refused_by_name(tmp_path: Path, make: Callable[[Path], object]) -> None:
    path, target = tmp_path / "odd\x1b.json", tmp_path / "copy"
    make(path)
    with pytest.raises(SourceFileError, match=r"odd\\x1b\.json"):
        check_file(path, LIMIT)
    with pytest.raises(SourceFileError, match=r"odd\\x1b\.json"):
        read_file(path, LIMIT)
    with pytest.raises(SourceFileError):
        copy_file(path, target, LIMIT, nothing)
    assert target.stat().st_size == 0


def test_link_to_a_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "file").write_bytes(os.urandom(2_500_000))
    copy_file(tmp_path / "link", tmp_path / "copy", LIMIT, nothing)
    assert (tmp_path / "copy").read_bytes() == (tmp_path / "file").read_bytes()


def test_file_that_grows_is_copied_no_further_than_it_was(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(bytes(2 << 20))

    def grow() -> None:
        with source.open("ab") as file:
            file.write(bytes(2 << 20))

    with pytest.raises(SourceFileError, match="changed while"):
        copy_file(source, target, LIMIT, grow)
    assert target.stat().st_size == 2 << 20


@pytest.mark.parametrize("size", [0, 1 << 20])
def test_file_that_shrinks_is_refused(tmp_path: Path, size: int) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(3 << 20))
    with pytest.raises(SourceFileError, match="changed while"):
        copy_file(source, tmp_path / "target", LIMIT, lambda: os.truncate(source, size))


def test_file_that_is_swapped_is_copied_as_it_was_opened(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"old" * (1 << 20))

    def swap() -> None:
        source.unlink(missing_ok=True)
        source.symlink_to("/dev/zero")

    copy_file(source, target, LIMIT, swap)
    assert target.read_bytes() == b"old" * (1 << 20)


def test_copying_ends_at_the_next_block(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(bytes(4 << 20))
    blocks = iter([None, None])

    def stop() -> None:
        if next(blocks, ...) is ...:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        copy_file(source, target, LIMIT, stop)
    assert target.stat().st_size == 2 << 20


def test_error_of_the_target_is_not_blamed_on_the_source(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"x")
    with pytest.raises(IsADirectoryError):
        copy_file(tmp_path / "source", tmp_path, LIMIT, nothing)
