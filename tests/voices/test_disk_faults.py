"""A disk that is full or fails, at every single operation: a named error, and nothing is lost."""

from __future__ import annotations

import asyncio
import errno
import json
import shutil
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import Report
from support.disk_faults import Refusal, refusing
from support.hub import faulty_hub
from support.hub_faults import voices_json
from support.power_cut import OnlySource
from support.voices import SINGLE, SINGLE_CONFIG
from wyoming_piper_hardened.composition import build_installer
from wyoming_piper_hardened.config.sources import load_settings
from wyoming_piper_hardened.engine.preparation.split import split
from wyoming_piper_hardened.errors import NoSpaceError, StoreError, VoiceNotFoundError
from wyoming_piper_hardened.hub.files import CATALOGUE_PATH
from wyoming_piper_hardened.hub.settings import HubSettings
from wyoming_piper_hardened.reporting.issues import IssueKind, Issues, Suggestion
from wyoming_piper_hardened.store.manifest import find_damage
from wyoming_piper_hardened.store.origin import Origin, OriginKind
from wyoming_piper_hardened.store.store import SpacePolicy, Store
from wyoming_piper_hardened.system.aio import Notifier
from wyoming_piper_hardened.voices.installation.installer import Installer
from wyoming_piper_hardened.voices.installation.sources import (
    FileSource,
    HubSource,
    Source,
    SourceFinder,
)
from wyoming_piper_hardened.voices.jobs import JobRunner
from wyoming_piper_hardened.voices.library import Library, find_voices

pytestmark = pytest.mark.slow

NAME = "en_US-amy-medium"
HUB_FILE = f"en/en_US/amy/medium/{NAME}.onnx"
NAMED = {errno.ENOSPC: (NoSpaceError,), errno.EIO: (StoreError,)}
CODES: dict[int, set[str]] = {
    errno.ENOSPC: {"no-space"},
    errno.EIO: {"store-unusable"},
}
EXTRAS = {"reason.json"}  # does without
ONE_EACH = [(errno.ENOSPC, True), (errno.EIO, False)]
"""A full disk stays full; a single block is bad."""
EVERY_KIND = [*ONE_EACH, (errno.ENOSPC, False), (errno.EIO, True)]


class Nobody(SourceFinder):
    """Finds nothing."""

    def __init__(self) -> None:
        pass

    def find(self, name: str) -> Source:
        raise VoiceNotFoundError(name)


def custom(fingerprint: str) -> Origin:
    return Origin(OriginKind.CUSTOM, fingerprint)


@dataclass(frozen=True)
class Bench:
    """An old and a new version of a tiny voice, and the parts that a preparation gives."""

    old: Source
    new: Source
    parts: Path

    def installer(
        self, data: Path, source: Source | None, space: SpacePolicy | None = None
    ) -> Installer:
        """Return a real one, but for the processes that prepare and test a voice."""

        async def prepare(_: Path, folder: Path) -> None:
            def copy() -> None:
                for part in self.parts.iterdir():
                    shutil.copyfile(part, folder / part.name)

            await asyncio.to_thread(copy)

        async def try_voice(_: Path) -> None:
            pass

        sources = Nobody() if source is None else OnlySource(source)
        return Installer(Store(data, space), sources, try_voice, prepare)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("bench")
    parts = folder / "parts"
    split(SINGLE, SINGLE_CONFIG, parts)

    def source(version: str) -> FileSource:
        model = folder / version / f"{NAME}.onnx"
        model.parent.mkdir()
        model.write_bytes(SINGLE.read_bytes() + version.encode())  # nobody loads it here
        shutil.copyfile(SINGLE_CONFIG, f"{model}.json")
        return FileSource(NAME, custom(version), model, model.stat().st_size)

    return Bench(source("old"), source("new"), parts)


def contents(version: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in version.iterdir()}


def tree(data: Path) -> set[str]:
    """Return the paths in the data directory, but for folders that every transaction leaves."""
    idle = {"locks", f"locks/{NAME}", "staging", "voices", "quarantine"}
    return {str(path.relative_to(data)) for path in data.rglob("*")} - idle


