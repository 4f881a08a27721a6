"""Mirrors, whose answers name no commit: known by their mark, and believed no more than that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.hub import COMMIT, FaultyHub
from support.hub_client import bench, tiny_files
from support.hub_faults import Fault
from wyoming_piper_hardened.catalogue.catalogue import refresh
from wyoming_piper_hardened.errors import VoiceError
from wyoming_piper_hardened.hub.files import CATALOGUE_PATH, MIRROR_PATH, mirror_commit, mirror_mark

FILES = tiny_files("newest")
MARKED = FILES | {MIRROR_PATH: mirror_mark(FILES[CATALOGUE_PATH])}


def folders(server: FaultyHub) -> list[str]:
    return [seen.path.split("/")[4] for seen in server.seen]


async def test_mirror_is_known_by_its_mark() -> None:
    async with bench(MARKED) as at_work:
        at_work.server.fault(Fault.NO_COMMIT)
        async with at_work.hub() as hub:
            catalogue = await refresh(hub)
            assert catalogue.commit == mirror_commit(MARKED[MIRROR_PATH])
            assert await refresh(hub, known=catalogue) is catalogue
        assert set(folders(at_work.server)) == {"main"}  # it has one state alone
        asked = [seen.path.rpartition("/")[2] for seen in at_work.server.seen]
        assert asked == [CATALOGUE_PATH, MIRROR_PATH, CATALOGUE_PATH, CATALOGUE_PATH]


async def test_commit_is_looked_for_where_a_mirror_has_its_files(tmp_path: Path) -> None:
    """By a client that has not seen the mark yet."""
    async with bench(MARKED) as at_work:
        at_work.server.fault(Fault.NO_COMMIT)
        downloaded = await at_work.download(at_work.config, tmp_path / "config.json")
        assert downloaded.md5 == at_work.config.md5
        assert folders(at_work.server) == [COMMIT, "main", "main"]


@pytest.mark.parametrize(
    "mark",
    [
        b"",
        b"<html>log in</html>",
        b"[]",
        b"null",
        json.dumps({"format": 2, "commit": COMMIT}).encode(),
        json.dumps({"format": 1, "commit": "main"}).encode(),
        json.dumps({"format": 1, "commit": 5}).encode(),
        json.dumps({"format": 1}).encode(),
        json.dumps({"format": 1, "commit": COMMIT, "more": "x" * 2000}).encode(),
    ],
)
async def test_other_answer_is_that_of_somebody_else(mark: bytes) -> None:
    async with bench(MARKED | {MIRROR_PATH: mark}) as at_work:
        at_work.server.fault(Fault.NO_COMMIT)
        async with at_work.hub() as hub:
            with pytest.raises(VoiceError) as refused:
                await refresh(hub)
        assert refused.value.code == "captive-portal"


async def test_repository_is_not_asked_for_a_mark() -> None:
    async with bench(MARKED) as at_work, at_work.hub() as hub:
        assert (await refresh(hub)).commit == COMMIT
        assert MIRROR_PATH not in " ".join(seen.path for seen in at_work.server.seen)
