"""Any fault of a download ends in the exact bytes, or in a named error and little else."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from support.hub import ALWAYS
from support.hub_client import FOLDER, bench, real_voice
from support.hub_faults import Fault
from support.waiting import eventually
from wyoming_piper_hardened.errors import NoSpaceError, StoreError
from wyoming_piper_hardened.hub.errors import DownloadError

pytestmark = pytest.mark.slow

MODEL_SIZE = 63201294
CONFIG_SIZE = 4794
SHORT_STALL = 0.4


@pytest.fixture(scope="module")
def voice() -> dict[str, bytes]:
    return real_voice()


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


RECOVERED = [
    *((Fault.CUT, at) for at in (0, 1, 1023, 1024, 1 << 20, 40_000_001, MODEL_SIZE - 1)),
    *((Fault.RESET, at) for at in (0, 1, 5_000_000, MODEL_SIZE - 1)),
    *((Fault.EARLY_END, at) for at in (0, 1, 5_000_000, MODEL_SIZE - 1)),
    *((Fault.SHORT, at) for at in (0, 1, 5_000_000, MODEL_SIZE - 1)),
    *((Fault.FLIP, at) for at in (0, 31_000_000, MODEL_SIZE - 1)),
    *((Fault.STALL, at) for at in (0, 3_000_000)),
    *((fault, 0) for fault in (Fault.DRIP, Fault.LONG, Fault.ENDLESS, Fault.EXPIRED)),
    *((fault, 0) for fault in (Fault.TIMEOUT, Fault.TOO_EARLY, Fault.BUSY, Fault.NO_ANSWER)),
    *((fault, 9) for fault in (Fault.RATE_SECONDS, Fault.RATE_DATE, Fault.RATE_HEADER)),
]


@pytest.mark.parametrize(("fault", "at"), RECOVERED)
async def test_passing_fault_ends_in_the_exact_bytes(
    voice: dict[str, bytes], tmp_path: Path, fault: Fault, at: int
) -> None:
    slow = fault in {Fault.STALL, Fault.DRIP, Fault.NO_ANSWER}
    async with bench(voice, stall=SHORT_STALL if slow else 20) as at_work:
        at_work.server.fault(fault, at=at, times=1)
        target = tmp_path / "model.onnx"
        done = await at_work.download(at_work.model, target)
        data = target.read_bytes()
        assert data == voice[at_work.model.path]
        assert done.sha256 == hashlib.sha256(data).hexdigest()
        assert (done.md5, done.size) == (at_work.model.md5, MODEL_SIZE)
        assert left(tmp_path) == ["model.onnx"]


AFTER_A_CUT = (Fault.IGNORE_RANGE, Fault.WRONG_RANGE, Fault.OTHER_ETAG, Fault.NOT_SATISFIABLE)


@pytest.mark.parametrize("fault", AFTER_A_CUT)
@pytest.mark.parametrize("times", [1, ALWAYS])
async def test_unrequested_range_starts_over(
    voice: dict[str, bytes], tmp_path: Path, fault: Fault, times: int
) -> None:
    async with bench(voice) as at_work:
        at_work.server.fault(Fault.CUT, at=7_000_000, times=1)
        at_work.server.fault(fault, times=times)
        target = tmp_path / "model.onnx"
        await at_work.download(at_work.model, target)
        assert target.read_bytes() == voice[at_work.model.path]
        assert "Range" in at_work.server.bodies()[1].headers
        assert left(tmp_path) == ["model.onnx"]


PART = "config.json.811036b9.part"
NAMED = [
    (Fault.CUT, 100, "download-interrupted", [PART]),
    (Fault.RESET, 100, "hub-unreachable|download-interrupted", [PART]),
    (Fault.STALL, 100, "hub-unreachable|download-interrupted", [PART]),
    (Fault.DRIP, 0, "download-interrupted", [PART]),
    (Fault.EARLY_END, 4000, "download-interrupted", [PART]),
    (Fault.SHORT, 4000, "download-corrupt", []),
    (Fault.LONG, 0, "download-corrupt", []),
    (Fault.ENDLESS, 0, "download-corrupt", []),
    (Fault.FLIP, 4000, "download-corrupt", []),
    (Fault.HTML, 0, "captive-portal", []),
    (Fault.LFS_POINTER, 0, "not-a-model", []),
    (Fault.JSON_ERROR, 0, "not-a-model", []),
    (Fault.XML_ERROR, 0, "not-a-model", []),
    (Fault.GZIP, 0, "hub-answer-invalid", []),
    (Fault.NOT_FOUND, 0, "not-on-hub", []),
    (Fault.UNAUTHORIZED, 0, "hub-refused", []),
    (Fault.FORBIDDEN, 0, "hub-refused", []),
    (Fault.TEAPOT, 0, "hub-answer-invalid", []),
    (Fault.TIMEOUT, 0, "hub-unreachable", []),
    (Fault.BUSY, 0, "hub-unreachable", []),
    (Fault.BUSY_LONG, 0, "hub-unreachable", []),
    (Fault.RATE_SECONDS, 5, "rate-limited", []),
    (Fault.RATE_SECONDS, 61, "rate-limited", []),
    (Fault.RATE_DATE, 3600, "rate-limited", []),
    (Fault.RATE_HEADER, 300, "rate-limited", []),
    (Fault.NO_ANSWER, 0, "hub-unreachable", []),
    (Fault.NOT_HTTP, 0, "hub-answer-invalid", []),
    (Fault.NO_COMMIT, 0, "captive-portal", []),
    (Fault.OTHER_COMMIT, 0, "hub-answer-invalid", []),
    (Fault.PORTAL, 0, "captive-portal", []),
    (Fault.LOOP, 0, "redirect-refused", []),
    (Fault.MAZE, 0, "redirect-refused", []),
    (Fault.FILE_SCHEME, 0, "redirect-refused", []),
    (Fault.NOWHERE, 0, "redirect-refused", []),
]


@pytest.mark.parametrize(("fault", "at", "code", "remains"), NAMED)
async def test_lasting_fault_is_a_named_error(
    voice: dict[str, bytes], tmp_path: Path, fault: Fault, at: int, code: str, remains: list[str]
) -> None:
    slow = fault in {Fault.STALL, Fault.DRIP, Fault.NO_ANSWER}
    async with bench(voice, stall=SHORT_STALL if slow else 20) as at_work:
        at_work.server.fault(fault, at=at)
        with pytest.raises(DownloadError) as raised:
            await at_work.download(at_work.config, tmp_path / "config.json")
        assert raised.value.code in code.split("|")
        assert left(tmp_path) == remains
        assert len(at_work.server.seen) <= 10
        assert len(at_work.pauses) <= 3
        asked_to_go = fault in {Fault.RATE_SECONDS, Fault.RATE_DATE, Fault.RATE_HEADER} and at > 60
        assert not (asked_to_go and at_work.pauses)
        at_work.server._plan.clear()  # and what is left is of use, or does not harm
        await at_work.download(at_work.config, tmp_path / "config.json")
        assert (tmp_path / "config.json").read_bytes() == voice[at_work.config.path]
        assert left(tmp_path) == ["config.json"]


STORE_FAULTS = [
    (Fault.HTML, "captive-portal"),
    (Fault.LFS_POINTER, "not-a-model"),
    (Fault.XML_ERROR, "not-a-model"),
    (Fault.JSON_ERROR, "not-a-model"),
    (Fault.FLIP, "download-corrupt"),
    (Fault.ENDLESS, "download-corrupt"),
    (Fault.LONG, "download-corrupt"),
    (Fault.OTHER_DIGEST, "download-corrupt"),
    (Fault.OTHER_SIZE, "catalogue-stale"),
    (Fault.EXPIRED, "hub-refused"),
]


@pytest.mark.parametrize(("fault", "code"), STORE_FAULTS)
async def test_refusing_file_host_is_a_named_error(
    voice: dict[str, bytes], tmp_path: Path, fault: Fault, code: str
) -> None:
    async with bench(voice) as at_work:
        at_work.server.fault(fault, at=1000)
        with pytest.raises(DownloadError) as raised:
            await at_work.download(at_work.model, tmp_path / "model.onnx")
        assert raised.value.code == code
        assert left(tmp_path) == []
        assert at_work.server.sent < 2 * MODEL_SIZE + 20_000_000  # an endless body is cut off


@settings(max_examples=60, deadline=None)
@given(
    faults=st.lists(
        st.tuples(
            st.sampled_from([Fault.CUT, Fault.RESET, Fault.EARLY_END, Fault.BUSY]),
            st.integers(0, CONFIG_SIZE - 1),
        ),
        max_size=3,
    )
)
def test_download_cut_at_any_bytes_is_resumed(
    voice: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
    faults: list[tuple[Fault, int]],
) -> None:
    files = {path: data for path, data in voice.items() if path.endswith("json")}
    files[f"{FOLDER}/en_US-joe-medium.onnx"] = b"not needed"

    async def run() -> None:
        target = tmp_path_factory.mktemp("cut") / "config.json"
        async with bench(files) as at_work:
            for fault, at in faults:
                at_work.server.fault(fault, at=at, times=1)
            await at_work.download(at_work.config, target)
            assert target.read_bytes() == voice[at_work.config.path]
            assert left(target.parent) == ["config.json"]

    asyncio.run(run())


async def test_download_with_frequent_cuts_completes(
    voice: dict[str, bytes], tmp_path: Path
) -> None:
    places = sorted(random.Random(5).sample(range(5_000_000, MODEL_SIZE, 2_000_000), 12))
    async with bench(voice) as at_work:
        for place in places:
            at_work.server.fault(Fault.CUT, at=place, times=1)
        target = tmp_path / "model.onnx"
        await at_work.download(at_work.model, target)
        assert target.read_bytes() == voice[at_work.model.path]
        assert len(at_work.server.bodies()) == 13
        assert at_work.server.sent < MODEL_SIZE + 13 * 1_000_000


async def test_pauses_grow_and_requested_waits_are_honoured(
    voice: dict[str, bytes], tmp_path: Path
) -> None:
    async with bench(voice) as at_work:
        at_work.server.fault(Fault.BUSY)
        with pytest.raises(DownloadError, match="try later"):
            await at_work.download(at_work.config, tmp_path / "a")
        assert at_work.pauses == [1, 2, 4]
    for fault in (Fault.RATE_SECONDS, Fault.RATE_DATE, Fault.RATE_HEADER):
        async with bench(voice) as at_work:
            at_work.server.fault(fault, at=55, times=2)
            await at_work.download(at_work.config, tmp_path / "b")
            assert at_work.pauses == [pytest.approx(55, abs=2)] * 2


async def test_later_download_resumes_the_part(voice: dict[str, bytes], tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"
    async with bench(voice) as at_work:
        at_work.server.fault(Fault.CUT, at=50_000_000, times=1)
        at_work.server.fault(Fault.FORBIDDEN, times=1)
        with pytest.raises(DownloadError):
            await at_work.download(at_work.model, target)
        (part,) = left(tmp_path)
        size = (tmp_path / part).stat().st_size
        assert 49_000_000 < size <= 50_000_000
    async with bench(voice) as at_work:
        progress: list[tuple[int, int]] = []
        await at_work.download(at_work.model, target, lambda *step: progress.append(step))
        assert at_work.server.sent == MODEL_SIZE - size
        assert progress[0] == (size, MODEL_SIZE)
        assert progress[-1] == (MODEL_SIZE, MODEL_SIZE)
        assert progress == sorted(progress)
        assert at_work.server.bodies()[0].headers["Range"] == f"bytes={size}-"
    assert target.read_bytes() == voice[at_work.model.path]


@pytest.mark.parametrize("junk", [b"x" * 1000, b"x" * (CONFIG_SIZE + 1), b"x" * CONFIG_SIZE])
async def test_invalid_part_is_dropped(
    voice: dict[str, bytes], tmp_path: Path, junk: bytes
) -> None:
    (tmp_path / PART).write_bytes(junk)
    async with bench(voice) as at_work:
        await at_work.download(at_work.config, tmp_path / "config.json")
        assert (tmp_path / "config.json").read_bytes() == voice[at_work.config.path]
        assert left(tmp_path) == ["config.json"]


async def test_resumed_range_is_bound_to_the_etag(voice: dict[str, bytes], tmp_path: Path) -> None:
    async with bench(voice) as at_work:
        at_work.server.fault(Fault.CUT, at=9_000_000, times=1)
        done = await at_work.download(at_work.model, tmp_path / "model.onnx")
        first, second = at_work.server.bodies()
        assert first.headers["Accept-Encoding"] == "identity"
        assert second.headers["If-Range"] == done.etag
        assert first.path != second.path  # the address was signed anew


async def test_cancelled_download_leaves_its_part(voice: dict[str, bytes], tmp_path: Path) -> None:
    async with bench(voice) as at_work:
        at_work.server.fault(Fault.STALL, at=30_000_000)
        running = asyncio.create_task(at_work.download(at_work.model, tmp_path / "model.onnx"))
        await eventually(lambda: at_work.server.sent >= 29_000_000)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert left(tmp_path) == ["model.onnx.74fd6a4d.part"]


async def test_closed_port_is_a_named_error(voice: dict[str, bytes], tmp_path: Path) -> None:
    async with bench(voice) as at_work:
        pass
    with pytest.raises(DownloadError, match="check the network") as raised:
        await at_work.download(at_work.config, tmp_path / "config.json")
    assert raised.value.code == "hub-unreachable"
    assert at_work.pauses == [1, 2, 4]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    command = ("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder))
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small disk")
    yield folder
    subprocess.run(("umount", str(folder)), check=True)


async def test_full_disk_is_a_named_error_and_the_part_is_removed(
    voice: dict[str, bytes], small_disk: Path
) -> None:
    async with bench(voice) as at_work:
        with pytest.raises(NoSpaceError, match=r"63\.2 MB") as raised:
            await at_work.download(at_work.model, small_disk / "model.onnx")
        assert raised.value.code == "no-space"
        assert left(small_disk) == []
        assert not at_work.pauses
        assert at_work.server.sent < 20_000_000


async def test_refusing_disk_is_a_named_error(voice: dict[str, bytes], tmp_path: Path) -> None:
    async with bench(voice) as at_work:
        with pytest.raises(StoreError, match="No such file"):
            await at_work.download(at_work.config, tmp_path / "missing" / "config.json")
        outside = tmp_path / "outside"
        outside.write_bytes(b"precious")
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / PART).symlink_to(outside)
        with pytest.raises(StoreError):
            await at_work.download(at_work.config, tmp_path / "in" / "config.json")
        assert outside.read_bytes() == b"precious"
        assert at_work.server.seen == []