@dataclass(frozen=True)
class Before:
    """The state of the store before the disk refused."""

    data: Path
    serving: Path | None
    files: dict[str, bytes]
    tree: set[str]

    @classmethod
    def of(cls, data: Path) -> Before:
        serving = Store(data).serving(NAME)
        return cls(data, serving, contents(serving) if serving else {}, tree(data))

    def check(self, *, succeeded: bool) -> bool:
        """Check both versions; return whether the new one serves."""
        store = Store(self.data)
        current = store.current(NAME)
        switched = current is not None and current != self.serving
        assert switched or not succeeded
        assert not list((self.data / "staging").glob("*"))
        serving = store.serving(NAME)
        offered = {v.name: v.model.parent for v in find_voices(store)}.get(NAME)
        assert offered == serving
        if switched:
            assert current is not None
            assert serving == current
            assert find_damage(current, digests=True) == ()
        else:
            assert serving == self.serving
            assert tree(self.data) == self.tree
        if self.serving is not None and self.serving.exists():
            assert self.files.items() <= contents(self.serving).items()
        else:
            assert succeeded or self.serving is None
        return switched


Act = Callable[[Path], Awaitable[object]]


async def at_every_operation(
    act: Act,
    before: Path,
    tmp_path: Path,
    kinds: Sequence[tuple[int, bool]],
    *,
    plain: bool = False,
) -> dict[str, int]:
    """Repeat an action, refused at every point; return counts of the outcomes."""
    counts = dict.fromkeys(("points", "runs", "failed", "failed after the switch", "succeeded"), 0)
    for code, permanent in kinds:
        at, more = 0, True
        while more:
            at += 1
            data = tmp_path / f"{code}-{permanent}-{at}"
            await asyncio.to_thread(shutil.copytree, before, data, symlinks=True)
            refusal = Refusal(data, at, code, permanent=permanent)
            more = await _refused(act, refusal, data, counts, plain=plain)
            await asyncio.to_thread(shutil.rmtree, data)
        counts["points"] = at - 1
        counts["runs"] += at - 1
    return counts


async def _refused(
    act: Act, refusal: Refusal, data: Path, counts: dict[str, int], *, plain: bool
) -> bool:
    """Run once; return whether there was anything to refuse."""
    before = await asyncio.to_thread(Before.of, data)
    error: BaseException | None = None
    with refusing(refusal, plain=plain):
        try:
            await act(data)
        except BaseException as err:  # noqa: BLE001 - its class is what is tested
            error = err
        if not refusal.refused:
            assert error is None
            return False
        if error is None:
            assert {Path(path).name for _, path in refusal.refused} <= EXTRAS
            counts["succeeded"] += 1
        else:
            assert isinstance(error, NAMED[refusal.code]), f"{error!r} after {refusal.refused}"
            assert error.code in CODES[refusal.code]
            counts["failed"] += 1
        switched = await asyncio.to_thread(lambda: before.check(succeeded=error is None))
        counts["failed after the switch"] += switched and error is not None
        refusal.over = True
        await act(data)
    assert await asyncio.to_thread(lambda: before.check(succeeded=True))
    return True


