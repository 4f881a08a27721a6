"""The identity of a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from wyoming_piper_hardened.system.server_id import read_server_id


def test_id_is_made_once_and_kept(tmp_path: Path) -> None:
    made = read_server_id(tmp_path / "data")
    assert made is not None
    assert len(made) == 32
    assert read_server_id(tmp_path / "data") == made
    assert read_server_id(tmp_path / "other") != made


@pytest.mark.parametrize("content", [b"", b"x" * 32, b"\xff" * 32, b"0" * 1000])
def test_file_of_something_else_is_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "server-id").write_bytes(content)
    made = read_server_id(tmp_path)
    assert made is not None
    assert read_server_id(tmp_path) == made


def test_folder_that_cannot_be_written_has_no_id(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder", encoding="utf-8")
    assert read_server_id(tmp_path / "data") is None
