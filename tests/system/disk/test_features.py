"""Features of disks are found by trying, and nothing is left of that."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from support.plain_disk import plain_disk
from wyoming_piper_hardened.system.disk.features import DiskFeature, missing_features


def test_full_disk_lacks_nothing(tmp_path: Path) -> None:
    assert missing_features(tmp_path / "new") == frozenset()
    assert not list((tmp_path / "new").iterdir())


def test_plain_disk_lacks_everything(tmp_path: Path) -> None:
    with plain_disk():
        assert missing_features(tmp_path) == frozenset(DiskFeature)
    assert not list(tmp_path.iterdir())


def test_exfat_lacks_symbolic_links(exfat: Path) -> None:
    assert missing_features(exfat) == {DiskFeature.SYMBOLIC_LINKS}
    assert not list(exfat.iterdir())


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EROFS])
def test_disk_that_fails_lacks_nothing_for_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match=os.strerror(code)):
        missing_features(tmp_path)
    assert not list(tmp_path.iterdir())