def flip(file: Path) -> None:
    """Damage that does not show in the size: the version is still served."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.long
@pytest.mark.parametrize("disk", ["full", "plain"])
@pytest.mark.parametrize(
    ("action", "kinds"),
    [
        ("install", ONE_EACH),
        ("update", EVERY_KIND),
        ("repair parts", EVERY_KIND),
        ("repair model", ONE_EACH),
    ],
)
async def test_disk_refuses_at_every_operation(
    tmp_path: Path,
    bench: Bench,
    action: str,
    kinds: list[tuple[int, bool]],
    disk: str,
    report: Report,
) -> None:
    """The version before is one of a disk with all features, as if it had been moved."""
    plain = disk == "plain"
    before = tmp_path / "before"
    before.mkdir()
    if action != "install":
        await bench.installer(before, bench.old).install(bench.old)
    if action.startswith("repair"):
        damaged = "decoder.onnx" if action == "repair parts" else f"{NAME}.onnx"
        (file,) = before.glob(f"voices/{NAME}/*-*/{damaged}")
        flip(file)

    async def act(data: Path) -> None:
        installer = bench.installer(data, bench.new)
        await (installer.repair(NAME) if "repair" in action else installer.install(bench.new))

    counts = await at_every_operation(act, before, tmp_path, kinds, plain=plain)
    assert counts["points"] > 30
    assert counts["failed"] + counts["succeeded"] == counts["runs"]
    assert counts["runs"] == len(kinds) * counts["points"]
    show(f"{action} on a {disk} disk", counts, report)


@pytest.mark.long
async def test_disk_refuses_at_every_operation_of_a_download(
    tmp_path: Path,
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    report: Report,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")  # reading the real ones takes longest
    before = tmp_path / "before"
    before.mkdir()
    await bench.installer(before, bench.old).install(bench.old)
    files = {HUB_FILE: SINGLE.read_bytes(), f"{HUB_FILE}.json": SINGLE_CONFIG.read_bytes()}
    files[CATALOGUE_PATH] = json.dumps(voices_json(files)).encode()
    async with faulty_hub(files) as hub:
        source = HubSource(
            HubSettings(endpoint=hub.endpoint),
            NAME,
            Origin(OriginKind.HUB, "x"),
            len(files[HUB_FILE]),
        )

        async def act(data: Path) -> None:
            await bench.installer(data, source).install(source)

        counts = await at_every_operation(act, before, tmp_path, ONE_EACH)
    assert counts["failed"] == counts["runs"] == 2 * counts["points"] > 60
    show("download", counts, report)


async def test_failed_commit_with_real_processes(tmp_path: Path, bench: Bench) -> None:
    await bench.installer(tmp_path, bench.old).install(bench.old)
    before = await asyncio.to_thread(Before.of, tmp_path)
    source = FileSource(NAME, custom("x"), SINGLE, SINGLE.stat().st_size)
    installer = build_installer(load_settings(flags={"data_dir": tmp_path}))
    with (
        refusing(Refusal(tmp_path, 1, errno.EIO, only="symlink")) as refusal,
        pytest.raises(StoreError, match="what was there still serves"),
    ):
        await installer.install(source)
    assert refusal.refused
    assert not await asyncio.to_thread(lambda: before.check(succeeded=False))
    assert (await installer.install(source)).prepared
    assert await asyncio.to_thread(lambda: before.check(succeeded=True))


@pytest.mark.parametrize("how", ["the disk is full", "it would not fit"])
async def test_repair_without_space_opens_an_issue_and_the_voice_stays(
    tmp_path: Path, bench: Bench, how: str
) -> None:
    """Also for a voice that no source has."""
    voice = await bench.installer(tmp_path, bench.old).install(bench.old)
    flip(voice.model.with_name("decoder.onnx"))
    library, issues = Library([voice], NAME), Issues()
    free = [1 << 40]
    installer = bench.installer(tmp_path, None, SpacePolicy(free=lambda _: free[0]))
    job_runner = JobRunner(installer, library, issues, Notifier(), lambda _: None)
    full = how == "the disk is full"
    with refusing(Refusal(tmp_path, 2 if full else 0, errno.ENOSPC, permanent=True)) as refusal:
        if not full:
            free[0] = 0
        with pytest.raises(NoSpaceError):
            await job_runner.repair(NAME)
        (issue,) = issues
        assert (issue.kind, issue.subject) == (IssueKind.NO_SPACE, NAME)
        assert issue.suggestion is Suggestion.FREE_SPACE
        assert library.find(NAME) == voice
        assert await asyncio.to_thread(Store(tmp_path).serving, NAME) == voice.model.parent
        refusal.over = True
        free[0] = 1 << 40
        repaired = await job_runner.repair(NAME)
    assert not list(issues)
    assert library.find(NAME) == repaired != voice
    assert await job_runner.verify(NAME) == ()


def show(action: str, counts: dict[str, int], report: Report) -> None:
    shown = ", ".join(f"{number} {name}" for name, number in counts.items())
    report(f"{action}: refused at each operation: {shown}; nothing was lost")
