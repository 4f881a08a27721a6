"""Lines come whatever standard input is, and reading them holds up nothing."""

from __future__ import annotations

import asyncio
import os
import pty
import socket
import threading
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

import pytest

from support.waiting import eventually
from wyoming_piper_hardened.home_assistant.standard_input import MAX_LINE_BYTES, lines


@pytest.fixture
def pipe() -> Iterator[tuple[int, FileIO]]:
    reader, writer = os.pipe()
    with open(writer, "wb", buffering=0) as opened:  # noqa: PTH123 - a descriptor
        yield reader, opened
    os.close(reader)


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "standard input"]


async def all_lines(source: int) -> list[bytes | None]:
    return [line async for line in lines(source)]


def feed(writer: FileIO, *pieces: bytes) -> threading.Thread:
    def write() -> None:
        with writer:
            for piece in pieces:
                writer.write(piece)

    thread = threading.Thread(target=write)
    thread.start()
    return thread


LONG = b"x" * (MAX_LINE_BYTES + 1)


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([], []),
        ([b"a\nb\n"], [b"a", b"b"]),
        ([b"a", b"b", b"\nc"], [b"ab", b"c"]),
        ([b"\n\r\n  \na\r\n"], [b"a"]),
        ([b"\0\xff\n"], [b"\0\xff"]),
        ([LONG[1:] + b"\na\n"], [LONG[1:], b"a"]),
        ([LONG + b"\na\n"], [None, b"a"]),
        ([LONG, LONG, LONG, b"\na\n"], [None, b"a"]),
        ([LONG], [None]),
    ],
)
async def test_lines_are_bounded(
    pipe: tuple[int, FileIO], pieces: list[bytes], expected: list[bytes | None]
) -> None:
    reader, writer = pipe
    thread = feed(writer, *pieces)
    assert await all_lines(reader) == expected
    thread.join()


async def test_a_file_and_nothing(tmp_path: Path) -> None:
    file = tmp_path / "commands"
    file.write_bytes(b"a\nb")
    for path, expected in ((str(file), [b"a", b"b"]), (os.devnull, [])):
        source = os.open(path, os.O_RDONLY)
        assert await all_lines(source) == expected
        os.close(source)


async def test_a_socket() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"a\n")
        theirs.shutdown(socket.SHUT_WR)
        assert await all_lines(ours.fileno()) == [b"a"]


async def test_a_terminal() -> None:
    main, terminal = pty.openpty()
    os.write(main, b"a\nb\n\x04")  # the last is the key that ends input
    assert await all_lines(terminal) == [b"a", b"b"]
    assert os.get_blocking(terminal)  # other processes share it
    os.close(main)
    os.close(terminal)


async def test_what_cannot_be_read_ends(tmp_path: Path) -> None:
    source = os.open(tmp_path / "new", os.O_WRONLY | os.O_CREAT)
    assert await all_lines(source) == []
    os.close(source)


async def test_whoever_stops_waiting_leaves_no_thread(pipe: tuple[int, FileIO]) -> None:
    reader, _ = pipe
    waiting = asyncio.create_task(all_lines(reader))
    await eventually(readers)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await eventually(lambda: not readers())


async def test_what_nobody_takes_is_not_read(pipe: tuple[int, FileIO]) -> None:
    reader, writer = pipe
    os.set_blocking(writer.fileno(), False)
    received = lines(reader)
    writer.write(b"a\n")
    assert await anext(received) == b"a"
    written = 0
    while written < 10_000_000 and (more := writer.write(b"b\n" * 1000)) is not None:
        written += more
    assert written < 1_000_000
    await received.aclose()
